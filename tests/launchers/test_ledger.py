"""Cores, memory and GPUs are given once; the dead hold nothing."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from cryoloom.errors import ProjectError
from cryoloom.launchers import ledger
from cryoloom.launchers.machine import gpus_of_string, this_machine, usable_cores, usable_memory_mb
from cryoloom.project.settings import Settings
from cryoloom.schedule.slots import Machine, Request

TWO = Machine(cores=2, memory_mb=8192, gpus=("0", "1"))


@pytest.fixture(autouse=True)
def own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYOLOOM_LEDGER_DIR", str(tmp_path))


def settings(**values: object) -> Settings:
    return Settings({name.replace("__", "."): (value, "a test") for name, value in values.items()})


def test_a_dead_process_gives_its_share_back() -> None:
    code = (
        "from cryoloom.launchers import ledger; from cryoloom.schedule.slots import Machine, Request; "
        "print(repr(ledger.take(Request('dead', cores=2), Machine(2))))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert out.strip() == "''"
    assert not ledger.take(Request("living", cores=2), TWO)
    assert [use.job for use in ledger.read().uses] == ["living"]
    ledger.give_back()
    assert ledger.read().uses == []


def test_the_lanes_of_one_process_hold_shares_of_their_own() -> None:
    assert not ledger.take(Request("a", gpus=frozenset({"0"})), TWO, "lane 0")
    assert not ledger.take(Request("a", gpus=frozenset({"1"})), TWO, "lane 1")
    assert ledger.take(Request("a"), TWO, "lane 2").startswith("needs 1 core; 0 of 2 free")

    ledger.give_back("lane 0")

    assert not ledger.take(Request("a"), TWO, "lane 2")
    assert [use.slot for use in ledger.read().uses] == ["lane 1", "lane 2"]
    assert not ledger.read().waiting


def test_two_lanes_of_one_job_may_share_a_gpu_and_two_jobs_may_not() -> None:
    assert not ledger.take(Request("a", gpus=frozenset({"0"})), TWO, "lane 0")
    assert not ledger.take(Request("a", gpus=frozenset({"0"})), TWO, "lane 1")

    assert [use.gpus for use in ledger.read().uses] == [("0",), ("0",)]


def test_who_waits_is_seen_by_those_who_come_later() -> None:
    ledger.announce({"big": Request("big", cores=2, priority=5)})

    assert ledger.take(Request("small"), TWO) == "after big, which waits for slots"
    ledger.announce({})
    assert not ledger.take(Request("small"), TWO)


def test_a_process_has_waited_since_its_job_was_announced() -> None:
    """Else a job that the scheduler launches would begin at the end of the queue."""
    ledger.announce({"big": Request("big", cores=2, project="/p")})
    assert not ledger.take(Request("other", cores=2, priority=1), TWO, "lane 0")
    assert ledger.take(Request("small"), TWO, "lane 1")

    assert ledger.take(Request("big", cores=2, project="/p"), TWO, "its process")
    ledger.announce({})
    ledger.give_back("lane 0")

    assert ledger.take(Request("small"), TWO, "lane 1") == "after big of /p, which waits for slots"
    assert not ledger.take(Request("big", cores=2, project="/p"), TWO, "its process")


def test_a_book_of_thousands_that_wait_forgets_nobody() -> None:
    assert not ledger.take(Request("holder", cores=2), TWO, "lane 0")
    ledger.announce({f"j{number}": Request(f"j{number}", cores=2) for number in range(5000)})

    assert ledger.take(Request("late", cores=2), TWO, "lane 1").startswith("needs 2 cores; 0 of 2 free")
    assert len(ledger.read().waiting) == 5001


def test_slots_are_not_given_where_they_cannot_be_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ledger.take(Request("holder"), TWO, "lane 0")
    real = os.pwrite
    wrote = []

    def full(handle: int, data: bytes, offset: int) -> int:
        wrote.append(data)
        if len(wrote) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, data, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        why = ledger.take(Request("late"), TWO, "lane 1")

    assert why.endswith("slots.json cannot be written (No space left on device)")
    assert [use.job for use in ledger.read().uses] == ["holder"]


HOLDER = """
import sys
from cryoloom.launchers import ledger
from cryoloom.schedule.slots import Machine, Request
print(repr(ledger.take(Request("holder", gpus=frozenset({"0"})), Machine(2, 8192, ("0", "1")))), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("loss", ["deleted", "its folder deleted", "emptied", "torn"])
def test_a_lost_book_grants_nothing_that_a_living_process_holds(loss: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin and holder.stdout and holder.stdout.readline() == "''\n"
    file = ledger.ledger_file()
    if loss == "deleted":
        file.unlink()
    elif loss == "its folder deleted":
        shutil.rmtree(file.parent)
    else:
        file.write_bytes(b"" if loss == "emptied" else file.read_bytes()[:-9])
    wanted = Request("late", gpus=frozenset({"0"}))

    at_once = ledger.take(wanted, TWO)
    until(lambda: "was lost" not in ledger.take(wanted, TWO), 10)

    assert "the book of slots was lost" in at_once
    assert ledger.take(wanted, TWO) == "needs GPU 0; holder holds 0"
    holder.communicate("")
    assert not ledger.take(wanted, TWO)
    ledger.give_back()


def test_a_first_book_waits_for_nobody_and_one_of_another_boot_is_begun_anew() -> None:
    assert not ledger.take(Request("first", cores=2), TWO)
    file = ledger.ledger_file()
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"boot": "another"}))

    ledger.announce({})

    assert ledger.read().uses == [] and not ledger.read().gathers_since
    ledger.give_back()


