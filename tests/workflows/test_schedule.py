"""RELION 3.1's schedules are read as far as they are linear; what comes after a fork is told and not guessed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.api.workflows import check_for_new_project
from cryoloom.errors import ProjectError
from cryoloom.project.forms.jobstar import job_star_text
from cryoloom.project.forms.pipeline import Pipeline
from cryoloom.project.workflows.foreign import as_workflow
from cryoloom.project.workflows.foreign.converted import Converted

IMPORT = {
    "do_raw": "Yes", "is_multiframe": "Yes", "do_other": "No", "fn_in_raw": "$$movies", "angpix": "$$angpix", "kV": "200",
    "Cs": "1.4", "Q0": "0.1", "fn_mtf": "", "optics_group_name": "opticsGroup1", "other_args": "--do_at_most $$do_at_most",
}  # fmt: skip
MOTION = {
    "input_star_mics": "Schedules/prep/importmovies/movies.star", "patch_x": "5", "patch_y": "5", "do_own_motioncor": "Yes",
    "fn_gain_ref": "Movies/gain.mrc", "fn_motioncor2_exe": "/public/EM/MotionCor2", "do_dose_weighting": "$$weigh",
    "bfactor": "$$best_bfactor", "other_args": "--do_at_most $$do_at_most --skip_logfile", "nr_mpi": "4", "do_float16": "Yes",
}  # fmt: skip
CTF = {
    "input_star_mics": "Schedules/prep/motioncorr/corrected_micrographs.star", "use_ctffind4": "Yes",
    "fn_ctffind_exe": "/public/EM/ctffind", "resmax": "4", "use_given_ps": "No",
}  # fmt: skip
PICK = {
    "fn_input_autopick": "Schedules/prep/ctffind/micrographs_ctf.star",
    "do_log": "Yes",
    "log_diam_min": "150",
}
BLOCKS = """
# version 30001

data_schedule_general

_rlnScheduleName                       Schedules/prep/
_rlnScheduleCurrentNodeName            WAIT


# version 30001

data_schedule_floats

loop_
_rlnScheduleFloatVariableName #1
_rlnScheduleFloatVariableValue #2
_rlnScheduleFloatVariableResetValue #3
do_at_most    50.000000    50.000000
angpix     1.000000     0.885000
best_bfactor   0.000000    0.000000
wait_sec   180.000000   180.000000


# version 30001

data_schedule_bools

loop_
_rlnScheduleBooleanVariableName #1
_rlnScheduleBooleanVariableValue #2
_rlnScheduleBooleanVariableResetValue #3
weigh            1            0
is_ready            0            0


# version 30001

data_schedule_strings

