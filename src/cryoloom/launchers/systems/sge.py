"""Grid Engine (SGE, UGE, Altair): qsub -terse, qstat -xml, qdel. Compared with recorded answers, not run here."""

import re
import xml.etree.ElementTree as tree
from collections.abc import Collection, Mapping

from cryoloom.launchers.launcher import Standing
from cryoloom.launchers.systems.system import Report


class Sge:
    """What has ended is in its list no more, and its full names only in the XML form."""

    name = "sge"
    reads_script = False
    template = """\
#!/bin/bash
#$ -N {{ name }}
#$ -o {{ out }}
#$ -e {{ err }}
#$ -cwd
#$ -V
#$ -r n
#$ -notify
{% if cores > 1 %}
#$ -pe {{ extra.pe | default("smp") }} {{ cores }}
{% endif %}
{% if gpus %}
#$ -l gpu={{ gpus }}
{% endif %}
{% if queue %}
#$ -q {{ queue }}
{% endif %}
{% if walltime_min %}
#$ -l h_rt={{ walltime }}
{% endif %}
exec {{ command }}
"""

    def submit(self, script: str) -> list[str]:
        return ["qsub", "-terse", script]

    def id_of(self, said: str) -> str:
        # A site's own command may lack -terse.
        last = said.strip().rpartition("\n")[2].strip()
        found = re.fullmatch(r"(?:Your job )?(\d+)(?:\.\S+)?(?: \(.*)?", last)
        return found.group(1) if found else ""

    def ask(self, user: str) -> list[str]:
        return ["qstat", "-xml", "-u", user]

    def told(self, said: str) -> Mapping[str, tuple[str, Report]]:
        try:
            document = tree.fromstring(said)
        except tree.ParseError:
            return {}
        found = {}
        for job in document.iter("job_list"):
            word = job.findtext("state", "")
            node = job.findtext("queue_name") or ""
            report = Report(_standing(word), word, "in error" if "E" in word else "", node)
            found[job.findtext("JB_job_number", "")] = (job.findtext("JB_name", ""), report)
        return found

    def cancel(self, ids: Collection[str]) -> list[str]:
        return ["qdel", *ids]


def _standing(word: str) -> Standing:
    if "q" in word or "E" in word or "h" in word:
        return "queued"
    return "running" if set(word) & set("rtsST") else "unknown"
