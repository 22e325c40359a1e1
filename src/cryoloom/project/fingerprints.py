"""What a file held, in a few bytes: its size and a hash of samples of it; or of all of it, where somebody asks."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryoloom.errors import UnreadableError

# Smaller files are read whole; of larger ones the ends, where headers and the last rows stand, and places between.
WHOLE_BYTES, END_BYTES, SAMPLE_BYTES, SAMPLES = 256 * 1024, 64 * 1024, 16 * 1024, 8
BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one file. Equal where size and what was sampled are; a change between the samples is seen by `whole_digest` alone."""

    size: int
    digest: str


def fingerprint(path: Path) -> Fingerprint:
    """Of a file, or of what a link leads to.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        found = hashlib.blake2b(str(size).encode(), digest_size=12)
        for begin, count in _places(size):
            file.seek(begin)
            found.update(_read(file.fileno(), count))
    return Fingerprint(size, found.hexdigest())


def whole_digest(path: Path) -> str:
    """The SHA-256 of all of a file.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_table(files: dict[str, Fingerprint]) -> str:
    """Files by name, a line each: digest, size, name."""
    return "".join(f"{one.digest} {one.size} {name}\n" for name, one in sorted(files.items()))


def from_table(text: str, where: str) -> dict[str, Fingerprint]:
    """What `as_table` wrote.

    Raises:
        UnreadableError: a line is none of its.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        digest, _, rest = line.partition(" ")
        size, _, name = rest.partition(" ")
        if not (size.isdigit() and name):
            raise UnreadableError(
                f"{where}, line {number}", found=repr(line[:60]), expected="digest, size, name"
            )
        found[name] = Fingerprint(int(size), digest)
    return found


def _places(size: int) -> Iterator[tuple[int, int]]:
    if size <= WHOLE_BYTES:
        yield 0, size
        return
    yield 0, END_BYTES
    room = size - 2 * END_BYTES - SAMPLE_BYTES
    for number in range(1, SAMPLES + 1):
        yield END_BYTES + room * number // (SAMPLES + 1), SAMPLE_BYTES
    yield size - END_BYTES, END_BYTES


def _read(file: int, count: int) -> bytes:
    """So many bytes; fewer at the end of a file that was cut meanwhile."""
    parts = []
    while count > 0 and (part := os.read(file, min(count, BLOCK_BYTES))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