loop_
_rlnScheduleStringVariableName #1
_rlnScheduleStringVariableValue #2
_rlnScheduleStringVariableResetValue #3
movies  Movies/*.tiff  Movies/*.tiff


# version 30001

data_schedule_operators

loop_
_rlnScheduleOperatorName #1
_rlnScheduleOperatorType #2
_rlnScheduleOperatorOutput #3
_rlnScheduleOperatorInput1 #4
_rlnScheduleOperatorInput2 #5
FIND_bfactor float=read_star best_bfactor  movies undefined
EXIT       exit  undefined  undefined  undefined
WAIT       wait  undefined   wait_sec  undefined


# version 30001

data_schedule_jobs

loop_
_rlnScheduleJobNameOriginal #1
_rlnScheduleJobName #2
_rlnScheduleJobMode #3
_rlnScheduleJobHasStarted #4
pick pick   new            0
importmovies importmovies   continue            0
motioncorr MotionCorr/job002   continue            1
   ctffind    ctffind   overwrite            0


# version 30001

data_schedule_edges

loop_
_rlnScheduleEdgeInputNodeName #1
_rlnScheduleEdgeOutputNodeName #2
_rlnScheduleEdgeIsFork #3
_rlnScheduleEdgeOutputNodeNameIfTrue #4
_rlnScheduleEdgeBooleanVariable #5
      WAIT FIND_bfactor            0  undefined  undefined
FIND_bfactor importmovies            0  undefined  undefined
importmovies motioncorr            0  undefined  undefined
motioncorr    ctffind            0  undefined  undefined
"""
LOOP = BLOCKS + "   ctffind WAIT            0  undefined  undefined\n"
FORK = BLOCKS + "   ctffind EXIT            1  pick  is_ready\n"


def schedule(folder: Path, text: str) -> Path:
    made = folder / "Schedules/prep"
    for name, number, options in (
        ("importmovies", 0, IMPORT), ("motioncorr", 1, MOTION), ("ctffind", 2, CTF), ("pick", 4, PICK),
    ):  # fmt: skip
        (made / name).mkdir(parents=True)
        (made / name / "job.star").write_text(job_star_text(number, options))
    (made / "schedule.star").write_text(text)
    return made


def converted(path: Path) -> Converted:
    found = as_workflow(path)
    assert found is not None
    return found


def told(found: Converted, fate: str) -> set[tuple[str, str]]:
    return {(one.box, one.param) for one in found.remarks if one.fate == fate}


def test_a_loop_that_takes_what_is_new_is_a_workflow_whose_jobs_stream(tmp_path: Path) -> None:
    found = converted(schedule(tmp_path, LOOP))

    assert found.content["jobs"] == [
        {
            "name": "importmovies", "protocol": "import.movies",
            "params": {"fn_in_raw": "${movies}", "angpix": "${angpix}", "kV": 200.0, "Cs": 1.4},
        },
        {
            "name": "motioncorr", "protocol": "relion.motioncorr", "inputs": {"input_star_mics": "importmovies:movies"},
            "params": {
                "do_dose_weighting": "${weigh}", "bfactor": "${best_bfactor}", "patch_x": 5, "patch_y": 5,
                "fn_gain_ref": "${motioncorr_fn_gain_ref}", "other_args": "--skip_logfile", "nr_mpi": 4,
            },
        },
        {
            "name": "ctffind", "protocol": "relion.ctffind", "inputs": {"input_star_mics": "motioncorr:micrographs"},
            "params": {"fn_ctffind_exe": "${ctffind_fn_ctffind_exe}", "resmax": 4.0},
        },
    ]  # fmt: skip
    # What a variable is reset to is its value; one that the schedule finds while it runs has none.
    assert {name: spec.get("default") for name, spec in found.content["placeholders"].items()} == {
        "movies": "Movies/*.tiff", "angpix": 0.885, "weigh": False, "best_bfactor": None, "motioncorr_fn_gain_ref": None,
        "ctffind_fn_ctffind_exe": None,
    }  # fmt: skip


def test_what_a_schedule_does_besides_is_told(tmp_path: Path) -> None:
    found = converted(schedule(tmp_path, LOOP))

    assert told(found, "lost") == {("FIND_bfactor", ""), ("motioncorr", "do_float16"), ("pick", "")}
    assert told(found, "changed") == {("Schedules/prep", ""), ("ctffind", ""), ("motioncorr", "other_args")}
    assert told(found, "open") == {
        ("motioncorr", "bfactor"), ("motioncorr", "fn_gain_ref"), ("ctffind", "fn_ctffind_exe"),
    }  # fmt: skip


def test_after_a_fork_nothing_is_guessed(tmp_path: Path) -> None:
    found = converted(schedule(tmp_path, FORK))

    assert [job["name"] for job in found.content["jobs"]] == ["importmovies", "motioncorr", "ctffind"]
    assert {("ctffind", ""), ("pick", "")} <= told(found, "lost")
    assert "while it runs" in found.content["left_out"]["ctffind"]


def test_a_schedule_passes_check_and_its_jobs_are_made(tmp_path: Path) -> None:
    folder = schedule(tmp_path, LOOP)

    assert check_for_new_project(folder, {}).faults == ()
    (tmp_path / "gain.mrc").touch()
    ctffind = shutil.which("true") or "/bin/true"
    jobs = Project.create(tmp_path / "p").import_workflow(
        folder,
        motioncorr_fn_gain_ref=str(tmp_path / "gain.mrc"),
        ctffind_fn_ctffind_exe=ctffind,
        best_bfactor="150",
    )
    assert [job.protocol for job in jobs] == ["import.movies", "relion.motioncorr", "relion.ctffind"]
    assert jobs[0].entry.make_protocol().values["angpix"] == 0.885


def test_a_schedule_that_begins_with_a_fork_is_told(tmp_path: Path) -> None:
    text = re.sub(
        r"WAIT FIND_bfactor +0 +undefined +undefined", "WAIT FIND_bfactor 1 importmovies is_ready", LOOP
    )

    with pytest.raises(ProjectError, match="without a job that could be taken"):
        converted(schedule(tmp_path, text))


@pytest.mark.relion
def test_as_relion_itself_writes_it_it_is_read_alike(tmp_path: Path) -> None:
    folder = schedule(tmp_path, LOOP)
    before = converted(folder).content
    (tmp_path / ".gui_projectdir").touch()
    (folder / "schedule_pipeline.star").write_text(Pipeline(counter=1).text())

    subprocess.run(
        ["relion_scheduler", "--schedule", "prep", "--set_var", "wait_sec", "--value", "5"],
        cwd=tmp_path, check=True, capture_output=True, timeout=60,
    )  # fmt: skip

    assert "5.000000" in (folder / "schedule.star").read_text()
    assert converted(folder).content == before
