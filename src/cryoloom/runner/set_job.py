"""Set protocols: whole sets in, whole sets out."""

from cryoloom import star
from cryoloom.errors import DatasetError
from cryoloom.project.events import Note
from cryoloom.project.notes import append_note, own_command
from cryoloom.protocol.protocols import SetProtocol
from cryoloom.runner.context import RunContext
from cryoloom.runner.looking import check_result
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
            path = files[name].path if name in files else run.job.file(name)
            star.write(run.root / path, blocks)
    for name, dataset in files.items():
        if (run.root / dataset.path).exists():
            check_result(run.root, f"{run.name}: output {name}", dataset)
    said = ", ".join(f"{name}: {count}" for name, count in result.counts.items())
    run.log(f"{said}. {result.note}".strip())
    run.journal.write(Note(text=f"{said}. {result.note}".strip()))
    if not any(result.counts.values()):
        raise DatasetError(f"{run.name}", found="an operation that kept nothing", expected="items")
    publish_outputs(run)
