"""What has changed since a job was over is said: its files, what it read, and the programs."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cryoloom import Project
from cryoloom.cli.main import app
from cryoloom.images.mrc import write_mrc
from cryoloom.project.fingerprints import fingerprint
from cryoloom.project.records import read_record

pytestmark = pytest.mark.relion


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A volume, and one of another size made of it by RELION."""
    made = Project.create(tmp_path / "p")
    noise = np.random.default_rng(1).normal(size=(64, 64, 64)).astype(np.float32)
    write_mrc(tmp_path / "noise.mrc", noise, 2.0)
    volume = made.run("import.volume", fn_in_other=str(tmp_path / "noise.mrc"))
    made.run("relion.image_handler", fn_in=volume, new_box=32).wait()
    return made


def test_the_record_says_which_programs_made_a_job_of_what(project: Project) -> None:
    record = read_record(project.job(2).folder)
    assert record is not None

    program = record.programs["relion_image_handler"]
    assert program.version.startswith("3.1")
    assert program.digest == fingerprint(Path(program.path)).digest
    [(name, given)] = record.inputs.items()
    assert name == project.job(2).entry.spec.inputs["fn_in"].path  # type: ignore[union-attr]
    assert given == fingerprint(project.path / name)
    assert given.size == 64**3 * 4 + 1024


def test_all_is_as_it_was_until_a_file_is_edited(project: Project) -> None:
    found = project.verify()
    assert found.is_as_it_was
    assert [job.files for job in found.jobs] == [1, 1]

    volume = project.path / project.job(1).dataset().path
    with volume.resolve().open("r+b") as file:
        file.seek(2048)
        file.write(b"\1")
    first, second = project.verify().jobs
    assert first.changed == {project.job(1).dataset().path: "other contents"}
    assert second.inputs == {project.job(1).dataset().path: "other contents"}
    assert not second.changed


def test_a_file_that_is_gone_or_shorter_is_named(project: Project) -> None:
    map_file = project.path / project.job(2).dataset().path
    map_file.write_bytes(map_file.read_bytes()[:-4])
    [job] = project.verify("2").jobs
    assert job.changed == {project.job(2).dataset().path: f"{32**3 * 4 + 1020} bytes, was {32**3 * 4 + 1024}"}

    map_file.unlink()
    [job] = project.verify("2").jobs
    assert job.gone == (project.job(2).dataset().path,)


def test_what_a_job_writes_anew_when_it_is_retried_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in "ab":
        write_mrc(
            tmp_path / f"raw/{name}.mrc",
            np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32),
            2.0,
        )
    second = tmp_path / "raw/b.mrc"
    good = second.read_bytes()
    second.write_bytes(good[:3000])
    made = Project.create(tmp_path / "p")
    job = made.run("import.micrographs", fn_in_raw=f"{tmp_path}/raw/*.mrc", angpix=2).wait()
    assert made.verify(whole=True).is_as_it_was

    second.write_bytes(good)
    job.retry()
    assert job.wait().summary().done == 2
    assert made.verify(whole=True).is_as_it_was
    table = made.path / job.dataset().path
    table.write_bytes(table.read_bytes().replace(b"b.mrc", b"c.mrc"))
    [found] = made.verify(whole=True).jobs
    assert {*found.changed} == {job.dataset().path}


def test_what_lies_between_the_samples_is_seen_by_the_whole(project: Project) -> None:
    large = project.path / project.job(1).dataset().path
    command = ["verify", "--whole", "-p", str(project.path)]
    assert "2 files were read whole for the first time" in CliRunner().invoke(app, command).output
    assert "for the first time" not in CliRunner().invoke(app, command).output
    with large.resolve().open("r+b") as file:
        file.seek(64 * 1024 + 1)  # behind the beginning, before the first sample
        file.write(b"\1")

    assert project.verify().is_as_it_was
    [first, _] = project.verify(whole=True).jobs
    assert first.changed == {project.job(1).dataset().path: "other contents, between the samples"}


def test_a_program_of_another_build_is_said(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    record = read_record(project.job(2).folder)
    assert record is not None
    other = folder / "relion_image_handler"
    shutil.copy(record.programs["relion_image_handler"].path, other)
    with other.open("ab") as file:
        file.write(b"\0")
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    try:
        [job] = project.verify("2").jobs
    finally:
        os.environ["PATH"] = os.environ["PATH"].removeprefix(f"{folder}:")

    assert list(job.programs) == ["relion_image_handler"]
    assert f"another build of 3.1.3 now ({other})" in job.programs["relion_image_handler"]


def test_a_job_without_a_record_is_not_called_as_it_was(project: Project) -> None:
    (project.job(1).folder / ".cryoloom/record.json").unlink()

    [first, _] = project.verify().jobs
    assert "nothing was written down" in first.unknown
    assert not first.is_as_it_was


def test_a_job_that_has_not_ended_is_neither_changed_nor_as_it_was(project: Project) -> None:
    waiting = project.make("relion.image_handler", {"fn_in": "1", "new_box": 16}, start=False)

    assert project.verify().is_as_it_was
    [job] = project.verify(waiting).jobs
    assert job.unknown == "it has not ended"


@pytest.mark.slow
def test_what_was_cleaned_is_no_change(tiny: Project, tmp_path: Path) -> None:
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    project = Project(tmp_path / "p")
    job = next(summary.name for summary in project.summaries() if summary.label == "class2d")
    moved = project.clean(job)[0].files
    assert moved

    [found] = project.verify(job).jobs

    assert found.is_as_it_was and len(found.cleaned) > 0 and not found.gone
