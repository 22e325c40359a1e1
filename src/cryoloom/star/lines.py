"""A text file line by line, with byte offsets, read in pieces: what stands around a table's rows."""

import os
from pathlib import Path
from types import TracebackType

from cryoloom.errors import StarError

PIECE = 1 << 16
MARK = b"\xef\xbb\xbf"  # of UTF-8 at a file's begin, which some editors write


class Lines:
    """The lines of a file from a byte offset on, and where the next one begins.

    Raises:
        StarError: the file is missing, not a file, not readable, or binary.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        try:
            self.file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise StarError(f"{path}", found="missing", expected="a STAR file") from None
        except PermissionError:
            raise StarError(f"{path}", found="not readable", expected="a file you may read") from None
        except OSError as error:
            raise StarError(
                f"{path}", found=f"not to be opened ({error.strerror})", expected="a file"
            ) from None
        self.offset = offset  # of the next line
        self.number = 0  # of the line last given, from 1
        self._held = b""  # bytes from `offset` on
        try:
            self._held = os.pread(self.file, PIECE, offset)
        except OSError as error:
            self.close()
            found = "a folder" if path.is_dir() else f"not a file to read from ({error.strerror})"
            raise StarError(f"{path}", found=found, expected="a STAR file") from None
        if b"\0" in self._held[:4096] or self._held[:2] == b"\x1f\x8b":
            self.close()
            raise StarError(f"{path}", found="a binary file", expected="a STAR file, which is text")
        self._at = 0  # in `_held`
        if offset == 0 and self._held.startswith(MARK):
            self.offset = self._at = len(MARK)

    def next(self) -> str | None:
        """The next line without its end; None behind the last."""
        stop = self._held.find(b"\n", self._at)
        while stop < 0:
            known = len(self._held)
            more = os.pread(self.file, max(PIECE, known - self._at), self.offset + known - self._at)
            if not more:
                break
            self._held = self._held[self._at :] + more
            known -= self._at
            self._at = 0
            stop = self._held.find(b"\n", known)
        line = self._held[self._at :] if stop < 0 else self._held[self._at : stop]
        if stop < 0 and not line:
            return None
        taken = len(line) + (stop >= 0)
        self._at += taken
        self.offset += taken
        self.number += 1
        return line.decode("utf-8", errors="replace")

    def skip(self, offset: int, lines: int) -> None:
        """Go on at a byte offset, so many lines further."""
        at = self._at + offset - self.offset
        self._held, self._at = (self._held, at) if 0 <= at <= len(self._held) else (b"", 0)
        self.offset = offset
        self.number += lines

    def close(self) -> None:
        """Give the file back."""
        os.close(self.file)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lines_before(file: int, offset: int) -> tuple[str, ...]:
    """The comment lines that stand directly before a byte offset, with their `#`; blank lines may lie between."""
    size = 1024
    while True:
        start = max(0, offset - size)
        found: list[str] = []
        whole = os.pread(file, offset - start, start).removeprefix(MARK if start == 0 else b"").split(b"\n")
        # The first is cut off, unless the file begins there.
        for line in reversed(whole if start == 0 else whole[1:]):
            text = line.strip()
            if text and not text.startswith(b"#"):
                return (*reversed(found),)
            if text:
                found.append(text.decode("utf-8", errors="replace"))
        if start == 0:
            return (*reversed(found),)
        size *= 8
