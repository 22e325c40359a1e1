"""Who waits for a file is woken when it changes, with inotify and without."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoloom.project.watching import FIRST_LOOK_S, LONGEST_LOOK_S, Watcher


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    made = Watcher()
    if made.is_blind:
        pytest.skip("the system gives no inotify instance: others of this user hold all of them")
    yield made
    made.close()


def test_a_file_that_grows_wakes(watcher: Watcher, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_text("")
    watcher.watch(file)
    with file.open("a") as opened:
        threading.Timer(0.05, lambda: (opened.write("x"), opened.flush())).start()

        assert watcher.wait(10.0)
    assert not watcher.wait(0.0)


def test_a_name_that_appears_wakes_and_a_file_that_grows_beside_it_does_not(
    watcher: Watcher, tmp_path: Path
) -> None:
    log = tmp_path / "run.out"
    log.write_text("")
    watcher.watch(tmp_path)
    log.write_text("much")

    assert not watcher.wait(0.05)
    (tmp_path / "journal").touch()
    assert watcher.wait(10.0)


def test_a_file_that_was_replaced_can_be_watched_again(watcher: Watcher, tmp_path: Path) -> None:
    file = tmp_path / "control.json"
    file.write_text("1")
    watcher.watch(file)
    (tmp_path / "next").write_text("2")
    (tmp_path / "next").replace(file)
    watcher.wait(1.0)

    watcher.watch(file)
    file.write_text("3")

    assert watcher.wait(10.0)


def test_a_file_that_is_not_there_is_no_error(watcher: Watcher, tmp_path: Path) -> None:
    assert not watcher.watch(tmp_path / "absent")


def test_without_inotify_looks_grow_rarer_and_come_close_again_after_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("select.select", lambda *given: waits.append(given[3]) or ([], [], []))
    polling = Watcher(poll=True)
    polling.watch(tmp_path)

    for _ in range(14):
        polling.wait(60.0)

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (FIRST_LOOK_S, LONGEST_LOOK_S)
    polling.news()
    polling.wait(60.0)
    assert waits[-1] == FIRST_LOOK_S


def test_of_a_folder_only_the_names_that_matter_wake(watcher: Watcher, tmp_path: Path) -> None:
    watcher.watch(tmp_path, only=("exit.json",))

    (tmp_path / "b1").mkdir()
    assert not watcher.wait(0.05)
    (tmp_path / "exit.json").touch()
    assert watcher.wait(10.0)


def test_what_is_chatty_wakes_only_when_the_rest_is_over_and_others_at_once(
    watcher: Watcher, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    journal.write_text("")
    (tmp_path / "folder").mkdir()
    watcher.watch(journal, chatty=True)
    watcher.watch(tmp_path / "folder")

    journal.write_text("a line")
    began = time.monotonic()
    assert watcher.wait(10.0, rest_s=0.3)
    assert 0.29 < time.monotonic() - began < 5

    journal.write_text("another line")
    (tmp_path / "folder" / "wish").touch()
    began = time.monotonic()
    assert watcher.wait(10.0, rest_s=8.0)
    assert time.monotonic() - began < 5
