"""RELION's joining of two to four tables; `sets.join` joins any number, while they grow, and groups of one name that differ."""

from collections.abc import Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.protocol import (
    Command,
    Input,
    JobFolder,
    Micrographs,
    Movies,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    View,
)

# What is joined, by its switch: the names of its inputs, the label by which a row is another's copy, the file.
PARTS = {
    "do_part": ("fn_part", "rlnImageName", "join_particles.star"),
    "do_mic": ("fn_mic", "rlnMicrographName", "join_mics.star"),
    "do_mov": ("fn_mov", "rlnMicrographMovieName", "join_movies.star"),
}
GROUP_NAME = "rlnOpticsGroupName"
NUMBERS = frozenset({"rlnOpticsGroup", GROUP_NAME})


class JoinStar(Additional, ProgramProtocol):
    """Join tables of one kind by RELION's program; for more than four, or while they grow: sets.join."""

    name = "relion.joinstar"
    label = "Join STAR files"
    folder = "JoinStar"
    relion_type = 13
    programs = ("relion_star_handler",)
    next = ("relion.refine3d", "relion.class2d")

    do_part: bool = Param(
        False, "Combine particle STAR files?", tab="particles", help="Two to four sets of particles."
    )
    fn_part1: Particles = Input("Particle STAR file 1", tab="particles", optional=True, when="do_part")
    fn_part2: Particles = Input("Particle STAR file 2", tab="particles", optional=True, when="do_part")
    fn_part3: Particles = Input("Particle STAR file 3", tab="particles", optional=True, when="do_part")
    fn_part4: Particles = Input("Particle STAR file 4", tab="particles", optional=True, when="do_part")
    do_mic: bool = Param(
        False, "Combine micrograph STAR files?", tab="micrographs", help="Two to four sets of micrographs."
    )
    fn_mic1: Micrographs = Input("Micrograph STAR file 1", tab="micrographs", optional=True, when="do_mic")
    fn_mic2: Micrographs = Input("Micrograph STAR file 2", tab="micrographs", optional=True, when="do_mic")
    fn_mic3: Micrographs = Input("Micrograph STAR file 3", tab="micrographs", optional=True, when="do_mic")
    fn_mic4: Micrographs = Input("Micrograph STAR file 4", tab="micrographs", optional=True, when="do_mic")
    do_mov: bool = Param(False, "Combine movie STAR files?", tab="movies", help="Two to four sets of movies.")
    fn_mov1: Movies = Input("Movie STAR file 1", tab="movies", optional=True, when="do_mov")
    fn_mov2: Movies = Input("Movie STAR file 2", tab="movies", optional=True, when="do_mov")
    fn_mov3: Movies = Input("Movie STAR file 3", tab="movies", optional=True, when="do_mov")
    fn_mov4: Movies = Input("Movie STAR file 4", tab="movies", optional=True, when="do_mov")

    particles: Particles = Output("Joined particles", PARTS["do_part"][2], when=lambda p: p.do_part)
    micrographs: Micrographs = Output("Joined micrographs", PARTS["do_mic"][2], when=lambda p: p.do_mic)
    movies: Movies = Output("Joined movies", PARTS["do_mov"][2], when=lambda p: p.do_mov)

    def switch(self) -> str:
        """Which of the three kinds is joined."""
        return next((name for name in PARTS if self.values[name]), "do_part")

    def files(self) -> dict[str, str]:
        """The inputs that are joined, with their files."""
        stem = PARTS[self.switch()][0]
        return {name: one.path for name, one in self.given.items() if name.startswith(stem) and one}

    def check(self) -> None:
        super().check()
        chosen = [name for name in PARTS if self.values[name]]
        if len(chosen) != 1:
            raise ParameterError(
                f"{self.name}: parameters {', '.join(PARTS)}", found=", ".join(chosen) or "none of them",
                expected="one of them Yes", hint="RELION joins one kind in a job.",
            )  # fmt: skip
        stem = PARTS[self.switch()][0]
        for number in (1, 2):
            if not self.given[f"{stem}{number}"]:
                raise ParameterError(
                    f"{self.name}: input {stem}{number}", found="missing", expected="two sets at least"
                )

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        """RELION takes groups of one name for one group, whatever else they say: the first one's values are all's."""
        from cryoloom import star

        known: dict[str, tuple[str, dict[str, object]]] = {}
        for name in (one for one in self.files() if one in there):
            optics = star.as_table(star.read(there[name], ["optics"], optional=True).get("optics"))
            if optics is None or GROUP_NAME not in optics.columns:
                continue
            for row in optics.iter_rows(named=True):
                says = {label: value for label, value in row.items() if label not in NUMBERS}
                first, same = known.setdefault(str(row[GROUP_NAME]), (name, says))
                if differs := sorted(label for label in {*says, *same} if says.get(label) != same.get(label)):
                    raise ParameterError(
                        f"{self.name}: input {name}",
                        found=f"the group {row[GROUP_NAME]} with another {differs[0]} than in {first}",
                        expected="groups of one name that are one", hint="sets.join keeps such groups apart.",
                    )  # fmt: skip

    def command(self, job: JobFolder) -> Command:
        _, label, file = PARTS[self.switch()]
        names = f" {' '.join(self.files().values())} "
        words = ["--combine", "--i", names, "--check_duplicates", label, "--o", job.file(file)]
        return call(self, "relion_star_handler", words, job)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import foreign

        return foreign.views_of_files(job.root, job.name)
