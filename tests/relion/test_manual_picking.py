"""Picks by hand: an edit is whole, keeps ids, is never written over another's, and is what extraction cuts."""

import itertools
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest_tiny import cryoloom
from relion_lines import PIPELINE
from running import run_in
from sets.test_set_streams import Background, Producer
from waiting import until

from cryoloom import Project, star
from cryoloom.api.pick_edit import PickEdit
from cryoloom.api.picking import edit, hand_on, picked_micrographs
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.images.mrc import image_of_reference, write_mrc
from cryoloom.project import pick_edits
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.item_ids import ids_of_places
from cryoloom.project.jsonfile import write_json
from cryoloom.project.registry import find_protocol
from cryoloom.project.state import JobStatus
from cryoloom.schedule.state import JobState

ANGPIX, BOX, WIDE, HIGH = 3.0, 16, 120, 96
NAMES = [f"MotionCorr/job902/Movies/job901/m_{n}.mrc" for n in range(3)]
X, Y, ID = "rlnCoordinateX", "rlnCoordinateY", "cryoloomItemId"
RELION_S = {X: 0.0, Y: 0.0, "rlnClassNumber": -999, "rlnAnglePsi": -999.0, "rlnAutopickFigureOfMerit": -999.0}


def write_micrographs(root: Path) -> None:
    """Micrographs whose every pixel is another number, and their table."""
    rng = np.random.default_rng(1)
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_mrc(root / name, rng.normal(size=(HIGH, WIDE)).astype(np.float32), ANGPIX)
    optics = pl.DataFrame(
        [{"rlnOpticsGroupName": "og", "rlnOpticsGroup": 1, "rlnMicrographOriginalPixelSize": ANGPIX, "rlnVoltage": 300.0,
          "rlnSphericalAberration": 2.7, "rlnAmplitudeContrast": 0.1, "rlnMicrographPixelSize": ANGPIX}]
    )  # fmt: skip
    table = pl.DataFrame(
        {
            "rlnMicrographName": NAMES,
            "rlnOpticsGroup": 1,
            "rlnDefocusU": 1e4,
            "rlnDefocusV": 1e4,
            "rlnDefocusAngle": 0.0,
        }
    )
    star.write(root / "mics.star", {"optics": optics, "micrographs": table})


def picked(project: ProjectFolder, **given: str) -> str:
    """A job of picking by hand that has ended, as its shepherd leaves it."""
    job = run_in(project, "relion.manualpick", fn_in="mics.star", diameter=60, **given)
    assert job.history.state == "succeeded", job.said
    write_json(
        job.entry.folder / ".cryoloom/attempts/0001/exit.json", {"ended_by": "process", "code": 0, "why": ""}
    )
    return job.name


@pytest.fixture
def picking(project: ProjectFolder) -> tuple[Project, str]:
    """A project, and a job of it in which nothing is picked yet."""
    write_micrographs(project.root)
    return Project(project.root), picked(project)


def places(table: pl.DataFrame) -> dict[str, tuple[float, float]]:
    return {str(one): (x, y) for one, x, y in table.select(ID, X, Y).iter_rows()}


def test_a_new_job_has_no_picks_and_what_is_added_moved_and_removed_keeps_its_ids(
    picking: tuple[Project, str],
) -> None:
    project, name = picking
    job = project.job(name)
    assert job.picks("m_0").table.height == 0

    saved = edit(job, "m_0", PickEdit(add=((20, 30), (60, 50), (100, 90))))
    first = job.picks("m_0")
    assert (saved.added, saved.picks, saved.revision) == (3, 3, first.revision)
    middle = next(one for one, at in places(first.table).items() if at == (60, 50))
    saved = edit(job, "m_0", PickEdit(remove=("21,31",), move=((middle, (62.5, 51)),), add=((20, 30),)))

    now = places(job.picks("m_0").table)
    assert (saved.added, saved.removed, saved.moved) == (1, 1, 1)
    assert now[middle] == (62.5, 51)
    assert sorted(now.values()) == [(20, 30), (62.5, 51), (100, 90)]
    fresh = set(now) - set(places(first.table))
    assert len(fresh) == 1 and now[fresh.pop()] == (20, 30)  # another pick at the place of one that is gone
    file = star.read(job.folder / "Movies/job901/m_0_manualpick.star")[""]
    assert isinstance(file, pl.DataFrame) and [*file.columns] == [*RELION_S, ID]


