"""The environment of jobs and of their programs: of the login what says who and where one is, all else of the settings.

A scheduler is started by whichever command comes first, and lives on: what somebody has exported in that shell
(OMP_NUM_THREADS, RELION_SCRATCH_DIR, a conda environment's names) must not decide what the jobs of others do. Why
each is kept: `docs/decisions/0016-what-a-job-inherits.md`.
"""

from collections.abc import Mapping
from typing import Any

from cryoloom.errors import ProjectError
from cryoloom.project.settings import Settings

LOGIN = frozenset({"HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "KRB5CCNAME"})
# Where programs, their libraries and plugins lie: without these some would not start at all.
PLACES = frozenset({"PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "OPAL_PREFIX", "I_MPI_ROOT"})
PREFIXES = ("LC_", "XDG_", "CRYOLOOM_")
# A batch system's words to what runs in its job: the hosts and cores of it, for mpirun; which GPUs are the job's.
BATCH_JOB = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
BATCH_PREFIXES = ("SLURM_", "PBS_", "LSB_")
BATCH_NAMES = frozenset({"CUDA_VISIBLE_DEVICES"})

# Of a batch system's commands: where their configuration and daemons are; and of `module`, without which scripts load nothing.
SITE = frozenset({"SLURM_CONF", "PBS_CONF_FILE", "PBS_EXEC", "PBS_SERVER", "BASH_ENV"})
SITE_PREFIXES = ("SGE_", "LSF_", "MODULE", "LMOD_", "__LMOD", "BASH_FUNC_")


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """What jobs take over of the environment that their scheduler has."""
    in_batch = any(name in environ for name in BATCH_JOB)
    return {
        name: text
        for name, text in environ.items()
        if name in LOGIN | PLACES
        or name.startswith(PREFIXES)
        or (in_batch and (name in BATCH_NAMES or name.startswith(BATCH_PREFIXES)))
    }


def for_batch_system(environ: Mapping[str, str]) -> dict[str, str]:
    """What a site's commands get, and with them, by most systems' default, its script: as a job, and where their own parts lie.

    A batch job that the scheduler itself runs in has no say in those that it submits.
    """
    return {
        name: text
        for name, text in environ.items()
        if name in SITE
        or name.startswith(SITE_PREFIXES)
        or ((name in LOGIN | PLACES or name.startswith(PREFIXES)) and name != "CRYOLOOM_ATTEMPT")
    }


def job_environment(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The environment of a job's process: what is inherited, then `[environment]` of the settings.

    Raises:
        ProjectError: the setting is no table of texts and numbers.
    """
    return inherited(environ) | variables(settings, "environment")


def variables(settings: Settings, name: str) -> dict[str, str]:
    """A setting that is a table of environment variables; a number is written as it is.

    Raises:
        ProjectError: it is something else.
    """
    found: Any = settings.get(name, {})
    if not isinstance(found, Mapping):
        raise ProjectError(
            f"setting {name} of {settings.values[name][1]}", found=repr(found), expected="a table of variables",
            hint=f'For example: [{name}] with a line OMP_PROC_BIND = "true" below it.',
        )  # fmt: skip
    for variable, value in found.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ProjectError(
                f"setting {name}.{variable} of {settings.values[name][1]}", found=repr(value),
                expected="a text or a number", hint=f'For example: {variable} = "true"',
            )  # fmt: skip
    return {str(variable): str(value) for variable, value in found.items()}
