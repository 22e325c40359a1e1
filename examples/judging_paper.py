"""What the paper's workflow has to reach on made data: its stages against the truth, and the bars that they pass.

A stage is better than another if its map's FSC with the true map, averaged from 30 Å to the Nyquist frequency of the movies,
is greater; what binned pixels do not hold counts as nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from cryoloom import Project
from cryoloom.errors import CryoloomError
from cryoloom.simulate import Row
from cryoloom.simulate.compare.steps import MEAN_FSC


@dataclass(frozen=True, slots=True)
class Stage:
    """A refinement of the workflow; what the paper reached there in RELION's window, and in Scipion; Å."""

    job: str
    what: str
    relion: str
    scipion: str
    better_than: str = ""  # an earlier stage


STAGES = (
    Stage("refine_b8", "single-shot, coarsest pixels", "Nyquist", ""),
    Stage("refine_b4", "single-shot, finer", "", "", "refine_b8"),
    Stage("refine_b2", "single-shot, finer", "", "", "refine_b4"),
    Stage("refine_b1", "single-shot, unbinned", "2.84", "2.87", "refine_b2"),
    # Binned twice: the pixels allow no more than those of the single-shot set at this binning.
    Stage("refine_both_b2", "both sets, binned twice", "2.66", "", "refine_b2"),
    Stage("refine_full", "best class, unbinned", "2.60", "2.60", "refine_b1"),
    Stage("refine_final", "after CTF refinement and polishing", "2.08", "2.14", "refine_full"),
    Stage("refine_unpolished", "the last one without polishing", "", ""),
    Stage("refine_merged", "the last one, the four groups merged into one", "", ""),
)
LAST = "refine_final"
WITHOUT = ("refine_unpolished", "refine_merged")  # have to be worse than the last
COLUMNS = (
    "step", "what", "particles", "half maps", "with the truth", "mean FSC", "pose, median", "paper: RELION", "Scipion",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What has to be reached; a longer run on better data reaches more."""

    beam_tilt: float  # mrad, of the worst group
    magnification: float  # of the worst group's matrix
    whole: float  # recall and precision of whole assemblies in the 2D classes of both sets
    best: float  # part of the best 3D class that is whole
    poses: float  # within 5° of the true ones, at the end
    without: bool = True  # whether what is left out has to show


class Bar(TypedDict):
    """A figure, and what it has to be."""

    bar: str
    value: float
    demand: str
    passed: bool


def reached(project: Project, rows: list[Row]) -> dict[str, dict[str, float]]:
    """The figures of each job, by the name that the workflow gave it."""
    labels = {summary.name: summary.alias or summary.label for summary in project.summaries()}
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(labels.get(row.job, row.job), {})[row.what] = row.value
    return found


def bars(figures: Mapping[str, Mapping[str, float]], limits: Limits) -> list[Bar]:
    """All bars; one whose figure is not there is missed.

    Args:
        figures: of each job, as `reached` gives them.
        limits: what is asked.
    """
    nothing = float("nan")

    def of(job: str, what: str) -> float:
        return figures.get(job, {}).get(what, nothing)

    found: list[Bar] = []

    def at_least(name: str, value: float, least: float) -> None:
        found.append(
            {"bar": name, "value": value, "demand": f"at least {least:.4g}", "passed": value >= least}
        )

    def at_most(name: str, value: float, most: float) -> None:
        found.append({"bar": name, "value": value, "demand": f"at most {most:.4g}", "passed": value <= most})

    def more(name: str, value: float, than: float, other: str) -> None:
        demand = f"more than {than:.4g} ({other})"
        found.append({"bar": name, "value": value, "demand": demand, "passed": value > than})

    for stage in STAGES:
        if stage.better_than:
            than = of(stage.better_than, MEAN_FSC)
            more(f"mean FSC of {stage.job}", of(stage.job, MEAN_FSC), than, stage.better_than)
    whole, pure = "whole assemblies kept (recall)", "rows that are whole (precision)"
    at_least("whole assemblies kept in both sets", of("classes_both", whole), limits.whole)
    at_least("whole ones of what is kept in both sets", of("classes_both", pure), limits.whole)
    at_least("whole ones of the best 3D class", of("best_class", pure), limits.best)
    at_most(
        "beam tilt error of the worst group, mrad",
        of("ctf_aberrations", "beam tilt error, worst group"), limits.beam_tilt,
    )  # fmt: skip
    at_most(
        "magnification error of the worst group",
        of("ctf_aberrations", "magnification error, worst group"), limits.magnification,
    )  # fmt: skip
    at_least("poses within 5° at the end", of(LAST, "orientations within 5°"), limits.poses)
    if limits.without:
        for worse in WITHOUT:
            more(f"mean FSC of {LAST}", of(LAST, MEAN_FSC), of(worse, MEAN_FSC), worse)
    return found


def stage_rows(project: Project, figures: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """The table's lines: what the project reached in each stage that it has."""
    summaries = {summary.alias or summary.label: summary for summary in project.summaries()}
    found = []
    for stage in STAGES:
        summary = summaries.get(stage.job)
        if summary is None or summary.state != "succeeded":
            found.append([stage.job, stage.what, *[""] * 5, stage.relion, stage.scipion])
            continue
        try:
            count = str(project.job(summary.name).dataset("particles").table().height)
        except CryoloomError:
            count = ""
        said = figures.get(stage.job, {})
        made = next((word for word in summary.made.split(", ") if word.endswith("Å")), "")
        found.append([
            stage.job, stage.what, count, made, _said(said.get("map's FSC with the truth at 0.5"), ".2f", " Å"),
            _said(said.get(MEAN_FSC), ".3f"), _said(said.get("orientation error, median"), ".2f", "°"),
            stage.relion, stage.scipion,
        ])  # fmt: skip
    return found


def bar_rows(bars: list[Bar]) -> list[list[str]]:
    """For a table."""
    return [
        [bar["bar"], f"{bar['value']:.4g}", bar["demand"], "passed" if bar["passed"] else "MISSED"]
        for bar in bars
    ]


def _said(value: float | None, form: str, unit: str = "") -> str:
    return "" if value is None else f"{value:{form}}{unit}"
