"""The Running tab: MPI ranks, threads, additional arguments; and a program's call from them."""

import shlex
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.protocol import ADVANCED, AUTO, Command, JobFolder, Param
from cryoloom.protocol.declare import relion_text


class Additional:
    """Arguments that the form has no field for."""

    other_args: str = Param(
        "",
        "Additional arguments",
        tab="Running",
        level=ADVANCED,
        help="Appended to the command as they are, for the program's expert options.",
    )


class Mpi(Additional):
    nr_mpi: int = Param(
        1,
        "Number of MPI procs",
        tab="Running",
        ge=1,
        auto=True,
        help="Processes that share the work; 1 uses no MPI. auto: for this machine, one for each GPU or each eight cores.",
    )


class Threads:
    nr_threads: int = Param(
        1,
        "Number of threads",
        tab="Running",
        ge=1,
        auto=True,
        flag="--j",
        help="Threads of each process; memory is shared between them. auto: the cores of this machine that the job may have, "
        "shared by its processes.",
    )


def number(value: Any) -> str:
    """A value as RELION puts it on a command line."""
    return relion_text(value)


def call(protocol: Any, program: str, args: list[str], job: JobFolder, *, control: bool = True) -> Command:
    """The program's call: `_mpi` by the number of ranks, additional arguments last.

    Raises:
        ParameterError: the additional arguments have an open quote.
    """
    given = [protocol.values.get(name, 1) for name in ("nr_mpi", "nr_threads")]
    # What is `auto` still is shown, not run.
    ranks, threads = (1 if one == AUTO else int(one) for one in given)
    extra = str(protocol.values.get("other_args", ""))
    try:
        words = shlex.split(extra)
    except ValueError as error:
        raise ParameterError(
            f"{protocol.name}: parameter other_args",
            found=f"{extra!r} ({error})",
            expected="arguments, quotes closed",
        ) from None
    tail = ["--pipeline_control", job.name] if control else []
    return Command(
        f"{program}_mpi" if ranks > 1 else program,
        (*args, *words, *tail),
        mpi=ranks,
        threads=threads,
        gpu_ids=protocol.gpus(),
    )
