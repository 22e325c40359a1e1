"""A program that does nothing: what a launch costs."""

from cryoloom.protocol import Command, JobFolder, Param, ProgramProtocol


class Nothing(ProgramProtocol):
    """Run a program that ends at once; or later, or badly."""

    name = "loomtest.nothing"
    label = "Nothing"
    folder = "External"

    seconds: float = Param(0, "Sleep for", unit="s", ge=0, help="Before the end.")
    code: int = Param(0, "Exit code", ge=0, help="0 is success.")
    nr_threads: int = Param(1, "Threads", ge=1, help="Cores that it takes.")
    mark: str = Param("", "Mark file", help="A line is added to it by each run.")

    def command(self, job: JobFolder) -> Command:
        script = 'test -z "$3" || echo "$4 $$" >> "$3"; test "$1" = 0 || sleep "$1"; exit "$2"'
        if not self.seconds and not self.code and not self.mark:
            return Command("true", ())
        words = (f"{self.seconds:g}", str(self.code), self.mark, job.name)
        return Command("sh", ("-c", script, "sh", *words), threads=self.nr_threads)
