"""Absent, empty, unreadable and of another version are four facts: what is not known is not made up."""

import errno
import json
import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.engine.facts import FactGatherer
from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.local import Local
from cryoloom.launchers.machine import this_machine
from cryoloom.project.attempts import CONTROL, read_control, write_control
from cryoloom.project.events import AttemptStarted, Note
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms.pipeline import FILE, read_pipeline
from cryoloom.project.index import Row, add_to_index, cache_folder, read_index
from cryoloom.project.journal import JournalWriter, read_history
from cryoloom.project.relion_lock import relion_lock
from cryoloom.project.settings import load_settings
from cryoloom.schedule.decide import decide


def decision_on(project: ProjectFolder) -> tuple[tuple[object, ...], dict[str, str]]:
    gatherer = FactGatherer(project, AtHand.only(Local()), this_machine(load_settings(project.root)))
    decision = decide(gatherer.look(), None, gatherer.live)
    return decision.actions, dict(decision.waits)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 2, "wanted": "run"}'])
def test_a_stopped_job_is_not_started_because_its_wishes_cannot_be_read(
    project: ProjectFolder, content: str
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {}, wishes={"wanted": "stop", "memory_gb": 60})
    (entry.folder / CONTROL).write_text(content)

    actions, waits = decision_on(project)

    assert actions == ()
    assert "control.json" in waits[entry.name]
    assert entry.look().damage and "control.json" in entry.look().why
    with pytest.raises(UnreadableError):
        write_control(entry.folder, priority=5)
    assert (entry.folder / CONTROL).read_text() == content  # no wish was lost by another one


def test_a_file_server_that_is_away_for_a_moment_changes_no_wish(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {}, wishes={"wanted": "stop"})
    real = Path.read_text

    def stale(self: Path, *args: object, **kwargs: object) -> str:
        if self.name == CONTROL.name:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", stale)
        assert decision_on(project)[0] == ()

    assert entry.status().state == "aborted"


def test_wishes_of_a_later_version_are_kept(project: ProjectFolder) -> None:
    entry = project.create_job("loomtest.nothing", {}, {}, wishes={"nice": 3})

    write_control(entry.folder, priority=5)

    assert read_control(entry.folder)["nice"] == 3
    assert json.loads((entry.folder / CONTROL).read_text())["format"] == 1


