"""A value that cannot be is refused in a sentence that helps; a declaration is complete."""

import re

import pytest

from cryoloom.errors import ParameterError
from cryoloom.project.registry import all_protocols, find_protocol
from cryoloom.protocol import Param, ProgramProtocol, Protocol
from cryoloom.protocol.conditions import condition_names, holds
from cryoloom.protocol.datasets import Micrographs


def test_an_unknown_parameter_offers_the_nearest_names() -> None:
    with pytest.raises(ParameterError, match="Did you mean nr_classes"):
        find_protocol("relion.class2d")({"nr_clases": 5})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("nr_classes", 0, "expected a value ≥ 1"),
        ("nr_classes", "many", "expected a whole number"),
        ("nr_classes", 2.5, "expected a whole number"),
        ("tau_fudge", "nan", "expected a finite number"),
        ("do_zero_mask", "perhaps", "expected Yes or No"),
        ("particle_diameter", -3, "expected a value > 0"),
    ],
)
def test_a_value_out_of_its_limits_is_refused(name: str, value: object, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        find_protocol("relion.class2d")({name: value})


def test_a_choice_may_be_given_by_its_number_or_its_first_word() -> None:
    motion = find_protocol("relion.motioncorr")({"gain_rot": 1, "gain_flip": "auto"})
    refine = find_protocol("relion.refine3d")({"sampling": "3.7"})

    assert motion.values["gain_rot"] == "90 degrees (1)"
    assert motion.values["gain_flip"] == "auto"
    assert refine.values["sampling"] == "3.7 degrees"


def test_relion_s_words_and_python_s_values_mean_the_same() -> None:
    kind = find_protocol("relion.class2d")

    assert (
        kind({"do_zero_mask": "No", "nr_classes": "50"}).values
        == kind({"do_zero_mask": False, "nr_classes": 50}).values
    )


@pytest.mark.parametrize(
    ("condition", "values", "true"),
    [
        ("", {}, True),
        ("a", {"a": True}, True),
        ("not a", {"a": True}, False),
        ("a and not b", {"a": True, "b": False}, True),
        ("a and b or c", {"a": True, "b": False, "c": True}, True),
        ("mode == fast", {"mode": "fast"}, True),
    ],
)
def test_a_condition_is_read_as_it_is_written(condition: str, values: dict[str, object], true: bool) -> None:
    assert holds(condition, values) is true


OURS = [kind for kind in all_protocols() if not kind.name.startswith("loomtest.")]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)
def test_every_protocol_and_parameter_is_documented(kind: type) -> None:
    assert kind.label and kind.__doc__
    for spec in kind.params.values():
        assert spec.label and spec.help and spec.tab, spec.name
        assert spec.when == "" or holds(
            spec.when, {**dict.fromkeys(kind.params), **dict.fromkeys(kind.inputs)}
        ) in (True, False)
    assert kind.outputs_declared or kind.promised is not Protocol.promised, "what it makes"


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)
def test_every_condition_names_parameters_and_inputs_that_there_are(kind: type) -> None:
    names = {*kind.params, *kind.inputs}  # type: ignore[attr-defined]

    for spec in (*kind.params.values(), *kind.inputs.values()):  # type: ignore[attr-defined]
        assert condition_names(spec.when) <= names, f"{spec.name}: {spec.when}"


def test_a_misspelt_condition_is_found_when_the_protocol_is_declared() -> None:
    with pytest.raises(
        TypeError, match=r"Wrong: size has the condition 'do_recsale', and no parameter do_recsale"
    ):

        class Wrong(ProgramProtocol):
            do_rescale: bool = Param(False, "Rescale?")
            size: int = Param(1, "Size", when="do_recsale")


def test_an_input_that_is_missing_is_named_with_its_kind() -> None:
    with pytest.raises(
        ParameterError, match=r"input fn_img is missing, expected a dataset of kind particles"
    ):
        find_protocol("relion.class2d")({}).check()


