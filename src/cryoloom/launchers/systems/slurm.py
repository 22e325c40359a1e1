"""Slurm: sbatch, squeue, scancel."""

import re
from collections.abc import Collection, Mapping

from cryoloom.launchers.launcher import Standing
from cryoloom.launchers.systems.system import Report

_QUEUED = {
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_HOLD",
    "REQUEUE_FED",
    "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
}
_RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING", "RESIZING"}


class Slurm:
    """Answers of squeue are asked for in a form of our own, so that a site's SQUEUE_FORMAT changes nothing."""

    name = "slurm"
    reads_script = False
    template = """\
#!/bin/bash
#SBATCH --job-name={{ name }}
#SBATCH --output={{ out }}
#SBATCH --error={{ err }}
#SBATCH --open-mode=append
#SBATCH --nodes={{ nodes }}
#SBATCH --ntasks={{ ranks }}
#SBATCH --cpus-per-task={{ threads }}
#SBATCH --mem={{ memory_mb }}M
{% if gpus %}
#SBATCH --gres=gpu:{{ gpus }}
{% endif %}
{% if queue %}
#SBATCH --partition={{ queue }}
{% endif %}
{% if walltime_min %}
#SBATCH --time={{ walltime_min }}
#SBATCH --signal=B:USR1@120
{% endif %}
{% for option, value in extra.items() %}
#SBATCH --{{ option }}={{ value }}
{% endfor %}
exec {{ command }}
"""

    def submit(self, script: str) -> list[str]:
        return ["sbatch", "--parsable", script]

    def id_of(self, said: str) -> str:
        # `id`, or `id;cluster`; a site's own command may lack --parsable. What a wrapper prints stands before it.
        last = said.strip().rpartition("\n")[2]
        found = re.fullmatch(r"(?:Submitted batch job )?(\d+)(?:;.*| on cluster .*)?", last.strip())
        return found.group(1) if found else ""

    def ask(self, user: str) -> list[str]:
        return ["squeue", "--noheader", "--states=all", f"--user={user}", "--format=%i|%T|%r|%N|%j"]

    def told(self, said: str) -> Mapping[str, tuple[str, Report]]:
        found = {}
        for line in said.splitlines():
            fields = line.split("|", 4)
            if len(fields) == 5:
                id, word, reason, node, name = (field.strip() for field in fields)
                found[id] = (name, Report(_standing(word), word, "" if reason == "None" else reason, node))
        return found

    def cancel(self, ids: Collection[str]) -> list[str]:
        return ["scancel", *ids]


def _standing(word: str) -> Standing:
    return "queued" if word in _QUEUED else "running" if word in _RUNNING else "over"
