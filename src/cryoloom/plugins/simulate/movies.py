"""A simulated microscope: writes movies of a known molecule into a folder, one after the other."""

from cryoloom.protocol import Command, JobFolder, Output, Param, PlainFile, ProgramProtocol, Progress, View


class SimulateMovies(ProgramProtocol):
    """Write movies with known truth, as a microscope would."""

    name = "simulate.movies"
    label = "Simulated microscope"
    next = ("import.movies",)

    out: str = Param("microscope", "Folder", help="Below the project; movies come into its `Movies`.")
    preset: str = Param(
        "demo",
        "Preset",
        choices=("tiny", "demo", "late", "urease", "large"),
        help="How many movies, how large.",
    )
    seed: int = Param(1, "Seed", ge=0, help="The same seed makes the same data.")
    session: int = Param(
        1,
        "Session",
        ge=1,
        help="Another number is another session of the same molecule, with its own optics groups.",
    )
    rate: float = Param(0, "Movies a second", ge=0, help="0: as fast as they can be made.")

    summary: PlainFile = Output("What was made", "simulated.json")

    def command(self, job: JobFolder) -> Command:
        args = [
            "simulate",
            self.out,
            "--preset",
            self.preset,
            "--seed",
            str(self.seed),
            "--session",
            str(self.session),
            "--rate",
            f"{self.rate:g}",
        ]
        return Command("cryoloom", (*args, "--summary", job.file("simulated.json")))

    def progress(self, job: JobFolder) -> Progress | None:
        movies = job.root / self.out / "Movies"
        made = sum(path.name.startswith(("single_", "multi_")) for path in movies.glob("*.mrc"))
        return Progress(done=made, text="movies")

    def views(self, job: JobFolder) -> list[View]:
        """The true map: what all that follows is measured by."""
        from cryoloom.views import maps

        truth = f"{self.out}/truth/map.mrc"
        return maps.map_views(truth) if (job.root / truth).exists() else []
