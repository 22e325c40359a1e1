"""A protocol whose own code raises, in the method that a parameter names."""

from cryoloom.protocol import Command, JobFolder, Param, ProgramProtocol, Progress


class Broken(ProgramProtocol):
    """Run a program, and raise in one of its own methods."""

    name = "loomtest.broken"
    label = "Broken"
    folder = "External"

    at: str = Param("", "Raises in", help="The name of a method.")

    def _raise_in(self, method: str) -> None:
        if self.at == method:
            raise KeyError("rlnNoSuchLabel")

    def check(self) -> None:
        super().check()
        self._raise_in("check")

    def output_files(self, job: JobFolder):  # type: ignore[no-untyped-def]
        self._raise_in("output_files")
        return super().output_files(job)

    def resolve_auto(self, job: JobFolder):  # type: ignore[no-untyped-def]
        self._raise_in("resolve_auto")
        return super().resolve_auto(job)

    def command(self, job: JobFolder) -> Command:
        self._raise_in("command")
        return Command("sleep", ("2",))

    def progress(self, job: JobFolder) -> Progress | None:
        self._raise_in("progress")
        return None

    def finish(self, job: JobFolder) -> str:
        self._raise_in("finish")
        return ""
