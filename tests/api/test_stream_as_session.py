"""A stream is told as its journals and tables have it, at each look only what is new being read."""

from pathlib import Path

import numpy as np
import pytest
from waiting import until

from cryoloom import Project
from cryoloom.api.curating import plan_limits, set_limits
from cryoloom.api.limits import Limit
from cryoloom.api.session import Session
from cryoloom.api.session_now import SessionNow
from cryoloom.api.session_quality import quality_of
from cryoloom.errors import ParameterError, ProjectError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p", seed=3)


def test_a_project_without_an_import_says_how_to_begin(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"without an import of movies.*stream=Yes"):
        Session(project).look()


@pytest.mark.slow
def test_steps_lag_rates_and_failures_are_those_of_the_journals(project: Project) -> None:
    source = project.run("loomtest.tick", items=40, rate=5, bad_every=5)
    first = project.run("loomtest.stage", input=source, letter="a", batch_size=1, bad="m0000002")
    second = project.run("loomtest.stage", input=first, letter="b", batch_size=4, seconds=0.4)
    session = Session(project)
    seen: list[SessionNow] = []

    def all_is_known() -> bool:
        seen.append(session.look())
        return all(step.load is not None for step in seen[-1].steps[1:])

    until(all_is_known)
    now = seen[-1]
    assert [step.name for step in now.steps] == [source.name, first.name, second.name]
    assert now.is_open and now.pending > 0 and now.behind_s is not None and now.behind_s > 0
    slow = now.steps[-1]
    # Four in 0.4 s and the time of a process: the program's own clock says what one takes.
    assert slow.each_s is not None and 0.1 <= slow.each_s < 1
    assert slow.lanes == 1 and slow.load is not None and slow.load > now.steps[1].load  # type: ignore[operator]
    assert now.steps[0].behind_s is None or now.steps[0].behind_s <= slow.behind_s  # type: ignore[operator]
    project.wait(timeout_s=60)

    # What was read on piece by piece is what a fresh look finds.
    now, fresh = session.look(), Session(project).look()
    assert (
        [(step.done, step.failed, step.waits) for step in now.steps]
        == [
            (len(job.entry.status().history.done), len(job.entry.status().history.failed), 0)
            for job in (source, first, second)
        ]
        == [(step.done, step.failed, step.waits) for step in fresh.steps]
    )
    assert now.steps[-1].done == second.dataset().table().height == now.movies - 1
    assert now.verdict == "ended" and now.pending == 0 and now.behind_s is None
    assert now.failed_total == now.failed_movies + 1 > 1
    assert {(one.job, one.name) for one in now.failed} >= {(first.name, "m0000002.mrc")}
    version = session.version
    session.look()
    assert session.version == version, "nothing is new, and nobody has to ask for more"


@pytest.mark.slow
def test_a_branch_with_other_parameters_takes_the_place_of_the_one_before(project: Project) -> None:
    source = project.run("loomtest.tick", items=6, rate=100)
    kept = project.run("sets.filter", input=source, expression="rlnOpticsGroup = 1")
    first = project.run("loomtest.stage", input=f"{kept.name}:kept", letter="a")
    session = Session(project)
    project.wait(timeout_s=60)
    now = session.look()
    assert (now.accepted, now.judged) == (6, 6)
    assert [step.name for step in now.steps] == [source.name, kept.name, first.name]

    copies = project.copy(kept, branch=True, start=True, expression="rlnMicrographName > 'm0000003.mrc'")
    project.wait(timeout_s=60)
    now = session.look()
    assert [step.name for step in now.steps] == [source.name, *(copy.name for copy in copies)]
    assert (now.accepted, now.judged, now.steps[-1].done, now.pending) == (2, 6, 2, 0)


@pytest.fixture
def fitted(project: Project, tiny: Project) -> Project:
    """Micrographs that are fitted, and a step behind that takes them all."""
    pictures = tiny.path / "MotionCorr/job003/Movies/job002/*_000?.mrc"
    found = project.run("import.micrographs", fn_in_raw=str(pictures), angpix=3, kV=300, Cs=2.7, Q0=0.1)
    fits = project.run("ctf.estimate", input_star_mics=found, resmin=30, resmax=7)
    project.run("loomtest.stage", input=fits, letter="a")
    project.wait(timeout_s=90)
    return project


@pytest.mark.relion
@pytest.mark.slow
def test_without_a_filter_limits_put_one_behind_the_fits_and_what_hangs_on_them_is_made_of_what_it_keeps(
    fitted: Project,
) -> None:
    session = Session(fitted)
    session.look()
    quality = quality_of(session)
    fits = fitted.job(2).dataset().table()
    [defocus] = [one for one in quality.series if one.quantity.label == "rlnDefocusU"]
    assert sorted(defocus.values) == pytest.approx(sorted(fits["rlnDefocusU"].to_list()), rel=1e-4)  # type: ignore[type-var]
    assert sum(defocus.counts) == fits.height and defocus.can_limit and defocus.limit == Limit()
    assert [fits["rlnMicrographName"][number - 1] for number in quality.numbers] == [
        one.name for one in sorted(quality.newest, key=lambda one: quality.numbers.index(one.number))
    ]
    limits = {"rlnDefocusU": Limit(None, float(np.median(fits["rlnDefocusU"].to_numpy())))}

    plan = plan_limits(session, limits)
    assert (plan.kept, plan.of, plan.kept_now) == (3, 6, 6)
    assert [(one.job, one.becomes, one.items) for one in plan.consequences] == [
        (fitted.job(1).name, "kept", 6), (fitted.job(2).name, "kept", 6), ("", "new", 6), (fitted.job(3).name, "again", 3),
    ]  # fmt: skip
    assert len(fitted.jobs()) == 3, "nothing is done before it is said"
    with pytest.raises(ParameterError, match="rlnAccumMotionTotal is no column"):
        plan_limits(session, {"rlnAccumMotionTotal": Limit(None, 3)})
    with pytest.raises(ParameterError, match="at least one"):
        set_limits(session, {"rlnDefocusU": Limit()})

    made = set_limits(session, limits)
    fitted.wait(timeout_s=60)
    assert [job.entry.protocol for job in made] == ["sets.filter", "loomtest.stage"]
    small = fits.filter(fits["rlnDefocusU"] <= limits["rlnDefocusU"].high)["cryoloomItemId"].to_list()
    assert made[-1].dataset().table()["cryoloomItemId"].to_list() == small and len(small) == 3
    now = session.look()
    assert [step.name for step in now.steps][2:] == [job.name for job in made]
    assert (now.accepted, now.judged, now.pending) == (3, 6, 0)
    assert quality_of(session).filter == made[0].name

    # Moved once more: the filter that there is makes place for another one.
    again = set_limits(session, {"rlnDefocusU": Limit()} | {"rlnCtfMaxResolution": Limit(None, 100)})
    fitted.wait(timeout_s=60)
    assert again[0].params["ranges"] == "rlnCtfMaxResolution: ..100"
    assert (session.look().accepted, made[0].state) == (6, "succeeded")

    # Of two filters the last judges what the first keeps, and nothing else.
    first = fitted.run("sets.filter", input="job002:micrographs", ranges=made[0].params["ranges"])
    fitted.run("sets.filter", input=f"{first.name}:kept", expression="rlnCtfMaxResolution < 1000")
    fitted.wait(timeout_s=60)
    session.look()
    plan = plan_limits(session, {"rlnCtfMaxResolution": Limit(None, 900)})
    assert (plan.kept, plan.of, plan.kept_now) == (3, 3, 3)
