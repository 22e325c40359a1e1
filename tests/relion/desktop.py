"""A screen without a display, and RELION's GUI driven on it by mouse and keyboard, as a user drives it.

Places in the window are those of RELION 3.1.3 at its own size, 800 x 800.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageGrab

from cryoloom.runner.programs import RELION_ENVIRONMENT

NEEDED = ("Xvfb", "xdotool", "xclip", "relion", "relion_display")
KINDS = (  # the list at the left, from above
    *(
        "import",
        "motioncorr",
        "ctffind",
        "manualpick",
        "autopick",
        "extract",
        "select",
        "class2d",
        "inimodel",
    ),
    *("class3d", "refine3d", "multibody", "ctfrefine", "polish", "maskcreate", "joinstar", "subtract"),
    *("postprocess", "localres", "external"),
)
FIRST_KIND, FIRST_JOB, ROW = (60, 45), (60, 445), 15.1
JOBS_SHOWN = 11  # finished jobs that stand in their list at once
LAST_JOB = (60, 621)  # the lowest one, scrolled to the end
CHECK, RUN = (635, 346), (740, 346)


class Desktop:
    """One virtual screen; programs started on it end with it."""

    def __init__(self, display: str, server: "subprocess.Popen[bytes]") -> None:
        self.display = display
        self.environment = {**os.environ, **RELION_ENVIRONMENT, "DISPLAY": display}
        self._started = [server]

    def start(self, *words: str, folder: Path, window: str) -> str:
        """Start a program; returns the number of the window whose title has this text."""
        self._started.append(
            subprocess.Popen(
                words, cwd=folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
        return self._told("search", "--sync", "--onlyvisible", "--name", window).split()[0]

    def point(self, window: str, place: tuple[float, float]) -> None:
        x, y = (str(round(value)) for value in place)
        self._told("mousemove", "--window", window, x, y)

    def click(self, window: str, place: tuple[float, float], button: int = 1) -> None:
        self.point(window, place)
        time.sleep(0.1)  # a toolkit that is told of both at once takes the click for one at the old place
        self._told("click", str(button))
        time.sleep(0.3)

    def scroll(self, window: str, place: tuple[float, float], *, up: bool) -> None:
        """Turn the wheel to the end."""
        self.point(window, place)
        self._told("click", "--repeat", "20", "--delay", "5", "4" if up else "5")
        time.sleep(0.2)

    def key(self, name: str) -> None:
        self._told("key", name)
        time.sleep(0.15)

    def picture(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.display)

    def pixels(self, window: str) -> np.ndarray:
        """What a window shows, unless another one lies above it. Shape (height, width, 3)."""
        told = dict(line.split("=") for line in self._told("getwindowgeometry", "--shell", window).split())
        x, y, width, height = (int(told[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return np.asarray(self.picture())[y : y + height, x : x + width, :3]

    def copied(self) -> str:
        """What was copied last, as another program would paste it."""
        done = subprocess.run(
            ["xclip", "-o", "-selection", "clipboard"],
            env=self.environment, capture_output=True, text=True, timeout=10,
        )  # fmt: skip
        return done.stdout

    def close(self) -> None:
        for program in reversed(self._started):
            program.terminate()
            program.wait(10)

    def _told(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout


@contextmanager
def desktop() -> Iterator[Desktop]:
    """A screen of 1000 x 900 that is gone afterwards."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1000x900x24", "-nolisten", "tcp"],
        pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()  # the server says which is free once it listens
    screen = Desktop(f":{number}", server)
    try:
        yield screen
    finally:
        screen.close()


class Gui:
    """RELION's main window in a project."""

    def __init__(self, screen: Desktop, project: Path) -> None:
        (project / ".gui_projectdir").touch()  # else it asks whether this is a project
        self.screen = screen
        self.window = screen.start("relion", "--idle", "300", folder=project, window="RELION-3.1.3")
        time.sleep(1)

    def open_finished(self, row: int, count: int) -> None:
        """The job of this row of `count` finished ones, the newest is 0."""
        from_above = row < JOBS_SHOWN
        self.screen.scroll(self.window, FIRST_JOB, up=from_above)
        x, y = FIRST_JOB if from_above else LAST_JOB
        self.screen.click(self.window, (x, y + (row if from_above else row - count + 1) * ROW))

    def new_of(self, kind: str) -> None:
        """A new job of a kind; its parameters are those of the job of that kind that was opened last."""
        self.screen.click(self.window, (FIRST_KIND[0], FIRST_KIND[1] + KINDS.index(kind) * ROW))

    def checked_command(self) -> str:
        """What `Check command` shows."""
        self.screen.click(self.window, CHECK)
        self.screen.key("ctrl+a")
        self.screen.key("ctrl+c")
        command = self.screen.copied()
        self.screen.key("Return")
        return command

    def run(self) -> None:
        self.screen.click(self.window, RUN)
