"""`cryoloom relion command`: lines that work in a shell."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest_tiny import cryoloom, job
from relion_lines import both_lines, new_pipeline

from cryoloom import Project
from cryoloom.api.relion_command import commands_of, lines_of
from cryoloom.project.forms.jobstar import job_star_of, job_star_text
from cryoloom.project.registry import find_protocol
from cryoloom.runner.programs import RELION_ENVIRONMENT


def test_an_external_job_s_line_is_the_one_that_relion_makes(tmp_path: Path) -> None:
    options = {
        "fn_exe": "/bin/true", "in_part": "p.star", "in_mask": "m.mrc", "in_mov": "", "nr_threads": "3", "other_args": "--x 1",
        "param1_label": "protocol", "param1_value": "sets.filter", "param2_label": "", "param2_value": "lost",
    }  # fmt: skip
    (tmp_path / "job.star").write_text(job_star_text(99, options))

    assert commands_of(tmp_path / "job.star") == [
        "/bin/true --o External/job001/ --in_parts p.star --in_mask m.mrc --protocol sets.filter --j 3 --x 1"
    ]


@pytest.mark.relion
@pytest.mark.slow
def test_lines_of_a_project_s_job_work_in_a_shell(tiny: Project, tmp_path: Path) -> None:
    name = job(tiny, "postprocess")
    asked = cryoloom("relion", "command", name, "--project", str(tiny.path), "--json")
    [line] = json.loads(asked.stdout)
    kept = tiny.path / name / "postprocess.mrc"

    # Into a folder of its own: the project stays as it is.
    for folder in ("Refine3D", "MaskCreate"):
        (tmp_path / folder).symlink_to(tiny.path / folder)
    (tmp_path / name).mkdir(parents=True)
    import os

    subprocess.run(
        line, shell=True, check=True, cwd=tmp_path, env={**os.environ, **RELION_ENVIRONMENT}, timeout=60
    )

    assert (tmp_path / name / "postprocess.mrc").read_bytes()[1024:] == kept.read_bytes()[1024:]
    refined = cryoloom("relion", "command", job(tiny, "refine_masked"), "--project", str(tiny.path)).stdout
    assert refined.startswith("mpirun -n 3 `which relion_refine_mpi` ")


@pytest.mark.relion
@pytest.mark.parametrize(
    ("name", "values", "inputs", "echo"),
    [
        (
            "relion.autopick", {"do_log": True}, {"fn_input_autopick": "CtfFind/job090/micrographs_ctf.star"},
            "echo CtfFind/job090/micrographs_ctf.star > AutoPick/job001/coords_suffix_autopick.star",
        ),
        (
            "relion.extract", {"do_reextract": True},
            {"star_mics": "CtfFind/job090/micrographs_ctf.star", "fndata_reextract": "Select/job090/particles.star"},
            "echo CtfFind/job090/micrographs_ctf.star > Extract/job001/coords_suffix_extract.star",
        ),
    ],
)  # fmt: skip
def test_small_files_are_echoed_as_relion_does(
    name: str, values: dict[str, Any], inputs: dict[str, str], echo: str, tmp_path: Path
) -> None:
    kind = find_protocol(name)
    new_pipeline(tmp_path, inputs.values())
    protocol = kind(values, {key: kind.inputs[key].kind(path) for key, path in inputs.items()})
    both_lines(tmp_path, f"{kind.folder}/job001", job_star_of(protocol))

    noted = (tmp_path / f"{kind.folder}/job001/note.txt").read_text().splitlines()
    ours = commands_of(tmp_path / f"{kind.folder}/job001/job.star")
    assert echo in noted
    assert ours[1:] == [echo]


def test_an_import_of_several_groups_is_told_group_by_group(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    common = {"angpix": 1.0, "start": False}
    by_group = project.run(
        "import.movies", fn_in_raw="m/*.tiff", optics_groups="a_*=left b_*=right", **common
    )
    by_pattern = project.run("import.movies", fn_in_raw="m/a_*.tiff m/b_*.tiff", **common)

    sources = [
        [re.findall(r'--i "([^"]*)"', line)[0] for line in lines_of(made.name, project=project)]
        for made in (by_group, by_pattern)
    ]
    assert sources == [["m/a_*", "m/b_*"], ["m/a_*.tiff", "m/b_*.tiff"]]
    names = [
        re.findall(r'group_name "([^"]*)"', line)[0] for line in lines_of(by_group.name, project=project)
    ]
    assert names == ["left", "right"]
    assert "--continue" in lines_of(by_pattern.name, project=project)[1]
