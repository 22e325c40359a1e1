"""Builds the compiled half of `cryoloom.star` while Cryoloom is installed.

One compiler call; no header of Python's is needed, since the library is loaded by ctypes. Where there
is no compiler, or it fails, a warning says so and the slower reader does the work.
"""

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAR = Path("src/cryoloom/star")
LIBRARY = STAR / "_compiled.so"
FLAGS = ["-O3", "-std=c++17", "-fPIC", "-shared", "-fvisibility=default"]


class StarLibrary(BuildHookInterface):
    """The hook that hatchling calls."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel with the library is one for this platform."""
        root = Path(self.root)
        if self.target_name != "wheel" or not self.compiled(root):
            return
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append(f"/{LIBRARY}")

    def compiled(self, root: Path) -> bool:
        """False, with a warning, where no library could be made."""
        words = shlex.split(os.environ.get("CXX", "")) or [
            next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), "")
        ]
        if not words[0]:
            self.app.display_warning("No C++ compiler: STAR files will be read by the slower reader.")
            return False
        beside = root / STAR / f".{LIBRARY.name}.{os.getpid()}"
        sources = sorted(str(path) for path in (root / STAR / "native").glob("*.cpp"))
        try:
            done = subprocess.run(
                [*words, *FLAGS, *sources, "-o", str(beside)], capture_output=True, text=True, check=False
            )
        except OSError as error:
            self.app.display_warning(f"{words[0]}: {error}. STAR files will be read by the slower reader.")
            return False
        if done.returncode:
            self.app.display_warning(
                f"{words[0]} failed, so STAR files will be read by the slower reader:\n{done.stderr}"
            )
            beside.unlink(missing_ok=True)
            return False
        beside.replace(root / LIBRARY)
        return True
