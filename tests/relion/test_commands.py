"""The commands are RELION's own: compared with what RELION builds from the same `job.star`."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from relion_lines import both_lines, difference, lines_of, new_pipeline

from cryoloom.api.relion_command import commands_of
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol

PARTICLES = {"fn_img": "Extract/job090/particles.star"}


def after(folder: str) -> dict[str, str]:
    """Inputs of a job that goes on from another's twelfth iteration."""
    return {**PARTICLES, "fn_cont": f"{folder}/job090/run_it012_optimiser.star"}


CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("relion.motioncorr", {"fn_gain_ref": "Movies/gain.mrc", "gain_rot": 1, "gain_flip": 2, "fn_defect": "",
                           "dose_per_frame": 1.277, "patch_x": 5, "patch_y": 5, "do_save_noDW": True},
     {"input_star_mics": "Import/job090/movies.star"}),
    ("relion.motioncorr", {"fn_gain_ref": "", "gain_rot": 0, "gain_flip": 0, "fn_defect": "d.txt", "nr_threads": 4,
                           "dose_per_frame": 1, "do_save_ps": True, "group_frames": 2, "do_dose_weighting": False},
     {"input_star_mics": "Import/job090/movies.star"}),
    ("relion.ctffind", {"fn_ctffind_exe": "/opt/ctffind", "use_noDW": True},
     {"input_star_mics": "MotionCorr/job090/corrected_micrographs.star"}),
    ("relion.ctffind", {"fn_ctffind_exe": "/opt/ctffind", "do_phaseshift": True, "slow_search": True, "use_given_ps": True},
     {"input_star_mics": "MotionCorr/job090/corrected_micrographs.star"}),
    ("relion.manualpick", {"diameter": 160, "do_color": True, "fn_color": "mtf.star", "highpass": 300, "do_startend": True},
     {"fn_in": "CtfFind/job090/micrographs_ctf.star"}),
    ("relion.autopick", {"do_log": True, "log_diam_min": 110, "log_diam_max": 130, "log_adjust_thr": 1.2},
     {"fn_input_autopick": "CtfFind/job090/micrographs_ctf.star"}),
    ("relion.autopick", {"do_log": True, "log_upper_thr": 5, "log_invert": True},
     {"fn_input_autopick": "CtfFind/job090/micrographs_ctf.star"}),
    ("relion.autopick", {"angpix_ref": 3.54, "threshold_autopick": 0, "maxstddevnoise_autopick": -1},
     {"fn_input_autopick": "CtfFind/job090/micrographs_ctf.star",
      "fn_refs_autopick": "Select/job090/class_averages.star"}),
    ("relion.autopick", {"do_ref3d": True, "ref3d_symmetry": "T", "ref3d_sampling": "15 degrees", "highpass": 400},
     {"fn_input_autopick": "CtfFind/job090/micrographs_ctf.star", "fn_ref3d_autopick": "ref.mrc"}),
    ("relion.extract", {"extract_size": 256, "do_rescale": True, "rescale": 64, "bg_diameter": 200},
     {"star_mics": "CtfFind/job090/micrographs_ctf.star",
      "coords_suffix": "AutoPick/job090/coords_suffix_autopick.star"}),
    ("relion.extract", {"extract_size": 100, "do_invert": False, "white_dust": 5},
     {"star_mics": "CtfFind/job090/micrographs_ctf.star",
      "coords_suffix": "AutoPick/job090/coords_suffix_autopick.star"}),
    ("relion.extract", {"extract_size": 360, "do_rescale": True, "rescale": 256, "do_reextract": True,
                        "do_recenter": True, "recenter_z": 3},
     {"star_mics": "CtfFind/job090/micrographs_ctf.star", "fndata_reextract": "Select/job090/particles.star"}),
    ("relion.extract", {"extract_size": 80, "do_reextract": True, "do_reset_offsets": True, "do_norm": False},
     {"star_mics": "CtfFind/job090/micrographs_ctf.star", "fndata_reextract": "Select/job090/particles.star"}),
    ("relion.class2d", {"nr_classes": 50, "nr_pool": 30, "do_preread_images": True}, PARTICLES),
    ("relion.class2d", {"nr_classes": 5, "dont_skip_align": False, "highres_limit": 8, "do_fast_subsets": True,
                        "ctf_intact_first_peak": True, "scratch_dir": "/scratch", "do_parallel_discio": False}, PARTICLES),
    ("relion.class2d", {"nr_classes": 5, "allow_coarser": True, "do_combine_thru_disc": True, "psi_sampling": 5,
                        "do_zero_mask": False, "other_args": "--random_seed 1"}, PARTICLES),
    ("relion.inimodel", {"sym_name": "T", "do_pad1": True, "nr_threads": 2}, PARTICLES),
    ("relion.inimodel", {"nr_classes": 2, "do_solvent": False, "skip_gridding": False, "sampling": "7.5 degrees"}, PARTICLES),
    ("relion.refine3d", {"sym_name": "D2", "ini_high": 50, "ctf_corrected_ref": True},
     {**PARTICLES, "fn_ref": "ref.mrc"}),
    ("relion.refine3d", {"ref_correct_greyscale": True, "do_solvent_fsc": True, "auto_faster": True, "relax_sym": "C2",
                         "do_pad1": True, "skip_gridding": False, "sampling": "3.7 degrees"},
     {**PARTICLES, "fn_ref": "ref.mrc", "fn_mask": "mask.mrc"}),
    ("relion.class2d", {"nr_iter": 40, "tau_fudge": 4, "nr_pool": 30, "allow_coarser": True}, after("Class2D")),
    ("relion.class2d", {"nr_iter": 13, "dont_skip_align": False, "nr_threads": 3}, after("Class2D")),
    ("relion.inimodel", {"sgd_fin_iter": 60, "sgd_write_iter": 5, "nr_threads": 2}, after("InitialModel")),
    ("relion.refine3d", {"auto_faster": True, "do_pad1": True}, {**after("Refine3D"), "fn_ref": "ref.mrc"}),
    ("relion.refine3d", {"do_solvent_fsc": True, "relax_sym": "C2", "particle_diameter": 180},
     {**after("Refine3D"), "fn_ref": "ref.mrc", "fn_mask": "mask.mrc"}),
    ("relion.class3d", {"nr_classes": 3, "ctf_corrected_ref": True, "do_local_ang_searches": True, "sigma_angles": 7,
                        "relax_sym": "C3", "allow_coarser": True}, {**PARTICLES, "fn_ref": "ref.mrc"}),
    ("relion.class3d", {"nr_classes": 2, "dont_skip_align": False, "highres_limit": 8, "ref_correct_greyscale": True,
                        "tau_fudge": 20}, {**PARTICLES, "fn_ref": "ref.mrc", "fn_mask": "mask.mrc"}),
    ("relion.class3d", {"nr_iter": 30, "sampling": "3.7 degrees"},
     {**after("Class3D"), "fn_ref": "ref.mrc", "fn_mask": "mask.mrc"}),
    ("relion.maskcreate", {"inimask_threshold": 0.02, "nr_threads": 2}, {"fn_in": "ref.mrc"}),
    ("relion.maskcreate", {"inimask_threshold": 0.02, "lowpass_filter": -1, "angpix": 1.5}, {"fn_in": "ref.mrc"}),
    ("relion.postprocess", {"angpix": 1.244}, {"fn_in": "run_half1_class001_unfil.mrc", "fn_mask": "mask.mrc"}),
    ("relion.postprocess", {"do_auto_bfac": False, "do_adhoc_bfac": True, "adhoc_bfac": -50, "fn_mtf": "mtf.star",
                            "mtf_angpix": 0.885, "do_skip_fsc_weighting": True},
     {"fn_in": "run_half1_class001_unfil.mrc", "fn_mask": "mask.mrc"}),
]  # fmt: skip


