"""Set operations hand rows on as they were written, look only at what they need, and lose nothing by it."""

from pathlib import Path

import polars as pl
import pytest
from sets.conftest import RunNow, particles, write_set

from cryoloom.errors import ParameterError
from cryoloom.project.folder import ProjectFolder
from cryoloom.star import compiled

OPTICS = """
# version 30001

data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnMicrographPixelSize #3
{group} a 1.0

"""
LABELS = ["rlnImageName", "rlnDefocusU", "rlnComment", "rlnOpticsGroup", "rlnAnglePsi", "cryoloomItemId"]
# Forms of numbers and texts that we ourselves would write otherwise.
ROWS = [
    "000001@a.mrcs   15000.10  'two  words'  {group} -1.5e+00 i01",
    '000002@a.mrcs 2.5e4 ""\t{group} 007 i02',
    "000003@a.mrcs 9000 x#y {group} +3.  i03 \r",
]


@pytest.fixture(params=["compiled", "python"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(compiled, "library", lambda: None)
    return str(request.param)


def write_by_hand(root: Path, name: str, rows: list[str], group: int = 1) -> str:
    path = root / "Sets" / name
    path.parent.mkdir(exist_ok=True)
    head = "data_particles\n\nloop_\n" + "".join(f"_{label}\n" for label in LABELS)
    text = OPTICS + head + "\n".join(rows) + "\n"
    path.write_text(text.replace("{group}", str(group)))
    return f"Sets/{name}"


def lines(path: Path) -> list[str]:
    """The rows of a file, without what stands at their ends."""
    return [line.rstrip() for line in path.read_text().splitlines() if "@" in line]


def given(*numbers: int) -> list[str]:
    return [ROWS[number].replace("{group}", "1").rstrip() for number in numbers]


def test_values_pass_through_a_filter_byte_for_byte(project: ProjectFolder, run_now: RunNow) -> None:
    path = write_by_hand(project.root, "a.star", ROWS)

    job = run_now("sets.filter", input=path, expression="rlnDefocusU < 20000")

    assert lines(job.entry.folder / "particles.star") == given(0, 2)
    assert lines(job.entry.folder / "particles_rejected.star") == given(1)


@pytest.mark.parametrize(
    ("name", "values", "kept"),
    [
        ("sets.sort", {"by": "rlnDefocusU"}, [2, 0, 1]),
        ("sets.filter", {"rank_by": "rlnDefocusU", "rank_keep": "1"}, [1]),
        ("sets.unique", {"by": "columns", "columns": "rlnOpticsGroup"}, [0]),
        ("sets.trigger", {"first": 2}, [0, 1]),
        ("sets.split", {}, [0, 1]),
        ("sets.sample", {"take": "100%"}, [0, 1, 2]),
    ],
)
def test_whatever_chooses_rows_leaves_them_as_they_are(
    project: ProjectFolder, run_now: RunNow, name: str, values: dict[str, object], kept: list[int]
) -> None:
    path = write_by_hand(project.root, "a.star", ROWS)

    job = run_now(name, input=path, **values)

    first = next(iter(job.entry.outputs().values()))
    assert lines(project.root / first.path) == given(*kept)


def test_a_join_changes_the_group_and_adds_the_source_and_nothing_else(
    project: ProjectFolder, run_now: RunNow
) -> None:
    first = write_by_hand(project.root, "a.star", ROWS[:1])
    second = write_by_hand(project.root, "b.star", ROWS[1:], group=4)

    job = run_now("sets.join", input=[first, second])

    joined = lines(job.entry.folder / "particles_joined.star")
    words = [line.split() for line in joined]
    assert [row[-1] for row in words] == ["Sets/a.star", "Sets/b.star", "Sets/b.star"]
    assert joined[0].startswith("000001@a.mrcs   15000.10  'two  words' ") and "-1.5e+00 i01" in joined[0]
    assert joined[1].startswith('000002@a.mrcs 2.5e4 ""') and "007 i02" in joined[1]
    assert job.items("kept")["rlnOpticsGroup"].to_list() == [1, 1, 1]


def test_sets_of_different_columns_are_joined_column_by_column(
    project: ProjectFolder, run_now: RunNow
) -> None:
    first = write_set(project.root, "a.star", particles(2, rlnClassNumber=[3, 4]))
    swapped = particles(2, start=1).select(*reversed(particles(1).columns))
    second = write_set(project.root, "b.star", swapped)

    job = run_now("sets.join", input=[first, second], fill="-1")

    assert job.ids("kept") == ["i00", "i01", "i02"] and job.ids("duplicates") == ["i01"]
    assert job.items("kept")["rlnClassNumber"].to_list() == [3, 4, -1]
    assert job.items("kept")["rlnCoordinateX"].to_list() == particles(3)["rlnCoordinateX"].to_list()


def test_a_joined_set_is_joined_again_under_its_new_source(project: ProjectFolder, run_now: RunNow) -> None:
    paths = [write_set(project.root, f"{n}.star", particles(2, start=2 * n)) for n in range(3)]
    first = run_now("sets.join", input=paths[:2])

    again = run_now("sets.join", input=[f"{first.name}:kept", paths[2]])

    assert again.ids("kept") == [f"i{n:02d}" for n in range(6)]
    source = again.items("kept")["cryoloomSource"].to_list()
    assert source == [f"{first.name}:kept"] * 4 + ["Sets/2.star"] * 2
    assert again.items("kept").columns.count("cryoloomSource") == 1


def test_items_without_ids_get_them_from_columns_that_nobody_asked_for(
    project: ProjectFolder, run_now: RunNow
) -> None:
    path = write_set(project.root, "a.star", particles(3).drop("cryoloomItemId"))
    other = write_set(project.root, "b.star", particles(2, start=1).drop("cryoloomItemId"))

    job = run_now("sets.intersect", input=path, others=other)

    assert job.items("kept")["rlnCoordinateX"].to_list() == particles(3)["rlnCoordinateX"].to_list()[1:]
    assert all(len(one) == 16 for one in job.ids("kept"))


def test_an_unknown_label_is_answered_with_all_those_that_there_are(
    project: ProjectFolder, run_now: RunNow
) -> None:
    path = write_by_hand(project.root, "a.star", ROWS)

    for name, values in (
        ("sets.filter", {"expression": "rlnNone < 3"}),
        ("sets.filter", {"rank_by": "rlnNone"}),
        ("sets.sort", {"by": "rlnNone"}),
    ):
        with pytest.raises(ParameterError, match="rlnNone, a column that") as told:
            run_now(name, input=path, **values)
        assert ", ".join(LABELS) in str(told.value)


def test_a_wider_set_is_made_of_the_old_lines(project: ProjectFolder, run_now: RunNow) -> None:
    from test_set_streams import Producer

    producer = Producer(project.root, "Extract/job091")
    start = pl.DataFrame({"cryoloomItemId": ["i1"], "rlnImageName": ["1@a"], "rlnText": ["x"]})
    producer.add(start)
    path = producer.output.path
    path.write_text(path.read_text().replace("       x", "1.50e+00"))  # as RELION might have written it
    producer.add(start.with_columns(cryoloomItemId=pl.lit("i2"), cryoloomScore=pl.lit(2.5)))
    producer.close()

    job = run_now("sets.filter", input=f"{producer.name}/particles.star", expression="rlnText is not null")

    assert "1.50e+00" in path.read_text()
    assert "1.50e+00" in (job.entry.folder / "particles.star").read_text()
