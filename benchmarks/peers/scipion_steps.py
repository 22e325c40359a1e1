"""Scipion's part of `engine.py`, run by a Python that has scipion-pyworkflow.

Usage: scipion_steps.py HOME. Reads a number of steps a line; for each, a protocol of so many empty steps is launched in
a project of its own, and the seconds until `launchProtocol(wait=True)` returns are written. Its domain, with one
protocol that does nothing, is this very file.
"""

import os
import sys
import time
from pathlib import Path

from pyworkflow.object import Integer, Object  # type: ignore[import-not-found]
from pyworkflow.plugin import Domain as AnyDomain  # type: ignore[import-not-found]
from pyworkflow.plugin import Plugin
from pyworkflow.protocol import Protocol  # type: ignore[import-not-found]
from pyworkflow.viewer import Viewer  # type: ignore[import-not-found]
from pyworkflow.wizard import Wizard  # type: ignore[import-not-found]


class Empty(Plugin):  # type: ignore[misc]
    def getName(self) -> str:
        return __name__

    def getUrl(self) -> str:
        return ""


class EmptySteps(Protocol):  # type: ignore[misc]
    """So many steps that do nothing."""

    _label = "empty steps"
    _plugin = Empty()
    _package = sys.modules[__name__]

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        self.steps = Integer(given.get("steps", 1))

    def _insertAllSteps(self) -> None:
        for number in range(self.steps.get()):
            self._insertFunctionStep(self.emptyStep, number, needsGPU=False)

    def emptyStep(self, number: int) -> None:
        pass


class Domain(AnyDomain):  # type: ignore[misc]
    _name = __name__
    _objectClass = Object
    _protocolClass = Protocol
    _viewerClass = Viewer
    _wizardClass = Wizard
    _baseClasses = {"EmptySteps": EmptySteps}


def main(home: Path) -> None:
    from pyworkflow.project import Manager  # type: ignore[import-not-found]
    from pyworkflow.protocol import HostConfig
    from scipion_steps import EmptySteps as Steps  # type: ignore[import-not-found]  # as the launched process knows it

    (home / "config").mkdir(exist_ok=True)
    HostConfig.writeBasic(str(home / "config" / "hosts.conf"))
    project = Manager().createProject("empty")
    os.chdir(project.path)
    for line in sys.stdin:
        steps = int(line)
        protocol = project.newProtocol(Steps, steps=steps)
        began = time.monotonic()
        project.launchProtocol(protocol, wait=True)
        took = time.monotonic() - began
        project._updateProtocol(protocol)
        if not protocol.isFinished() or protocol._stepsDone.get() != steps:
            raise SystemExit(f"{protocol.getStatus()}: {Path(protocol.getStdoutLog()).read_text()[-2000:]}")
        print(f"\nseconds {took}", flush=True)


if __name__ == "__main__":
    here = Path(sys.argv[1])
    # Before pyworkflow's configuration is read, which is at its import: the caller sets these.
    assert os.environ.get("SCIPION_HOME") == str(here), "SCIPION_HOME names another folder"
    main(here)
