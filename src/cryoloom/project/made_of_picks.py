"""Who made something of a job's picks, and of which: what becomes stale when a person edits them."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryoloom.errors import CryoloomError
from cryoloom.project.entry import JobEntry
from cryoloom.project.forms.relion31 import TYPES
from cryoloom.project.pick_edits import EDITED, edits_of
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.protocols import ItemProtocol, Protocol, RowProtocol

PROTOCOL = "relion.manualpick"


@dataclass(frozen=True, slots=True)
class Reader:
    """A job that has ended, and what it made of a job's picks."""

    job: str
    why: str
    takes_whole: bool  # has to be restarted; another takes them again row by row
    is_stale: bool  # whether the picks are others now


def readers_of(entries: Sequence[JobEntry], picking: JobEntry, *, is_edited: bool = False) -> list[Reader]:
    """Jobs that made something of these picks, in their order.

    A job of picking by hand that began with them is none: what is picked there is its own, and stays.

    Args:
        is_edited: they were edited just now, or are known to be others.
    """
    stale = {picking.name: is_edited or has_news(picking)}
    by_name = {entry.name: entry for entry in entries}
    found = []
    for entry in entries:
        protocol = None if entry.name == picking.name else _protocol(entry)
        if protocol is None or protocol.name == PROTOCOL:
            continue
        read = {name: one for name, one in protocol.given.items() if one.job in stale}
        if not read:
            continue
        name, dataset = next(iter(read.items()))
        status = entry.look()
        if isinstance(protocol, ItemProtocol | RowProtocol) and any(
            protocol.input_spec(one).streams for one in read
        ):
            stale[entry.name] = any(
                stale[one.job] or _is_older(entry, by_name[one.job], key, one) for key, one in read.items()
            )
            # Who still runs though its input has ended has seen that end.
            is_over = status.state == "running" and by_name[dataset.job].look().state == "succeeded"
            if status.state == "failed":
                found.append(Reader(entry.name, f"failed with {dataset.job} as {name}", False, True))
            elif status.state == "succeeded" or (is_over and stale[entry.name]):
                found.append(Reader(entry.name, f"took {dataset.job} as {name}", False, stale[entry.name]))
        elif status.state == "succeeded":
            # Beyond these nothing is named: what comes after them waits for their restart anyway.
            is_stale = any(stale[one.job] for one in read.values())
            found.append(Reader(entry.name, f"took all of {dataset.job} as {name}", True, is_stale))
    return found


def edited_since(entries: Sequence[JobEntry]) -> dict[str, str]:
    """The jobs that are made of picks which were edited since, each with the job of those. Cheap where nobody edited any."""
    edited = [entry for entry in entries if entry.relion_type == TYPES["ManualPick"] and _is_edited(entry)]
    found: dict[str, str] = {}
    for picking in edited:
        if picking.known_spec is None:
            continue  # RELION's: nobody knows what was read when
        # Without what follows a set as a whole: only those are looked at that read these picks themselves.
        near = [picking, *(one for one in entries if _reads(one, picking))]
        stale = (
            one.job for one in readers_of(near, picking) if one.is_stale and not one.why.startswith("failed")
        )
        found |= dict.fromkeys(stale, picking.name)
    return found


def has_news(picking: JobEntry, *, in_files: bool = False) -> bool:
    """Whether there are picks that the job has not given out yet.

    Args:
        in_files: look also for what another program, such as RELION's window, has written.
    """
    history = picking.look().history
    # Its journal begins anew at a restart, which reads all that was edited before.
    later = edits_of(picking.folder)[history.edits_known :]
    if any(line["kind"] == EDITED and line["t"] > history.began for line in later):
        return True
    listed = history.outputs.get("coordinates")
    if not in_files or listed is None:
        return False
    files = {line["file"] for line in edits_of(picking.folder)}
    times = (path.stat().st_mtime_ns for file in files if (path := picking.folder / file).exists())
    return max(times, default=0) > (picking.folder / listed.file).stat().st_mtime_ns


def _is_edited(picking: JobEntry) -> bool:
    """Whether any pick of a job was edited; what cannot be read does not keep the other jobs from being listed."""
    try:
        return any(line["kind"] == EDITED for line in edits_of(picking.folder))
    except (OSError, ValueError):
        return False


def _is_older(entry: JobEntry, producer: JobEntry, name: str, dataset: Dataset) -> bool:
    """Whether what a job took of an input was made again since."""
    output = producer.look().history.outputs.get(dataset.output)
    took = entry.look().history.input_revisions.get(name, 0)
    return output is not None and output.revision != took


def _reads(entry: JobEntry, picking: JobEntry) -> bool:
    return any(file.startswith(f"{picking.name}/") for file in entry.input_files)


def _protocol(entry: JobEntry) -> Protocol | None:
    try:
        return entry.make_protocol()
    except CryoloomError:
        return None  # RELION's own, or of a plugin that is not installed
