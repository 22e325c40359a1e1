"""What two projects' comparison says is what differs: by known amounts, in Å, by micrograph and place, never by row."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.api.comparing_projects import ComparedStep, Figure, ProjectComparison
from cryoloom.api.pairing import paired
from cryoloom.errors import ParameterError, ProjectError

Change = Callable[[pl.DataFrame], pl.DataFrame]


def tables_only(source: Path, target: Path) -> Project:
    """A copy without images: nothing of them is compared."""
    shutil.copytree(
        source, target, symlinks=True,
        ignore=lambda folder, names: [
            name for name in names if name.endswith((".mrc", ".mrcs", "Movies")) and (Path(folder) / name).is_file()
        ] + (["microscope"] if Path(folder) == source else []),
    )  # fmt: skip
    return Project(target)


def edit(path: Path, change: Change, block: str = "") -> None:
    blocks = dict(star.read(path))
    name = block or next(
        name for name, table in blocks.items() if isinstance(table, pl.DataFrame) and name != "optics"
    )
    table = blocks[name]
    assert isinstance(table, pl.DataFrame)
    star.write(path, {**blocks, name: change(table)})


def set_value(path: Path, label: str, value: float) -> None:
    """In a list of labels and values."""
    blocks = dict(star.read(path))
    general = blocks["general"]
    assert isinstance(general, dict) and label in general
    star.write(path, {**blocks, "general": {**general, label: value}})


def added(label: str, row: int, amount: float) -> Change:
    def change(table: pl.DataFrame) -> pl.DataFrame:
        place = pl.int_range(pl.len()) == row
        number = pl.col(label).cast(pl.Float64)
        return table.with_columns(pl.when(place).then(number + amount).otherwise(number).alias(label))

    return change


def step(found: ProjectComparison, job: str) -> ComparedStep:
    [one] = [one for one in found.steps if one.mine == job]
    return one


def figure(found: ProjectComparison, job: str, what: str) -> Figure:
    [one] = [one for one in step(found, job).figures if one.what == what]
    return one


@pytest.fixture
def copy(tiny: Project, tmp_path: Path) -> Iterator[Project]:
    """The tiny project's tables, to be changed."""
    yield tables_only(tiny.path, tmp_path / "changed")


@pytest.mark.relion
@pytest.mark.slow
def test_each_change_of_a_known_amount_is_told_in_its_unit_and_at_its_place(
    tiny: Project, copy: Project
) -> None:
    root = copy.path
    motion = root / "MotionCorr/job003/corrected_micrographs.star"
    ctf = root / "CtfFind/job004/micrographs_ctf.star"
    names = {
        path: dict(star.read(path))["micrographs"]["rlnMicrographName"].to_list() for path in (motion, ctf)
    }  # type: ignore[index]
    edit(motion, added("rlnAccumMotionTotal", 2, 1.0))
    edit(ctf, lambda table: added("rlnDefocusV", 4, 100)(added("rlnDefocusU", 4, 100)(table)))
    # Another order is no difference.
    edit(ctf, lambda table: table.reverse())
    picks = sorted((root / "AutoPick/job006").rglob("*_autopick.star"))[0]
    edit(picks, lambda table: table[2:])
    # 12 px of 3 Å: another place; 5 px: the same.
    edit(picks, added("rlnCoordinateX", 0, 12.0))
    edit(picks, added("rlnCoordinateY", 1, 5.0))
    refined = root / "Refine3D/job017/run_data.star"
    # Re-centred: the coordinate and the origin that goes with it move, the particle does not.
    edit(
        refined,
        lambda table: added("rlnOriginXAngst", 3, 60)(added("rlnCoordinateX", 3, 20)(table)),
        "particles",
    )
    edit(refined, added("rlnOriginYAngst", 5, 60), "particles")
    post = root / "PostProcess/job018/postprocess.star"
    for label, value in (("rlnFinalResolution", 6.3), ("rlnBfactorUsedForSharpening", -400.0)):
        set_value(post, label, value)

    found = tiny.compare(copy)

    drift = figure(found, "MotionCorr/job003", "drift, all frames")
    stem = Path(names[motion][2]).stem
    assert (drift.worst, drift.worst_at, drift.beyond, drift.verdict) == (
        pytest.approx(-3.0, abs=1e-4), stem, 1, "not expected",
    )  # fmt: skip
    assert drift.difference == 0
    defocus = figure(found, "CtfFind/job004", "defocus")
    assert (defocus.worst, defocus.worst_at, defocus.beyond, defocus.verdict) == (
        pytest.approx(-100.0, abs=1e-3), Path(names[ctf][4]).stem, 1, "not expected",
    )  # fmt: skip
    assert (defocus.difference, defocus.common) == (0, 6)
    assert figure(found, "CtfFind/job004", "astigmatism along x").verdict == "equal"
    count = tiny.job("AutoPick/job006").dataset().picks().height
    found_picks = figure(found, "AutoPick/job006", "picks")
    assert (found_picks.mine, found_picks.others, found_picks.common) == (count, count - 2, count - 3)
    assert found_picks.precision == (count - 3) / count
    assert found_picks.recall == (count - 3) / (count - 2)
    particles = figure(found, "Refine3D/job017", "particles")
    assert (particles.mine - particles.common, particles.verdict) == (1, "expected")  # type: ignore[operator]
    resolution, bfactor = step(found, "PostProcess/job018").figures
    assert (resolution.difference, resolution.verdict) == (pytest.approx(-0.3), "expected")
    assert bfactor.verdict == "not expected"
    # Who looks into the end is sent to the first step that is not as expected.
    assert step(found, "PostProcess/job018").after[0] == "MotionCorr/job003"
    assert not found.is_expected


