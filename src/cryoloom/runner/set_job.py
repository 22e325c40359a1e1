"""Set protocols: whole sets in, whole sets out."""

import shutil
from collections.abc import Iterator, Mapping

import polars as pl

from cryoloom import star
from cryoloom.errors import DatasetError
from cryoloom.project.events import Note
from cryoloom.project.notes import append_note, own_command
from cryoloom.protocol.datasets import Table
from cryoloom.protocol.protocols import TAKEN_OUT, SetProtocol
from cryoloom.runner.context import RunContext
from cryoloom.runner.given import is_unseen
from cryoloom.runner.looking import check_result, check_rows
from cryoloom.runner.program_job import publish_outputs


def run_set(run: RunContext) -> None:
    """Compute and write the outputs; the counts are journaled and said."""
    protocol = run.protocol
    assert isinstance(protocol, SetProtocol)
    append_note(run.folder, [own_command(protocol)], is_continue=run.journal.attempt > 1)
    with run.slots():
        result = protocol.compute(run.job)
        files = protocol.output_files(run.job)
        for name, blocks in result.blocks.items():
            _look(run, name, blocks)
            path = files[name].path if name in files else run.job.file(name)
            star.write(run.root / path, blocks)
        absent = [name for name, source in result.copied.items() if not source]
        for name in result.copied.keys() - absent:
            shutil.copyfile(run.root / result.copied[name], run.root / files[name].path)
    for name, dataset in files.items():
        if (run.root / dataset.path).exists():
            check_result(run.root, f"{run.name}: output {name}", dataset)
    said = ", ".join(f"{name}: {count}" for name, count in result.counts.items())
    run.log(f"{said}. {result.note}".strip())
    run.journal.write(Note(text=f"{said}. {result.note}".strip()))
    if not any(result.counts.values()):
        raise DatasetError(f"{run.name}", found="an operation that kept nothing", expected="items")
    publish_outputs(run, absent=absent)


def _look(run: RunContext, name: str, blocks: Mapping[str, pl.DataFrame]) -> None:
    """That a table has numbers where RELION reads numbers."""
    if name == TAKEN_OUT:
        return
    for block, table in blocks.items():
        check_rows(table, f"{run.name}: output {name}, data_{block}", given=lambda: _given(run))


def _given(run: RunContext) -> Iterator[pl.DataFrame]:
    """The tables that jobs of ours gave."""
    for dataset in run.protocol.given.values():
        if isinstance(dataset, Table) and not is_unseen(dataset) and dataset.path.endswith(".star"):
            yield from star.tables_of(star.read(run.root / dataset.path)).values()
