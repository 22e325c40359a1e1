"""Two projects beside each other, step by step: what came out differently, and whether that is more than chance does.

Parameters that were asked for differently are named; the files that were made are what is compared. `workflow diff` compares
what was asked for alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import polars as pl

from cryoloom.api.branch import Branch, branch_of
from cryoloom.api.expected import Limits
from cryoloom.api.measured import MOTION, STEM, Files
from cryoloom.api.pairing import Step, asked_differently, paired, sources_of_step, steps_of
from cryoloom.errors import CryoloomError, DatasetError, ParameterError, ProjectError

if TYPE_CHECKING:
    from cryoloom.api.project import Project

# RELION's own distance below which two particles are one (Select, "Remove duplicates").
WITHIN = 30.0

T = TypeVar("T")
Verdict = Literal["equal", "expected", "not expected"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a step in both projects.

    Attributes:
        what: its name.
        unit: of its values.
        mine: the value; of many micrographs the median of those that both have.
        others: likewise.
        verdict: `equal` to what is written, `expected` within `limit`, or `not expected`.
        limit: how large a difference may be; of what is in common the least part that has to be.
        why: where the limit comes from.
        difference: mine less the other's; of many the median of the differences.
        worst: the largest difference of one micrograph, at `worst_at`; `beyond` of them lie beyond the limit.
        common: items that both have; `precision`: the part of mine that they are, `recall`: of the other's.
    """

    what: str
    unit: str
    mine: float
    others: float
    verdict: Verdict
    limit: float
    why: str
    difference: float = 0.0
    worst: float | None = None
    worst_at: str = ""
    beyond: int | None = None
    common: int | None = None
    precision: float | None = None
    recall: float | None = None


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step of both.

    `asked`: parameters that differ, mine first; `after`: my earlier steps that it comes from and that differ by more than is
    expected, or were asked for otherwise: look there first. `untold`: what could not be compared, and why.
    """

    mine: str
    others: str
    programs: tuple[str, str]
    figures: tuple[Figure, ...]
    asked: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    untold: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of its figures."""
        said = [figure.verdict for figure in self.figures]
        return "not expected" if "not expected" in said else "expected" if "expected" in said else "equal"


