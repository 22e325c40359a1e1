"""An import finds what the microscope writes, wherever the pattern allows it, and takes it when it is whole."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from faults.killing import victims
from waiting import until

from cryoloom import Project
from cryoloom.images.mrc import write_mrc
from cryoloom.plugins.imports.patterns import matching, patterns_of, watchable
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import JobFolder, SourceProtocol
from cryoloom.protocol.jobs import Taken


def image(path: Path) -> bytes:
    write_mrc(path, np.eye(16, dtype=np.float32), 1.0)
    data = path.read_bytes()
    path.unlink()
    return data


def movie(path: Path) -> bytes:
    write_mrc(path, np.ones((4, 16, 16), np.float32), 1.0)
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.mark.slow
@pytest.mark.parametrize("poll", [0, 1])
def test_new_folders_renamed_files_and_slowly_written_ones_are_found_by_events_and_by_looks(
    tmp_path: Path, poll: int
) -> None:
    data = image(tmp_path / "x.mrc")
    raw = tmp_path / "raw"
    (raw / "grid1").mkdir(parents=True)
    project = Project.create(tmp_path / "p")
    (project.path / ".cryoloom/config.toml").write_text(f"[streams]\npoll = {poll}\n")
    job = project.run(
        "import.micrographs",
        fn_in_raw=str(raw / "grid*" / "*.mrc"),
        angpix=1.0,
        stream=True,
        file_timeout=0.3,
    )
    until(lambda: job.state == "running")

    def taken() -> set[str]:
        history = job.entry.status().history
        assert not history.failed
        return (
            {Path(name).name for name in job.dataset().table()["rlnMicrographName"]}
            if history.done
            else set()
        )

    (raw / "grid1" / "a.mrc").write_bytes(data)
    until(lambda: taken() == {"a.mrc"})

    (raw / "grid2").mkdir()
    (raw / "grid2" / "b.part").write_bytes(data)
    (raw / "grid2" / "b.part").rename(raw / "grid2" / "b.mrc")
    until(lambda: taken() == {"a.mrc", "b.mrc"})

    with (raw / "grid2" / "c.mrc").open("wb") as file:
        for start in range(0, len(data), 400):
            file.write(data[start : start + 400])
            file.flush()
            time.sleep(0.1)
    (raw / "grid1" / "d.tmp.mrc").write_bytes(data[:100])
    (raw / "grid1" / "d.tmp.mrc").rename(raw / "grid1" / "d.other")
    until(lambda: taken() == {"a.mrc", "b.mrc", "c.mrc"})

    job.stop(stream=True)
    job.wait(30)
    assert job.state == "succeeded", job.why


@pytest.mark.slow
@pytest.mark.parametrize("poll", [0, 1])
def test_a_file_whose_copy_stalled_is_taken_when_it_is_whole(tmp_path: Path, poll: int) -> None:
    data = image(tmp_path / "x.mrc")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "bad.mrc").write_text("no image\n")
    project = Project.create(tmp_path / "p")
    (project.path / ".cryoloom/config.toml").write_text(f"[streams]\npoll = {poll}\n")
    job = project.run(
        "import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.2
    )

    def reasons() -> dict[str, str]:
        return {Path(name).name: why for name, why in job.entry.status().history.failed.values()}

    with (raw / "slow.mrc").open("wb") as file:
        file.write(data[:1500])
        file.flush()
        until(lambda: "cut short: 1500 bytes" in reasons().get("slow.mrc", ""))
        file.write(data[1500:1700])
        file.flush()
        until(lambda: "cut short: 1700 bytes" in reasons()["slow.mrc"])
        file.write(data[1700:])
    until(lambda: job.entry.status().history.done)
    job.stop(stream=True)
    project.wait(timeout_s=30)

    assert job.state == "succeeded"
    assert [*reasons()] == ["bad.mrc"]
    assert len(job.dataset()) == 1
    told = [line for line in (job.folder / "run.err").read_text().splitlines() if "bad.mrc" in line]
    assert len(told) == 1  # it was not looked at again and again


def test_the_folders_to_watch_are_those_where_a_name_can_first_match(tmp_path: Path) -> None:
    for name in ("s1/images", "s2/images", "other"):
        (tmp_path / name).mkdir(parents=True)

    found = watchable(patterns_of("s*/images/*.mrc", tmp_path))

    assert found == [tmp_path, *(tmp_path / name for name in ("s1", "s2", "s1/images", "s2/images"))]
    assert watchable(patterns_of("**/*.mrc", tmp_path)) == []  # nobody can say where


def test_known_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("a.mrc", "b.mrc"):
        (tmp_path / name).touch()

    found = matching(patterns_of("*.mrc", tmp_path), {str(tmp_path / "a.mrc")})

    assert [path.name for path in found] == ["b.mrc"]


@pytest.mark.slow
def test_a_movie_whose_copy_stalled_is_taken_by_the_next_process_too(tmp_path: Path) -> None:
    data = movie(tmp_path / "x.mrc")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "good.mrc").write_bytes(data)
    (raw / "slow.mrc").write_bytes(data[: len(data) // 2])
    project = Project.create(tmp_path / "p")
    job = project.run(
        "import.movies", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.2
    )
    until(lambda: len(job.entry.status().history.done) == len(job.entry.status().history.failed) == 1)

    [process] = victims(project.path, "job process")
    os.kill(process, signal.SIGKILL)
    with (raw / "slow.mrc").open("ab") as file:
        file.write(data[len(data) // 2 :])
    until(lambda: len(job.entry.status().history.done) == 2)
    job.stop(stream=True)
    project.wait(timeout_s=30)

    assert (job.state, job.summary().done, job.summary().failed) == ("succeeded", 2, 0)
    assert len(job.dataset()) == 2
    assert not (job.folder / "failed.star").exists()


def test_each_of_many_bad_files_is_looked_at_once_until_it_changes(tmp_path: Path) -> None:
    ProjectFolder.create(tmp_path)
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in range(3):
        (raw / f"{number}.mrc").write_text("no image\n")
    protocol = find_protocol("import.micrographs")({"fn_in_raw": "raw/*.mrc", "angpix": 1.0}, {})
    assert isinstance(protocol, SourceProtocol)
    search = protocol.begin(JobFolder("Import/job001/", tmp_path, "id"), Taken())

    def looked_at() -> str:
        """Whoever takes one may ask for no more, and look anew."""
        return next((Path(found.name).stem for _, found in search.look()), "")

    assert [looked_at() for _ in range(5)] == ["0", "1", "2", "", ""]
    (raw / "1.mrc").write_text("no image yet\n")
    assert [looked_at() for _ in range(2)] == ["1", ""]
    (raw / "1.mrc").unlink()
    assert looked_at() == ""


@pytest.mark.slow
def test_an_import_makes_no_second_project_where_its_own_was_renamed(tmp_path: Path) -> None:
    data = movie(tmp_path / "x.mrc")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.mrc").write_bytes(data)
    project = Project.create(tmp_path / "old")
    job = project.run(
        "import.movies", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.1
    )
    until(lambda: job.entry.status().history.done)

    project.path.rename(tmp_path / "new")
    (raw / "b.mrc").write_bytes(data)
    job = Project(tmp_path / "new").job(job.name)
    until(lambda: "interrupted" in job.why)
    assert not (tmp_path / "old").exists()
    job.resume()
    until(lambda: len(job.entry.status().history.done) == 2)
    job.stop(stream=True)
    job.wait(30)

    assert job.state == "succeeded", job.why
    links = job.dataset().table()["rlnMicrographMovieName"].to_list()
    assert [(tmp_path / "new" / link).read_bytes() == data for link in links] == [True, True]
    assert not (tmp_path / "old").exists()


@pytest.mark.slow
def test_a_gain_reference_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.mrc").write_bytes(movie(tmp_path / "x.mrc"))
    gain = image(tmp_path / "y.mrc")
    (tmp_path / "gain.mrc").write_bytes(gain[:1100])
    project = Project.create(tmp_path / "p")
    job = project.run(
        "import.movies", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.1,
        fn_gain_ref=str(tmp_path / "gain.mrc"),
    )  # fmt: skip
    until(lambda: job.state == "running")
    time.sleep(1.5)
    assert job.state == "running" and not job.entry.status().history.done

    (tmp_path / "gain.mrc").write_bytes(gain)
    until(lambda: job.entry.status().history.done)
    job.stop(stream=True)
    job.wait(30)

    assert job.state == "succeeded", job.why


@pytest.mark.slow
def test_a_gain_reference_that_stays_cut_ends_the_import_with_its_name(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.mrc").write_bytes(movie(tmp_path / "x.mrc"))
    (tmp_path / "gain.mrc").write_bytes(image(tmp_path / "y.mrc")[:1100])
    project = Project.create(tmp_path / "p")

    job = project.run(
        "import.movies", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.1,
        fn_gain_ref=str(tmp_path / "gain.mrc"),
    ).wait(60, check=False)  # fmt: skip

    assert job.state == "failed" and "gain.mrc is cut short" in job.why
