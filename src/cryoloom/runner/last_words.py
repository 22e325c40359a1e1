"""What a program that failed says of it: among progress bars, stack frames and rulers, the words that tell."""

import re

_NOISE = re.compile(
    r"~~\(,_,"  # RELION's mouse, and the time beside it
    r"|^[\d.]+\s*/\s*[\d.?]+\s*(sec|min|hrs)"
    r"|\[0x[0-9a-f]+\]$"  # a frame of a stack
    r"|^[-=+*._~ ]*(Backtrace[-=+*._~ ]*)?$"
    r"|^in: .*, line \d+"
    r"|WARNING: will ignore"
    r"|^--[\w-]+ (\(.*?\) )?: |^\+\+\+ RELION: command line arguments|^=+ [\w/ ().,-]+ =+$"  # all options, behind the fault
    r"|^MPI_ABORT was invoked|^with errorcode|^NOTE: invoking MPI_ABORT|^You may or may not see output"
    r"|^exactly when Open MPI kills them|^Primary job +terminated|non-zero exit code"  # Open MPI's farewell
    r"|gs: not found|executing: gs |empty PDF-file"  # RELION's PDF of plots, which nobody needs
)
_SKIPPED = re.compile(r"Skipped \S+: (.*)")
_RANK = re.compile(r"process rank (\d+) .*exited on signal (\d+)")
_ERROR = re.compile(r"^\s*(?:\w+\s+)?ERROR\b[:!]?\s*")
MOST_LINES = 3


def said(text: str) -> list[str]:
    """The lines that say something."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    return [line for line in lines if not _NOISE.search(line)]


def errors(text: str) -> str:
    """What is said of an error, in a line; "" where nothing is."""
    lines = said(text)
    for line in reversed(lines):
        if found := _RANK.search(line):
            return f"rank {found[1]} was killed by signal {found[2]}"
    begins = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    if not begins:
        return ""
    first, *more = lines[begins[-1] : begins[-1] + 1 + MOST_LINES]
    return " ".join(filter(None, [_ERROR.sub("", first), *more]))


def skipped(text: str) -> str:
    """Why RELION passed over what it was given, "" where it did not: it ends as if all were well."""
    for line in said(text):
        if found := _SKIPPED.match(line):
            return found[1].replace(" .", ".")
    return ""


def telling(text: str) -> str:
    """What is said of an error, else the last line."""
    return errors(text) or skipped(text) or next(reversed(said(text)), "")
