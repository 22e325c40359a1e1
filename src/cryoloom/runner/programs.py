"""Running a program: RELION's environment, its output into `run.out` and `run.err`, its end.

The one place of the runner that starts a job's programs. A program dies with the job's process
(PR_SET_PDEATHSIG), so that no orphan writes into a job that was given up.
"""

import contextlib
import ctypes
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryoloom.errors import ProgramError
from cryoloom.launchers.surroundings import job_environment, variables
from cryoloom.project.events import CommandEnded
from cryoloom.project.settings import Settings
from cryoloom.protocol.command import Command
from cryoloom.runner.gpu_use import GpuMeter
from cryoloom.runner.last_words import said
from cryoloom.runner.process_use import ProcessMeter, tree

# Why each is needed: docs/relion.md, "Environment".
RELION_ENVIRONMENT = {
    "RELION_SHELL": "sh",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_plm_rsh_agent": "sh",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}
PACKAGE_HINT = "Debian and Ubuntu: apt-get install relion; or set programs.relion.path (`cryoloom doctor`)."

_IGNORED = re.compile(r"Option\s+(\S+)\s+is not a valid RELION argument")
LOOK_S, BLIND_LOOK_S = 0.2, 0.02
SETPRIV = shutil.which("setpriv") or ""
# A thread of ours that forks to call prctl() copies what polars has mapped, which takes 3 ms, and may deadlock.
_DIES_WITH_PARENT = [SETPRIV, "--pdeathsig", "KILL"] if SETPRIV else []
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    hung: bool
    tail: str  # last lines of its error output, or of its output
    ignored: tuple[str, ...] = ()  # options that RELION did not know and passed over, with success
    gpu_s: float = 0.0
    gpu_mb: float = 0.0

    def event(self, step: str) -> CommandEnded:
        """Its end, for the journal."""
        return CommandEnded(step, self.code, self.wall_s, self.cpu_s, self.peak_mb, self.gpu_s, self.gpu_mb)


def find_program(name: str, settings: Settings) -> str:
    """The absolute path of a program.

    Raises:
        ProgramError: it is not installed, or not where the settings say.
    """
    folder = settings.get("programs.relion.path") if name.startswith("relion_") else None
    if folder:
        path = Path(str(folder)) / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
        raise ProgramError(
            f"program {name}", found=f"not in {folder}", expected="there, as programs.relion.path says",
            hint="Mend the setting: `cryoloom doctor` shows where it comes from.",
        )  # fmt: skip
    found = shutil.which(name)
    if found is None and (Path(sys.executable).with_name(name)).exists():
        # Our own command, in a virtual environment that nobody activated.
        found = str(Path(sys.executable).with_name(name))
    if found is None:
        raise ProgramError(f"program {name}", found="not installed", expected="in PATH", hint=PACKAGE_HINT)
    return found


def arguments(command: Command, settings: Settings) -> list[str]:
    """The full argument list: modules, mpirun, program."""
    if settings.get("programs.relion.modules") and command.program.startswith("relion_"):
        # The modules may bring the program into PATH, so it cannot be looked for here.
        argv = [command.program, *command.args]
    else:
        argv = [find_program(command.program, settings), *command.args]
    if command.mpi > 1:
        mpirun = str(settings.get("programs.relion.mpirun", "mpirun"))
        if shutil.which(mpirun) is None:
            raise ProgramError("program mpirun", found="not installed", expected="in PATH", hint=PACKAGE_HINT)
        argv = [mpirun, "-n", str(command.mpi), *argv]
    modules = settings.get("programs.relion.modules")
    if modules and command.program.startswith("relion_"):
        # Environment modules are shell functions: a login shell loads them, then becomes the program.
        names = " ".join(shlex.quote(str(module)) for module in modules)
        argv = ["bash", "-lc", f'module load {names} && exec "$@"', "cryoloom", *argv]
    return argv


def environment(command: Command, settings: Settings) -> dict[str, str]:
    """The process' environment: the job's, RELION's needs, the settings, the command's own; last what counts most.

    Raises:
        ProjectError: the settings of the environment are none.
    """
    added: Mapping[str, str] = RELION_ENVIRONMENT | {"OMP_NUM_THREADS": str(max(1, command.threads))}
    own = variables(settings, "programs.relion.environment") if command.program.startswith("relion_") else {}
    job = job_environment(os.environ, settings)
    path = {}
    folder = settings.get("programs.relion.path")
    if folder:
        path["PATH"] = f"{folder}:{job.get('PATH', '')}"
    return {**job, **added, **path, **own, **command.env}


def run(
    command: Command,
    settings: Settings,
    *,
    cwd: Path,
    out: Path,
    err: Path,
    look: Callable[[], bool] | None = None,
    limit_s: float | None = None,
    gpus: Collection[str] = (),
    tell: Callable[[float, float], None] | None = None,
) -> Ended:
    """Run a program to its end.

    Args:
        command: what to run.
        settings: where programs lie.
        cwd: working directory, a project or a shadow of one.
        out, err: its output is appended to these files.
        look: called every 0.2 s; true asks for the program's end.
        gpus: whose load is asked for while it runs.
        tell: called while it runs with the seconds of CPU and the MB of memory that it has taken so far.
        limit_s: after so many seconds without an end it is taken for hung and killed.
    """
    argv = [*_DIES_WITH_PARENT, *arguments(command, settings)]
    out_start, err_start = _size(out), _size(err)
    began = time.monotonic()
    with out.open("ab") as out_file, err.open("ab") as err_file:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment(command, settings),
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
            preexec_fn=None if argv[0] == SETPRIV else _die_with_parent,
        )
    hung = False
    meter, taken = GpuMeter(gpus), ProcessMeter(process.pid)
    try:
        ends = [os.pidfd_open(process.pid)]  # readable when it has ended
    except OSError:
        ends = []  # a kernel before 5.3
    try:
        while True:
            select.select(ends, [], [], LOOK_S if ends else BLIND_LOOK_S)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            meter.look()
            if taken.look() and tell is not None:
                tell(taken.cpu_s, taken.peak_mb)
            if look is not None and look():
                process.terminate()
            if limit_s is not None and time.monotonic() - began > limit_s and not hung:
                hung = True
                # With all below it, also what has a session of its own: RELION starts CTFFIND by a shell.
                end_tree(process.pid)
    finally:
        for handle in ends:
            os.close(handle)
        meter.end()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - began
    return Ended(
        process.returncode,
        round(wall_s, 3),
        # The kernel's word does not count ranks that lost their mpirun, nor more than the largest process's memory.
        round(max(usage.ru_utime + usage.ru_stime, taken.cpu_s), 3),
        round(max(usage.ru_maxrss / 1024, taken.peak_mb), 1),
        hung,
        _tail(err, err_start) or _tail(out, out_start),
        _ignored_options(out, out_start) + _ignored_options(err, err_start),
        round(meter.gpu_s(wall_s), 2),
        meter.peak_mb,
    )


def end_tree(pid: int) -> None:
    """Kill a process and all below it: first they are kept from starting others, then they go."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        before: set[int] = set()
        while (now := set(tree(pid))) - before:
            for one in now - before:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(one, number)
            before |= now


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _ignored_options(out: Path, start: int) -> tuple[str, ...]:
    """Misspelt options: RELION warns and goes on without them."""
    with out.open("rb") as file:
        file.seek(start)
        text = file.read(65536).decode(errors="replace")
    return tuple(dict.fromkeys(_IGNORED.findall(text)))


def _tail(path: Path, start: int, lines: int = 30) -> str:
    """The last lines that say something, of what was written since `start`."""
    with path.open("rb") as file:
        file.seek(max(start, _size(path) - 32768))  # RELION's list of all options stands behind some faults
        text = file.read().decode(errors="replace")
    return "\n".join(said(text)[-lines:])
