"""A program that writes down the environment that it has."""

from cryoloom.protocol import Command, JobFolder, ProgramProtocol


class Environment(ProgramProtocol):
    """Write down the environment of a program."""

    name = "loomtest.environment"
    label = "Environment"
    folder = "External"

    def command(self, job: JobFolder) -> Command:
        return Command("sh", ("-c", 'env -0 > "$1"', "sh", job.file("environment")))
