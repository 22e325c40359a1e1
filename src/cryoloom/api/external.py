"""A block of a script or notebook as a recorded job.

```python
with project.external("sharp ones", inputs=[extracted]) as job:
    table = job.inputs[0].table()
    job.write("result", table.filter(table["rlnCtfMaxResolution"] < 4))
project.run("relion.class2d", fn_img=job)
```
"""

import linecache
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from cryoloom.api.dataset import Dataset, Pixels
from cryoloom.api.frames import as_polars
from cryoloom.api.given import taken_apart
from cryoloom.api.job import Job
from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.needs import is_in_the_making
from cryoloom.project.processes import start_ticks
from cryoloom.project.registry import find_protocol
from cryoloom.project.sharing import shared_as
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.declare import near
from cryoloom.protocol.external import ExternalCode, Promise
from cryoloom.runner.block_job import Block, Code, claim_here, open_block

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from cryoloom.api.project import Project

PROTOCOL = "external.block"
CLOCKS_S = 0.2  # the kernel counts a process's start in hundredths, a file's time in ticks


@dataclass(frozen=True, repr=False)
class BlockJob(Job):
    """The job of an open block: what it reads, and where it writes."""

    block: Block

    @property
    def inputs(self) -> list[Dataset]:
        """The inputs in the order in which they were given."""
        given = self.block.run.protocol.given.values()
        return [Dataset(self.project.path, dataset) for dataset in given if dataset]

    def file(self, output: str) -> Path:
        """The file that an output is to be written to, by code that writes files itself."""
        return self.folder / self._promise(output).file

    def write(
        self,
        output: str,
        what: Any,
        *,
        optics: "pl.DataFrame | Any | None" = None,
        angpix: float | None = None,
    ) -> Path:
        """Write an output.

        Args:
            output: its name.
            what: of a table a polars or pandas frame; of a map an array (z, y, x), or what `volume()` gave; of half maps
                a pair of these.
            optics: of a table its optics groups; None: those of the inputs.
            angpix: of an array, Å.
        Returns:
            The file.
        Raises:
            ParameterError: no such output, or one of another kind.
            ProjectError: the block is over.
        """
        self._check_open(f"write {output}")
        promise = self._promise(output)
        where = f"{self.name}: output {output}"
        path = self.folder / promise.file
        with shared_as(self.project.path):
            if issubclass(promise.kind, kinds.Table):
                from cryoloom import star

                head = {} if optics is None else {"optics": as_polars(optics, f"{where}, optics")}
                star.write(path, {**head, promise.kind.block: as_polars(what, where)})
            elif issubclass(promise.kind, kinds.HalfMaps):
                if not isinstance(what, tuple | list) or len(what) != 2:
                    raise ParameterError(where, found=f"a {type(what).__name__}", expected="a pair of maps")
                for half, one in zip(
                    (path, path.with_name(path.name.replace("half1", "half2"))), what, strict=True
                ):
                    _write_map(half, one, angpix, where)
            elif issubclass(promise.kind, kinds.Volume | kinds.Mask | kinds.LocalResolution):
                _write_map(path, what, angpix, where)
            else:
                raise ParameterError(
                    where, found=f"a {promise.kind.kind}", expected="a table or a map",
                    hint=f"Write its file yourself: job.file({output!r}).",
                )  # fmt: skip
        return path

    def say(self, text: str) -> None:
        """Something to be known of the job, in its log and in `show`.

        Raises:
            ProjectError: the block is over.
        """
        self._check_open("say more")
        self.block.say(text)

    def _check_open(self, what: str) -> None:
        # What was looked at and called a success must not become another thing afterwards.
        if self.block.is_over:
            raise ProjectError(
                f"{self.name}: {what}", found="after its block is over", expected="it within the block",
                hint="Write what is new in a block of its own: it becomes a job of its own.",
            )  # fmt: skip

    def _promise(self, output: str) -> Promise:
        code = self.block.run.protocol
        assert isinstance(code, ExternalCode)
        promises = code.promises()
        if output not in promises:
            raise ParameterError(
                f"{self.name}: output {output}", found="not promised", expected=f"one of {', '.join(promises)}",
                hint=near(output, [*promises]) or 'Name them first: outputs={"NAME": "KIND"}.',
            )  # fmt: skip
        return promises[output]


