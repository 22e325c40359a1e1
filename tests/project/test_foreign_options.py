"""What RELION's jobs have and we have not is never dropped: it is refused by its name."""

from pathlib import Path

import pytest

from cryoloom.api.relion_command import commands_of
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.continuing import continue_job
from cryoloom.project.copying import copy_jobs
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.jobstar import job_star_text
from cryoloom.project.forms.relion31 import FOLDERS


def relion_job(project: ProjectFolder, number: int, options: dict[str, str]) -> str:
    name = f"{FOLDERS[number]}/job001"
    (project.root / name).mkdir(parents=True)
    (project.root / name / "job.star").write_text(job_star_text(number, options))
    with pipe.changed_pipeline(project.root) as pipeline:
        pipeline.processes.append(pipe.Process(f"{name}/", "None", number, pipe.SUCCEEDED))
        pipeline.counter = 2
    return name


@pytest.mark.parametrize(
    ("number", "options", "named"),
    [
        (10, {"fn_img": "a.star", "fn_ref": "a.mrc", "an_option_of_tomorrow": "7"}, ["an_option_of_tomorrow=7"]),
        (5, {"star_mics": "m.star", "coords_suffix": "c.star", "do_set_angpix": "Yes", "angpix": "2"},
         ["do_set_angpix=Yes", "angpix=2"]),
        (8, {"fn_img": "a.star", "an_option_of_tomorrow": "7"}, ["an_option_of_tomorrow=7"]),
    ],
)  # fmt: skip
def test_options_that_do_something_are_named_and_nothing_is_made(
    project: ProjectFolder, number: int, options: dict[str, str], named: list[str]
) -> None:
    name = relion_job(project, number, options)

    for attempt in (
        lambda: copy_jobs(project, name, {}, {}),
        lambda: commands_of(project.root / name / "job.star"),
    ):
        with pytest.raises(ProjectError) as caught:
            attempt()
        assert all(word in caught.value.found for word in named), caught.value
    if number in (8, 10):
        with pytest.raises(ProjectError, match="does not know"):
            continue_job(project, name, {}, {})
    assert [entry.name for entry in project.entries()] == [name]


@pytest.mark.parametrize(
    ("number", "options", "words"),
    [
        (2, {"input_star_mics": "m.star", "use_gctf": "Yes", "use_ctffind4": "No", "fn_gctf_exe": "/x/Gctf",
             "do_EPA": "Yes", "other_gctf_args": "--kV 300"},
         ["--use_gctf --gctf_exe /x/Gctf --ignore_ctffind_params --EPA --extra_gctf_options \" --kV 300 \" --gpu"]),
        (1, {"input_star_mics": "m.star", "do_own_motioncor": "No", "fn_motioncor2_exe": "/x/mc2", "gpu_ids": "1",
             "other_motioncor2_args": "-Tol 0.5"},
         ["--use_motioncor2 --motioncor2_exe /x/mc2 --gpu 1 --other_motioncor2_args \" -Tol 0.5 \""]),
        (4, {"fn_input_autopick": "m.star", "fn_refs_autopick": "a.star", "do_pick_helical_segments": "Yes",
             "helical_nr_asu": "3", "helical_rise": "4.75"},
         ["--helix --helical_tube_outer_diameter 200", "--min_distance 14.25"]),
        (4, {"fn_input_autopick": "m.star", "fn_refs_autopick": "a.star", "particle_diameter": "150"},
         ["--particle_diameter 150"]),
        (5, {"star_mics": "m.star", "coords_suffix": "c.star", "do_extract_helix": "Yes", "helical_nr_asu": "3"},
         ["--helix --helical_outer_diameter 200", "--helical_cut_into_segments --helical_nr_asu 3"]),
    ],
)  # fmt: skip
def test_options_of_other_programs_and_of_filaments_are_known(
    project: ProjectFolder, number: int, options: dict[str, str], words: list[str]
) -> None:
    name = relion_job(project, number, options)

    line, *_ = commands_of(project.root / name / "job.star")

    assert all(word in line for word in words), line


@pytest.mark.parametrize("switch", ["Yes", "No"])
def test_helical_options_of_a_job_are_its_own(project: ProjectFolder, switch: str) -> None:
    options = {"fn_img": "a.star", "do_helix": switch, "helical_tube_outer_diameter": "180", "range_psi": "9"}
    name = relion_job(project, 8, options)
    (project.root / "a.star").write_text("data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n\n")

    line, *_ = commands_of(project.root / name / "job.star")

    helical = "--helical_outer_diameter 180 --bimodal_psi --sigma_psi 3 --helix --helical_rise_initial 4.75"
    assert (helical in line) == (switch == "Yes")
    assert ("helical" in line) == (switch == "Yes")


def test_options_behind_a_switch_that_is_off_mean_nothing(project: ProjectFolder) -> None:
    options = {"fn_img": "a.star", "do_helix": "No", "helical_tube_outer_diameter": "180", "range_psi": "6"}
    name = relion_job(project, 8, {**options, "nr_classes": "7", "do_queue": "No", "queuename": "openmpi"})
    (project.root / "a.star").write_text("data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n\n")

    line, *_ = commands_of(project.root / name / "job.star")

    assert "--K 7" in line


@pytest.mark.parametrize(
    "kind",
    ["Particles STAR file (.star)", "3D reference (.mrc)", "2D/3D particle coordinates (*.box, *_pick.star)"],
)
def test_an_import_of_something_else_is_not_called_an_import_of_movies(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "job.star"
    file.write_text(
        job_star_text(
            0,
            {
                "do_raw": "No",
                "do_other": "Yes",
                "fn_in_other": "x.star",
                "node_type": kind,
                "is_multiframe": "Yes",
            },
        )
    )

    with pytest.raises(CryoloomError, match=r"is a job of relion\.import"):
        commands_of(file)


def test_a_job_star_of_relion_4_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "job.star"
    text = job_star_text(8, {"fn_img": "a.star"}).replace(
        "_rlnJobType   ", "_rlnJobTypeLabel relion.class2d #"
    )
    file.write_text(text)

    with pytest.raises(CryoloomError, match="RELION 4 or 5"):
        commands_of(file)