@pytest.fixture
def relion_project(tmp_path: Path) -> Path:
    """A folder in which relion_pipeliner works, with empty files under all names that the cases use."""
    names = [name for _, _, inputs in CASES for name in inputs.values()]
    new_pipeline(tmp_path, [*names, "run_half2_class001_unfil.mrc", "mtf.star"])
    return tmp_path


@pytest.mark.relion
@pytest.mark.parametrize(
    ("name", "values", "inputs"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_a_command_is_the_one_that_relion_builds_from_our_job_star(
    relion_project: Path, name: str, values: dict[str, Any], inputs: dict[str, str]
) -> None:
    kind = find_protocol(name)
    protocol = kind(values, {key: kind.inputs[key].kind(path) for key, path in inputs.items()})
    continues = bool(protocol.given.get("fn_cont"))

    ours, noted = both_lines(
        relion_project, f"{kind.folder}/job001", job_star_of(protocol), continues=continues
    )

    assert difference(ours, noted) == []


# What no job.star tells, or RELION 3.1.3 does not know.
NOT_TOLD = {
    "Select/job005": "shown with the settings of the last manual picking",
    "MotionCorr/job002": "save_ps, an option of before RELION's release",
}


@pytest.mark.shared
def test_commands_equal_those_that_real_jobs_noted(tutorial: Path) -> None:
    compared = 0
    for note in sorted(tutorial.glob("*/job*/note.txt")):
        if f"{note.parent.parent.name}/{note.parent.name}" in NOT_TOLD:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = lines_of("\n".join(commands_of(note.with_name("job.star"))))
        noted = lines_of(note.read_text())
        # The tutorial was run before RELION 3.1's release, which skips the gridding.
        differing = [one for one in difference(ours, noted) if not one.startswith("--skip_gridding")]
        assert (note.parent.name, differing) == (note.parent.name, [])
        compared += 1
    assert compared == 29


def test_a_whole_job_is_one_command_and_a_batch_differs_only_in_its_input(tmp_path: Path) -> None:
    from cryoloom.protocol.jobs import Batch, JobFolder

    kind = find_protocol("relion.motioncorr")
    protocol = kind(
        {"fn_gain_ref": "", "gain_rot": 0, "gain_flip": 0, "fn_defect": "", "dose_per_frame": 1},
        {"input_star_mics": kind.inputs["input_star_mics"].kind("Import/job001/movies.star")},
    )
    assert isinstance(protocol, ItemProtocol)
    job = JobFolder("MotionCorr/job002/", tmp_path)
    batch = Batch(1, None, None, job, job.file("batch.star"))  # type: ignore[arg-type]

    whole, part = protocol.command(job), protocol.command(job, batch)

    assert whole is not None and part is not None
    differing = [(a, b) for a, b in zip(whole.args, part.args, strict=True) if a != b]
    assert differing == [("Import/job001/movies.star", "MotionCorr/job002/batch.star")]


def test_a_gain_that_the_user_gives_does_not_lie_as_the_movies_own_did() -> None:
    imported = {"cryoloomGainFile": "Movies/gain.mrc", "cryoloomGainRotation": 1, "cryoloomGainFlip": 2}
    kind = find_protocol("relion.motioncorr")

    travelling, given, turned = (
        kind(values).with_values(kind(values).auto_of_group(imported))  # type: ignore[attr-defined]
        for values in ({}, {"fn_gain_ref": "own.mrc"}, {"fn_gain_ref": "own.mrc", "gain_rot": 3})
    )

    said = [(one.fn_gain_ref, one.gain_rot, one.gain_flip) for one in (travelling, given, turned)]
    assert said == [
        ("Movies/gain.mrc", "90 degrees (1)", "Flip left to right (2)"),
        ("own.mrc", "No rotation (0)", "No flipping (0)"),
        ("own.mrc", "270 degrees (3)", "No flipping (0)"),
    ]


def test_gctf_is_called_for_micrographs_of_one_pixel_size_and_voltage() -> None:
    groups = [
        {"rlnOpticsGroup": number, "rlnMicrographPixelSize": angpix, "rlnVoltage": volts}
        for number, angpix, volts in ((1, 1.2, 300.0), (2, 0.9, 300.0), (3, 1.2, 200.0), (4, 1.2, 300.0))
    ]
    kind = find_protocol("relion.ctffind")
    gctf, ctffind = kind({"use_gctf": True}), kind({})
    assert isinstance(gctf, ItemProtocol) and isinstance(ctffind, ItemProtocol)

    first, finer, slower, alike = (gctf.of_one_call(group) for group in groups)

    assert len({first, finer, slower}) == 3 and first == alike
    assert {ctffind.of_one_call(group) for group in groups} == {None}


def test_every_program_protocol_builds_its_command_without_touching_a_disk() -> None:
    from cryoloom.project.registry import all_protocols
    from cryoloom.protocol.jobs import JobFolder

    for kind in all_protocols():
        if issubclass(kind, ProgramProtocol) and kind.name.startswith("relion."):
            inputs: dict[str, Dataset] = {key: spec.kind(f"{key}.star") for key, spec in kind.inputs.items()}
            command = kind({}, inputs).command(JobFolder(f"{kind.folder}/job001/", Path("/nowhere")))
            assert command.args
