"""A dataset grows in whole batches, is cut back to what was committed, and tells when its columns change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cryoloom import star
from cryoloom.errors import DatasetError, ProgramError, ProjectError
from cryoloom.project.events import ItemsDone
from cryoloom.project.journal import JournalWriter
from cryoloom.project.settings import Settings
from cryoloom.protocol import Command, Movies
from cryoloom.runner import programs
from cryoloom.runner.outputs import GrowingOutput
from cryoloom.runner.shadow import make_shadow, move_files
from cryoloom.runner.streams import InputStream

OPTICS = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"]})


def rows(*names: str, **more: object) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"rlnMicrographMovieName": list(names), "cryoloomItemId": [f"i{name}" for name in names]}
    )
    return frame.with_columns(pl.lit(value).alias(key) for key, value in more.items())


class Producer:
    """A job that appends, without a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "Import/job001"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "job.json").write_text("{}")
        (self.folder / ".cryoloom/attempts/0001").mkdir(parents=True, exist_ok=True)
        self.journal = JournalWriter(self.folder, 1)
        self.output = GrowingOutput("movies", self.folder, "movies.star", "movies", self.journal)

    def add(self, frame: pl.DataFrame, optics: pl.DataFrame = OPTICS, *, commit: bool = True) -> None:
        end = self.output.append(frame, optics)
        state = self.output.state
        assert state is not None
        if commit:
            ends = {
                "movies": {"generation": state.generation, "end": end, "items": state.items + frame.height}
            }
            self.journal.write(ItemsDone(items=frame["cryoloomItemId"].to_list(), failed=[], outputs=ends))

    def stream(self) -> InputStream:
        return InputStream(self.root, Movies("Import/job001/movies.star", "Import/job001", "movies"))


def names(frame: pl.DataFrame | None) -> list[str]:
    return [] if frame is None else frame["rlnMicrographMovieName"].to_list()