@pytest.mark.parametrize("file", ["claim", "exit.json", "given_up.json"])
def test_an_attempt_whose_end_cannot_be_read_is_neither_ended_nor_begun_again(
    project: ProjectFolder, file: str
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    attempt = entry.folder / ".cryoloom/attempts/0001"
    attempt.mkdir()
    (attempt / "claim").write_text(json.dumps({"host": "elsewhere", "pid": 1, "start": 1}))
    if file == "given_up.json":
        (attempt / "exit.json").write_text('{"ended_by": "killed"}')
    (attempt / file).write_text("")

    actions, waits = decision_on(project)

    assert actions == () and file in waits[entry.name]


def test_a_job_of_a_newer_version_is_told_and_left_alone(project: ProjectFolder) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    content = json.loads((entry.folder / "job.json").read_text())
    (entry.folder / "job.json").write_text(json.dumps(content | {"format": 2}))

    entry = project.entry(entry.name)

    assert "A newer Cryoloom wrote it" in entry.look().why
    assert decision_on(project)[0] == ()


def test_a_journal_of_a_newer_version_is_refused_and_one_begun_anew_is_read_anew(
    project: ProjectFolder,
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    journal = JournalWriter(entry.folder, 1)
    journal.write(Note(text="a"))
    journal.close()
    known = read_history(entry.folder)
    (entry.folder / "journal.jsonl").unlink()
    journal = JournalWriter(entry.folder, 1)
    for number in range(5):
        journal.write(Note(text=f"longer than before {number}"))

    assert len(read_history(entry.folder, known).notes) == 5
    journal.write(AttemptStarted(format=2))
    with pytest.raises(UnreadableError, match="format 2"):
        read_history(entry.folder)


def three_jobs(project: ProjectFolder) -> Path:
    for _ in range(3):
        project.create_job("import.movies", {"fn_in_raw": "/x/*.mrc"}, {})
    return project.root / FILE


def test_a_pipeline_that_is_cut_anywhere_is_an_error_and_never_a_smaller_project(
    project: ProjectFolder,
) -> None:
    file = three_jobs(project)
    whole = file.read_bytes()

    for end in [
        *range(0, len(whole) - 2, 41),
        *(n for n in range(len(whole) - 2) if whole[n : n + 1] == b"\n"),
    ]:
        file.write_bytes(whole[:end])
        try:
            known = read_pipeline(project.root)
        except UnreadableError:
            continue
        assert (len(known.processes), known.counter) == (3, 4), f"cut at {end}"
        assert len(known.nodes) == 3 and len(known.output_edges) == 3, f"cut at {end}"
    file.write_bytes(b"")
    with pytest.raises(UnreadableError, match=r"default_pipeline\.star is empty, expected a whole pipeline"):
        ProjectFolder(project.root)


def test_columns_and_tables_of_the_pipeline_that_nobody_knows_survive(project: ProjectFolder) -> None:
    file = three_jobs(project)
    text = file.read_text().replace(
        "_rlnPipeLineProcessStatus #4 \n", "_rlnPipeLineProcessStatus #4 \n_rlnPipeLineProcessColour #5 \n"
    )
    text = text.replace("            1 \nImport", "            1 red \nImport", 2).replace(
        "            0            1 \n \n", "            0            1 blue \n \n"
    )
    file.write_text(text + "\n# version 30001\n\ndata_theirs\n\n_rlnThing  7\n \n")
    project.set_alias("1", "first")

    after = file.read_text()

    assert after.count(" red ") == 2 and after.count(" blue ") == 1 and "data_theirs" in after
    assert "_rlnThing  7" in after and "Import/first/" in after


def test_a_pipeline_keeps_its_mode_and_jobs_are_the_project_s_whatever_the_umask(tmp_path: Path) -> None:
    root = tmp_path / "p"
    root.mkdir()
    root.chmod(0o2775)
    project = ProjectFolder.create(root)
    (root / FILE).chmod(0o664)
    before = os.umask(0o077)
    try:
        entry = project.create_job("import.movies", {"fn_in_raw": "/x/*.mrc"}, {})
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / FILE).stat().st_mode) == 0o664
    for path in (
        entry.folder.parent,
        entry.folder,
        entry.folder / ".cryoloom" / "attempts",
        root / ".cryoloom",
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o2775, path
    for name in ("job.json", "job.star", "job_pipeline.star"):
        assert stat.S_IMODE((entry.folder / name).stat().st_mode) == 0o664, name


@pytest.mark.parametrize("harm", ["gone", "unreadable", "of an unknown kind"])
def test_a_job_that_cannot_be_known_is_one_line_and_no_command_about_all_jobs_ends_with_it(
    tmp_path: Path, harm: str
) -> None:
    project = Project.create(tmp_path / "p")
    bad, good = (project.run("loomtest.nothing", start=False) for _ in range(2))
    if harm == "gone":
        shutil.rmtree(bad.folder)
    elif harm == "unreadable":
        (bad.folder / "job.json").unlink()
        (bad.folder / "job.json").mkdir()
    else:
        content = json.loads((bad.folder / "job.json").read_text())
        (bad.folder / "job.json").write_text(json.dumps(content | {"protocol": "nobodys.thing"}))
    project = Project(project.path)

    lines = project.summaries()
    project.clean(dry_run=True)
    project.resume()
    project.job(good.name).dependents()
    project.delete(good.name)

    assert [line.name for line in lines] == [bad.name, good.name]
    if harm == "gone":
        assert f"cryoloom delete {bad.name}" in lines[0].why
        for act in (project.restart, project.copy, project.continue_from):
            with pytest.raises(ProjectError, match=f"{bad.name} is gone.*cryoloom delete"):
                act(bad.name)
        assert project.delete(bad.name) == {bad.name: ""}


def test_a_row_of_the_index_of_another_version_is_looked_up_anew(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    before = [line.as_dict() for line in project.summaries()]
    row = read_index(project.path)[job.name]
    content = json.loads(row.summary) | {"new_field": 1}
    add_to_index(project.path, [Row(row.name, row.stamp, row.state, json.dumps(content))])

    assert [line.as_dict() for line in project.summaries()] == before


def test_a_cache_folder_that_cannot_be_used_does_not_keep_from_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    (tmp_path / "no_folder").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no_folder"))

    assert [line.name for line in project.summaries()] == [job.name]
    assert not cache_folder(project.path).exists()
    with pytest.raises(ProjectError, match="XDG_CACHE_HOME"):
        job.resume()


def test_an_old_lock_of_relion_s_is_told_at_once_with_its_owner(project: ProjectFolder) -> None:
    lock = project.root / ".relion_lock"
    lock.mkdir()
    (lock / "lock_default_pipeline.star").write_text("held")
    os.utime(lock, (1e9, 1e9))

    with (
        pytest.raises(ProjectError, match=r"held by a RELION program of \w+ since 2001-.*rm -r"),
        relion_lock(project.root),
    ):
        pass


def test_a_project_whose_pipeline_file_is_gone_is_no_new_one(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path / "p", seed=1)
    project.create_job("import.micrographs", {"fn_in_raw": "raw/*.mrc"}, {})
    (project.root / "default_pipeline.star").unlink()

    for again in (lambda: ProjectFolder(project.root), lambda: ProjectFolder.create(project.root)):
        with pytest.raises(
            UnreadableError, match=r"default_pipeline\.star is gone, though there are jobs.*Put it back"
        ):
            again()
    assert not (project.root / "default_pipeline.star").exists()


def test_a_job_of_ours_whose_description_is_missing_is_not_taken_for_one_of_relions(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path / "p", seed=1)
    entry = project.create_job("import.micrographs", {"fn_in_raw": "raw/*.mrc"}, {})
    (entry.folder / "journal.jsonl").touch()
    (entry.folder / "job.json").unlink()

    again = project.entry(entry.name)

    assert again.protocol == "unknown"
    assert "job.json is missing, though the job's journal is there" in again.look().why


def test_a_job_that_relion_has_scheduled_says_what_can_be_done_with_it(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    (project.path / "p.star").write_text("data_particles\n")
    job = project.run("relion.class2d", start=False, fn_img="p.star")
    (job.folder / "job.json").unlink()
    shutil.rmtree(job.folder / ".cryoloom")
    project = Project(project.path)

    [line] = project.summaries()

    assert line.state == "scheduled" and "RELION's GUI" in line.why
    assert f"cryoloom copy {job.name}" in line.why
    for act in (lambda name: project.resume([name]), project.restart):
        with pytest.raises(ProjectError, match=f"RELION's GUI.*cryoloom copy {job.name}"):
            act(job.name)
    assert project.resume() == []
    [copy] = project.copy(job.name)
    assert copy.protocol == "relion.class2d"


def test_a_pipeline_of_relion_4_is_read_and_never_written(project: ProjectFolder) -> None:
    file = three_jobs(project)
    text = re.sub(
        r"(?m)^(Import/job00\d/ +\S+ +)0( +)(\d)", r"\1relion.import.movies\2Scheduled", file.read_text()
    )
    for label in ("Type", "Status"):
        text = text.replace(f"_rlnPipeLineProcess{label} ", f"_rlnPipeLineProcess{label}Label ")
    file.write_text(text)
    project = ProjectFolder(project.root)

    assert len(project.entries()) == 3
    for act in (
        lambda: project.set_alias("1", "first"),
        lambda: project.create_job("loomtest.nothing", {}, {}),
    ):
        with pytest.raises(ProjectError, match="RELION 4 or 5"):
            act()
    assert file.read_text() == text
