"""Ranks and threads that are `auto` keep busy what a job may have of the machine, and never more."""

from pathlib import Path
from typing import Any

import pytest

from cryoloom.launchers.auto_cores import auto_cores
from cryoloom.launchers.requests import request_of
from cryoloom.project.registry import find_protocol
from cryoloom.schedule.slots import Machine

BOTH = {"nr_mpi": "auto", "nr_threads": "auto"}
GPU = {"use_gpu": True}
CONTROL = {"memory_gb": 0, "priority": 0, "alone": False}


def machine(cores: int, gpus: int = 0, live: int = 0) -> Machine:
    return Machine(cores, 64_000, tuple(str(n) for n in range(gpus)), {}, live)


@pytest.mark.parametrize(
    ("protocol", "values", "of", "expected"),
    [
        ("relion.class2d", BOTH, machine(2), (1, 2)),
        ("relion.class2d", BOTH, machine(16), (3, 8)),  # one leads
        ("relion.class2d", BOTH, machine(16, live=1), (3, 7)),  # 15 of them
        ("relion.class2d", {"nr_threads": "auto"}, machine(16), (None, 16)),
        ("relion.class2d", {"nr_threads": "auto", "nr_mpi": 5}, machine(16), (None, 4)),
        ("relion.class2d", {"nr_mpi": "auto", "nr_threads": 4}, machine(16), (5, None)),
        ("relion.class2d", {**BOTH, **GPU}, machine(16, gpus=4), (5, 4)),
        ("relion.class2d", {**BOTH, **GPU, "gpu_ids": "1"}, machine(16, gpus=4), (1, 16)),
        ("relion.refine3d", BOTH, machine(1), (3, 1)),
        ("relion.refine3d", BOTH, machine(16), (3, 8)),
        ("relion.refine3d", BOTH, machine(24), (5, 6)),  # three would not be two halves
        ("relion.refine3d", {**BOTH, **GPU}, machine(16, gpus=1), (3, 8)),
        ("relion.refine3d", {**BOTH, **GPU}, machine(16, gpus=4), (5, 4)),
        (
            "relion.motioncorr",
            BOTH,
            machine(16, live=1),
            (1, 16),
        ),  # a stream: what is kept for streams is its own
        ("relion.motioncorr", {**BOTH, "workers": 3}, machine(16), (1, 5)),
        ("relion.autopick", {"nr_mpi": "auto"}, machine(6), (6, None)),  # it has no threads
        ("external.command", {"nr_threads": "auto"}, machine(6), (None, 6)),
        ("relion.class2d", {}, machine(16), (None, None)),  # RELION's own defaults stay
    ],
)
def test_ranks_and_threads_of_a_machine(
    protocol: str, values: dict[str, Any], of: Machine, expected: tuple[int | None, int | None]
) -> None:
    job = find_protocol(protocol)(values)

    found = auto_cores(job, of)

    assert (found.get("nr_mpi"), found.get("nr_threads")) == expected
    # What the program is told never keeps more busy than the job has slots for, but for the rank that leads.
    request = request_of(Path(), "a", job, CONTROL, of)
    assert request.cores <= of.cores