def test_a_follower_sees_what_is_committed_and_no_more(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    stream = producer.stream()
    producer.add(rows("a", "b"))
    producer.add(rows("c"), commit=False)

    assert names(stream.poll()) == ["a", "b"]
    assert names(stream.poll()) == []
    assert not stream.closed
    producer.output.recover()
    producer.add(rows("d"))
    producer.output.close(0)

    assert names(stream.poll()) == ["d"]
    assert stream.closed


def test_uncommitted_rows_are_cut_off_after_a_crash(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    producer.add(rows("a"))
    size = producer.output.path.stat().st_size
    producer.add(rows("b"), commit=False)

    assert Producer(tmp_path).output.recover()
    assert producer.output.path.stat().st_size == size


def test_lost_rows_are_noticed(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    producer.add(rows("a", "b"))
    producer.output.path.write_bytes(producer.output.path.read_bytes()[:-20])

    assert not Producer(tmp_path).output.recover()


@pytest.mark.parametrize("change", ["column", "optics group"])
def test_a_new_column_or_optics_group_makes_a_generation_and_every_item_comes_once(
    tmp_path: Path, change: str
) -> None:
    producer = Producer(tmp_path)
    stream = producer.stream()
    producer.add(rows("a", "b"))
    first = names(stream.poll())

    if change == "column":
        producer.add(rows("c", rlnNew=1.5))
    else:
        producer.add(rows("c"), pl.DataFrame({"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["a", "b"]}))
    state = producer.output.state

    assert state is not None and state.generation == 2
    assert first + names(stream.poll()) == ["a", "b", "c"]
    assert stream.optics is not None
    assert stream.optics.height == (2 if change == "optics group" else 1)


def sized(angpix: float) -> pl.DataFrame:
    return OPTICS.with_columns(rlnMicrographPixelSize=pl.lit(angpix))


def test_items_of_another_pixel_size_get_a_group_of_their_own(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    stream = producer.stream()
    producer.add(rows("a", rlnOpticsGroup=1), sized(1.0))
    producer.add(rows("b", rlnOpticsGroup=1), sized(2.0))
    producer.output = Producer(tmp_path).output  # a restart
    producer.output.journal = producer.journal
    producer.output.recover()
    producer.add(rows("c", rlnOpticsGroup=1), sized(2.0))
    producer.add(rows("d", rlnOpticsGroup=1), sized(1.0))

    table = stream.poll()
    assert table is not None and stream.optics is not None
    assert stream.optics["rlnMicrographPixelSize"].to_list() == [1.0, 2.0]
    assert stream.optics["rlnOpticsGroupName"].to_list() == ["a", "a_2"]
    assert dict(table.select("rlnMicrographMovieName", "rlnOpticsGroup").iter_rows()) == {
        "a": 1, "b": 2, "c": 2, "d": 1
    }  # fmt: skip


def test_a_revision_has_the_pixel_size_of_its_own_items(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    producer.add(rows("a", rlnOpticsGroup=1), sized(1.0))
    producer.output.begin_revision()
    producer.add(rows("a", rlnOpticsGroup=1), sized(2.0))

    stream = producer.stream()
    stream.poll()
    stream = stream.anew()
    table = stream.poll()
    assert table is not None and stream.optics is not None
    assert stream.optics["rlnMicrographPixelSize"].to_list() == [2.0]
    assert table["rlnOpticsGroup"].to_list() == [1]


@pytest.mark.parametrize("moment", ["before it is said", "before it is in its place", "afterwards"])
def test_a_kill_while_a_generation_is_written_loses_no_row(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = Producer(tmp_path)
    stream = producer.stream()
    producer.add(rows("a", "b"))
    stream.poll()

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "before it is said":
            patch.setattr(JournalWriter, "write", killed)
        elif moment == "before it is in its place":
            patch.setattr(Path, "replace", beside_replaced(Path.replace, killed))
        else:
            patch.setattr("cryoloom.star.append", killed_at(2, killed))
        with pytest.raises(Killed):
            producer.add(rows("c", rlnNew=1.5))
    assert names(stream.poll()) == []

    after = Producer(tmp_path)
    assert after.output.recover()
    after.add(rows("c", rlnNew=1.5))
    after.output.close(0)

    assert names(stream.poll()) == ["c"]
    assert names(Producer(tmp_path).stream().poll()) == ["a", "b", "c"]
    assert not list(after.folder.glob(".*.next"))


def beside_replaced(real: Callable[..., Path], killed: Callable[..., None]) -> Callable[..., Path]:
    """`Path.replace` that dies where a generation comes into its place."""

    def replace(path: Path, target: Path) -> Path:
        if path.name.endswith(".next"):
            killed()
        return real(path, target)

    return replace


def killed_at(call: int, killed: Callable[..., None]) -> Callable[..., int]:
    """`star.append` that dies at its n-th call: the first one copies the rows that were there."""
    calls = 0
    real = star.append

    def append(*args: object, **kwargs: object) -> int:
        nonlocal calls
        calls += 1
        if calls == call:
            killed()
        return real(*args, **kwargs)  # type: ignore[arg-type]

    return append


def test_a_generation_that_the_journal_lost_with_the_power_is_noticed(tmp_path: Path) -> None:
    """Its file is longer than what was committed, and cutting it there would cut a row."""
    producer = Producer(tmp_path)
    producer.add(rows("a", "b"))
    journal = (producer.folder / "journal.jsonl").read_bytes()
    producer.add(rows("c", rlnNew=1.5))
    (producer.folder / "journal.jsonl").write_bytes(journal)

    assert not Producer(tmp_path).output.recover()


def test_a_table_that_is_another_one_than_its_ended_producer_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryoloom.runner.streams.GONE_S", 0.0)
    producer = Producer(tmp_path)
    producer.add(rows("a", "b"))
    producer.output.close(0)
    stream = producer.stream()
    producer.output.path.write_text("data_movies\n\nloop_\n_rlnOther #1\n1\n2\n")

    with pytest.raises(DatasetError, match=r"movies.star is not the table that it was"):
        assert [stream.poll() for _ in range(2)] == []


def test_an_output_that_begins_after_a_revision_belongs_to_it(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    producer.add(rows("a"))
    producer.output.begin_revision()
    late = GrowingOutput("late", producer.folder, "late.star", "movies", producer.journal)
    late.append(rows("a"), OPTICS)

    assert late.state is not None and late.state.revision == 1


def test_a_shadow_has_everything_but_the_job_s_own_files(tmp_path: Path) -> None:
    root = tmp_path / "p"
    for name in ("Movies/a.mrc", "MotionCorr/job002/done.star", "MotionCorr/job001/other.star", "ref.mrc"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()

    shadow = make_shadow(root, "MotionCorr/job002/", root / "MotionCorr/job002/.cryoloom/b1")

    assert (shadow / "Movies/a.mrc").exists() and (shadow / "ref.mrc").exists()
    assert (shadow / "MotionCorr/job001/other.star").exists()
    assert list((shadow / "MotionCorr/job002").iterdir()) == []
    (shadow / "MotionCorr/job002/Movies").mkdir()
    for name in ("Movies/a.mrc", "logfile.pdf", "out.star"):
        (shadow / "MotionCorr/job002" / name).write_text(name)
    move_files(shadow / "MotionCorr/job002", root / "MotionCorr/job002", {"*.pdf"})
    kept = {path.name for path in (root / "MotionCorr/job002").iterdir()}
    assert kept == {".cryoloom", "Movies", "done.star", "out.star"}
    assert (root / "MotionCorr/job002/Movies/a.mrc").read_text() == "Movies/a.mrc"


def test_a_path_too_long_for_relion_is_refused_before_relion_fails_silently(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="shorter path"):
        make_shadow(tmp_path, "CtfFind/job003/", tmp_path / ("x" * 150) / "y")


def run(tmp_path: Path, script: str, **more: object) -> programs.Ended:
    command = Command("sh", ("-c", script))
    return programs.run(
        command, Settings({}), cwd=tmp_path, out=tmp_path / "run.out", err=tmp_path / "run.err", **more
    )  # type: ignore[arg-type]


def test_a_program_that_fails_says_why_in_its_last_words(tmp_path: Path) -> None:
    ended = run(tmp_path, "echo hello; echo no such optics group >&2; exit 3")

    assert (ended.code, ended.tail) == (3, "no such optics group")
    assert (tmp_path / "run.out").read_text() == "hello\n"


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    ended = run(tmp_path, "exec sleep 60", limit_s=0.3)

    assert ended.hung and ended.code == -9


def test_a_missing_program_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ProgramError, match="apt-get install relion"):
        programs.find_program("relion_no_such_program", Settings({}))


def test_relion_gets_its_environment_and_mpi_its_ranks(tmp_path: Path) -> None:
    command = Command("relion_refine", (), mpi=1, threads=3)
    settings = Settings({"programs.relion.environment": ({"A": "b"}, "test")})

    environment = programs.environment(command, settings)

    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["RELION_SHELL"] == "sh"
    assert environment["A"] == "b"
    assert "A" not in programs.environment(Command("sh", ()), settings)


def test_environment_modules_are_loaded_before_the_program() -> None:
    settings = Settings({"programs.relion.modules": (["relion/3.1", "cuda"], "test")})

    argv = programs.arguments(Command("relion_refine", ("--o", "a b")), settings)

    assert argv[:2] == ["bash", "-lc"]
    assert argv[2].startswith("module load relion/3.1 cuda && exec")
    assert argv[-3:] == ["relion_refine", "--o", "a b"]


def test_a_set_that_has_an_item_twice_gives_both_also_across_a_new_generation(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    stream = producer.stream()
    producer.add(rows("a", "b", "a"))
    assert names(stream.poll()) == ["a", "b", "a"]

    producer.add(rows("c", "a", rlnCtfMaxResolution=4.0))

    assert names(stream.poll()) == ["c", "a"]


def test_a_new_revision_is_told_and_read_from_its_beginning(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    stream = producer.stream()
    producer.add(rows("a", "b"))
    stream.poll()
    producer.output.begin_revision()
    producer.add(rows("a"))

    assert stream.poll() is None
    assert stream.is_revised
    assert names(stream.anew().poll()) == ["a"]


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = Producer(tmp_path)
    producer.add(rows("a", "b", rlnCtfMaxResolution=4.0))
    stream = producer.stream()
    follow = star.follow

    def replaced(*args: Any, **more: Any) -> Any:
        monkeypatch.setattr(star, "follow", follow)
        more_groups = [(number, "a", 300.0) for number in range(2, 30)]
        grown = pl.DataFrame(more_groups, schema=[*OPTICS.columns, "rlnVoltage"], orient="row")
        producer.add(rows("c", rlnCtfMaxResolution=4.0, rlnNew=1), grown)
        return follow(*args, **more)

    monkeypatch.setattr(star, "follow", replaced)

    assert stream.poll() is None
    assert names(stream.poll()) == ["a", "b", "c"]


def test_a_file_that_was_replaced_is_not_read_before_its_producer_says_so(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    producer.add(rows("a", "b"))
    early, late = producer.stream(), producer.stream()
    early.poll()
    journal = (producer.folder / "journal.jsonl").read_bytes()
    producer.add(rows("c", rlnCtfMaxResolution=4.0))
    said = (producer.folder / "journal.jsonl").read_bytes()

    (producer.folder / "journal.jsonl").write_bytes(journal)
    assert early.poll() is None
    assert late.poll() is None
    (producer.folder / "journal.jsonl").write_bytes(said)
    assert names(early.poll()) == ["c"]
    assert names(late.poll()) == ["a", "b", "c"]


def test_a_column_that_only_some_items_have_is_said_where_nothing_stands_for_it(tmp_path: Path) -> None:
    producer = Producer(tmp_path)
    common = {"rlnMicrographMovieName": ["a"], "rlnOpticsGroup": [1]}
    producer.add(pl.DataFrame({**common, "rlnAngleRot": [1.0], "cryoloomItemId": ["i1"]}))
    producer.add(
        pl.DataFrame({**common, "rlnDefocusU": [1e4], "rlnBeamTiltX": [0.1], "cryoloomItemId": ["i2"]})
    )

    before, after = producer.journal.history.notes
    assert "the items before have no rlnDefocusU, for which" in before
    assert "the items to come have no rlnAngleRot, for which" in after
