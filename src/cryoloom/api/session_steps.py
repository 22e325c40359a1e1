"""The steps of a stream: how fast items go through each, what one takes, which share of it is in use."""

import itertools
import statistics
from dataclasses import dataclass
from pathlib import Path

from cryoloom.api.following import FollowedJob
from cryoloom.api.stream_chain import Step
from cryoloom.launchers.machine import this_machine
from cryoloom.project.settings import load_settings
from cryoloom.protocol.protocols import ItemProtocol, Protocol

WINDOW_S = 1800.0  # rates are of so much time


@dataclass(frozen=True, slots=True)
class StepNow:
    """A step of the stream.

    Attributes:
        name, title, alias: the job, its protocol's label, its own name.
        kind: of what it gives.
        done, failed: items that are through it, and that failed in it.
        waits: items that are there for it and not through.
        each_s: seconds that an item takes in one of its lanes, lately; None while nobody knows.
        lanes: batches that are treated side by side.
        rate: items an hour that came through, lately; None before there are some.
        load: the share of its capacity that what comes to it takes; above 1 a backlog grows.
        behind_s: age of the oldest movie that is not through it; None where none waits.
    """

    name: str
    title: str
    alias: str
    kind: str
    state: str
    why: str
    done: int
    failed: int
    waits: int
    each_s: float | None
    lanes: int
    rate: float | None
    load: float | None
    behind_s: float | None


def rate_of(job: FollowedJob, until: float) -> float | None:
    """Items an hour, of the last half hour."""
    if not job.marks or job.counts[-1] < 2:
        return None
    began = max(until - WINDOW_S, job.marks[0])
    span = until - began
    return job.through_since(began) * 3600.0 / span if span > 1 else None


def seconds_each(step: Step, job: FollowedJob, before: FollowedJob | None) -> float | None:
    """What an item takes, lately; `before`: the job that it comes from."""
    if job.walls and job.counts:
        return statistics.fmean(job.walls) * job.commands / max(job.counts[-1], 1)
    if not step.names_items or before is None:
        return None
    # Without a program of its own: the time for which an item was alone at the front.
    came = before.history.done
    times = [*job.history.done.items()][-51:]
    alone = [t - max(last, came.get(item, last)) for (_, last), (item, t) in itertools.pairwise(times)]
    spans = [span for span in alone if span > 0]
    return statistics.median(spans) if spans else None


def lanes_of(protocol: Protocol, root: Path) -> int:
    """How many batches a step treats side by side."""
    if not isinstance(protocol, ItemProtocol):
        return 1
    wanted = int(protocol.values.get("workers", 0))
    text = protocol.gpus()
    if text is None or int(protocol.values.get("nr_mpi", 1)) > 1:
        return max(1, wanted)
    listed = [*filter(None, text.replace(":", ",").replace(",", " ").split())]
    gpus = len(listed or this_machine(load_settings(root)).gpus)
    return max(1, min(wanted, gpus) if wanted else gpus)
