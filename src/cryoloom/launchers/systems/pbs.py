"""PBS Professional, OpenPBS and Torque: qsub, qstat -x -f, qdel. Not run here: PBS is in no distribution's packages."""

import re
from collections.abc import Collection, Mapping

from cryoloom.launchers.launcher import Standing
from cryoloom.launchers.systems.system import Report

_STANDINGS: Mapping[str, Standing] = {
    "Q": "queued", "H": "queued", "W": "queued", "T": "queued", "M": "queued", "R": "running", "E": "running", "S": "running",
    "U": "running", "B": "running", "F": "over", "X": "over", "C": "over",
}  # fmt: skip


class Pbs:
    """Its long answer folds lines; a job's fields stand below `Job Id: 123.server`."""

    name = "pbs"
    reads_script = False
    template = """\
#!/bin/bash
#PBS -N {{ name }}
#PBS -o {{ out }}
#PBS -e {{ err }}
#PBS -r n
#PBS -l select={{ nodes }}:ncpus={{ cores_a_node }}:mpiprocs={{ ranks_a_node }}:mem={{ memory_mb }}mb\
{% if gpus %}:ngpus={{ gpus }}{% endif %}

{% if queue %}
#PBS -q {{ queue }}
{% endif %}
{% if walltime_min %}
#PBS -l walltime={{ walltime }}
{% endif %}
{% for option, value in extra.items() %}
#PBS -{{ option }} {{ value }}
{% endfor %}
exec {{ command }}
"""

    def submit(self, script: str) -> list[str]:
        return ["qsub", script]

    def id_of(self, said: str) -> str:
        last = said.strip().rpartition("\n")[2].strip()
        return last if re.fullmatch(r"\d+(\[\])?(\.\S+)?", last) else ""

    def ask(self, user: str) -> list[str]:
        return ["qstat", "-x", "-f"]

    def told(self, said: str) -> Mapping[str, tuple[str, Report]]:
        found = {}
        unfolded = re.sub(r"\n\t", "", said)
        for part in re.split(r"(?m)^Job Id: ", unfolded)[1:]:
            id = part.partition("\n")[0].strip()
            fields = dict(re.findall(r"(?m)^\s+([\w.]+) = (.*)$", part))
            word = fields.get("job_state", "")
            report = Report(
                _STANDINGS.get(word, "unknown"), word, fields.get("comment", ""), fields.get("exec_host", "")
            )
            found[id] = (fields.get("Job_Name", ""), report)
        return found

    def cancel(self, ids: Collection[str]) -> list[str]:
        return ["qdel", *ids]
