"""Set operations stream: rows go through while their inputs grow, each once, also over a restart."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from sets.conftest import optics_table, particles
from waiting import until

from cryoloom import star
from cryoloom.project.attempts import make_attempt
from cryoloom.project.entry import JobEntry
from cryoloom.project.events import AttemptStarted, ItemsDone, JobEnded
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.journal import JournalWriter
from cryoloom.protocol import Coordinates, Particles
from cryoloom.runner.main import run_attempt
from cryoloom.runner.outputs import GrowingOutput

ID = "cryoloomItemId"


class Producer:
    """A job that appends, without a process of its own."""

    def __init__(self, root: Path, name: str, file: str = "particles.star", table: str = "particles") -> None:
        self.root, self.name, self.folder = root, name, root / name
        (self.folder / ".cryoloom/attempts/0001").mkdir(parents=True)
        (self.folder / "job.json").write_text("{}")
        self.journal = JournalWriter(self.folder, 1)
        self.output = GrowingOutput(
            "out", self.folder, file, table, self.journal, has_optics=table == "particles"
        )

    def add(self, rows: pl.DataFrame, optics: pl.DataFrame | None = None) -> None:
        end = self.output.append(rows, optics_table((1, "a", 1.0)) if optics is None else optics)
        state = self.output.state
        assert state is not None
        ends = {"out": {"generation": state.generation, "end": end, "items": state.items + rows.height}}
        self.journal.write(ItemsDone(items=rows[ID].to_list(), failed=[], outputs=ends))

    def close(self) -> None:
        self.output.close(0)
        self.journal.write(JobEnded(state="succeeded"))

    def fail(self) -> None:
        self.journal.write(JobEnded(state="failed", why="made to fail"))
        (self.folder / ".cryoloom/attempts/0001/exit.json").write_text('{"ended_by": "exit"}')

    def go_on(self) -> None:
        (self.folder / ".cryoloom/attempts/0001/exit.json").unlink()
        self.journal.write(AttemptStarted())

    def dataset(self) -> Particles:
        return Particles(f"{self.name}/particles.star", self.name, "out")


class Background:
    """An attempt at a job in a thread."""

    def __init__(self, project: ProjectFolder, entry: JobEntry) -> None:
        self.entry = entry
        attempt = make_attempt(entry.folder)
        assert attempt is not None
        arguments = (project.root, entry.name, int(attempt.name))
        self.thread = threading.Thread(target=run_attempt, args=arguments, daemon=True)
        self.thread.start()

    def items(self, output: str) -> int:
        state = self.entry.status().history.outputs.get(output)
        return state.items if state else 0

    def until(self, holds: Callable[[], bool]) -> None:
        until(holds, 20)

    def finish(self) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive()

    def ids(self, output: str) -> list[str]:
        blocks = star.read(self.entry.root / self.entry.outputs()[output].path)
        table = next(block for name, block in blocks.items() if name != "optics")
        assert isinstance(table, pl.DataFrame)
        return [str(one) for one in table[ID].to_list()]


@pytest.fixture
def started(project: ProjectFolder) -> Iterator[Callable[..., Background]]:
    def start(name: str, values: dict[str, object], inputs: dict[str, object]) -> Background:
        return Background(project, project.create_job(name, values, inputs))  # type: ignore[arg-type]

    yield start


def test_a_join_passes_on_what_comes_while_all_its_inputs_grow(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    first, second = Producer(project.root, "Extract/job091"), Producer(project.root, "Extract/job092")
    first.add(particles(2))
    job = started("sets.join", {}, {"input": first.dataset(), "input#2": second.dataset()})
    time.sleep(0.1)
    assert job.items("kept") == 0  # it does not know the second's header yet

    second.add(particles(2, start=5), optics_table((1, "b", 2.0)))
    job.until(lambda: job.items("kept") == 4)
    first.add(particles(2, start=5))
    job.until(lambda: job.items("duplicates") == 2)
    # A new optics group in mid-stream.
    second.add(particles(1, start=8, group=2), optics_table((1, "b", 2.0), (2, "c", 3.0)))
    first.close()
    second.close()
    job.finish()

    assert sorted(job.ids("kept")) == ["i00", "i01", "i05", "i06", "i08"]
    optics = star.read(job.entry.folder / "particles_joined.star")["optics"]
    assert isinstance(optics, pl.DataFrame)
    assert optics["rlnMicrographPixelSize"].to_list() == [1.0, 2.0, 3.0]
    assert job.entry.status().state == "succeeded" or job.entry.status().history.state == "succeeded"


def test_what_a_set_lacks_is_filled_alike_whatever_came_first(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    first, second = Producer(project.root, "Extract/job091"), Producer(project.root, "Extract/job092")
    more = {"softWord": ["a"], "softScore": [1.5], "rlnBeamTiltClass": [3], "rlnImageOriginalName": ["x"]}
    second.add(particles(1, **more).head(0))  # its header, and no row that would show what its columns hold
    job = started("sets.join", {"fill": "0"}, {"input": first.dataset(), "input#2": second.dataset()})
    first.add(particles(1, start=1))
    job.until(lambda: job.items("kept") == 1)
    second.add(particles(1, start=2, **more))
    job.until(lambda: job.items("kept") == 2)
    first.add(particles(1, start=3))
    job.until(lambda: job.items("kept") == 3)
    first.close()
    second.close()
    job.finish()

    table = star.read(job.entry.folder / "particles_joined.star")["particles"]
    assert isinstance(table, pl.DataFrame)
    assert table["softWord"].to_list() == ["0", "a", "0"]
    assert table["softScore"].to_list() == [0.0, 1.5, 0.0]
    assert table["rlnBeamTiltClass"].to_list() == [0, 3, 0]
    assert table["rlnImageOriginalName"].to_list() == ["None", "x", "None"]


def test_an_intersection_keeps_what_is_found_at_once_and_rejects_at_the_end(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    ours, others = Producer(project.root, "Extract/job091"), Producer(project.root, "Extract/job092")
    ours.add(particles(4))
    others.add(particles(1, start=1))
    job = started("sets.intersect", {}, {"input": ours.dataset(), "others": others.dataset()})
    job.until(lambda: job.items("kept") == 1)
    assert job.items("rejected") == 0

    others.add(particles(1, start=3))
    job.until(lambda: job.items("kept") == 2)
    others.close()
    job.until(lambda: job.items("rejected") == 2)
    ours.add(particles(1, start=7))
    ours.close()
    job.finish()

    assert job.ids("kept") == ["i01", "i03"]
    assert job.ids("rejected") == ["i00", "i02", "i07"]


def test_rows_that_wait_are_not_forgotten_when_they_come_in_many_pieces(
    project: ProjectFolder, started: Callable[..., Background], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryoloom.runner.row_job.MOST_ROWS", 3)
    ours, others = Producer(project.root, "Extract/job091"), Producer(project.root, "Extract/job092")
    ours.add(particles(10))
    others.add(particles(1, start=4))

    job = started("sets.intersect", {}, {"input": ours.dataset(), "others": others.dataset()})
    job.until(lambda: job.items("kept") == 1)
    others.add(particles(8, start=5))
    ours.close()
    others.close()
    job.finish()

    assert sorted(job.ids("kept")) == [f"i{n:02d}" for n in range(4, 10)]
    assert sorted(job.ids("rejected")) == [f"i{n:02d}" for n in range(4)]


def test_rows_that_wait_live_through_new_columns_and_optics_groups_of_their_set(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    ours, others = Producer(project.root, "Extract/job091"), Producer(project.root, "Extract/job092")
    ours.add(particles(2))
    others.add(particles(1, start=9))
    job = started("sets.intersect", {}, {"input": ours.dataset(), "others": others.dataset()})
    job.until(lambda: "kept" in job.entry.status().history.outputs)

    # The file that the rows which wait came from is replaced, twice.
    ours.add(particles(1, start=2, rlnClassNumber=[7]))
    time.sleep(0.3)
    ours.add(particles(1, start=3, group=2), optics_table((1, "a", 1.0), (2, "b", 2.0)))
    time.sleep(0.3)
    others.add(particles(4))
    ours.close()
    others.close()
    job.finish()

    assert sorted(job.ids("kept")) == ["i00", "i01", "i02", "i03"]
    blocks = star.read(job.entry.folder / "particles.star")
    kept, optics = blocks["particles"], blocks["optics"]
    assert isinstance(kept, pl.DataFrame) and isinstance(optics, pl.DataFrame)
    assert kept.sort(ID)["rlnOpticsGroup"].to_list() == [1, 1, 1, 2]
    assert str(kept.sort(ID)["rlnClassNumber"][2]) in ("7", "7.0")
    assert kept.sort(ID)["rlnCoordinateX"].to_list() == particles(4)["rlnCoordinateX"].to_list()
    assert optics.height == 2


@pytest.mark.parametrize("name", ["sets.join", "sets.subtract", "sets.unique"])
def test_a_job_that_was_interrupted_goes_on_with_each_item_once(
    project: ProjectFolder, started: Callable[..., Background], name: str
) -> None:
    ours, others = Producer(project.root, "Extract/job091"), Producer(project.root, "Extract/job092")
    ours.add(particles(4))
    others.add(particles(3, start=2))
    inputs: dict[str, object] = {"input": ours.dataset()}
    if name != "sets.unique":
        inputs["input#2" if name == "sets.join" else "others"] = others.dataset()
    job = started(name, {}, inputs)
    job.until(lambda: job.items("kept" if name != "sets.subtract" else "rejected") >= 2)
    ours.fail()
    job.finish()
    assert job.entry.status().history.suspended
    # As a kill between the rows and their journal line leaves it: one row too many, and half of another.
    output = "rejected" if name == "sets.subtract" else "kept"
    path = project.root / job.entry.outputs()[output].path
    row = path.read_bytes().splitlines()[-1]
    with path.open("ab") as file:
        file.write(row + b"\n" + row[:20])

    ours.go_on()
    ours.add(particles(2, start=4))
    ours.close()
    others.close()
    again = Background(project, job.entry)
    again.finish()

    ids = sorted(id_ for output in job.entry.outputs() for id_ in again.ids(output))
    if name == "sets.join":
        assert ids == ["i00", "i01", "i02", "i02", "i03", "i03", "i04", "i04", "i05"]
        assert sorted(again.ids("kept")) == [f"i{n:02d}" for n in range(6)]
    else:
        assert ids == [f"i{n:02d}" for n in range(6)]
        given = ours.output.path.read_text().splitlines()
        made = [path.read_text() for path in job.entry.folder.glob("particles*.star")]
        assert sorted(line for text in made for line in text.splitlines() if "@" in line) == sorted(
            line for line in given if "@" in line
        )


def test_a_full_set_of_a_trigger_is_closed_while_the_stream_goes_on(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    ours = Producer(project.root, "Extract/job091")
    ours.add(particles(3))
    job = started("sets.trigger", {"first": 4, "nr_sets": 2}, {"input": ours.dataset()})
    job.until(lambda: job.items("set1") == 3)
    assert not job.entry.status().history.outputs["set1"].closed

    ours.add(particles(3, start=3))
    job.until(lambda: job.entry.status().history.outputs["set1"].closed)
    assert job.items("set2") == 2 and not job.entry.status().history.outputs["set2"].closed
    ours.close()
    job.finish()

    assert job.ids("set1") == ["i00", "i01", "i02", "i03"] and job.ids("set2") == ["i04", "i05"]


def test_items_of_a_closed_set_come_into_no_other_set_when_all_are_made_again(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    ours = Producer(project.root, "Extract/job091")
    ours.add(particles(5))
    job = started("sets.trigger", {"first": 2, "every": 2, "nr_sets": 2}, {"input": ours.dataset()})
    job.until(lambda: job.items("rest") == 1)

    ours.output.begin_revision()
    ours.add(particles(6))
    ours.close()
    job.finish()

    assert job.ids("set1") == ["i00", "i01"] and job.ids("set2") == ["i02", "i03"]
    assert job.ids("rest") == ["i04", "i05"]


def test_a_set_that_was_full_when_its_job_was_killed_is_closed_with_the_next_items(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    ours = Producer(project.root, "Extract/job091")
    ours.add(particles(3))
    job = started("sets.trigger", {"first": 2, "nr_sets": 1}, {"input": ours.dataset()})
    job.until(lambda: job.items("rest") == 1)
    ours.fail()
    job.finish()
    # As a kill between the rows and the line that closes the set leaves it.
    journal = job.entry.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    [closing] = [line for line in lines if '"output.closed"' in line]
    journal.write_text("".join(line for line in lines if line != closing))

    ours.go_on()
    ours.add(particles(1, start=3))
    again = Background(project, job.entry)
    again.until(lambda: again.items("rest") == 2)
    again.until(lambda: again.entry.status().history.outputs["set1"].closed)
    ours.close()
    again.finish()

    assert again.ids("set1") == ["i00", "i01"] and again.ids("rest") == ["i02", "i03"]


def test_items_keep_their_new_optics_group_when_their_set_gets_another_one_while_it_grows(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    ours = Producer(project.root, "Extract/job091")
    both = optics_table((1, "a", 1.0), (2, "b", 2.0))
    ours.add(particles(2))
    job = started("optics.assign", {"how": "file name", "pattern": "(m)"}, {"input": ours.dataset()})
    job.until(lambda: job.items("kept") == 2)

    ours.add(particles(2, start=2).with_columns(pl.lit(2).alias("rlnOpticsGroup")), both)
    job.until(lambda: job.items("kept") == 4)
    ours.add(particles(2, start=4), both)
    ours.close()
    job.finish()

    blocks = star.read(project.root / job.entry.outputs()["kept"].path)
    assert blocks["optics"]["rlnOpticsGroupName"].to_list() == ["opticsGroup_m", "opticsGroup_m_b"]
    assert blocks["particles"]["rlnOpticsGroup"].to_list() == [1, 1, 2, 2, 1, 1]


def picks(producer: Producer, micrograph: str, suffix: str, xs: list[float]) -> pl.DataFrame:
    """Writes a micrograph's picks as a picking job does, and gives its row."""
    file = producer.folder / f"Movies/{micrograph}{suffix}.star"
    file.parent.mkdir(exist_ok=True)
    table = pl.DataFrame({"rlnCoordinateX": xs, "rlnCoordinateY": [10.0] * len(xs)})
    if xs:
        ids = [f"i{producer.name[-3:]}{micrograph}{n}" for n in range(len(xs))]
        table = table.with_columns(pl.Series(ID, ids))
    star.write(file, {"": table})
    name = f"MotionCorr/job002/Movies/{micrograph}.mrc"
    row = {"rlnMicrographName": [name], "rlnMicrographCoordinates": [str(file.relative_to(producer.root))]}
    return pl.DataFrame({**row, "cryoloomCount": [len(xs)], ID: [f"i{micrograph}"]})


