"""A set operation whose own code raises."""

from cryoloom.protocol import JobFolder, SetProtocol, SetResult


class BrokenSet(SetProtocol):
    """A set operation that raises."""

    name = "loomtest.brokenset"
    label = "Broken"
    folder = "Select"

    def compute(self, job: JobFolder) -> SetResult:
        raise RuntimeError("nothing works")
