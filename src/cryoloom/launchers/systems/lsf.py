"""LSF: bsub, bjobs, bkill. Compared with recorded answers, not run here: it is no free software."""

import re
from collections.abc import Collection, Mapping

from cryoloom.launchers.launcher import Standing
from cryoloom.launchers.systems.system import Report

_STANDINGS: Mapping[str, Standing] = {
    "PEND": "queued", "PSUSP": "queued", "WAIT": "queued", "PROV": "queued", "RUN": "running", "USUSP": "running",
    "SSUSP": "running", "DONE": "over", "EXIT": "over", "ZOMBI": "over",
}  # fmt: skip


class Lsf:
    """`bsub` reads a script's options from its standard input only."""

    name = "lsf"
    reads_script = True
    template = """\
#!/bin/bash
#BSUB -J {{ name }}
#BSUB -o {{ out }}
#BSUB -e {{ err }}
#BSUB -n {{ cores }}
#BSUB -R "span[ptile={{ cores_a_node }}]"
#BSUB -M {{ memory_mb }}
#BSUB -rn
{% if gpus %}
#BSUB -gpu "num={{ gpus }}"
{% endif %}
{% if queue %}
#BSUB -q {{ queue }}
{% endif %}
{% if walltime_min %}
#BSUB -W {{ walltime_min }}
#BSUB -wt 2
#BSUB -wa USR1
{% endif %}
{% for option, value in extra.items() %}
#BSUB -{{ option }} {{ value }}
{% endfor %}
exec {{ command }}
"""

    def submit(self, script: str) -> list[str]:
        return ["bsub"]

    def id_of(self, said: str) -> str:
        found = re.search(r"Job <(\d+)> is submitted", said)
        return found.group(1) if found else ""

    def ask(self, user: str) -> list[str]:
        return [
            "bjobs",
            "-a",
            "-u",
            user,
            "-noheader",
            "-o",
            "jobid stat exec_host pend_reason job_name delimiter='|'",
        ]

    def told(self, said: str) -> Mapping[str, tuple[str, Report]]:
        found = {}
        for line in said.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) >= 5:
                id, word, node = fields[:3]
                reason, name = "|".join(fields[3:-1]), fields[-1]
                standing = _STANDINGS.get(word, "unknown")
                found[id] = (
                    name,
                    Report(standing, word, "" if reason == "-" else reason, "" if node == "-" else node),
                )
        return found

    def cancel(self, ids: Collection[str]) -> list[str]:
        return ["bkill", *ids]
