"""What is wrong with a workflow: all of it at once, each fault with its file, job and field."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cryoloom.errors import CryoloomError, ParameterError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    file: str
    job: str  # its name in the workflow; "" of what belongs to none
    field: str  # "parameter kV", "input fn_img", "wait_for", "placeholder movies"
    found: str
    expected: str
    hint: str = ""
    protocol: str = ""  # of the job, where its protocol says it

    @property
    def where(self) -> str:
        """File, job and field in words."""
        parts = [self.file, f"job {self.job}" if self.job else "", self.protocol, self.field]
        return ": ".join(part for part in parts if part)

    def error(self) -> ParameterError:
        """As an error of its own."""
        return ParameterError(self.where, found=self.found, expected=self.expected, hint=self.hint)

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {**asdict(self), "where": self.where}

    def __str__(self) -> str:
        return str(self.error())


def fault_of(error: CryoloomError, file: Path | str, job: str, protocol: str) -> Fault:
    """What a check of single jobs says, as a workflow's fault."""
    own = f"{protocol}: "
    is_own = error.where.startswith(own)
    return Fault(
        str(file), job, error.where.removeprefix(own), error.found, error.expected, error.hint, protocol if is_own else ""
    )  # fmt: skip


class WorkflowError(ParameterError):
    """A workflow with several faults.

    Args:
        file: the workflow.
        faults: all of them.
    """

    def __init__(self, file: Path | str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        self.file = str(file)
        super().__init__(
            self.file,
            found=f"wrong in {len(self.faults)} places",
            expected="a workflow whose jobs can all be made",
            hint=" ".join(f"({number}) {fault}" for number, fault in enumerate(self.faults, start=1)),
        )

    def __str__(self) -> str:
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        return f"{self.where} is {self.found}; nothing was made:{lines}"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.file, self.faults)


def refuse(file: Path | str, faults: Sequence[Fault]) -> None:
    """Say what is wrong, where something is.

    Raises:
        WorkflowError: several things are.
        ParameterError: one is.
    """
    if len(faults) == 1:
        raise faults[0].error()
    if faults:
        raise WorkflowError(file, faults)
