"""Python's wall clock, as far off as a file says at the moment; the monotonic clock goes on as it was."""

import os
import time
from pathlib import Path

_real = time.time
_file = os.environ.get("CRYOLOOM_TEST_CLOCK")


def _shifted() -> float:
    try:
        return _real() + float(Path(_file or "").read_text() or 0)
    except OSError:
        return _real()


if _file:
    time.time = _shifted
