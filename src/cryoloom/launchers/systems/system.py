"""What is known of a batch system: which commands to give it, and how its answers are read. No process is started here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryoloom.launchers.launcher import Standing


@dataclass(frozen=True, slots=True)
class Report:
    """What a batch system says of one job."""

    standing: Standing
    word: str = ""  # its own: PENDING
    reason: str = ""  # why it waits or ended: Priority
    node: str = ""


class System(Protocol):
    """A pair of arguments out and text in, for each question."""

    name: str
    template: str  # Jinja: the script of a site that gave none
    reads_script: bool  # whether the script is its standard input, and no argument

    def submit(self, script: str) -> list[str]:
        """The command that takes a script."""
        ...

    def id_of(self, said: str) -> str:
        """The id in what that command printed; "" where there is none."""
        ...

    def ask(self, user: str) -> list[str]:
        """The command that tells of all jobs of a user, those that have just ended among them where it can."""
        ...

    def told(self, said: str) -> Mapping[str, tuple[str, Report]]:
        """Its answer: id → name of the job, and what is said of it."""
        ...

    def cancel(self, ids: Collection[str]) -> list[str]:
        """The command that takes jobs out of the queue or ends them."""
        ...