def test_an_edit_over_one_that_somebody_else_has_made_is_refused_and_writes_nothing(
    picking: tuple[Project, str],
) -> None:
    project, name = picking
    job = project.job(name)
    mine, theirs = job.picks("m_1"), job.picks("m_1")
    new = pl.DataFrame({X: [10.0], Y: [20.0]})

    job.save_picks("m_1", new, since=theirs.revision)
    with pytest.raises(ProjectError, match=r"edited by somebody else meanwhile.*nothing was written"):
        job.save_picks("m_1", pl.DataFrame({X: [50.0], Y: [60.0]}), since=mine.revision)

    assert [*places(job.picks("m_1").table).values()] == [(10, 20)]
    # RELION's own window writes the file and says nothing.
    seen = job.picks("m_1")
    star.write(job.folder / "Movies/job901/m_1_manualpick.star", {"": pl.DataFrame([{**RELION_S, X: 5.0}])})
    with pytest.raises(ProjectError, match="edited by somebody else"):
        job.save_picks("m_1", new, since=seen.revision)


def test_many_who_edit_at_once_lose_no_pick(picking: tuple[Project, str]) -> None:
    project, name = picking
    job = project.job(name)

    def add(row: int) -> None:
        for column in range(5):
            edit(job, "m_2", PickEdit(add=((10.0 * column + 5, 10.0 * row + 5),)))

    threads = [threading.Thread(target=add, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    table = job.picks("m_2").table
    assert len(set(places(table).values())) == 20 == table[ID].n_unique()
    lines = [line for line in pick_edits.edits_of(job.folder) if line["kind"] == "edited"]
    assert len(lines) == 20 and all(a["to"] == b["from"] for a, b in itertools.pairwise(lines))


def test_an_edit_that_was_killed_between_its_line_and_its_file_is_finished_by_the_next(
    picking: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, name = picking
    job = project.job(name)
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if self.name.endswith(".next"):
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        edit(job, "m_0", PickEdit(add=((20, 30),)))
    edit(job, "m_0", PickEdit(add=((40, 50),)))

    assert sorted(places(job.picks("m_0").table).values()) == [(20, 30), (40, 50)]


def test_what_cannot_be_picked_is_refused_with_row_and_label(picking: tuple[Project, str]) -> None:
    project, name = picking
    job = project.job(name)
    revision = job.picks("m_0").revision

    def refused(table: pl.DataFrame) -> str:
        with pytest.raises(ParameterError) as told:
            job.save_picks("m_0", table, since=revision)
        return str(told.value)

    assert "rlnCoordinateX in row 2 is 121, expected 0 to 120 px" in refused(
        pl.DataFrame({X: [1, 121], Y: [1, 1]})
    )
    assert "rlnCoordinateY in row 1 is nan" in refused(pl.DataFrame({X: [1.0], Y: [float("nan")]}))
    stranger = pl.DataFrame({X: [1.0], Y: [1.0], ID: ["i0123456789abcde"]})
    assert "cryoloomItemId in row 1 is i0123456789abcde" in refused(stranger)
    with pytest.raises(ParameterError, match=r"no pick.*, expected one within 10 px"):
        edit(job, "m_0", PickEdit(remove=("50,50",)))
    assert job.picks("m_0").revision == revision
    with pytest.raises(ProjectError, match="3 of them"):
        job.picks("m_")
    with pytest.raises(ProjectError, match=r"m_1.mrc is number 2 of them, .*m_2.mrc has 2 in its name"):
        job.picks("2")
    assert job.picks("3").micrograph == NAMES[2]


def test_an_edit_takes_only_the_pick_that_is_meant_and_makes_no_double(picking: tuple[Project, str]) -> None:
    project, name = picking
    job = project.job(name)
    edit(job, "m_0", PickEdit(add=((20, 30), (26, 30), (70, 50))))
    ids = {at: one for one, at in places(job.picks("m_0").table).items()}
    revision = job.picks("m_0").revision

    def refused(what: PickEdit) -> str:
        with pytest.raises(ParameterError) as told:
            edit(job, "m_0", what)
        assert job.picks("m_0").revision == revision
        return str(told.value)

    both = refused(PickEdit(remove=("24,30",)))
    for at, away in (((20, 30), "4.0"), ((26, 30), "2.0")):
        assert f"{ids[at]} at {at[0]},{at[1]} ({away} px away)" in both
    assert "named twice" in refused(PickEdit(remove=("70,50", "71,50")))
    assert "named twice" in refused(PickEdit(remove=("20,30", "20,30")))
    assert "named twice" in refused(PickEdit(remove=("70,50",), move=((ids[70, 50], (80, 60)),)))
    assert f"on {ids[70, 50]} at 70,50" in refused(PickEdit(add=((70.5, 50),)))
    assert "on another new one" in refused(PickEdit(add=((90, 50), (90, 50))))
    assert f"on {ids[70, 50]}" in refused(PickEdit(move=(("20,30", (70, 50)),)))
    edit(
        job, "m_0", PickEdit(remove=("26,30", "72,51"), add=((70, 50),))
    )  # the very place; the only one there
    assert sorted(places(job.picks("m_0").table).values()) == [(20, 30), (70, 50)]


def test_a_job_that_begins_with_picks_of_another_keeps_their_ids_and_leaves_those_alone(
    picking: tuple[Project, str], project: ProjectFolder
) -> None:
    opened, name = picking
    edit(opened.job(name), "m_0", PickEdit(add=((20, 30), (60, 50))))
    theirs = places(opened.job(name).picks("m_0").table)

    mended = opened.job(picked(project, begin_with=name))
    assert places(mended.picks("m_0").table) == theirs
    edit(mended, "m_0", PickEdit(move=((next(iter(theirs)), (22, 33)),)))

    assert set(places(mended.picks("m_0").table)) == set(theirs)
    assert places(opened.job(name).picks("m_0").table) == theirs
    assert "begin_with" not in (mended.folder / "job.star").read_text()


def test_what_an_edit_does_not_say_of_a_pick_stays_and_no_value_is_made_up_for_a_new_one(
    project: ProjectFolder,
) -> None:
    write_micrographs(project.root)
    folder = project.root / "AutoPick/job050"
    (folder / "Movies/job901").mkdir(parents=True)
    (folder / "coords_suffix_autopick.star").write_text("mics.star\n")
    segments = {**RELION_S, "rlnAutopickFigureOfMerit": 0.7, "rlnHelicalTubeID": 4, "rlnAngleTiltPrior": 90.0}
    rows = [{**segments, X: 20.0, Y: 30.0}, {**segments, X: 40.0, Y: 30.0}]
    star.write(folder / "Movies/job901/m_0_autopick.star", {"": pl.DataFrame(rows)})
    given = {"begin_with": "AutoPick/job050/coords_suffix_autopick.star"}
    job = Project(project.root).job(picked(project, **given))
    seen = job.picks("m_0")

    job.save_picks("m_0", seen.table.select(X, Y, ID).head(1), since=seen.revision)
    assert job.picks("m_0").table.drop(ID).to_dicts() == rows[:1]
    # RELION would read 0 for nothing: a tilt of 0 is a filament seen along its axis.
    with pytest.raises(ParameterError, match="rlnHelicalTubeID in row 2 is missing"):
        edit(job, "m_0", PickEdit(add=((60, 60),)))
    with pytest.raises(ParameterError, match="no place"):
        edit(job, "m_0", PickEdit(remove=("nan,nan",)))
    assert job.picks("m_0").table.drop(ID).to_dicts() == rows[:1]
    edit(job, "m_0", PickEdit(remove=("20,30",)))
    with pytest.raises(ParameterError, match="rlnHelicalTubeID in row 1 is missing"):
        edit(job, "m_0", PickEdit(add=((60, 60),)))


def test_places_name_picks_as_they_lay_before_the_edit(picking: tuple[Project, str]) -> None:
    project, name = picking
    job = project.job(name)
    edit(job, "m_0", PickEdit(add=((10, 10), (20, 10), (30, 10))))
    [a, b, c] = places(job.picks("m_0").table)

    edit(job, "m_0", PickEdit(move=(("10,10", (20, 10)), ("20,10", (30, 10)), ("30,10", (40, 10)))))
    assert places(job.picks("m_0").table) == {a: (20, 10), b: (30, 10), c: (40, 10)}
    with pytest.raises(ParameterError, match="named twice in one edit"):
        edit(job, "m_0", PickEdit(remove=("20,10", "20,10")))  # the next one is near enough, and is not meant
    edit(job, "m_0", PickEdit(remove=("20,10",)))
    assert places(job.picks("m_0").table) == {b: (30, 10), c: (40, 10)}
    with pytest.raises(ParameterError, match="named twice in one edit"):
        edit(job, "m_0", PickEdit(remove=(b,), move=((b, (1, 1)),)))


def test_filaments_that_stay_keep_their_two_ends(project: ProjectFolder) -> None:
    write_micrographs(project.root)
    job = Project(project.root).job(picked(project, do_startend=True))
    for end in ((10, 10), (50, 10), (10, 40), (50, 40), (10, 70), (50, 70)):
        edit(job, "m_0", PickEdit(add=(end,)))  # one after the other, as they are picked

    # With one end gone all that follow would be pairs of other filaments, and be cut as such.
    for what in (PickEdit(remove=("10,10",)), PickEdit(remove=("10,10",), add=((70, 70),))):
        with pytest.raises(ParameterError, match=r"filament 1 is .* no two ends of one filament"):
            edit(job, "m_0", what)
    edit(
        job, "m_0", PickEdit(remove=("10,10", "50,10"), move=(("10,40", (12, 42)),), add=((70, 70), (80, 80)))
    )

    assert [*places(job.picks("m_0").table).values()] == [
        (12, 42), (50, 40), (10, 70), (50, 70), (70, 70), (80, 80)
    ]  # fmt: skip


@pytest.mark.relion
def test_extraction_cuts_what_was_picked_and_again_when_picks_were_edited(
    picking: tuple[Project, str],
) -> None:
    project, name = picking
    job = project.job(name)
    edit(job, "m_0", PickEdit(add=((20, 30), (60, 50))))
    edit(job, "m_2", PickEdit(add=((100, 80),)))
    extract = project.run(
        "relion.extract",
        star_mics="mics.star",
        coords_suffix=name,
        extract_size=BOX,
        do_invert=False,
        do_norm=False,
    ).wait(60)

    def check() -> None:
        """Each particle is a pick, under its id, and its box is cut at that place, pixel for pixel."""
        table = extract.dataset().table()
        picks = {
            one: (f"m_{n}", at) for n in (0, 1, 2) for one, at in places(job.picks(f"m_{n}").table).items()
        }
        assert set(table[ID]) == set(picks)
        for row in table.iter_rows(named=True):
            stem, (x, y) = picks[row[ID]]
            whole = image_of_reference(f"1@{row['rlnMicrographName']}", project.path)
            half = BOX // 2
            box = whole[int(y) - half : int(y) + half, int(x) - half : int(x) + half]
            assert stem in row["rlnMicrographName"]
            assert np.array_equal(image_of_reference(row["rlnImageName"], project.path), box)

    check()
    moved = next(iter(places(job.picks("m_0").table)))
    said = edit(job, "m_0", PickEdit(move=((moved, (30, 70)),)))
    assert said.followers == (extract.name,) and not said.reopened
    done = cryoloom(
        "picks", name, "m_1", "--add", "50,40.5", "--dependents", "--project", str(project.path), "--json"
    )
    assert json.loads(done.stdout)["reopened"] == [extract.name], done.stderr
    project.wait([job, extract], timeout_s=60)

    check()
    assert len(extract.dataset()) == 4
    assert [edit["added"] for edit in _told(job.folder)] == [2, 1, 0, 1]
    assert star.read(job.folder / "coordinates.star")["coordinates"]["cryoloomCount"].to_list() == [2, 1, 1]

    # It has made all of these picks: nothing is made again, and what `ls` said of it has gone.
    def why() -> str:
        return next(one.why for one in project.summaries() if one.name == extract.name)

    attempt = extract.entry.status().attempt
    assert hand_on(job) == () and why() == ""
    told = cryoloom("picks", name, "--dependents", "--project", str(project.path)).stdout
    assert "nothing: no job that has ended is made of other picks" in told
    assert extract.entry.status().attempt == attempt
    # A job that picked on from these keeps what is picked there: no edit here makes it another one.
    copy = job.copy(start=True).wait(60)
    said = edit(job, "m_1", PickEdit(move=(("50,40.5", (52, 41)),)))
    assert (said.followers, said.wholes) == ((extract.name,), ()) and copy.name not in said.why
    assert said.why == {extract.name: f"took {name} as coords_suffix"}
    project.wait([job], timeout_s=60)
    assert (
        why() == f"made of the picks as they were before they were edited: cryoloom picks {name} --dependents"
    )
    assert hand_on(job) == (extract.name,)
    project.wait([job, extract], timeout_s=60)
    check()
    assert why() == ""
    # RELION's window says nothing of what it writes.
    file = job.folder / "Movies/job901/m_1_manualpick.star"
    star.write(file, {"": star.read(file)[""]})
    assert hand_on(job) == (extract.name,)
    project.wait([job, extract], timeout_s=60)


def _told(folder: Path) -> list[dict[str, int]]:
    """The edits that the journal tells of."""
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return [edit for line in lines if line["kind"] == "items.edited" for edit in line["edits"]]


def test_a_restart_leaves_what_was_picked_by_hand_and_another_binning_is_told(
    picking: tuple[Project, str],
) -> None:
    project, name = picking
    job = project.job(name)
    edit(job, "m_0", PickEdit(add=((20, 30),)))
    edit(job, "m_1", PickEdit(add=((30, 40),)))
    until(lambda: job.has_ended)
    before = places(job.picks("m_0").table)

    coarse = np.random.default_rng(2).normal(size=(HIGH // 2, WIDE // 2)).astype(np.float32)
    write_mrc(project.path / NAMES[1], coarse, 2 * ANGPIX)
    job.restart()
    project.wait([job], timeout_s=60)

    assert places(job.picks("m_0").table) == before
    [(_, why)] = job.entry.status().history.failed.values()
    assert "120 x 96 px" in why and "60 x 48 px now" in why
    # An edit does not make places on the other micrograph of them.
    with pytest.raises(
        ProjectError, match=r"of a micrograph of 120 x 96 px, expected 60 x 48 px.*begin_with"
    ):
        edit(job, "m_1", PickEdit(add=((50, 40),)))
    # What the error says: a new job has them where they are now.
    fresh = project.job(picked(ProjectFolder(project.path), begin_with=name))
    assert [places(fresh.picks(one).table) for one in ("m_0", "m_1")] == [
        before, dict.fromkeys(job.picks("m_1").table[ID], (15, 20))
    ]  # fmt: skip


@pytest.mark.relion
def test_a_job_that_relion_made_is_edited_in_relion_s_form(tmp_path: Path) -> None:
    kind = find_protocol("relion.manualpick")
    write_micrographs(tmp_path)
    (tmp_path / "default_pipeline.star").write_text(PIPELINE)
    (tmp_path / "job.star").write_text(
        job_star_of(kind({"diameter": 60}, {"fn_in": kind.inputs["fn_in"].kind("mics.star")}))
    )
    subprocess.run(
        ["relion_pipeliner", "--addJobFromStar", "job.star"], cwd=tmp_path, check=True, capture_output=True
    )
    folder = tmp_path / "ManualPick/job001"
    (folder / "coords_suffix_manualpick.star").write_text("mics.star\n")
    (folder / "RELION_JOB_EXIT_SUCCESS").touch()
    rows = [{**RELION_S, X: 20.0, Y: 30.0}, {**RELION_S, X: 60.0, Y: 50.0}]
    (folder / "Movies/job901").mkdir(parents=True)
    star.write(folder / "Movies/job901/m_0_manualpick.star", {"": pl.DataFrame(rows)})
    job = Project(tmp_path).job("1")
    [first, second] = places(job.picks("m_0").table)

    saved = edit(job, "m_0", PickEdit(remove=("60,50",), move=((first, (21, 31)),), add=((7, 8),)))
    edit(job, "m_1", PickEdit(add=((9, 10),)))

    table = job.picks("m_0").table
    assert (
        [*table.columns] == [*RELION_S, ID]
        and places(table)[first] == (21, 31)
        and second not in places(table)
    )
    assert table.filter(pl.col(X) == 7).drop(ID).row(0, named=True) == {**RELION_S, X: 7.0, Y: 8.0}
    assert (saved.followers, saved.wholes, saved.doubt) == ((), (), "")
    assert [
        one.micrograph for one in picked_micrographs(job)
    ] == NAMES  # as the table is, whatever was edited first
    # Without the micrographs' files: what motion correction says beside them; else nobody can tell.
    away = tmp_path / NAMES[2]
    away.rename(away.with_suffix(".away"))
    said = edit(job, "m_2", PickEdit(add=((WIDE + 1, 10),)))
    assert f"{NAMES[2]} is not there" in said.doubt
    told = cryoloom("picks", job.name, "m_2", "--remove", f"{WIDE + 1},10", "--project", str(tmp_path)).stdout
    assert f"Unchecked: {NAMES[2]} is not there" in told
    with pytest.raises(ParameterError, match=r"rlnCoordinateY in row 1 is -1, expected 0 or more px"):
        edit(job, "m_2", PickEdit(add=((10, -1),)))
    general = {"rlnImageSizeX": 2 * WIDE, "rlnImageSizeY": 2 * HIGH, "rlnMicrographBinning": 2.0}
    star.write(away.with_suffix(".star"), {"general": general})
    with pytest.raises(ParameterError, match=rf"is {WIDE + 1}, expected 0 to {WIDE} px"):
        edit(job, "m_2", PickEdit(add=((WIDE + 1, 10),)))
    away.with_suffix(".away").rename(away)
    assert not (folder / "job.json").exists() and not (folder / "journal.jsonl").exists()
    assert sorted(os.listdir(folder / "Movies/job901")) == [f"m_{n}_manualpick.star" for n in range(3)]
    extracted = run_in(
        ProjectFolder(tmp_path), "relion.extract", star_mics="mics.star", coords_suffix="ManualPick/job001",
        extract_size=BOX,
    )  # fmt: skip
    assert set(extracted.ids("particles")) == {*places(table), *places(job.picks("m_1").table)}


@pytest.mark.relion
def test_picks_that_relion_s_window_added_get_ids_of_their_own(
    picking: tuple[Project, str], project: ProjectFolder
) -> None:
    opened, name = picking
    job = opened.job(name)
    edit(job, "m_0", PickEdit(add=((20, 30), (60, 50))))
    opened.wait([job], timeout_s=60)
    before = places(job.picks("m_0").table)
    file = job.folder / "Movies/job901/m_0_manualpick.star"
    table = star.as_table(star.read(file)[""])
    assert table is not None
    # As relion_display 3.1.3 saves it: what it does not know of a new pick it takes from the pick before.
    added = table.tail(1).with_columns(
        pl.lit(99.0).alias(X), pl.lit(2, dtype=pl.Int64).alias("rlnClassNumber")
    )
    star.write(file, {"": pl.concat([table, added, added.with_columns(pl.lit(80.0).alias(X))])})

    seen = job.picks("m_0").table
    extracted = run_in(project, "relion.extract", star_mics="mics.star", coords_suffix=name, extract_size=BOX)
    cryoloom("picks", name, "--dependents", "--project", str(opened.path))
    opened.wait([job], timeout_s=60)

    assert places(seen.head(2)) == before and seen[ID].n_unique() == 4
    assert set(extracted.ids("particles")) == set(seen[ID])
    written = star.as_table(star.read(file)[""])
    assert written is not None and written.equals(seen)
    assert star.read(job.folder / "coordinates.star")["coordinates"]["cryoloomCount"].to_list() == [4, 0, 0]


def test_a_copy_begins_with_what_was_picked(picking: tuple[Project, str]) -> None:
    project, name = picking
    edit(project.job(name), "m_0", PickEdit(add=((20, 30),)))

    copy = project.job(name).copy(diameter=80, start=True).wait(60)

    assert places(copy.picks("m_0").table) == places(project.job(name).picks("m_0").table) != {}
    edit(copy, "m_0", PickEdit(add=((40, 50),)))
    assert project.job(name).picks("m_0").table.height == 1


def test_picks_of_relion_s_begin_in_the_pixels_of_the_micrographs_that_are_picked_on(
    project: ProjectFolder,
) -> None:
    write_micrographs(project.root)
    theirs = project.root / "ManualPick/job050"
    (theirs / "Movies/job901").mkdir(parents=True)
    suffix_file = theirs / "coords_suffix_manualpick.star"
    suffix_file.write_text("fine.star\n")
    fine = [name.replace("job902", "job903") for name in NAMES]
    star.write(project.root / "fine.star", {"micrographs": pl.DataFrame({"rlnMicrographName": fine})})
    for name in fine:
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        write_mrc(project.root / name, np.zeros((2 * HIGH, 2 * WIDE), dtype=np.float32), ANGPIX / 2)
    star.write(
        theirs / "Movies/job901/m_0_manualpick.star", {"": pl.DataFrame([{**RELION_S, X: 80.0, Y: 60.0}])}
    )

    begun = Project(project.root).job(picked(project, begin_with=str(suffix_file.relative_to(project.root))))

    # Twice as coarse; and under the ids that an extraction of those picks gives.
    [own] = ids_of_places(fine[0], [(80.0, 60.0)])
    assert places(begun.picks("m_0").table) == {own: (40, 30)}
    assert begun.picks("m_1").table.height == 0


def test_micrographs_that_the_picks_to_begin_with_do_not_have_are_told(
    picking: tuple[Project, str], project: ProjectFolder
) -> None:
    opened, name = picking
    edit(opened.job(name), "m_0", PickEdit(add=((20, 30),)))
    tables = star.tables_of(star.read(project.root / "mics.star"))
    # The same names, of another session.
    others = [one.replace("job901", "job801") for one in NAMES[:2]]
    for one in others:
        (project.root / one).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project.root / NAMES[0], project.root / one)
    table = tables["micrographs"].with_columns(pl.Series("rlnMicrographName", [*others, NAMES[2]]))
    star.write(project.root / "others.star", {**tables, "micrographs": table})

    job = run_in(project, "relion.manualpick", fn_in="others.star", begin_with=name)

    assert job.history.state == "succeeded", job.said
    listed = star.tables_of(star.read(job.entry.folder / "coordinates.star"))["coordinates"]
    assert listed["cryoloomCount"].to_list() == [0, 0, 0]
    told = [note for note in job.history.notes if "begun without picks" in note]
    assert "2 like m_0.mrc: is none of those of ManualPick/job001" in told[-1], job.history.notes


def test_picks_to_begin_with_whose_file_is_gone_are_not_none(
    picking: tuple[Project, str], project: ProjectFolder
) -> None:
    opened, name = picking
    edit(opened.job(name), "m_0", PickEdit(add=((20, 30),)))
    (opened.path / name / "Movies/job901/m_0_manualpick.star").unlink()

    job = run_in(project, "relion.manualpick", fn_in="mics.star", begin_with=name)

    [(item, why)] = job.history.failed.values()
    assert "m_0" in item and "m_0_manualpick.star, which is missing" in why


def test_picks_of_a_program_are_edited_in_a_job_that_begins_with_them(
    picking: tuple[Project, str], project: ProjectFolder
) -> None:
    opened, _ = picking
    kept = run_in(project, "sets.filter", input="mics.star", expression="rlnDefocusU > 0")

    with pytest.raises(ProjectError, match=r"picking by hand.*begin_with="):
        opened.job(kept.name).picks("m_0")


def test_picks_are_edited_while_micrographs_still_come(project: ProjectFolder) -> None:
    write_micrographs(project.root)
    producer = Producer(project.root, "MotionCorr/job091", "particles.star", "micrographs")
    producer.output.has_optics = True
    blocks = star.tables_of(star.read(project.root / "mics.star"))
    table = blocks["micrographs"].with_columns(pl.Series(ID, ["i0", "i1", "i2"]))
    producer.add(table.head(1), blocks["optics"])
    entry = project.create_job("relion.manualpick", {}, {"fn_in": producer.dataset()})  # type: ignore[dict-item]
    running = Background(project, entry)
    running.until(lambda: running.items("coordinates") == 1)
    job = Project(project.root).job(entry.name)

    edit(job, "m_0", PickEdit(add=((20, 30),)))
    producer.add(table.slice(1, 1), blocks["optics"])
    running.until(lambda: running.items("coordinates") == 2)
    edit(job, "m_0", PickEdit(add=((40, 50),)))
    edit(job, "m_1", PickEdit(add=((60, 70),)))
    producer.add(table.slice(2, 1), blocks["optics"])
    producer.close()
    running.finish()

    listed = star.tables_of(star.read(entry.folder / "coordinates.star"))["coordinates"]
    assert dict(listed.select("rlnMicrographName", "cryoloomCount").iter_rows()) == dict(
        zip(NAMES, (2, 1, 0), strict=True)
    )
    assert [edit["added"] for edit in _told(entry.folder)] == [1, 1, 1]
    assert entry.status().history.state == "succeeded"


def test_an_edit_advises_no_restart_of_a_job_that_failed(
    picking: tuple[Project, str], project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, name = picking
    job = opened.job(name)
    edit(job, "m_0", PickEdit(add=((20, 30),)))
    opened.wait([job], timeout_s=60)
    whole = run_in(project, "sets.sort", input=f"{name}:coordinates", by="rlnCoordinateX").name
    ends = {whole: "succeeded"}
    look = JobEntry.look

    def ended(entry: JobEntry) -> JobStatus:
        known = look(entry)
        return JobStatus(JobState(ends[entry.name])) if entry.name in ends else known  # type: ignore[arg-type]

    monkeypatch.setattr(JobEntry, "look", ended)
    said = edit(job, "m_0", PickEdit(add=((60, 50),)))
    assert (said.wholes, said.why) == ((whole,), {whole: f"took all of {name} as input"})
    ends[whole] = "failed"
    said = edit(job, "m_0", PickEdit(add=((90, 50),)))
    assert (said.followers, said.wholes, said.why) == ((), (), {})
    (job.folder / pick_edits.FILE).write_text("no line of ours\n")
    assert {one.name for one in opened.summaries()} == {name, whole}  # listed all the same
