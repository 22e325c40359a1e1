"""Waiting for what a job in the background does."""

import time
from collections.abc import Callable


def until(done: Callable[[], object], timeout_s: float = 60, *, look_s: float = 0.02) -> None:
    """Wait until it is so; it fails when that takes longer."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < timeout_s, f"not within {timeout_s:g} s"
        time.sleep(look_s)
