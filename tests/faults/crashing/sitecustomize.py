"""Kills the process that it is loaded in at a chosen change of the project's files; for `test_crash_points.py`.

On PYTHONPATH, Python loads it by its name before anything else. `CRYOLOOM_CRASH_IN`: a word of the command line of the process
that is meant; `CRYOLOOM_CRASH_AT`: at which step, counted from 1: before a change, after a file was opened for it, and in the
middle of a write;
`CRYOLOOM_CRASH_ROOT`: the folder whose files count; `CRYOLOOM_CRASH_DONE`: a file that is made at the kill, after which no
process is killed. `CRYOLOOM_CRASH_AT=0` kills nothing, and leaves the number of steps in `CRYOLOOM_CRASH_DONE.count`.
"""

import atexit
import builtins
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_CHANGES = {"os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


def _arm(at: int, root: str, done: str) -> None:
    count = 0

    def is_inside(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return Path.cwd().joinpath(os.fsdecode(path)).is_relative_to(root)

    def is_reached() -> bool:
        """One change more."""
        nonlocal count
        count += 1
        return count == at

    def die() -> None:
        try:
            Path(done).mkdir()
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if flags & (os.O_WRONLY | os.O_RDWR) and is_inside(path) and is_reached():
                die()
        elif event in _CHANGES and any(map(is_inside, args[:2])) and is_reached():
            die()

    real = {name: getattr(os, name) for name in ("write", "pwrite")}

    def torn(name: str) -> Any:
        def write(handle: int, data: Any, *more: int) -> int:
            if is_inside(Path(f"/proc/self/fd/{handle}").readlink()):
                if is_reached():
                    die()
                if is_reached():
                    real[name](handle, bytes(data)[: len(data) // 2], *more)
                    die()
            written: int = real[name](handle, data, *more)
            return written

        return write

    for name in real:
        setattr(os, name, torn(name))
    opened = io.open

    def emptied(path: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
        file = opened(path, mode, *args, **more)
        if set(mode) & set("wax+") and is_inside(path) and is_reached():
            die()  # what was there is gone, and what is to come has not been written
        return file

    io.open = builtins.open = emptied
    sys.addaudithook(hear)

    def tell() -> None:
        file = Path(f"{done}.count")
        known = int(file.read_text() or 0) if file.exists() else 0
        file.write_text(str(max(known, count)))

    if not at:
        atexit.register(tell)


def _let_in() -> None:
    """Have the shepherds that this process starts load this file, too."""
    begin = subprocess.Popen.__init__

    def started(self: Any, args: Any, *rest: Any, **more: Any) -> None:
        if args[1:3] == ["-I", "-S"]:
            args = [args[0], *args[3:]]
        begin(self, args, *rest, **more)

    subprocess.Popen.__init__ = started  # type: ignore[method-assign]


if "cryoloom.engine.scheduler" in sys.orig_argv:
    _let_in()
if (
    os.environ.get("CRYOLOOM_CRASH_IN") in sys.orig_argv
    and not Path(os.environ["CRYOLOOM_CRASH_DONE"]).exists()
):
    _arm(
        int(os.environ["CRYOLOOM_CRASH_AT"]),
        os.environ["CRYOLOOM_CRASH_ROOT"],
        os.environ["CRYOLOOM_CRASH_DONE"],
    )
