"""A program's command line as data: an argument list, never a shell string."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Command:
    """One call of a program.

    `program` is a name such as `relion_refine`; where it lies and what its environment needs is
    the settings' business. With `mpi` above 1 it is started by `mpirun`.
    """

    program: str
    args: tuple[str, ...]
    mpi: int = 1
    threads: int = 1
    gpu_ids: str | None = None  # RELION's own string, passed on untouched; None: no GPU
    env: Mapping[str, str] = field(default_factory=dict)

    def note(self) -> str:
        """The command as RELION writes it into `note.txt`: without mpirun, a program of RELION's by `which`."""
        program = f"`which {self.program}`" if self.program.startswith("relion_") else self.program
        return f"{program} {' '.join(_shown(arg) for arg in self.args)}"

    def line(self) -> str:
        """The command as RELION runs it, to be pasted into a shell: as noted, below mpirun where it has several ranks."""
        start = f"mpirun -n {self.mpi} " if self.mpi > 1 else ""
        return f"{start}{self.note()}"

    def text(self) -> str:
        """The command for a reader's terminal."""
        start = f"mpirun -n {self.mpi} " if self.mpi > 1 else ""
        return f"{start}{self.program} {shlex.join(self.args)}"


def _shown(arg: str) -> str:
    if not arg or any(c.isspace() or c in "*?[]$`'\"\\;&|<>()" for c in arg) or ":" in arg:
        return f'"{arg}"'
    return arg
