"""Errors for users: where, what was found, what was expected, what to do.

The four parts are attributes too, so that command line, browser and `--json` show the same error.
A traceback is for bugs; whatever a user can cause is one of these.
"""

import copyreg


class CryoloomError(Exception):
    """Something a user can understand and mend.

    Args:
        where: the file, row, parameter or job concerned.
        found: what stands there.
        expected: what should.
        hint: what to do about it.
    """

    def __init__(self, where: str, *, found: str = "", expected: str = "", hint: str = "") -> None:
        self.where, self.found, self.expected, self.hint = where, found, expected, hint
        super().__init__(where, found, expected, hint)

    def __str__(self) -> str:
        text = self.where
        if self.found:
            text += f" is {self.found}"
        if self.expected:
            text += f", expected {self.expected}"
        text = text.rstrip(".")
        return f"{text}. {self.hint}" if self.hint else f"{text}."

    def __reduce__(self) -> tuple[object, ...]:
        # By default an error is made again of its `args`, which are no arguments of ours: it would be lost
        # on its way from a worker process, with a `TypeError` in its place.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def as_dict(self) -> dict[str, str]:
        """The four parts, for `--json`."""
        return {"where": self.where, "found": self.found, "expected": self.expected, "hint": self.hint}


class StarError(CryoloomError):
    """A STAR file that is missing or broken."""


class DatasetError(CryoloomError):
    """A dataset whose contents contradict themselves or what was asked."""


class ImageError(CryoloomError):
    """An image file that is missing, truncated or not what it claims to be."""


class ParameterError(CryoloomError):
    """A parameter with an unknown name, a wrong type or a value out of limits."""


class ProjectError(CryoloomError):
    """A project or job that is missing, damaged or in the wrong state."""


class UnreadableError(ProjectError):
    """A file of Cryoloom's own that is there and tells nothing now: not readable, cut short, or of a newer version.

    What it would say is not known: nobody goes on as if it were not there.
    """


class ProgramError(CryoloomError):
    """An outside program that is missing, failed, or produced nothing."""


class LaunchError(CryoloomError):
    """A launcher that refuses to start an attempt: a batch system's limits, a template that is wrong."""


class JobError(CryoloomError):
    """A job that was waited for and did not succeed: it failed, was stopped, or waits for what will not come.

    Args:
        job: its name.
        state: that it is in.
        why: the reason, as `cryoloom ls` tells it.
        hint: what to do next.
    """

    def __init__(self, job: str, *, state: str, why: str = "", hint: str = "") -> None:
        self.job, self.state, self.why = job, state, why
        reason = why.rstrip(".")
        super().__init__(
            job, found=f"{state} ({reason})" if reason else state, expected="succeeded", hint=hint
        )


class PluginError(CryoloomError):
    """A protocol whose own code failed: a fault to be told to its author, with the traceback."""

    def __init__(
        self, where: str, *, found: str = "", expected: str = "", hint: str = "", traceback: str = ""
    ) -> None:
        super().__init__(where, found=found, expected=expected, hint=hint)
        self.traceback = traceback
