"""No more is taken of a machine than its control groups and its GPUs allow."""

from pathlib import Path

import pytest

from cryoloom.launchers import machine


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Our control group and the one above it, without limits."""
    folders = [tmp_path / "above/own", tmp_path / "above"]
    folders[0].mkdir(parents=True)
    for folder in folders:
        (folder / "cpu.max").write_text("max 100000\n")
        (folder / "memory.max").write_text("max\n")
    monkeypatch.setattr(machine, "_control_groups", lambda: folders)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: range(16))
    for name in ("SLURM_CPUS_ON_NODE", "PBS_NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC"):
        monkeypatch.delenv(name, raising=False)
    return folders


def test_without_limits_all_cores_and_all_memory_count(groups: list[Path]) -> None:
    assert machine.usable_cores() == 16
    assert machine.usable_memory_mb() > 1024


@pytest.mark.parametrize("level", [0, 1])
def test_the_narrowest_control_group_bounds_cores_and_memory(groups: list[Path], level: int) -> None:
    (groups[level] / "cpu.max").write_text("350000 100000\n")
    (groups[level] / "memory.max").write_text(f"{1 << 30}\n")

    assert machine.usable_cores() == 3
    assert machine.usable_memory_mb() == 1024


def test_the_share_of_a_batch_job_and_the_setting_bound_it_further(
    groups: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "4")

    assert machine.usable_cores() == 4
    assert machine.usable_cores(2) == 2
    assert machine.usable_cores(8) == 4


def test_gpus_are_those_that_the_driver_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0\\n1\\n3\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    machine.gpus.cache_clear()

    assert machine.gpus() == ("0", "1", "3")
    machine.gpus.cache_clear()
