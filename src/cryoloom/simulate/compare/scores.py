"""A whole project against the truth: every step's figures, and the bars that a good pipeline passes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypedDict

from cryoloom import star
from cryoloom.errors import ProjectError
from cryoloom.simulate.compare.steps import SCORED, Row
from cryoloom.simulate.joining import joined_truth
from cryoloom.simulate.truth import Truth, read_truth, table


class Bar(TypedDict):
    """A figure and what it has to be."""

    value: float
    unit: str
    bar: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Scores:
    """All that is known about a project's quality."""

    rows: list[Row]  # in the order of the jobs
    bars: dict[str, Bar]  # of the last job of each kind; what has not been run has none
    hand: Literal["right", "flipped", "unknown"]  # of the last refined map
    setting: int  # of its axes, `em.symmetry.settings`

    @property
    def passed(self) -> bool:
        """Whether all bars that could be measured are passed, and at least one could."""
        return bool(self.bars) and all(bar["passed"] for bar in self.bars.values())

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "bars": self.bars,
            "hand": self.hand,
            "setting": self.setting,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class _Demand:
    unit: str
    bar: float  # in Nyquist resolutions where `of_nyquist`
    at_least: bool
    of_nyquist: bool = False


_DEMANDS = {
    "drift_error": _Demand("px", 0.25, False),
    "defocus_error": _Demand("Å", 30.0, False),
    "pick_recall": _Demand("", 0.95, True),
    "pick_precision": _Demand("", 0.85, True),
    "selection_recall": _Demand("", 0.95, True),
    "selection_precision": _Demand("", 0.93, True),
    "pose_within_5deg": _Demand("", 0.97, True),
    "pose_median": _Demand("°", 1.2, False),
    "halfmap_resolution": _Demand("Å", 1.1, False, of_nyquist=True),
    "truth_fsc05_resolution": _Demand("Å", 1.1, False, of_nyquist=True),
}
# An initial model has an FSC too, but only a refined map has to pass.
_REFINED = "relion.refine3d"


def compare_project(project: Path, truth: Path | Sequence[Path]) -> Scores:
    """Score each job of a project against the truth of the movies that it processed.

    Jobs are taken in the order of `default_pipeline.star`; those without output are passed over.

    Args:
        project: its folder.
        truth: the folder `truth` of a simulated set, or those of all sessions that were joined.
    Raises:
        ProjectError: the folder holds no project.
        DatasetError: the other holds no truth; two sessions have movies of one name, or other molecules.
        StarError: a file of a job is broken.
    """
    known = joined_truth([read_truth(one) for one in ([truth] if isinstance(truth, Path) else truth)])
    rows: list[Row] = []
    last: dict[str, Row] = {}
    for job, protocol in _jobs(project):
        scored = SCORED.get(protocol)
        found = scored(project / job, job.rstrip("/"), known) if scored else []
        rows += found
        for row in found:
            if row.key and (row.key != "truth_fsc05_resolution" or protocol == _REFINED):
                last[row.key] = row
    bars = {name: _bar(last[name].value, demand, known) for name, demand in _DEMANDS.items() if name in last}
    note = last["pose_within_5deg"].note if "pose_within_5deg" in last else ""
    hand: Literal["right", "flipped", "unknown"] = "unknown"
    if note:
        hand = "flipped" if "hand flipped" in note else "right"
    return Scores(rows, bars, hand, int(note.rpartition(" ")[2]) if note else 0)


def _jobs(project: Path) -> list[tuple[str, str]]:
    """Each job's folder and protocol, in the pipeline's order."""
    path = project / "default_pipeline.star"
    if not path.is_file():
        raise ProjectError(
            str(path), found="missing", expected="a project", hint="Give the folder that holds the jobs."
        )
    processes = table(star.read(path), "pipeline_processes")
    if not processes.height:
        return []
    jobs = []
    for name in processes["rlnPipeLineProcessName"].to_list():
        note = project / name / "job.json"
        if note.is_file():
            jobs.append((name, str(json.loads(note.read_text(encoding="utf-8")).get("protocol", ""))))
    return jobs


def _bar(value: float, demand: _Demand, truth: Truth) -> Bar:
    bar = demand.bar * (2.0 * truth.angpix if demand.of_nyquist else 1.0)
    passed = value >= bar if demand.at_least else value <= bar
    return Bar(value=value, unit=demand.unit, bar=bar, passed=bool(passed))
