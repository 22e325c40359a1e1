"""The local launcher keeps what every launcher promises."""

import json
import sys
from pathlib import Path

from waiting import until

from cryoloom.launchers.launcher import Standing, read_handle, standing_of, submit
from cryoloom.launchers.local import Local


def attempt(folder: Path, code: str) -> Path:
    """The folder of an attempt whose process runs some Python."""
    made = folder / "0001"
    made.mkdir()
    command = {"argv": [sys.executable, "-c", code], "cwd": "/", "env": {}, "token": "t"}
    (made / "command.json").write_text(json.dumps(command))
    return made


def test_what_was_submitted_is_known_by_its_handle_until_it_is_over(tmp_path: Path) -> None:
    launcher, folder = Local(), attempt(tmp_path, "import time; time.sleep(60)")

    submit(launcher, folder)
    handle = read_handle(folder)
    [id] = handle.ids
    until(lambda: (folder / "claim").exists())
    assert handle.launcher == "local" and launcher.poll([id]) == {id: "running"}
    launcher.cancel(id)

    until(lambda: launcher.poll([id]) == {id: "over"})
    assert json.loads((folder / "exit.json").read_text())["ended_by"] == "signal"
    launcher.cancel(id)


def test_of_two_submissions_one_has_the_attempt_and_the_handle_knows_both(tmp_path: Path) -> None:
    launcher, folder = Local(), attempt(tmp_path, "open('ran', 'a').write('x')")
    command = json.loads((folder / "command.json").read_text())
    (folder / "command.json").write_text(json.dumps({**command, "cwd": str(tmp_path)}))

    submit(launcher, folder)
    submit(launcher, folder)

    ids = read_handle(folder).ids
    until(lambda: set(launcher.poll(ids).values()) == {"over"})
    assert len(ids) == 2 and (tmp_path / "ran").read_text() == "x"


def test_nothing_is_said_of_another_host_and_another_boot(tmp_path: Path) -> None:
    launcher = Local()

    assert launcher.poll(["elsewhere boot 1 1"]) == {}
    launcher.cancel("elsewhere boot 1 1")


def test_who_was_submitted_several_times_is_over_when_all_of_them_are() -> None:
    def of(*standings: Standing) -> Standing:
        return standing_of(standings)

    assert of("over", "over") == "over"
    assert of("over", "queued") == "queued"
    assert of("over", "running") == "running"
    assert of("over", "unknown") == of() == "unknown"
