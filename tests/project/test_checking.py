"""What can be known to be wrong is told when a job is asked for, by whichever way, and nothing is made.

Each case goes through `Project.run`; that copies, continuations, changes and workflows come by the same door is shown below.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.checking import check_start
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.registry import all_protocols, find_protocol
from cryoloom.protocol import Particles

OPTICS = {
    "rlnOpticsGroupName": ["a", "b"], "rlnOpticsGroup": [1, 2], "rlnImageSize": [32, 64],
    "rlnImagePixelSize": [4.0, 2.0], "rlnVoltage": [300.0, 300.0],
}  # fmt: skip
PARTICLES = {
    "rlnImageName": ["1@a.mrcs"], "rlnMicrographName": ["m.mrc"], "rlnOpticsGroup": [1], "rlnDefocusU": [1e4],
    "rlnDefocusV": [1e4], "rlnDefocusAngle": [0.0], "rlnAngleRot": [0.0], "rlnAngleTilt": [0.0], "rlnAnglePsi": [0.0],
}  # fmt: skip


@pytest.fixture
def given(project: ProjectFolder) -> Project:
    """Particles of 32 px and 4 Å, and maps and masks that fit them or not."""
    root = project.root
    star.write(root / "p.star", {"optics": pl.DataFrame(OPTICS), "particles": pl.DataFrame(PARTICLES)})
    for name, box, angpix in (
        ("fits", 32, 4.0), ("bare", 32, 0.0), ("large", 48, 4.0), ("fine", 32, 3.0)
    ):  # fmt: skip
        write_mrc(root / f"{name}.mrc", np.zeros((box,) * 3, dtype=np.float32), angpix, is_volume=True)
    (root / "gain.mrc").touch()
    return Project(root)


def refused(project: Project, protocol: str, values: Mapping[str, Any], words: str) -> ParameterError:
    with pytest.raises(ParameterError, match=words) as caught:
        project.run(protocol, start=False, **values)
    assert project.jobs() == []
    assert caught.value.where and caught.value.found and caught.value.expected
    return caught.value


SYMMETRIES = [
    (kind.name, name)
    for kind in all_protocols()
    for name, spec in kind.params.items()
    if spec.means == "symmetry"
]


def test_every_parameter_that_is_a_point_group_is_declared_so() -> None:
    named = {
        (kind.name, name)
        for kind in all_protocols()
        for name in kind.params
        if name in ("sym", "sym_name", "relax_sym", "ref3d_symmetry")
    }

    assert named == set(SYMMETRIES) and len(named) >= 7


@pytest.mark.parametrize(("protocol", "name"), SYMMETRIES)
def test_a_wrong_symmetry_is_refused_with_examples(protocol: str, name: str) -> None:
    kind = find_protocol(protocol)
    inputs = {key: spec.kind("x.star") for key, spec in kind.inputs.items() if key != "fn_cont"}
    # What makes it count.
    more = {
        "relion.autopick": {"do_ref3d": "Yes", "do_log": "No"},
        "relion.class3d": {"do_local_ang_searches": "Yes"},
    }.get(protocol, {})

    with pytest.raises(
        ParameterError, match=rf"parameter {name} is 'D0', expected a point group.*such as C1, C4, D2"
    ):
        kind({name: "D0", **more}, inputs).check()
    kind({name: "d7", **more}, inputs).check()


@pytest.mark.parametrize("group", ["C0", "C100", "Td", "Ih", "I5", "4", "CX", "D"])
def test_what_relion_does_not_know_and_what_no_molecule_has_is_no_point_group(group: str) -> None:
    kind = find_protocol("relion.symmetry_expand")

    with pytest.raises(ParameterError, match="such as C1"):
        kind({"sym": group}, {"input": Particles("p.star")}).check()


FILES = [
    ("import.movies", {"fn_in_raw": "*.mrc"}, "fn_gain_ref"),
    ("import.movies", {"fn_in_raw": "*.mrc"}, "fn_defect"),
    ("import.micrographs", {"fn_in_raw": "*.mrc"}, "fn_mtf"),
    ("import.mask", {}, "fn_in_other"),
    ("import.volume", {}, "fn_in_other"),
    ("import.particles", {}, "fn_in_other"),
    ("optics.assign", {"input": "p.star", "how": "table"}, "table"),
    ("relion.postprocess", {"fn_in": "fits_half1.mrc", "fn_mask": "fits.mrc"}, "fn_mtf"),
]


@pytest.mark.parametrize(("protocol", "values", "name"), FILES, ids=[f"{f[0]} {f[2]}" for f in FILES])
def test_a_file_that_is_not_there_is_told_when_it_is_given(
    given: Project, protocol: str, values: dict[str, Any], name: str
) -> None:
    (given.path / "fits_half1.mrc").write_bytes((given.path / "fits.mrc").read_bytes())

    refused(
        given, protocol, {**values, name: "gian.mrc"},
        rf"parameter {name} is gian.mrc, which is missing, expected a file. Did you mean gain.mrc",
    )  # fmt: skip


def test_a_folder_that_is_a_file_is_told(given: Project) -> None:
    refused(
        given, "import.particles", {"fn_in_other": "p.star", "stacks_below": "p.star"}, "which is no folder"
    )


def test_the_gain_of_a_session_that_has_not_begun_may_come_later(given: Project) -> None:
    job = given.run("import.movies", start=False, fn_in_raw="*.mrc", fn_gain_ref="later.mrc", stream="Yes")

    assert job.params["fn_gain_ref"] == "later.mrc"


def test_a_file_that_another_job_makes_first_may_come_later_and_is_missed_when_the_job_begins(
    given: Project,
) -> None:
    first = given.run("import.movies", start=False, fn_in_raw="*.mrc")

    job = given.run("import.mask", start=False, fn_in_other="made.mrc", wait_for=[first])

    with pytest.raises(ParameterError, match=r"made.mrc, which is missing"):
        check_start(given.path, job.entry.make_protocol())


COLUMNS: list[tuple[str, dict[str, Any], str]] = [
    ("sets.filter", {"expression": "rlnDefocusW > 1"}, r"expression is rlnDefocusW, a column that p.star lacks.*rlnDefocusU"),
    ("sets.filter", {"expression": "rlnDefocusU >"}, "parameter expression is .* no SQL"),
    ("sets.filter", {"ranges": "rlnCtfMaxResolution: ..6"}, "parameter ranges is rlnCtfMaxResolution"),
    ("sets.filter", {"rank_by": "rlnCtfFigureOfMerit"}, "parameter rank_by is rlnCtfFigureOfMerit"),
    ("sets.edit", {"set": "rlnClassNumber = rlnRandomSubset + 1"}, "parameter set is rlnRandomSubset"),
    ("sets.edit", {"drop": "rlnNothing"}, "parameter drop is rlnNothing"),
    ("sets.edit", {"set": "rlnDefocusU = 1", "where": "rlnNothing = 1"}, "parameter where is rlnNothing"),
    ("sets.sort", {"by": "-rlnNothing"}, "parameter by is rlnNothing"),
    ("sets.group", {"aggregates": "avg(rlnNothing) as x"}, "parameter aggregates is rlnNothing"),
    ("sets.group", {"by": "rlnNothing"}, "parameter by is rlnNothing"),
    ("sets.unique", {"by": "columns", "columns": "rlnNothing"}, "parameter columns is rlnNothing"),
    ("sets.unique", {"keep": "best", "best_by": "rlnNothing"}, "parameter best_by is rlnNothing"),
    ("sets.assign", {"source": "p.star", "what": "columns", "columns": "rlnNothing"}, "parameter columns is rlnNothing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "values", "words"), COLUMNS, ids=[f"{c[0]} {[*c[1]][-1]}" for c in COLUMNS]
)
def test_a_column_that_the_input_lacks_is_told_when_it_is_named(
    given: Project, protocol: str, values: dict[str, Any], words: str
) -> None:
    refused(given, protocol, {"input": "p.star", **values}, words)


@pytest.mark.parametrize(
    "values",
    [
        {"expression": "rlnDefocusU > 1 and cryoloomItemId is not null"},
        {"rank_by": "rlnDefocusV", "ranges": "rlnDefocusU: 1..2"},
    ],
)
def test_columns_that_are_there_and_those_that_are_always_there_are_taken(
    given: Project, values: dict[str, Any]
) -> None:
    assert given.run("sets.filter", start=False, input="p.star", **values)


def test_a_column_that_was_set_before_may_be_used(given: Project) -> None:
    assert given.run("sets.edit", start=False, input="p.star", set="rlnA = 1; rlnB = rlnA + 1")


def test_columns_of_what_is_still_to_be_made_are_not_looked_up(given: Project) -> None:
    first = given.run("sets.filter", start=False, input="p.star", expression="rlnDefocusU > 1")

    assert given.run("sets.filter", start=False, input=f"{first.name}:kept", expression="rlnNothing > 1")


def test_maps_that_the_machine_cannot_hold_are_doubted(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryoloom.plugins.relion.options import memory

    values: dict[str, object] = {"nr_mpi": 3, "nr_classes": 4, "particle_diameter": 60, "ini_high": 30}
    monkeypatch.setattr(memory, "_machine_gb", lambda: 0.4)
    optics = {**OPTICS, "rlnImageSize": [128, 128], "rlnImagePixelSize": [2.0, 2.0]}
    star.write(
        project.root / "large.star", {"optics": pl.DataFrame(optics), "particles": pl.DataFrame(PARTICLES)}
    )
    write_mrc(project.root / "ref.mrc", np.random.default_rng(1).normal(size=(128,) * 3).astype(np.float32), 2.0,
              is_volume=True)  # fmt: skip

    def ask(**more: object) -> None:
        Project(project.root).run(
            "relion.class3d", fn_img="large.star", fn_ref="ref.mrc", start=False, **values, **more
        )

    # Two followers, 256³ voxels, 25 + 4 x 13.5 bytes each.
    with pytest.raises(
        ParameterError, match=r"nr_mpi is 3: about 3 GB for maps of 128 px, expected what this machine has"
    ):
        ask()
    ask(do_pad1=True)
    ask(accept_unusual=True)
    monkeypatch.setattr(memory, "_machine_gb", lambda: 3.0)
    ask()


def test_the_circle_must_lie_within_the_box_of_each_optics_group(given: Project) -> None:
    optics = OPTICS | {"rlnOpticsGroupName": ["coarse", "fine"], "rlnImagePixelSize": [4.0, 1.5]}
    star.write(
        given.path / "two.star", {"optics": pl.DataFrame(optics), "particles": pl.DataFrame(PARTICLES)}
    )

    words = (
        r"particle_diameter is 100 Å, expected less than the box of two.star \(fine\), 64 px of 1.5 Å or 96 Å"
    )
    refused(given, "relion.class2d", {"fn_img": "two.star", "particle_diameter": 100}, words)
    assert given.run("relion.class2d", start=False, fn_img="two.star", particle_diameter=95)


def test_a_map_of_uneven_axes_is_told_by_all_of_them(given: Project) -> None:
    write_mrc(given.path / "flat.mrc", np.zeros((24, 32, 32), dtype=np.float32), 4.0, is_volume=True)

    refused(
        given,
        "relion.refine3d",
        {**REFINE, "fn_mask": "flat.mrc"},
        r"flat.mrc, a box of 32 x 32 x 24 px of 4 Å",
    )


REFINE = {"fn_img": "p.star", "fn_ref": "fits.mrc", "particle_diameter": 100}


@pytest.mark.parametrize(
    ("protocol", "values", "words", "escape"),
    [
        ("relion.refine3d", {"fn_ref": "large.mrc"}, r"fn_ref is large.mrc, a box of 48 px of 4 Å, expected 32 px of 4 Å, as p",
         {"other_args": "--trust_ref_size"}),
        ("relion.refine3d", {"fn_ref": "fine.mrc"}, r"input fn_ref is fine.mrc, a box of 32 px of 3 Å",
         {"other_args": "--trust_ref_size"}),
        ("relion.refine3d", {"fn_mask": "large.mrc"}, r"input fn_mask is large.mrc", {"accept_unusual": "Yes"}),
        ("relion.refine3d", {"fn_mask": "fine.mrc"}, r"input fn_mask is fine.mrc", {"accept_unusual": "Yes"}),
        ("relion.refine3d", {"particle_diameter": 130}, r"particle_diameter is 130 Å, expected less than the box.* 128 Å",
         {"accept_unusual": "Yes"}),
        ("relion.class2d", {"particle_diameter": 130}, r"particle_diameter is 130 Å", {"accept_unusual": "Yes"}),
        ("relion.inimodel", {"particle_diameter": 130}, r"particle_diameter is 130 Å", {"accept_unusual": "Yes"}),
    ],
)  # fmt: skip
def test_maps_and_diameters_that_do_not_fit_the_particles_are_told_unless_the_user_stands_by_them(
    given: Project, protocol: str, values: dict[str, Any], words: str, escape: dict[str, Any]
) -> None:
    fitting = REFINE if protocol == "relion.refine3d" else {"fn_img": "p.star", "particle_diameter": 100}

    refused(given, protocol, {**fitting, **values}, words)
    assert given.run(protocol, start=False, **{**fitting, **values, **escape})


@pytest.mark.parametrize("name", ["fits.mrc", "bare.mrc"])
def test_a_map_that_fits_or_does_not_say_its_pixel_size_is_taken(given: Project, name: str) -> None:
    assert given.run("relion.refine3d", start=False, **{**REFINE, "fn_ref": name, "fn_mask": name})


def built(folder: Path, sentence: bytes) -> Path:
    """A RELION of which only the words in its file matter."""
    folder.mkdir()
    for name in ("relion_refine", "relion_refine_mpi"):
        (folder / name).write_bytes(b"\x7fELF..." + sentence + b"...")
        (folder / name).chmod(0o755)
    return folder


def test_a_gpu_is_not_asked_of_a_relion_that_was_built_without_support_for_it(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = built(
        tmp_path / "without", b"GPU usage requested, but RELION was compiled without CUDA support"
    )
    having = built(tmp_path / "with", b"cudaMalloc")
    asked = {"fn_img": "p.star", "particle_diameter": 100, "use_gpu": "Yes"}

    monkeypatch.setenv("CRYOLOOM_PROGRAMS__RELION__PATH", str(without))
    refused(
        given, "relion.class2d", asked, "use_gpu is Yes, but .*/relion_refine was built without GPU support"
    )
    monkeypatch.setenv("CRYOLOOM_PROGRAMS__RELION__PATH", str(having))
    assert given.run("relion.class2d", start=False, **asked)


OTHER_PROGRAMS: list[tuple[str, dict[str, Any], str]] = [
    ("relion.ctffind", {"input_star_mics": "mics.star"}, "fn_ctffind_exe"),
    ("relion.ctffind", {"input_star_mics": "mics.star", "use_gctf": "Yes"}, "fn_gctf_exe"),
    ("relion.motioncorr", {"input_star_mics": "movies.star", "do_own_motioncor": "No"}, "fn_motioncor2_exe"),
]


@pytest.mark.parametrize(("protocol", "values", "parameter"), OTHER_PROGRAMS)
def test_a_program_that_relion_starts_is_looked_up_before_the_job_is_made(
    given: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
    values: dict[str, Any],
    parameter: str,
) -> None:
    facts = {
        "rlnOpticsGroup": [1],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
    }
    optics = pl.DataFrame({**facts, "rlnOpticsGroupName": ["a"]})
    for file, label in (("mics", "rlnMicrographName"), ("movies", "rlnMicrographMovieName")):
        rows = pl.DataFrame({label: ["a.mrc"], "rlnOpticsGroup": [1]})
        star.write(given.path / f"{file}.star", {"optics": optics, file.replace("mics", "micrographs"): rows})
    file = tmp_path / "fitter"
    monkeypatch.setenv("CRYOLOOM_PROGRAMS__RELION__PATH", f"{built(tmp_path / 'with', b'cudaMalloc')}")

    refused(
        given,
        protocol,
        {**values, parameter: "no_such_program"},
        f"{parameter} is no_such_program, which is not installed",
    )
    refused(
        given, protocol, {**values, parameter: f"{file}"}, f"{parameter} is {file}, which is not installed"
    )
    file.write_text("#!/bin/sh\n")
    refused(given, protocol, {**values, parameter: f"{file}"}, "which may not be executed.*Give its path")
    file.chmod(0o755)
    assert given.run(protocol, start=False, **values, **{parameter: f"{file}"})
    monkeypatch.setenv("PATH", f"{tmp_path}")
    assert given.run(protocol, start=False, **values, **{parameter: "fitter"})


EFFECTS: list[tuple[str, dict[str, Any], str]] = [
    ("relion.class2d", {"fn_img": "p.star", "particle_diameter": 100, "gpu_ids": "0"},
     "gpu_ids is 0, without effect.*Add use_gpu=Yes"),
    ("relion.motioncorr", {"input_star_mics": "p.star", "gpu_ids": "1"}, "gpu_ids is 1, without effect"),
    ("sets.filter", {"input": "p.star", "expression": "rlnDefocusU > 1", "rank_keep": "5"},
     "rank_keep is 5, without effect.*Give rank_by too"),
    ("sets.unique", {"input": "p.star", "best_by": "rlnDefocusU"}, "best_by is rlnDefocusU, without effect.*Add keep=best"),
    ("import.movies", {"fn_in_raw": "*.mrc", "timeout": 10}, "timeout is 10.*Add stream=Yes"),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "values", "words"), EFFECTS)
def test_what_would_have_no_effect_is_told_with_what_it_needs(
    given: Project, protocol: str, values: dict[str, Any], words: str
) -> None:
    refused(given, protocol, values, words)


def test_who_names_the_switch_too_has_thought_of_it(given: Project) -> None:
    assert given.run("import.movies", start=False, fn_in_raw="*.mrc", timeout=10, stream="No")


def test_rescaling_without_its_switch_is_told(given: Project) -> None:
    star.write(
        given.path / "m.star",
        {
            "optics": pl.DataFrame(OPTICS),
            "micrographs": pl.DataFrame({"rlnMicrographName": ["m.mrc"], "rlnOpticsGroup": [1]}),
        },
    )
    (given.path / "coords_suffix_x.star").write_text("m.star\n")

    refused(
        given, "relion.extract", {"star_mics": "m.star", "coords_suffix": "coords_suffix_x.star", "rescale": 64},
        "rescale is 64, without effect, expected it only where do_rescale. Add do_rescale=Yes",
    )  # fmt: skip


def test_every_way_to_a_job_comes_by_the_same_door(given: Project) -> None:
    job = given.run("relion.class2d", start=False, fn_img="p.star", particle_diameter=100, nr_iter=3)
    (job.folder / "run_it002_optimiser.star").touch()
    file = given.path / "w.json"
    params = {"expression": "rlnNothing > 1"}
    planned = {"name": "a", "protocol": "sets.filter", "inputs": {"input": "./p.star"}, "params": params}
    file.write_text(json.dumps({"format": 1, "jobs": [planned]}))

    with pytest.raises(CryoloomError, match="particle_diameter is 300"):
        given.copy(job, particle_diameter=300)
    with pytest.raises(CryoloomError, match="gpu_ids is 0, without effect"):
        given.copy(job, gpu_ids="0")
    with pytest.raises(CryoloomError, match="particle_diameter is 300"):
        job.change(particle_diameter=300)
    with pytest.raises(
        CryoloomError, match=r"w.json: job a: .*expression is rlnNothing, a column that p.star lacks"
    ):
        given.run_workflow(file)
    assert len(given.jobs()) == 1


def test_a_copied_branch_is_measured_by_what_it_will_make_and_not_by_the_original(given: Project) -> None:
    first = given.run("import.particles", start=False, fn_in_other="p.star")
    second = given.run("relion.class2d", start=False, fn_img=first, particle_diameter=500)
    (first.folder / "particles.star").write_bytes((given.path / "p.star").read_bytes())

    assert [job.protocol for job in given.copy(first, branch=True)] == ["import.particles", "relion.class2d"]
    with pytest.raises(ParameterError, match="particle_diameter is 500"):
        given.copy(second)


def test_what_is_only_doubted_ends_no_job_that_has_waited_and_what_the_program_refuses_does(
    given: Project,
) -> None:
    job = given.run("relion.refine3d", start=False, **REFINE, fn_mask="bare.mrc")
    for name in ("bare", "fits"):
        (given.path / f"{name}.mrc").write_bytes((given.path / "large.mrc").read_bytes())
        if name == "bare":
            check_start(given.path, job.entry.make_protocol())

    with pytest.raises(ParameterError, match=r"input fn_ref is fits.mrc, a box of 48 px"):
        check_start(given.path, job.entry.make_protocol())
