"""What RELION's classifications and refinements have in common: one program, begun or continued."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from cryoloom.plugins.relion import iterations
from cryoloom.plugins.relion.options.boxes import check_diameter, check_even, check_mask, check_reference
from cryoloom.plugins.relion.options.compute import OF_GPUS, Compute
from cryoloom.plugins.relion.options.ctf import NEEDS_OF_CTF, Ctf
from cryoloom.plugins.relion.options.diameters import auto_mask
from cryoloom.plugins.relion.options.helix import OF_HELICES
from cryoloom.plugins.relion.options.memory import check_memory
from cryoloom.plugins.relion.options.optimisation import CircularMask
from cryoloom.plugins.relion.options.running import Mpi, Threads, call
from cryoloom.project.iterations import newest
from cryoloom.protocol import (
    Box,
    Command,
    Input,
    JobFolder,
    Optimiser,
    Particles,
    ProgramProtocol,
    Progress,
    words_of,
)

# The last output of each: a job named alone stands for its particles or its map.
OPTIMISER: tuple[str, Callable[[Any], str]] = (
    "Optimiser of the last iteration", lambda protocol: protocol.file_of_last("optimiser.star")
)  # fmt: skip


class Refinement(Ctf, CircularMask, Compute, Mpi, Threads, ProgramProtocol):
    """`relion_refine`, begun from particles or continued from an optimiser file.

    A subclass says by `always` and `at_start` which words no parameter has, and by `reread` which parameters
    RELION takes anew when it goes on.
    """

    programs: ClassVar[tuple[str, ...]] = ("relion_refine",)
    iterative = True
    ranks_are_led = True
    begins_with: ClassVar[Mapping[str, str]] = {"particle_diameter": "auto"}  # 200 Å may exceed the box

    always: ClassVar[tuple[str, ...]] = ()  # words of every command
    at_start: ClassVar[tuple[str, ...]] = ()  # words of a command that does not go on
    ended_by: ClassVar[str] = ""  # the parameter that says how many iterations there are

    fn_img: Particles = Input("Input images", flag="--i", needs=NEEDS_OF_CTF, help="Extracted particles.")
    fn_cont: Optimiser = Input(
        "Continue from here", optional=True, help="An optimiser file; `cryoloom continue JOB` fills it in."
    )

    def cited(self) -> tuple[str, ...]:
        used = {OF_GPUS: self.use_gpu, OF_HELICES: bool(self.values.get("do_helix"))}
        return tuple(key for key in self.cites if used.get(key, True))

    def last_iteration(self) -> int | None:
        """The number of the last iteration, where it is known beforehand."""
        return int(self.values[self.ended_by]) if self.ended_by else None

    def file_of_last(self, ending: str) -> str:
        """A file of the last iteration; of a job that ends by itself the one without a number."""
        last, root = self.last_iteration(), iterations.root(self)
        return f"{root}_{ending}" if last is None else f"{root}_it{last:03d}_{ending}"

    def said(self) -> Collection[str]:
        """Inputs and parameters that a command which does not go on says, as far as they count."""
        return {*self.inputs, *self.params}

    def check(self) -> None:
        super().check()
        iterations.check_continued(self, self.last_iteration(), told_by=self.ended_by)

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_even(self, boxes)
        check_diameter(self, boxes, self.particle_diameter)
        if not self.fn_cont:
            check_reference(self, boxes, "fn_ref")
        check_mask(self, boxes, "fn_mask")
        if "do_pad1" in self.params:  # of maps; images of classes take next to nothing
            check_memory(self, boxes, classes=int(self.values.get("nr_classes", 1)))

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        return auto_mask(self, job.root, self.fn_img)

    def command(self, job: JobFolder) -> Command:
        if self.fn_cont:
            return self._continued(job, self.fn_cont.path)
        words = [
            "--o",
            job.file(iterations.root(self)),
            *self.always,
            *self.at_start,
            *words_of(self, self.said()),
        ]
        return call(self, "relion_refine", words, job)

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command | None:
        if not found:
            return None
        # Under the name of before RELION goes on with the same files, whatever they begin with.
        return self._continued(job, job.file(f"{iterations.root(self)}_it{max(found):03d}_optimiser.star"))

    def _continued(self, job: JobFolder, optimiser: str) -> Command:
        words = ["--continue", optimiser, "--o", job.file(iterations.root(self))]
        return call(self, "relion_refine", [*words, *self.always, *words_of(self, self.taken_anew())], job)

    def name_results(self, job: JobFolder) -> None:
        """An optimiser file of the end, which RELION does not write: the last iteration's, with the final orientations.

        Who goes on from the last iteration's own in a subtraction or a multi-body refinement begins with the orientations of
        before the end.
        """
        if self.last_iteration() is not None:
            return
        last = newest(job.path, "optimiser.star")
        if last is None:
            return
        earlier = job.file(last.name.replace("optimiser.star", "data.star"))
        text = last.read_text(encoding="utf-8").replace(
            f" {earlier}", f" {job.file(self.file_of_last('data.star'))}"
        )
        (job.path / self.file_of_last("optimiser.star")).write_text(text, encoding="utf-8")

    def named_by_shell(self, job: JobFolder) -> Sequence[str]:
        if self.last_iteration() is not None:
            return ()
        data = job.file(self.file_of_last("data.star"))
        return (
            f"last=$(ls {job.file('run_')}*it*_optimiser.star | tail -n 1)",
            f'sed "s| ${{last%optimiser.star}}data.star| {data}|" "$last" > '
            f"{job.file(self.file_of_last('optimiser.star'))}",
        )

    def progress(self, job: JobFolder) -> Progress | None:
        return iterations.progress(job, of=self.last_iteration())