@pytest.mark.relion
@pytest.mark.slow
def test_what_only_one_project_says_is_told_and_not_taken_for_equal(tiny: Project, copy: Project) -> None:
    ctf = copy.path / "CtfFind/job004/micrographs_ctf.star"
    edit(ctf, lambda table: table.drop("rlnDefocusU"))
    edit(copy.path / "MotionCorr/job003/corrected_micrographs.star", lambda table: table[1:])

    found = tiny.compare(copy)

    assert "CtfFind/job004 of the other is without a fit of the CTF" in step(found, "CtfFind/job004").untold
    micrographs = figure(found, "MotionCorr/job003", "micrographs")
    assert (micrographs.common, micrographs.verdict) == (5, "not expected")
    assert not found.is_expected


@pytest.mark.relion
@pytest.mark.slow
def test_a_value_that_only_one_project_has_is_no_small_difference(tiny: Project, copy: Project) -> None:
    edit(copy.path / "CtfFind/job004/micrographs_ctf.star", added("rlnDefocusU", 1, float("nan")))

    defocus = figure(tiny.compare(copy), "CtfFind/job004", "defocus")

    assert (defocus.verdict, defocus.beyond, defocus.common) == ("not expected", 1, 5)
    assert "1 have a value in one of the two only" in defocus.why


@pytest.mark.relion
@pytest.mark.slow
def test_two_micrographs_of_one_name_are_left_out_and_named(tiny: Project, copy: Project) -> None:
    def twice(table: pl.DataFrame) -> pl.DataFrame:
        name = pl.col("rlnMicrographName")
        other = table[:1].with_columns(name.str.replace("Movies/job002/", "Movies/other/"))
        return pl.concat([table, added("rlnDefocusU", 0, 500)(other)], how="vertical_relaxed")

    edit(copy.path / "CtfFind/job004/micrographs_ctf.star", twice)

    found = tiny.compare(copy)

    assert len(found.alike) == 1
    assert figure(found, "CtfFind/job004", "micrographs").common == 5
    assert figure(found, "CtfFind/job004", "defocus").verdict == "equal"


@pytest.mark.relion
@pytest.mark.slow
def test_parameters_that_were_asked_otherwise_are_named(tiny: Project, copy: Project) -> None:
    said = copy.path / "Class2D/job008/job.json"
    content = json.loads(said.read_text())
    content["params"] |= {"nr_classes": 5, "nr_threads": 1}
    said.write_text(json.dumps(content))

    found = tiny.compare(copy)

    # How fast it runs is none of them.
    assert step(found, "Class2D/job008").asked == {"nr_classes": ("3", "5")}
    assert step(found, "PostProcess/job018").after == ("Class2D/job008",)


@dataclass(frozen=True)
class Does:
    """A step, as far as pairing looks at it."""

    name: str
    does: tuple[str, str]