class External:
    """`with` this: what happens in the block is a job."""

    def __init__(
        self, project: "Project", label: str, given: Mapping[str, Any], alias: str, code: Code
    ) -> None:
        self.project, self.label, self.given, self.alias, self.code = project, label, given, alias, code
        self._job: BlockJob | None = None

    def __enter__(self) -> BlockJob:
        """Make the job and begin it, here and now.

        Raises:
            CryoloomError: inputs or outputs that cannot be.
        """
        values, inputs = taken_apart(
            self.project.folder, find_protocol(PROTOCOL), {**self.given, "source": self.code.path}
        )
        for dataset in inputs.values():
            if is_in_the_making(self.project.path, dataset):
                raise ParameterError(
                    f"{self.label}: input {dataset.path}", found=f"still being made by {dataset.job}",
                    expected="a dataset that is complete", hint=f"project.job({dataset.job!r}).wait() first.",
                )  # fmt: skip
        entry = self.project.folder.create_job(
            PROTOCOL, values, inputs, label=self.label, alias=self.alias, begin=claim_here
        )
        block = open_block(entry, self.code)
        # It sees when this process dies, and tells RELION's pipeline how the job ends.
        call_scheduler(self.project.path)
        self._job = BlockJob(self.project, entry, block)
        return self._job

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the job; what was raised in the block goes on.

        Raises:
            CryoloomError: an output that is not what was promised.
        """
        assert self._job is not None
        try:
            self._job.block.end(error)
        finally:
            call_scheduler(self.project.path)


def external(
    project: "Project",
    label: str,
    inputs: Any,
    outputs: Mapping[str, str] | str,
    alias: str,
    caller: FrameType,
) -> External:
    """A block that is about to begin; `caller`: the frame of the code that holds it."""
    many = inputs if isinstance(inputs, Sequence) and not isinstance(inputs, str) else [inputs]
    given = {"input": [*many]} if many else {}
    return External(project, label, {**given, "outputs": outputs}, alias, code_of(caller))


def code_of(caller: FrameType) -> Code:
    """The text around a frame, as this process has read it: a script's, or that of a notebook's cell."""
    path = caller.f_code.co_filename
    text = "".join(linecache.getlines(path, caller.f_globals))
    is_script = Path(path).is_file()
    main = str(getattr(sys.modules.get("__main__"), "__file__", "") or "")
    if is_script:
        found = [(path, Path(path).name, text)]
        # A helper of the script that was started: without that one nobody knows how it was called.
        if main and Path(main).is_file() and not Path(main).samefile(path):
            found.append((main, Path(main).name, "".join(linecache.getlines(main))))
        late = [name for name, _, _ in found if Path(name).stat().st_mtime > _began() + CLOCKS_S]
        doubt = (
            f"{late[0]} was written after this process began: what ran may be what it was before."
            if late
            else ""
        )
        return Code("script", str(Path(path).resolve()), found, Path(path).resolve().parent, doubt)
    notebook = str(
        caller.f_globals.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or "a notebook"
    )
    found = [(f"cell of {notebook}", "cell.py", text)] if text else []
    return Code("cell", f"cell of {notebook}", found, Path.cwd())


def _began() -> float:
    """When this process began, by the wall clock."""
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks(os.getpid()) / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def _write_map(path: Path, what: "Pixels | NDArray[Any]", angpix: float | None, where: str) -> None:
    import numpy as np

    from cryoloom.images.mrc import write_mrc

    size = angpix if angpix is not None else what.angpix if isinstance(what, Pixels) else None
    voxels = np.asarray(what.pixels if isinstance(what, Pixels) else what)
    if size is None or not size > 0:
        raise ParameterError(where, found="a map without a pixel size", expected="angpix=, in Å")
    if np.iscomplexobj(voxels):
        raise ParameterError(
            where, found="complex numbers", expected="a map in real space", hint="np.real(...)"
        )
    if voxels.ndim != 3:
        raise ParameterError(where, found=f"an array of {voxels.ndim} axes", expected="(z, y, x)")
    write_mrc(path, voxels, float(size), is_volume=True)
