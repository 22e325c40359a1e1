"""Figures that were drawn once: the same declaration with the same data is the same picture, and need not be drawn again.

SVGs in the user's cache folder, by what they were drawn from; the last report's are kept. A cache that cannot be used costs
time and nothing else. Loads nothing, so that whoever draws can ask first whether all of it has to be drawn.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.project.index import cache_folder
from cryoloom.views.vega import converted

FOLDER = "figures"
# Names within a figure, which count up in each process that draws: in one page they would meet those of another one.
_ID = re.compile(r'(\bid="|url\(#)([A-Za-z]+_?\d+)')


class Figures:
    """The figures of a project."""

    def __init__(self, root: Path) -> None:
        self._folder = cache_folder(root) / FOLDER
        self._used: set[str] = set()
        self._version: str | None = None

    def are_known(self) -> bool:
        """Whether any was drawn before."""
        with contextlib.suppress(OSError):
            return next(self._folder.iterdir(), None) is not None
        return False

    def svg(self, spec: Mapping[str, Any]) -> str:
        """A declaration as SVG, drawn where it was not before; its own names are found in no other figure."""
        key = hashlib.sha256(f"{self._drawer()} {json.dumps(spec)}".encode()).hexdigest()[:32]
        self._used.add(key)
        file = self._folder / f"{key}.svg"
        with contextlib.suppress(OSError):
            return file.read_text(encoding="utf-8")
        drawn = _ID.sub(rf"\1\2_{key}", converted(spec, "svg").decode())
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            beside = file.with_name(f".{key}.{os.getpid()}")
            beside.write_text(drawn, encoding="utf-8")
            beside.replace(file)
        return drawn

    def forget_others(self) -> None:
        """Only what was asked for since this object was made is kept."""
        with contextlib.suppress(OSError):
            for file in self._folder.iterdir():
                if file.stem not in self._used:
                    file.unlink(missing_ok=True)

    def _drawer(self) -> str:
        if self._version is None:
            try:
                self._version = importlib.metadata.version("vl-convert-python")
            except importlib.metadata.PackageNotFoundError:
                self._version = ""
        return self._version