@dataclass(frozen=True, slots=True)
class ProjectComparison:
    """Two projects' results and the steps that made them."""

    mine: str
    others: str
    results: tuple[str, str]  # the jobs whose branches are compared
    within: float
    steps: tuple[ComparedStep, ...]
    only_mine: tuple[str, ...]
    only_others: tuple[str, ...]
    alike: tuple[str, ...]  # names that two micrographs of a project have: left out

    @property
    def is_expected(self) -> bool:
        """Whether nothing differs by more than is expected, and nothing that one says is lacking in the other."""
        return all(step.verdict != "not expected" and not step.untold for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        steps = [asdict(step) | {"verdict": step.verdict} for step in self.steps]
        return asdict(self) | {"steps": steps, "expected": self.is_expected}


def compare_projects(mine: "Project", others: "Project", *, within: float = WITHIN) -> ProjectComparison:
    """Set the steps of two projects' results beside each other.

    Args:
        mine: a project.
        others: another, or a copy; RELION's own too.
        within: Å; picks and particles nearer than that to each other are one.
    Raises:
        ParameterError: no distance.
        ProjectError: one of them has no job that succeeded.
    """
    if not within > 0:
        raise ParameterError("within", found=f"{within:g}", expected="a distance in Å, above 0")
    branches = (_branch(mine), _branch(others))
    sides = [
        steps_of(branch.result, project.jobs())
        for branch, project in zip(branches, (mine, others), strict=True)
    ]
    pairing = paired(*sides)
    comparing = _Comparing((Files(mine), Files(others)), within, branches, sides[0])
    steps: list[ComparedStep] = []
    for one, other in pairing.pairs:
        steps.append(comparing.step(one, other, steps))
    alike = sorted(comparing.files[0].alike | comparing.files[1].alike)
    return ProjectComparison(
        str(mine.path), str(others.path), (branches[0].result.name, branches[1].result.name), within, (*steps,),
        tuple(step.name for step in pairing.only_mine), tuple(step.name for step in pairing.only_others), (*alike,),
    )  # fmt: skip


def _branch(project: "Project") -> Branch:
    found = branch_of(project.jobs(), {summary.name: summary for summary in project.summaries()})
    if found is None:
        raise ProjectError(
            f"{project.path}", found="no job that succeeded", expected="at least one, to be compared"
        )
    return found


class _Comparing:
    """The comparison of two projects' steps, one after the other."""

    def __init__(
        self, files: tuple[Files, Files], within: float, branches: tuple[Branch, Branch], mine: Sequence[Step]
    ) -> None:
        self.files, self.within = files, within
        self.mine = {step.name: step for step in mine}
        ends = [one.reached(branch.result) for one, branch in zip(files, branches, strict=True)]
        self.limits = Limits(max((end.resolution for end in ends if end is not None), default=None))
        # By RELION's folder; what is not here gives no figure that two projects share.
        self.figures_of: Mapping[str, tuple[Callable[[Step, Step], list[Figure]], ...]] = {
            "Import": (self._movies,),
            "MotionCorr": (self._drift,),
            "CtfFind": (self._defocus,),
            "ManualPick": (self._picks,),
            "AutoPick": (self._picks,),
            "Extract": (self._particles,),
            "Select": (self._chosen,),
            "JoinStar": (self._chosen,),
            "Subtract": (self._particles,),
            "Class3D": (self._particles,),
            "Refine3D": (self._particles, self._resolution),
            "CtfRefine": (self._particles, self._defocus, self._tilts),
            "Polish": (self._particles,),
            "PostProcess": (self._resolution,),
        }

    def step(self, mine: Step, other: Step, before: list[ComparedStep]) -> ComparedStep:
        figures: list[Figure] = []
        untold = []
        for measure in self.figures_of.get(mine.name.partition("/")[0], ()):
            try:
                figures += measure(mine, other)
            except (CryoloomError, OSError) as error:
                untold.append(str(error))
        made = ComparedStep(
            mine.name, other.name, (mine.program, other.program), (*figures,), asked_differently(mine, other),
            untold="; ".join(untold),
        )  # fmt: skip
        sources = self._sources(mine)
        after = tuple(
            one.mine for one in before if one.mine in sources and (one.verdict == "not expected" or one.asked)
        )
        return replace(made, after=after)

    def _sources(self, step: Step) -> set[str]:
        """All that a step of mine comes from."""
        found: set[str] = set()
        ahead = [step.name]
        while ahead:
            new = (sources_of_step(self.mine[ahead.pop()]) & self.mine.keys()) - found
            found |= new
            ahead += new
        return found

    def _movies(self, mine: Step, other: Step) -> list[Figure]:
        both = _both("movies", mine, other, self.files[0].movies(mine.job), self.files[1].movies(other.job))
        return [] if both is None else [_in_common("movies", *both, *self.limits.movies)]

    def _drift(self, mine: Step, other: Step) -> list[Figure]:
        both = _both("motion", mine, other, self.files[0].drift(mine.job), self.files[1].drift(other.job))
        if both is None:
            return []
        one, two = both
        limit, why = self.limits.drift(mine, other)
        figures = [_in_common("micrographs", one, two, *self.limits.micrographs)]
        for part, said in MOTION.items():
            # RELION writes 0 for a part that it does not tell from the others: no measurement.
            if not any((table[part].fill_null(0) == 0).all() for table in (one, two)):
                figures += _by_micrograph(f"drift, {said}", one, two, part, limit, why)
        return figures

    def _defocus(self, mine: Step, other: Step) -> list[Figure]:
        both = _both(
            "a fit of the CTF", mine, other, self.files[0].defocus(mine.job), self.files[1].defocus(other.job)
        )
        if both is None:
            return []
        one, two = both
        figures = [_in_common("micrographs", one, two, *self.limits.micrographs)]
        for what in ("defocus", "astigmatism along x", "astigmatism along the diagonal"):
            limit, why = self.limits.defocus(mine, other, one, two)
            figures += _by_micrograph(what, one, two, what, limit, why)
        return figures

    def _picks(self, mine: Step, other: Step) -> list[Figure]:
        both = _both("picks", mine, other, self.files[0].picks(mine.job), self.files[1].picks(other.job))
        if both is None:
            return []
        one, two = both
        return [self._places("picks", one, two, *self.limits.picks(mine, other))]

    def _particles(self, mine: Step, other: Step) -> list[Figure]:
        both = _both(
            "particles' places",
            mine,
            other,
            self.files[0].particles(mine.job),
            self.files[1].particles(other.job),
        )
        if both is None:
            return []
        one, two = both
        return [self._places("particles", one, two, *self.limits.particles(mine, other))]

    def _chosen(self, mine: Step, other: Step) -> list[Figure]:
        """A choice, or a join: of particles, or of micrographs."""
        if mine.does[1] == "particles":
            return self._particles(mine, other)
        one, two = self.files[0].movies(mine.job), self.files[1].movies(other.job)
        return (
            []
            if one is None or two is None
            else [_in_common("micrographs", one, two, *self.limits.micrographs)]
        )

    def _places(self, what: str, one: pl.DataFrame, two: pl.DataFrame, limit: float, why: str) -> Figure:
        from cryoloom.simulate.compare.places import match

        found = match(one, two, 1.0, self.within)  # places are Å already
        return _common(
            what, one.height, two.height, len(found.found), limit, f"{why}; one within {self.within:g} Å"
        )

    def _resolution(self, mine: Step, other: Step) -> list[Figure]:
        both = _both(
            "a resolution", mine, other, self.files[0].reached(mine.job), self.files[1].reached(other.job)
        )
        if both is None:
            return []
        one, two = both
        limit, why = self.limits.reached(one, two)
        figures = [_number("resolution", "Å", one.resolution, two.resolution, limit, why, written=0.005)]
        if one.bfactor is not None and two.bfactor is not None:
            limit, why = self.limits.bfactor(one.bfactor, two.bfactor)
            figures.append(_number("B-factor", "Å²", one.bfactor, two.bfactor, limit, why, written=0.05))
        return figures

    def _tilts(self, mine: Step, other: Step) -> list[Figure]:
        given = [files.tilts(step.job) or None for files, step in zip(self.files, (mine, other), strict=True)]
        both = _both("a beam tilt", mine, other, *given)
        if both is None:
            return []
        one, two = both
        if {*one} != {*two}:
            raise DatasetError(
                mine.name, found=f"tilts of groups {', '.join(one)}", expected=f"those of {other.name}: {', '.join(two)}",
            )  # fmt: skip
        found = []
        for group in one:
            limit, why = self.limits.tilt(one[group])
            found += [
                _number(f"beam tilt {axis} of {group}", "mrad", ours, theirs, limit, why, written=0.0005)
                for axis, ours, theirs in (
                    ("x", one[group].x, two[group].x),
                    ("y", one[group].y, two[group].y),
                )
            ]
        return found


def _both(what: str, mine: Step, other: Step, one: T | None, two: T | None) -> tuple[T, T] | None:
    """What both say; None where neither does.

    Raises:
        DatasetError: only one does; nobody shall take that for equal.
    """
    if one is None and two is None:
        return None
    if one is None or two is None:
        lacks, has = (mine, other) if one is None else (other, mine)
        side = "mine" if one is None else "the other"
        raise DatasetError(f"{lacks.name} of {side}", found=f"without {what}", expected=f"as {has.name} has")
    return one, two


def _number(
    what: str, unit: str, mine: float, others: float, limit: float, why: str, *, written: float
) -> Figure:
    """`written`: half of the last digit that people read."""
    size = abs(mine - others)
    verdict: Verdict = "equal" if size < written else "expected" if size <= limit else "not expected"
    return Figure(what, unit, mine, others, verdict, limit, why, difference=mine - others)


def _by_micrograph(
    what: str, one: pl.DataFrame, two: pl.DataFrame, column: str, limit: float, why: str
) -> list[Figure]:
    """A value of each micrograph that both have; one that only one of them could measure lies beyond any limit."""
    both = one.select(STEM, mine=column).join(two.select(STEM, others=column), on=STEM)
    known = [pl.col(side).is_finite().fill_null(False) for side in ("mine", "others")]
    lost = both.filter(known[0] != known[1])
    both = both.filter(known[0] & known[1]).with_columns(difference=pl.col("mine") - pl.col("others"))
    if not both.height:
        if not lost.height:
            return []
        raise DatasetError(
            what, found="a value of no micrograph in one of the two", expected="as the other has"
        )
    largest = both.sort(pl.col("difference").abs(), descending=True).row(0, named=True)
    size, at = abs(float(largest["difference"])), str(largest[STEM])
    beyond = both.filter(pl.col("difference").abs() > limit).height + lost.height
    verdict: Verdict = "not expected" if beyond else "equal" if size < 0.005 else "expected"
    median = {
        name: float(both.select(pl.col(name).median()).item()) for name in ("mine", "others", "difference")
    }
    if lost.height:
        at, why = str(lost[STEM][0]), f"{why}; {lost.height} have a value in one of the two only"
    return [
        Figure(
            what, "Å", median["mine"], median["others"], verdict, limit, why, median["difference"],
            float(largest["difference"]), at if size or lost.height else "", beyond, both.height,
        )
    ]  # fmt: skip


def _in_common(what: str, one: pl.DataFrame, two: pl.DataFrame, limit: float, why: str) -> Figure:
    """Micrographs or movies by their names."""
    names = [{*table[STEM].to_list()} for table in (one, two)]
    return _common(what, len(names[0]), len(names[1]), len(names[0] & names[1]), limit, why)


def _common(what: str, mine: int, others: int, common: int, limit: float, why: str) -> Figure:
    precision, recall = common / mine if mine else 0.0, common / others if others else 0.0
    is_equal = mine == others == common
    verdict: Verdict = (
        "equal" if is_equal else "expected" if min(precision, recall) >= limit else "not expected"
    )
    return Figure(
        what, "", mine, others, verdict, limit, why, mine - others, common=common,
        precision=1.0 if is_equal else precision, recall=1.0 if is_equal else recall,
    )  # fmt: skip
