"""`note.txt`, `job_pipeline.star` and the exit marks, as RELION leaves them in a job folder."""

import contextlib
import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cryoloom.errors import ParameterError
from cryoloom.project.forms.pipeline import PART, RUNNING, Pipeline, Process
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.protocols import Protocol
from cryoloom.schedule.state import State

MARKS: dict[State, str] = {
    "succeeded": "RELION_JOB_EXIT_SUCCESS",
    "failed": "RELION_JOB_EXIT_FAILURE",
    "aborted": "RELION_JOB_EXIT_ABORTED",
}
LONGEST_NOTE = 20_000
# Above each text that somebody wrote stands when; above RELION's and our own entries more.
_WRITTEN = re.compile(r" \+\+\+\+ \w{3} \w{3} +\d+ [\d:]{8} \d{4}")
# Cryoloom's own, which may come below somebody's text.
_AUTO = re.compile(r"auto: \w+=.*")
ABORT_NOW = "RELION_JOB_ABORT_NOW"


def append_note(folder: Path, commands: Sequence[str], *, is_continue: bool = False) -> None:
    """Note an execution with its commands."""
    what = "Continuing" if is_continue else "Executing new"
    when = time.strftime("%a %b %e %H:%M:%S %Y")
    with (folder / "note.txt").open("a", encoding="utf-8") as file:
        file.write(f"\n ++++ {what} job on {when}\n ++++ with the following command(s): \n")
        file.writelines(f"{command}\n" for command in commands)
        file.write(" ++++ \n")


def own_command(protocol: Protocol) -> str:
    """A job that no other program did, as the command that does it again: only what differs from the default."""
    values = [
        f"{name}={relion_text(value)}"
        for name, value in protocol.values.items()
        if value != protocol.params[name].default
    ]
    inputs = [
        f"{name.partition('#')[0]}={dataset.path}" for name, dataset in protocol.given.items() if dataset
    ]
    return shlex.join(["cryoloom", "run", protocol.name, *inputs, *values])


def append_remark(folder: Path, text: str) -> None:
    """Note something that is to be known of the job."""
    with (folder / "note.txt").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def noted(folder: Path, text: str, where: str) -> str:
    """The whole of a job's note; with a text, after it was written below under the time.

    Raises:
        ParameterError: more than a note is long.
    """
    if len(text) > LONGEST_NOTE:
        raise ParameterError(where, found=f"{len(text)} letters", expected=f"at most {LONGEST_NOTE}")
    if text.strip():
        append_remark(folder, f" ++++ {time.strftime('%a %b %e %H:%M:%S %Y')}\n{text.strip()}")
    try:
        return (folder / "note.txt").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def text_of_note(folder: Path) -> str:
    """What people have written into a job's note, without times, commands and what Cryoloom itself remarked."""
    try:
        lines = (folder / "note.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    texts: list[list[str]] = []
    is_theirs = False
    for line in lines:
        if line.startswith(" ++++"):
            is_theirs = bool(_WRITTEN.fullmatch(line))
            texts += [[]] if is_theirs else []
        elif is_theirs and _AUTO.fullmatch(line):
            is_theirs = False
        elif is_theirs:
            texts[-1].append(line)
    return "\n\n".join(text for text in ("\n".join(one).strip() for one in texts) if text)


def set_mark(folder: Path, state: State) -> None:
    """Leave the one exit mark that is true; RELION's programs do not remove old ones."""
    for name in MARKS.values():
        if name != MARKS[state]:
            with contextlib.suppress(FileNotFoundError):
                (folder / name).unlink()
    (folder / MARKS[state]).touch()


def clear_marks(folder: Path) -> None:
    """Before a start: no mark and no request to abort is left from an earlier one."""
    for name in (*MARKS.values(), ABORT_NOW):
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()


def marked_state(folder: Path) -> State | Literal[""]:
    """The state that a mark tells, "" without one."""
    return next((state for state, name in MARKS.items() if (folder / name).exists()), "")


def write_job_pipeline(
    root: Path,
    name: str,
    relion_type: int,
    inputs: Sequence[tuple[str, int]],
    outputs: Sequence[tuple[str, int]],
) -> None:
    """RELION's pipeline of this job alone; its counter is always 2."""
    pipeline = Pipeline(counter=2, processes=[Process(name, "None", relion_type, RUNNING)])
    for file, node_type in (*inputs, *outputs):
        pipeline.add_node(file, node_type)
    pipeline.input_edges = [(file, name) for file, _ in inputs]
    pipeline.output_edges = [(name, file) for file, _ in outputs]
    (root / name / PART).write_text(pipeline.text(), encoding="utf-8")
