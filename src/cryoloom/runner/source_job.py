"""Source protocols: imports that go on while the microscope writes."""

import time

import polars as pl

from cryoloom.errors import DatasetError
from cryoloom.project.notes import append_note
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.protocols import SourceProtocol
from cryoloom.runner.context import RunContext, out_of_time
from cryoloom.runner.item_job import write_failed
from cryoloom.runner.outputs import GrowingOutput

FIRST_LOOK_S, LOOK_S = 0.005, 0.25  # the longer nothing came, the rarer


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
    append_note(run.folder, protocol.notes(run.job), is_continue=journal.attempt > 1)
    if not output.recover():
        journal.history.done.clear()
        output.open([*protocol.labels(), ITEM_ID], protocol.optics())
    last_news, wait = time.monotonic(), FIRST_LOOK_S
    seen = set(journal.history.done)
    while True:
        if run.is_out_of_time:
            raise out_of_time()
        rows, failed, notes = [], [], []
        for item, found in protocol.discover(run.job, seen):
            seen.add(item)
            if isinstance(found.row, str):
                failed.append({"item": item, "name": found.name, "why": found.row})
            else:
                rows.append({**found.row, ITEM_ID: item})
            if found.note:
                notes.append(found.note)
            if len(rows) + len(failed) >= 50:
                break
        for note in notes:
            run.log(note)
            journal.write("note", text=note)
        if rows or failed:
            last_news, wait = time.monotonic(), FIRST_LOOK_S
            ends = {}
            if rows:
                if output.state is None:
                    output.open([*protocol.labels(), ITEM_ID], protocol.optics())
                state = output.state
                assert state is not None
                end = output.append(pl.DataFrame(rows), None)
                ends[name] = {"generation": state.generation, "end": end, "items": state.items + len(rows)}
            journal.write("items.done", items=[row[ITEM_ID] for row in rows], failed=failed, outputs=ends)
            for failure in failed:
                run.log(f"Failed: {failure['name']}: {failure['why']}", error=True)
            continue
        quiet_s = time.monotonic() - last_news
        # Whether a file is whole shows only in a second look; the stream's end must not come before it.
        settled = quiet_s > float(protocol.values.get("file_timeout", 0)) + LOOK_S
        if not protocol.is_open(quiet_s) or (settled and run.stream_stopped()):
            break
        time.sleep(wait)
        wait = min(wait * 1.5, LOOK_S)
    history = journal.history
    journal.write("items.known", total=len(history.done) + len(history.failed))
    if history.failed:
        write_failed(run.folder, history.failed)
    if not history.done:
        reasons = [f"{name}: {why}" for name, why in history.failed.values()]
        raise DatasetError(
            f"{run.name}: {protocol.pattern()}", found="without a usable file",
            expected="at least one", hint=reasons[0] if reasons else "Nothing matches the pattern.",
        )  # fmt: skip
    output.close(len(history.failed))