def test_a_book_of_a_newer_version_is_not_written_and_fields_of_one_are_kept() -> None:
    assert not ledger.take(Request("holder", cores=2), TWO, "lane 0")
    file = ledger.ledger_file()
    content = json.loads(file.read_text())
    content["uses"][0]["nice"] = 3
    file.write_text(json.dumps(content))

    assert ledger.take(Request("late"), TWO, "lane 1").startswith("needs 1 core; 0 of 2 free")
    assert json.loads(file.read_text())["uses"][0]["nice"] == 3
    file.write_text(json.dumps(content | {"format": 2}))
    assert "A newer Cryoloom wrote it" in ledger.take(Request("late"), TWO, "lane 1")
    assert json.loads(file.read_text()) == content | {"format": 2}


def test_the_book_is_where_no_logout_and_no_session_of_another_kind_loses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CRYOLOOM_LEDGER_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    first = ledger.ledger_file()
    monkeypatch.delenv("XDG_RUNTIME_DIR")

    assert ledger.ledger_file() == first == Path(f"/var/tmp/cryoloom-{os.getuid()}/slots.json")
    assert first.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("text", "held"),
    [("0:1", {"0", "1"}), ("0,1:2,3", {"0", "1", "2", "3"}), ("", {"0", "1"}), ("0:0", {"0"})],
)
def test_relion_s_gpu_strings_are_counted(text: str, held: set[str]) -> None:
    assert gpus_of_string(text, ("0", "1")) == held


def test_settings_bound_the_machine() -> None:
    found = this_machine(
        settings(machine__cores=1, machine__memory_gb=1, machine__gpus="0,2", limits__relion=3)
    )

    assert found == Machine(1, 1024, ("0", "2"), {"relion": 3})
    assert this_machine(settings(machine__gpus="none")).gpus == ()
    assert 1 <= usable_cores() <= 4096
    assert usable_memory_mb() > 500


def test_a_setting_that_is_no_number_is_named() -> None:
    with pytest.raises(ProjectError, match=r"setting machine\.memory_gb is 'much', expected a number"):
        this_machine(settings(machine__memory_gb="much"))


@pytest.mark.parametrize("value", [-1, 0, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["machine.cores", "limits.relion", "machine.memory_gb"])
def test_a_setting_with_which_no_job_could_run_is_refused(name: str, value: float) -> None:
    with pytest.raises(ProjectError, match=rf"setting {name} is {value}, expected a number, [\d.]+ or more"):
        this_machine(Settings({name: (value, "a test")}))
