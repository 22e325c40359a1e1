"""Options drawn at random: of whatever values, a command is the one that RELION builds of the same `job.star`."""

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from relion_lines import both_lines, difference, new_pipeline

from cryoloom.errors import ParameterError
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import AUTO
from cryoloom.protocol.declare import ParamSpec

pytestmark = [pytest.mark.relion, pytest.mark.slow]

INPUTS: dict[str, dict[str, str]] = {
    "relion.class2d": {"fn_img": "Extract/job090/particles.star"},
    "relion.class3d": {"fn_img": "Extract/job090/particles.star", "fn_ref": "ref.mrc", "fn_mask": "mask.mrc"},
    "relion.inimodel": {"fn_img": "Extract/job090/particles.star"},
    "relion.refine3d": {
        "fn_img": "Extract/job090/particles.star",
        "fn_ref": "ref.mrc",
        "fn_mask": "mask.mrc",
    },
    "relion.maskcreate": {"fn_in": "ref.mrc"},
    "relion.ctfrefine": {"fn_data": "Refine3D/job091/run_data.star", "fn_post": "postprocess.star"},
    "relion.polish": {
        "fn_data": "Refine3D/job091/run_data.star",
        "fn_post": "postprocess.star",
        "fn_mic": "corrected_micrographs.star",
        "opt_params": "opt_params_all_groups.txt",
    },
    "relion.subtract": {
        "fn_opt": "run_it012_optimiser.star",
        "fn_mask": "mask.mrc",
        "fn_data": "Refine3D/job091/run_data.star",
        "fn_fliplabel": "Subtract/job092/particles_subtracted.star",
    },
    "relion.localres": {"fn_in": "run_half1_class001_unfil.mrc", "fn_mask": "mask.mrc"},
    "relion.joinstar": {
        f"fn_part{number}": f"Extract/job09{number}/particles.star" for number in range(1, 5)
    },
    "relion.select": {"fn_data": "Refine3D/job091/run_data.star"},
    "relion.multibody": {"fn_in": "run_it012_optimiser.star", "fn_bodies": "bodies.star"},
    "relion.postprocess": {"fn_in": "run_half1_class001_unfil.mrc", "fn_mask": "mask.mrc"},
    "relion.motioncorr": {"input_star_mics": "Import/job090/movies.star"},
    "relion.ctffind": {"input_star_mics": "MotionCorr/job090/corrected_micrographs.star"},
    "relion.manualpick": {"fn_in": "CtfFind/job090/micrographs_ctf.star"},
    "relion.autopick": {
        "fn_input_autopick": "CtfFind/job090/micrographs_ctf.star",
        "fn_refs_autopick": "Select/job090/class_averages.star",
        "fn_ref3d_autopick": "ref.mrc",
    },
    "relion.extract": {
        "star_mics": "CtfFind/job090/micrographs_ctf.star",
        "coords_suffix": "AutoPick/job090/coords_suffix_autopick.star",
        "fndata_reextract": "Select/job090/particles.star",
    },
}
# A run of several ranks does not end here, where none of its files is one; GPUs are not for what is not aligned.
FIXED: dict[str, dict[str, Any]] = {
    "relion.class3d": {"use_gpu": False},
    "relion.maskcreate": {"inimask_threshold": 0.02},
    "relion.localres": {"do_relion_locres": True, "do_resmap_locres": False},
    "relion.polish": {"extract_size": -1, "rescale": -1},
    "relion.select": {"select_label": "rlnDefocusU", "discard_label": "rlnImageName"},
    "relion.joinstar": {"do_part": True, "do_mic": False, "do_mov": False},
    "relion.postprocess": {"fn_mtf": "mtf.star"},
}


# How many nodes a job has RELION reads from the file.
BODIES = """
data_

loop_
_rlnBodyMaskName #1
_rlnBodyRotateRelativeTo #2
_rlnBodySigmaAngles #3
_rlnBodySigmaOffsetAngst #4
a.mrc 2 10 2
b.mrc 1 10 2

"""


def permitted(values: dict[str, Any]) -> dict[str, Any]:
    """The values with those options off that RELION's form refuses to have on together."""
    refused = {
        "do_save_ps": values.get("do_own_motioncor") is False,
        "use_gpu": values.get("do_log"),
        "do_recenter": values.get("do_reset_offsets"),
    }
    off = {name: False for name, is_refused in refused.items() if is_refused and name in values}
    return {
        **values,
        **off,
        **({"use_ctffind4": True} if "use_ctffind4" in values and not values["use_gctf"] else {}),
    }


def drawn(spec: ParamSpec) -> st.SearchStrategy[Any]:
    """A value of a parameter: its default often, for only few options are changed in a form."""
    usual = st.just(spec.default if spec.default != AUTO else 1)
    if spec.type is bool:
        return st.booleans()
    if spec.choices:
        return st.sampled_from(spec.choices)
    if spec.lt is not None:
        return usual | st.sampled_from([0.2, 0.25, 0.7])
    if spec.type in (int, float):
        if spec.le == 1:
            return usual | st.sampled_from([0.25, 1.0])
        least = max(1, int(spec.ge or 1)) if spec.ge is not None or spec.gt is not None else -3
        most = int(min(90, spec.le if spec.le is not None else 90))
        whole = st.integers(least, most)
        fine = whole.map(lambda value: value + 0.25) if spec.type is float else whole
        return usual | whole | fine
    if spec.means == "symmetry":
        return st.sampled_from(["C1", "C3", "D2", "T"]) | usual
    if spec.name.startswith("other_") and spec.name != "other_args":
        return st.sampled_from(["", "-Tol 0.5 -Iter 7", "--ac 0.1"])
    if spec.means == "program":
        return st.sampled_from(["prog", "/opt/a/prog"])
    if spec.means == "file":
        return st.sampled_from(["", "mtf.star"])
    if spec.name == "gpu_ids":
        return st.sampled_from(["", "0", "0:1", "0,1:2"])
    if spec.means == "" and spec.name not in ("other_args", "gpu_ids"):
        return st.sampled_from(["", "/scratch"])
    return usual


@st.composite
def values_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Values of all parameters of a protocol's form, ranks apart."""
    kind = find_protocol(name)
    fixed = FIXED.get(name, {})
    return permitted(
        fixed
        | {
            key: draw(drawn(spec), label=key)
            for key, spec in kind.params.items()
            if key not in fixed and key != "nr_mpi" and not spec.own
        }
    )


@pytest.mark.parametrize("name", INPUTS)
def test_a_command_of_any_options_is_relion_s(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    kind = find_protocol(name)
    inputs = INPUTS[name]

    @settings(
        max_examples=50,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(values_of(name))
    def compare(values: dict[str, Any]) -> None:
        root = tmp_path_factory.mktemp("p")
        new_pipeline(root, [*inputs.values(), "run_half2_class001_unfil.mrc", "mtf.star"])
        (root / "bodies.star").write_text(BODIES)
        protocol = kind(values, {key: kind.inputs[key].kind(path) for key, path in inputs.items()})
        with contextlib.suppress(ParameterError):
            protocol.check()
            ours, noted = both_lines(root, f"{kind.folder}/job001", job_star_of(protocol))
            assert difference(ours, noted) == []
            return
        assume(False)  # RELION refuses it too, or does not look

    compare()
