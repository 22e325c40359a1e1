"""Cleaning takes what RELION's own takes, and what follows a cleaned job still works."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest_tiny import job

from cryoloom import Project
from cryoloom.project.cleaning import clean, plan_cleaning
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.relion31 import TYPES
from cryoloom.runner.programs import RELION_ENVIRONMENT

# Job by job the files that RELION's programs may have left; and one that no rule knows.
ITERATIONS = [
    f"run_it{n:03d}_{part}"
    for n in (0, 1, 2, 3)
    for part in ("data.star", "model.star", "optimiser.star", "class001.mrc")
]
MADE = {
    "Import/job001": ["movies.star"],
    "MotionCorr/job002": [
        *("corrected_micrographs.star", "logfile.pdf", "Movies/a.mrc", "Movies/a.star", "Movies/a.log"),
        *("Movies/a.com", "Movies/a.out", "Movies/a.err", "Movies/deep/b.mrc", "Movies/deep/b.log"),
    ],
    "CtfFind/job003": ["micrographs_ctf.star", "gctf0.out", "gctf0.err", "Movies/a.ctf", "Movies/a_avrot.txt"],
    "AutoPick/job004": ["coords_suffix_autopick.star", "Movies/a_autopick.star", "Movies/a_fom.spi"],
    "Extract/job005": ["particles.star", "Movies/a.mrcs", "Movies/a_extract.star"],
    "Class2D/job006": [*ITERATIONS, "run_unmasked_classes.mrcs"],
    "Class3D/job007": [*ITERATIONS, *(f"run_ct2_it{n:03d}_data.star" for n in (2, 3))],
    "Refine3D/job008": [*ITERATIONS, "run_data.star", "run_class001.mrc", "run_it002_half1_class001.mrc"],
    "InitialModel/job009": ITERATIONS,
    "MultiBody/job010": [*ITERATIONS, "analyse_component001_bin001.mrc", "analyse_eigenvectors.dat"],
    "CtfRefine/job011": [
        *("particles_ctf_refine.star", "Movies/a_fit.star", "Movies/a_fit.eps", "Movies/a_ctf.star"),
        *("Movies/a_wAcc_optics-group1.mrc", "Movies/a_xyAcc_optics-group1_real.mrc"),
        *("Movies/a_aberr-Axx_optics-group_1.mrc", "Movies/a_aberr-by_optics-group_1.mrc"),
        *("Movies/a_mag_optics-group_1.mrc",),
    ],
    "Polish/job012": [
        *("shiny.star", "Movies/a_FCC_cc.mrc", "Movies/a_FCC_w0.mrc", "Movies/a_FCC_w1.mrc"),
        *("Movies/a_shiny.mrcs", "Movies/a_shiny.star", "Movies/a_tracks.star"),
    ],
    "Subtract/job013": ["particles_subtracted.star", "subtracted.mrcs", "subtracted.star"],
    "PostProcess/job014": ["postprocess.mrc", "postprocess_masked.mrc", "other_masked.mrc", "postprocess.star"],
    "MaskCreate/job015": ["mask.mrc", "below/other.mrc"],
    "LocalRes/job016": ["relion_locres.mrc", "half1.mrc"],
}  # fmt: skip
NEVER = ("Import", "MaskCreate", "LocalRes")  # kinds that RELION has no rule for
# An earlier iteration that stands in the pipeline, and another job's input.
NODES = [("Class2D/job006/run_it001_data.star", 3), ("PostProcess/job014/postprocess_masked.mrc", 11)]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A project as RELION would have left it."""
    root = tmp_path / "ours"
    ProjectFolder.create(root)
    pipeline = pipe.Pipeline(counter=17, nodes=list(NODES))
    pipeline.output_edges = [("/".join(name.split("/")[:2]) + "/", name) for name, _ in NODES]
    for name, files in MADE.items():
        number = TYPES[name.partition("/")[0]]
        pipeline.processes.append(pipe.Process(f"{name}/", "None", number, pipe.SUCCEEDED))
        for file in [*files, "RELION_JOB_EXIT_SUCCESS"]:
            (root / name / file).parent.mkdir(parents=True, exist_ok=True)
            (root / name / file).write_text(file)
    pipe.write_pipeline(root, pipeline)
    return root


def relion_clean(root: Path, option: str, number: int) -> None:
    subprocess.run(
        ["relion_pipeliner", option, str(number)], cwd=root, timeout=60, check=True, capture_output=True,
        env={**os.environ, **RELION_ENVIRONMENT},
    )  # fmt: skip


@pytest.mark.relion
@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("harsh", [False, True], ids=["gentle", "harsh"])
def test_the_files_that_go_are_those_that_relion_takes(made: Path, name: str, harsh: bool) -> None:
    theirs = made.with_name("theirs")
    shutil.copytree(made, theirs)
    relion_clean(theirs, "--harsh_clean" if harsh else "--gentle_clean", int(name[-3:]))

    project = ProjectFolder(made)
    [plan] = plan_cleaning(project, [name], harsh=harsh)
    done = clean(project, plan)

    gone = {file for file in MADE[name] if not (theirs / name / file).exists()}
    ours = {file for file in MADE[name] if not (made / name / file).exists()}
    assert ours == gone - {"postprocess_masked.mrc"}
    assert bool(gone) or name.split("/")[0] in NEVER or (not harsh and name.startswith("Subtract"))
    assert all((made / done.trash / file).read_text() == file for file in ours)


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_follows_a_cleaned_job_works_as_before(tiny: Project, tmp_path: Path) -> None:
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    project = Project(tmp_path / "p")
    class2d, motion = job(project, "class2d"), job(project, "motion")

    [gentle] = project.clean(class2d)
    relion_clean(project.path, "--gentle_clean", int(class2d[-3:]))  # finds nothing more
    chosen = project.run("sets.classes", fn_model=class2d, min_fraction=0.03)
    [harsh] = project.clean(motion, harsh=True)
    cut = project.run("relion.extract", star_mics=job(project, "good") + ":kept", coords_suffix=job(project, "picks"),
                      extract_size=64)  # fmt: skip
    project.wait([chosen, cut], timeout_s=300)

    assert {file[:9] for file in gentle.files} == {f"run_it00{n}" for n in range(6)}
    assert sorted(path.name for path in (project.path / class2d).glob("run_it*_optimiser.star")) == [
        "run_it006_optimiser.star"
    ]
    assert chosen.state == "succeeded"
    assert job(project, "picks") in harsh.warning
    # The micrographs are gone, and that is what is said.
    assert cut.state == "failed"
    assert "MotionCorr" in cut.why

    for file in harsh.files:
        (project.path / motion / file).parent.mkdir(parents=True, exist_ok=True)
        (project.path / harsh.trash / file).rename(project.path / motion / file)
    assert cut.resume().wait(timeout_s=300).state == "succeeded"