def test_picks_of_two_pickers_are_joined_micrograph_by_micrograph(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    micrographs = pl.DataFrame(
        {"rlnMicrographName": [f"MotionCorr/job002/Movies/{m}.mrc" for m in "abc"], "rlnOpticsGroup": [1] * 3}
    )
    (project.root / "Sets").mkdir()
    star.write(
        project.root / "Sets/m.star", {"optics": optics_table((1, "a", 2.0)), "micrographs": micrographs}
    )
    log = Producer(project.root, "AutoPick/job091", "coordinates.star", "coordinates")
    topaz = Producer(project.root, "AutoPick/job092", "coordinates.star", "coordinates")
    for producer in (log, topaz):
        (producer.folder / "coords_suffix_autopick.star").write_text("Sets/m.star\n")
    log.add(picks(log, "a", "_autopick", [10.0, 50.0]))
    log.add(picks(log, "b", "_autopick", [10.0]))
    topaz.add(picks(topaz, "a", "_autopick", [12.0, 90.0]))
    inputs = {
        name: Coordinates(f"{producer.name}/coords_suffix_autopick.star", producer.name, "out")
        for name, producer in (("input", log), ("input#2", topaz))
    }

    job = started("sets.join", {"by": "position", "distance": 5}, inputs)
    job.until(lambda: job.items("kept") == 1)  # a, which both have picked
    topaz.add(picks(topaz, "b", "_autopick", []))
    job.until(lambda: job.items("kept") == 2)
    topaz.add(picks(topaz, "c", "_autopick", []))
    log.close()
    topaz.close()
    job.finish()

    folder = job.entry.folder
    assert (folder / "coords_suffix_joined.star").read_text() == "Sets/m.star\n"
    table = star.read(folder / "coordinates_joined.star")["coordinates"]
    assert isinstance(table, pl.DataFrame)
    assert table["cryoloomCount"].to_list() == [3, 1, 0]
    kept = star.read(folder / "Movies/a_joined.star")[""]
    assert isinstance(kept, pl.DataFrame)
    assert kept["rlnCoordinateX"].to_list() == [10.0, 50.0, 90.0]
    dropped = star.read(folder / "Movies/a_duplicates.star")[""]
    assert isinstance(dropped, pl.DataFrame)
    assert dropped["rlnCoordinateX"].to_list() == [12.0]


def test_picks_near_those_of_another_motion_correction_are_taken_away_while_both_grow(
    project: ProjectFolder, started: Callable[..., Background]
) -> None:
    (project.root / "Sets").mkdir()
    ours = Producer(project.root, "AutoPick/job091", "coordinates.star", "coordinates")
    carbon = Producer(project.root, "AutoPick/job092", "coordinates.star", "coordinates")
    for producer, motion in ((ours, "job002"), (carbon, "job012")):
        names = [f"MotionCorr/{motion}/Movies/{m}.mrc" for m in "ab"]
        table = pl.DataFrame({"rlnMicrographName": names, "rlnOpticsGroup": [1, 1]})
        star.write(
            project.root / f"Sets/{motion}.star",
            {"optics": optics_table((1, "a", 2.0)), "micrographs": table},
        )
        (producer.folder / "coords_suffix_autopick.star").write_text(f"Sets/{motion}.star\n")
    ours.add(picks(ours, "a", "_autopick", [10.0, 50.0]))
    inputs = {
        name: Coordinates(f"{producer.name}/coords_suffix_autopick.star", producer.name, "out")
        for name, producer in (("input", ours), ("others", carbon))
    }

    job = started("sets.subtract", {"by": "position", "distance": 10}, inputs)
    row = picks(carbon, "a", "_autopick", [52.0])
    carbon.add(row.with_columns(pl.col("rlnMicrographName").str.replace("job002", "job012")))
    job.until(lambda: job.items("kept") == 1)  # while both are open
    ours.add(picks(ours, "b", "_autopick", [10.0]))
    ours.close()
    carbon.close()
    job.finish()

    table = star.read(job.entry.folder / "coordinates_kept.star")["coordinates"]
    assert isinstance(table, pl.DataFrame)
    assert table["cryoloomCount"].to_list() == [1, 1]
    rejected = star.read(job.entry.folder / "Movies/a_rejected.star")[""]
    assert isinstance(rejected, pl.DataFrame)
    assert rejected["rlnCoordinateX"].to_list() == [50.0]
