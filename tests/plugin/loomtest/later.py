"""A protocol whose module keeps its annotations as text."""

from __future__ import annotations

from cryoloom.protocol import Command, Input, JobFolder, Output, Param, ProgramProtocol, Volume


class Later(ProgramProtocol):
    """Copy a map."""

    name = "loomtest.later"
    label = "Copy"

    map: Volume = Input("Map")
    times: int = Param(1, "How often", ge=1)
    copy: Volume = Output("The copy", "copy.mrc")

    def command(self, job: JobFolder) -> Command:
        return Command("cp", (self.map.path, job.file("copy.mrc")))
