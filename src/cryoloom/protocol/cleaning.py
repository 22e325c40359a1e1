"""What of a job's files is only on the way to its results: declared on its protocol, moved away by `cryoloom clean`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Files of one class.

    Gentle cleaning leaves all that another job could take as its input; harsh cleaning also takes images that
    later jobs read through their tables.
    """

    what: str  # for people: "figure-of-merit maps"
    patterns: tuple[str, ...]  # of names, `*.spi`
    below: bool = True  # in the job's subfolders; else beside its job.star
    harsh: bool = False
