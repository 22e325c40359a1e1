"""What a job was made with and what it made: `.cryoloom/record.json`, and `files.txt` beside it with a line a file.

The runner writes both, anew with each attempt; `cryoloom verify` compares them with what is there now, and what is
exported for others (script, crate, methods) is told by them. A job without them was made by RELION or an older Cryoloom.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.project.attempts import CONTROL
from cryoloom.project.fingerprints import Fingerprint, as_table, fingerprint, from_table
from cryoloom.project.forms.pipeline import PART
from cryoloom.project.jobspec import FILE as SPEC_FILE
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.jsonfile import read_json_if_there, write_json

FORMAT = 1
FILE, FILES = CONTROL.parent / "record.json", CONTROL.parent / "files.txt"
WHOLE = CONTROL.parent / "whole.txt"  # beside them, once somebody asked: files with the SHA-256 of every byte
# What tells of the job and grows after it: no result.
_TELLING = {SPEC_FILE, JOURNAL, PART, "job.star", "note.txt", "run.out", "run.err", "edits.jsonl"}
_SEED = re.compile(r"^_rlnRandomSeed\s+(-?\d+)\s*$", re.MULTILINE)
OPTIMISER_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ProgramUsed:
    """A program as it lay on the machine. `version`: in its own words, "" where it says none; `digest`: of its file."""

    path: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """Of the newest attempt at a job.

    `inputs`: files that it read, below the project or absolute, as they were: of programs before they began, of what
    grows when it was over. `random_seed`: that RELION used, None where it used none. `environment`: variables that we set.
    """

    attempt: int
    cryoloom: str
    python: str
    packages: Mapping[str, str]
    host: str
    system: str
    user: str
    programs: Mapping[str, ProgramUsed] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    random_seed: int | None = None
    inputs: Mapping[str, Fingerprint] = field(default_factory=dict)


def write_record(folder: Path, record: Record, files: dict[str, Fingerprint]) -> None:
    """Write what a job was made with; `files`: that it made, by their names below the project."""
    beside = (folder / FILES).with_suffix(".tmp")
    beside.write_text(as_table(files), encoding="utf-8")
    beside.replace(folder / FILES)
    # Of an earlier attempt: this one has written other bytes.
    (folder / WHOLE).unlink(missing_ok=True)
    write_json(folder / FILE, {"format": FORMAT, **asdict(record)})


def read_record(folder: Path) -> Record | None:
    """What a job was made with; None where nobody wrote it down.

    Raises:
        UnreadableError: it is there, and cannot be read.
    """
    content = read_json_if_there(folder / FILE, FORMAT)
    if content is None:
        return None
    known: dict[str, Any] = {name: content[name] for name in Record.__dataclass_fields__ if name in content}
    known["programs"] = {name: ProgramUsed(**one) for name, one in known.get("programs", {}).items()}
    known["inputs"] = {name: Fingerprint(**one) for name, one in known.get("inputs", {}).items()}
    return Record(**known)


def read_files(folder: Path) -> dict[str, Fingerprint]:
    """The files that a job had made when it was over, by their names below the project; none without a record.

    Raises:
        UnreadableError: what is there is no list of them.
    """
    path = folder / FILES
    return from_table(path.read_text(encoding="utf-8"), str(path)) if path.exists() else {}


def results_in(root: Path, name: str) -> Iterator[str]:
    """The files of a job that are its results, below the project: neither what tells of the job, nor what hides."""
    for folder, below, files in os.walk(root / name):
        below[:] = sorted(one for one in below if not one.startswith("."))
        for file in sorted(files):
            path = Path(folder) / file
            if (
                not file.startswith((".", "RELION_"))
                and not (path.parent == root / name and file in _TELLING)
                and path.is_file()
            ):
                yield str(path.relative_to(root))


def fingerprints_of(root: Path, names: Iterator[str]) -> dict[str, Fingerprint]:
    """Of files that are there and can be read, by name: below the project, or absolute."""
    found = {}
    for name in names:
        try:
            found[name] = fingerprint(root / name)
        except OSError:
            continue
    return found


def random_seed_of(folder: Path) -> int | None:
    """The seed that RELION drew or was given in a job, by its newest iteration's optimiser; None where it tells of none."""
    files = sorted(folder.glob("*_optimiser.star"), key=lambda path: path.stat().st_mtime)
    if not files:
        return None
    with files[-1].open("rb") as file:
        said = _SEED.search(file.read(OPTIMISER_HEAD_BYTES).decode(errors="replace"))
    return int(said.group(1)) if said else None
