"""Source protocols: imports that go on while the microscope writes."""

import time
from itertools import islice

import polars as pl

from cryoloom.errors import DatasetError
from cryoloom.project.attempts import CONTROL
from cryoloom.project.events import ItemsDone, ItemsKnown
from cryoloom.project.notes import append_note
from cryoloom.project.watching import Watcher
from cryoloom.protocol.jobs import ITEM_ID, Found, Search, Taken
from cryoloom.protocol.protocols import SourceProtocol
from cryoloom.runner.context import RunContext, out_of_time
from cryoloom.runner.job_outputs import JobOutputs, write_failed
from cryoloom.runner.outputs import GrowingOutput
from cryoloom.runner.remarks import Remarks

FIRST_LOOK_S, LOOK_S = 0.005, 0.25  # the longer nothing came, the rarer
LONGEST_WAIT_S = 2.0  # where folders are watched
MOST_ROWS = 50  # that are committed in one go


def run_source(run: RunContext) -> None:
    """Take what is there, and while the stream is open what comes.

    Raises:
        DatasetError: not one good item was found.
    """
    protocol = run.protocol
    assert isinstance(protocol, SourceProtocol)
    journal = run.journal
    name, dataset = next(iter(protocol.output_files(run.job).items()))
    output = GrowingOutput(name, run.folder, dataset.path.removeprefix(run.job.name), dataset.block, journal)
    outputs = JobOutputs(journal, {name: output})
    append_note(run.folder, protocol.notes(run.job), is_continue=journal.attempt > 1)
    is_whole = output.recover()
    done = frozenset(journal.history.done) if is_whole else frozenset()
    search = protocol.begin(run.job, Taken(done, output.rows() if is_whole else None))
    if not is_whole:
        run.log("Committed rows were lost; the files are looked at anew.", error=True)
        outputs.make_anew(search.optics())
    remarks = Remarks(run)
    last_news, wait = time.monotonic(), FIRST_LOOK_S
    watcher = Watcher(poll=bool(run.settings.get("streams.poll")))
    watcher.watch(run.folder / CONTROL.parent, only=(CONTROL.name,))
    while True:
        began = time.monotonic()
        if _take_new(run, search, outputs, remarks):
            last_news, wait = time.monotonic(), FIRST_LOOK_S
            continue
        look_s = time.monotonic() - began
        quiet_s = time.monotonic() - last_news
        # Whether a file is whole shows only in a second look; the stream's end must not come before it.
        settled = quiet_s > float(protocol.values.get("file_timeout", 0)) + LOOK_S
        if not protocol.is_open(quiet_s) or (settled and run.stream_stopped()):
            break
        wait = min(wait * 1.5, LOOK_S)
        _wait(watcher, search, run, wait, look_s)
    history = journal.history
    journal.write(ItemsKnown(total=len(history.done) + len(history.failed)))
    write_failed(run.folder, history.failed)
    for remark in search.remarks():
        run.say_once(remark)
    remarks.end()
    if not history.done:
        reasons = [
            why if name.rpartition("/")[2] in why else f"{name}: {why}"
            for name, why in history.failed.values()
        ]
        raise DatasetError(
            protocol.pattern(), found="without a usable file",
            expected="at least one", hint=reasons[0] if reasons else search.why_nothing(),
        )  # fmt: skip
    outputs.close(len(history.failed), protocol.labels(), search.optics())


def _take_new(run: RunContext, search: Search, outputs: JobOutputs, remarks: Remarks) -> bool:
    """One look: all that is new is committed, some rows at a time; whether anything was.

    Raises:
        Suspended: the attempt's time is over.
    """
    news = False
    look = iter(search.look())
    while part := [*islice(look, MOST_ROWS)]:
        news = True
        _commit(run, search, outputs, part)
        for _, found in part:
            remarks.add(found.remarks)
            if isinstance(found.row, str):
                remarks.failed(found.name, found.row)
        if run.is_out_of_time:
            raise out_of_time()
    if run.is_out_of_time:
        raise out_of_time()
    return news


def _commit(run: RunContext, search: Search, outputs: JobOutputs, part: list[tuple[str, Found]]) -> None:
    rows = [{**found.row, ITEM_ID: item} for item, found in part if not isinstance(found.row, str)]
    failed = [
        {"item": item, "name": found.name, "why": found.row}
        for item, found in part
        if isinstance(found.row, str)
    ]
    if rows:
        protocol = run.protocol
        assert isinstance(protocol, SourceProtocol)
        [output] = outputs
        if output.state is None:
            output.open([*protocol.labels(), ITEM_ID], search.optics())
        outputs.append(output.name, pl.DataFrame(rows), None)
    items = [item for item, found in part if not isinstance(found.row, str)]
    outputs.commit(ItemsDone(items=items, failed=failed))


def _wait(watcher: Watcher, search: Search, run: RunContext, wait_s: float, look_s: float) -> None:
    """Until something may have come: woken by the folders where they can be watched, else by looking.

    Args:
        wait_s: between two looks, where nothing wakes.
        look_s: what the last look took: looking takes one part in ten of the time at most.
    """
    folders = search.folders()
    is_watched = bool(folders) and all(watcher.watch(folder) for folder in folders)
    if not is_watched or watcher.is_blind:
        time.sleep(max(wait_s, 10 * look_s))
        return
    time.sleep(10 * look_s)
    pending_s = search.pending_s()
    longest = LOOK_S if run.stream_stopped() else LONGEST_WAIT_S
    if pending_s is not None:
        longest = min(longest, pending_s + 0.001)
    watcher.wait(longest)