def test_extraction_needs_even_boxes() -> None:
    kind = find_protocol("relion.extract")
    inputs = {name: spec.kind("x.star") for name, spec in kind.inputs.items()}

    with pytest.raises(ParameterError, match="expected an even number"):
        kind({"extract_size": 101}, inputs).check()


@pytest.mark.parametrize(
    ("protocol", "name", "value", "words"),
    [
        ("import.movies", "kV", 300000, "300000 kV, expected 60 to 400 kV"),
        ("import.movies", "Cs", 2700, "2700 mm, expected 0 to 8 mm"),
        ("import.micrographs", "angpix", 100, "100 Å, expected 0.1 to 20 Å"),
        ("ctf.estimate", "dfmin", 0.5, "0.5 Å, expected 100 to 150000 Å"),
        ("relion.ctffind", "dfmin", 5, "5 Å, expected 100 to 150000 Å"),
    ],
)
def test_a_value_that_no_microscope_has_is_doubted_unless_the_user_stands_by_it(
    protocol: str, name: str, value: float, words: str
) -> None:
    kind = find_protocol(protocol)
    more = {"fn_in_raw": "*.mrc"} if "fn_in_raw" in kind.params else {}
    inputs = {key: spec.kind("x.star") for key, spec in kind.inputs.items() if not spec.optional}

    with pytest.raises(ParameterError, match=f"{name} is {words}.*accept_unusual=Yes"):
        kind({name: value, **more}, inputs).check()
    kind({name: value, "accept_unusual": "Yes", **more}, inputs).check()
    assert f"usually {kind.params[name].usual[0]:g} to" in kind.params[name].limits()


def test_a_plugin_may_keep_its_annotations_as_text() -> None:
    kind = find_protocol("loomtest.later")

    assert kind.params["times"].type is int and kind.inputs["map"].kind.kind == "volume"
    with pytest.raises(ParameterError, match="expected a value ≥ 1"):
        kind({"times": "0"})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nr_clases", "Did you mean nr_classes?"),
        ("particle_diametr", "Did you mean particle_diameter?"),
        ("symmetry", ""),
        ("box", ""),
        ("nr_threds", "Did you mean nr_threads?"),
        ("NR_Classes", "Did you mean nr_classes?"),
    ],
)
def test_only_a_name_that_is_near_is_offered(name: str, hint: str) -> None:
    with pytest.raises(ParameterError) as caught:
        find_protocol("relion.class2d")({name: 5})

    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            Param("", "Columns", means="labels", of="particels"),
            "is of the input 'particels', and there is none",
        ),
        (Param("", "Classes", means="classes"), "is of the input '', and there is none"),
        (
            Param("", "Gain", means="file", later="straem"),
            "later with 'straem', and there is no such parameter",
        ),
    ],
)
def test_a_misspelt_reference_to_an_input_or_switch_is_found_when_the_protocol_is_declared(
    spec: object, said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        type("Wrong", (ProgramProtocol,), {"__annotations__": {"given": str}, "given": spec})


@pytest.mark.parametrize("name", ["ctf.estimate", "relion.ctffind"])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"dfmin": 5000, "dfmax": 2000}, "dfmax is 2000 Å, expected more than 5000 Å (dfmin)"),
        ({"resmin": 10, "resmax": 20}, "resmin is 10 Å, expected more than 20 Å (resmax)"),
    ],
)
def test_a_range_that_ends_before_it_begins_is_refused_when_it_is_given(
    name: str, values: dict[str, float], said: str
) -> None:
    protocol = find_protocol(name)(values, {"input_star_mics": Micrographs("m.star")})

    with pytest.raises(ParameterError, match=re.escape(said)):
        protocol.check()


def test_a_kind_of_relion_s_that_is_not_run_is_told_and_no_other_is_offered() -> None:
    with pytest.raises(ParameterError, match="Cryoloom shows and does not run") as caught:
        find_protocol("relion.external")

    assert "class2d" not in str(caught.value)
