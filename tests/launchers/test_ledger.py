"""Cores and GPUs are given once; the dead hold nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from cryoloom.launchers import ledger
from cryoloom.launchers.ledger import Use, fits, why_not
from cryoloom.launchers.machine import gpus_of_string, usable_cores


@pytest.fixture(autouse=True)
def own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYOLOOM_LEDGER_DIR", str(tmp_path))


def test_what_is_held_is_not_given_twice() -> None:
    others = [Use(1, 1, "a", 1, ("0",))]

    assert fits(others, 1, 2)
    assert not fits(others, 2, 2)
    assert not fits(others, 1, 2, frozenset({"0"}))
    assert fits(others, 1, 2, frozenset({"1"}))


def test_a_job_larger_than_the_machine_runs_alone() -> None:
    assert fits([], 6, 2)
    assert not fits([Use(1, 1, "a", 1)], 6, 2)


def test_why_a_job_waits_names_the_holder() -> None:
    assert (
        why_not([Use(1, 1, "Class2D/job008", 2)], 1, 2)
        == "needs 1 cores; 0 of 2 free (Class2D/job008 holds 2)"
    )
    assert "GPU 0" in why_not([Use(1, 1, "a", 0, ("0",))], 1, 2, frozenset({"0"}))


def test_a_dead_process_gives_its_cores_back() -> None:
    code = "from cryoloom.launchers import ledger; print(ledger.take('dead', 2, 2))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert out.strip() == "True"
    assert ledger.take("living", 2, 2)
    assert [use.job for use in ledger.uses()] == ["living"]
    ledger.give_back()
    assert ledger.uses() == []


@pytest.mark.parametrize(
    ("text", "held"),
    [("0:1", {"0", "1"}), ("0,1:2,3", {"0", "1", "2", "3"}), ("", {"0", "1"}), ("0:0", {"0"})],
)
def test_relion_s_gpu_strings_are_counted(text: str, held: set[str]) -> None:
    assert gpus_of_string(text, ("0", "1")) == held


def test_the_setting_bounds_the_cores() -> None:
    assert usable_cores(1) == 1
    assert 1 <= usable_cores() <= 4096