@pytest.mark.parametrize(
    ("mine", "others", "expected"),
    [
        # A step more on one side shifts no pair behind it.
        ("Import Extract Class2D Extract Refine3D", "Import Extract Extract Refine3D", "00 11 32 43"),
        # Of several the earliest, so that a project that is not finished is compared with what comes first.
        ("Import Extract Class2D", "Import Extract Class2D Extract Class2D", "00 11 22"),
        # Branches that run side by side have their jobs in either order.
        ("Import AutoPick CtfFind", "Import CtfFind AutoPick", "00 12 21"),
        ("Import", "AutoPick", ""),
    ],
)
def test_steps_are_paired_by_what_they_do_in_their_order(mine: str, others: str, expected: str) -> None:
    sides = [[Does(f"{n}", (word, "")) for n, word in enumerate(words.split())] for words in (mine, others)]

    found = paired(*sides)  # type: ignore[arg-type]  # of a step only what it does is looked at

    assert " ".join(f"{one.name}{other.name}" for one, other in found.pairs) == expected
    assert len(found.only_mine) == len(sides[0]) - len(found.pairs)
    assert len(found.only_others) == len(sides[1]) - len(found.pairs)


@pytest.mark.shared
def test_relion_s_tutorial_equals_itself_by_its_own_figures(tutorial: Path) -> None:
    project = Project(tutorial)

    found = project.compare(tutorial)

    assert found.is_expected and found.results == ("PostProcess/job030", "PostProcess/job030")
    assert {one.verdict for one in found.steps} == {"equal"} and {one.untold for one in found.steps} == {""}
    motion = star.tables_of(star.read(tutorial / "MotionCorr/job002/corrected_micrographs.star"))[
        "micrographs"
    ]
    median = motion["rlnAccumMotionTotal"].median()
    assert isinstance(median, float)
    # RELION counts px of the movie, 0.885 Å.
    assert figure(found, "MotionCorr/job002", "drift, all frames").mine == pytest.approx(0.885 * median)
    assert figure(found, "AutoPick/job011", "picks").mine == 9482
    assert figure(found, "Select/job014", "particles").mine == 5367
    assert figure(found, "Extract/job018", "particles").mine == 4501
    assert figure(found, "PostProcess/job030", "resolution").mine == pytest.approx(2.818265)
    assert figure(found, "PostProcess/job030", "B-factor").mine == pytest.approx(-1.5553)
    tilt = figure(found, "CtfRefine/job022", "beam tilt y of opticsGroup1")
    # An eighth of a wave at 2.82 Å, Cs 1.4 mm and 200 kV (0.02508 Å): 2.818³ / (8 * 1.4e7 * 0.02508²) rad.
    assert (tilt.mine, tilt.limit) == (pytest.approx(-0.21617), pytest.approx(0.3178, abs=2e-4))


@pytest.mark.shared
def test_a_changed_tutorial_and_what_the_command_says(tutorial: Path, tmp_path: Path) -> None:
    changed = tmp_path / "t"
    shutil.copytree(tutorial, changed, symlinks=True)
    for tilt in ("CtfRefine/job022", "CtfRefine/job023"):
        amount = 0.2 if tilt.endswith("022") else 0.5
        edit(changed / tilt / "particles_ctf_refine.star", added("rlnBeamTiltX", 0, amount), "optics")
    post = changed / "PostProcess/job030/postprocess.star"
    set_value(post, "rlnFinalResolution", 2.9)

    done = subprocess.run(
        [sys.executable, "-m", "cryoloom", "compare", str(tutorial), str(changed), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)

    assert (done.returncode, told["expected"]) == (1, False)
    by_job = {one["mine"]: one for one in told["steps"]}
    assert (by_job["CtfRefine/job022"]["verdict"], by_job["CtfRefine/job023"]["verdict"]) == (
        "expected",
        "not expected",
    )
    # Two shells of 318.5 Å are 0.05 Å there.
    assert by_job["PostProcess/job030"]["verdict"] == "not expected"
    assert by_job["PostProcess/job030"]["after"] == ["CtfRefine/job023"]
    said = subprocess.run(
        [sys.executable, "-m", "cryoloom", "compare", str(tutorial), str(changed)],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert "look first at CtfRefine/job023" in said and "2 differ by more than is expected" in said


def test_nonsense_is_refused(tmp_path: Path) -> None:
    empty = Project.create(tmp_path / "p")

    with pytest.raises(ProjectError, match=r"no job that succeeded"):
        empty.compare(empty)
    with pytest.raises(ParameterError, match="within"):
        empty.compare(empty, within=0)
