"""A site's submission script: its own template, in any of four forms, with a job's values in it.

Cryoloom's and cryoSPARC's are Jinja; RELION's have `XXXcommandXXX`, Scipion's `%_(JOB_COMMAND)s`. The template is the one
shell text that a job is part of: what is put into it as a command or a path is quoted, and nothing else may break a line.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cryoloom.errors import LaunchError

Form: TypeAlias = Literal["jinja", "relion", "scipion"]
_RELION = re.compile(r"XXX(\w+?)XXX")
_SCIPION = re.compile(r"%_?\((\w+)\)[sdf]")
# A script that starts the ranks itself: here the job does, with as many as its parameters say.
_RANKS = re.compile(
    r"(?m)^([ \t]*)(?:\S*/)?(?:mpirun|mpiexec|mpiexec\.hydra|srun|aprun|ibrun|jsrun)\b[^\n;&|]*?"
    r"(XXXcommandXXX|%_?\(JOB_COMMAND\)s|\{\{\s*(?:command|run_cmd)\s*\}\})"
)


@dataclass(frozen=True, slots=True)
class Filling:
    """What a template is filled with."""

    command: tuple[str, ...]
    name: str  # of the batch job
    job: str  # Class2D/job012
    project: str  # its folder
    out: str
    err: str
    ranks: int = 1
    threads: int = 1
    nodes: int = 1
    memory_mb: int = 0
    gpus: int = 0
    queue: str = ""
    walltime_min: int = 0  # 0: as the queue has it
    user: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)  # what the site's template asks besides

    @property
    def cores(self) -> int:
        return self.ranks * self.threads

    @property
    def walltime(self) -> str:
        """Hours, minutes and seconds."""
        return f"{self.walltime_min // 60:02d}:{self.walltime_min % 60:02d}:00" if self.walltime_min else ""


def form_of(text: str) -> Form:
    """In which of the forms a template is written."""
    if "XXXcommandXXX" in text:
        return "relion"
    return "scipion" if _SCIPION.search(text) else "jinja"


def variables_of(text: str) -> set[str]:
    """The names that a template asks for.

    Raises:
        LaunchError: Jinja that cannot be parsed.
    """
    form = form_of(text)
    if form != "jinja":
        return set((_RELION if form == "relion" else _SCIPION).findall(text))
    from jinja2 import TemplateSyntaxError, meta
    from jinja2.sandbox import SandboxedEnvironment

    try:
        return meta.find_undeclared_variables(SandboxedEnvironment().parse(text))
    except TemplateSyntaxError as error:
        raise LaunchError(
            f"the template, line {error.lineno}", found=f"{error.message}", expected="Jinja"
        ) from None


def values_of(filling: Filling, form: Form) -> dict[str, object]:
    """What the names of a form stand for; a site's own questions among them."""
    for name, value in (("queue", filling.queue), *filling.extra.items()):
        if "\n" in value or "\r" in value:
            raise LaunchError(f"{name} of {filling.job}", found=repr(value), expected="one line")
    command = shlex.join(filling.command)
    out, err = shlex.quote(filling.out), shlex.quote(filling.err)
    if form == "relion":
        return {
            **filling.extra, "command": command, "outfile": out, "errfile": err, "queue": filling.queue, "name": filling.name,
            "mpinodes": filling.ranks, "threads": filling.threads, "cores": filling.cores, "nodes": filling.nodes,
            "dedicated": -(-filling.cores // filling.nodes),
        }  # fmt: skip
    if form == "scipion":
        return {
            **filling.extra,
            "JOB_COMMAND": command, "JOB_NAME": filling.name, "JOB_QUEUE": filling.queue, "JOB_NODES": filling.ranks,
            "JOB_THREADS": filling.threads, "JOB_CORES": filling.cores, "JOB_HOURS": -(-filling.walltime_min // 60) or 72,
            "GPU_COUNT": filling.gpus, "JOB_LOGS": out.removesuffix(".out"), "JOB_SCRIPT": "", "QUEUE_FOR_JOBS": "N",
            "JOB_NODEFILE": "", "SCIPION_PROJECT": filling.project, "SCIPION_PROTOCOL": filling.job,
        }  # fmt: skip
    return {
        **filling.extra,
        "command": command, "name": filling.name, "job": filling.job, "project": filling.project, "out": out, "err": err,
        "ranks": filling.ranks, "threads": filling.threads, "cores": filling.cores, "nodes": filling.nodes,
        "ranks_a_node": -(-filling.ranks // filling.nodes), "cores_a_node": -(-filling.cores // filling.nodes),
        "memory_mb": filling.memory_mb, "memory_gb": -(-filling.memory_mb // 1024), "gpus": filling.gpus,
        "queue": filling.queue, "walltime_min": filling.walltime_min, "walltime": filling.walltime, "extra": filling.extra,
        # cryoSPARC's names.
        "run_cmd": command, "job_log_path_abs": out, "num_cpu": filling.cores, "num_gpu": filling.gpus,
        "ram_gb": -(-filling.memory_mb // 1024), "project_dir_abs": shlex.quote(filling.project),
        "job_dir_abs": shlex.quote(f"{filling.project}/{filling.job}"), "project_uid": filling.project.rpartition("/")[2],
        "job_uid": filling.job.replace("/", "_"), "cryosparc_username": filling.user, "job_creator": filling.user,
        "worker_bin_path": "", "run_args": "",
    }  # fmt: skip


def starts_ranks(text: str) -> bool:
    """Whether a template starts a command's MPI ranks itself."""
    return bool(_RANKS.search(text))


def without_ranks(text: str) -> str:
    """The template with the job's command alone where it started ranks of it."""
    return _RANKS.sub(r"\1\2", text)


def filled(text: str, filling: Filling, where: str) -> str:
    """The script.

    Args:
        text: the template.
        filling: the job's values.
        where: the template's file, for errors.
    Raises:
        LaunchError: it asks for what nobody gave, or is no Jinja.
    """
    form = form_of(text)
    values = values_of(filling, form)
    text = without_ranks(text)
    if form == "jinja":
        return _jinja(text, values, where)
    pattern = _RELION if form == "relion" else _SCIPION
    missing = sorted({name for name in pattern.findall(text) if name not in values})
    if missing:
        raise _lacking(where, missing)
    return pattern.sub(lambda match: str(values[match.group(1)]), text)


def _jinja(text: str, values: Mapping[str, object], where: str) -> str:
    from jinja2 import StrictUndefined, TemplateError, UndefinedError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    try:
        return environment.from_string(text).render(values)
    except UndefinedError as error:
        missing = sorted(variables_of(text) - values.keys())
        raise _lacking(where, missing or [str(error)]) from None
    except TemplateError as error:
        raise LaunchError(where, found=str(error), expected="Jinja") from None


def _lacking(where: str, missing: list[str]) -> LaunchError:
    return LaunchError(
        where, found=f"a script that asks for {', '.join(missing)}", expected="what is known of a job, or was given",
        hint=f"Give it with the job (--batch {missing[0]}=...), or for all below extra in the launcher's settings.",
    )  # fmt: skip
