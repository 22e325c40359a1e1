"""A session of two imports, three optics groups, two gains and doses, and names that repeat: right by pixels.

Each movie's frames are one known picture, so that its micrograph is three times that, times its own gain.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from waiting import until

from cryoloom import Project, star
from cryoloom.images.mrc import image_of_reference, read_mrc, write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.relion]

SIZE, BOX, FRAMES = 64, 16, 3
AXES = ("rlnCoordinateX", "rlnCoordinateY")
Image = NDArray[np.float32]


class Session:
    """What the microscope wrote, and where particles are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth: dict[
            tuple[str, str], Image
        ] = {}  # gain and name below its import → the corrected micrograph
        self.places: dict[tuple[str, str], list[tuple[float, float]]] = {}
        self.rng = np.random.default_rng(7)
        (folder / "disk/grids").mkdir(parents=True)
        (folder / "below_link").symlink_to("disk/grids")
        for gain, value in (("low", 1.0), ("high", 100.0)):
            write_mrc(folder / f"{gain}.mrc", np.full((SIZE, SIZE), value, np.float32), 1.0)

    def expose(self, tree: str, grid: str, name: str, gain: str, count: int) -> None:
        """Write a movie, and so many picks beside it in a tree of their own."""
        picture = self.rng.integers(20, 60, (SIZE, SIZE)).astype(np.int8)
        file = self.folder / tree / grid / f"{name}.mrc"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_mrc(file, np.repeat(picture[None], FRAMES, axis=0), 1.0)
        factor = {"low": 1.0, "high": 100.0}[gain]
        self.truth[gain, f"{grid}/{name}"] = (FRAMES * factor * picture).astype(np.float32)
        xy = [(float(x), float(y)) for x, y in self.rng.integers(10, SIZE - 10, (count, 2))]
        self.places[gain, f"{grid}/{name}"] = xy
        picks = self.folder / "picks" / tree / grid / f"{name}_p.star"
        picks.parent.mkdir(parents=True, exist_ok=True)
        star.write(picks, {"": pl.DataFrame(xy, schema=list(AXES), orient="row")})

    def patch(self, gain: str, name: str, x: float, y: float) -> Image:
        rows, columns = (
            np.clip(np.arange(int(v) - BOX // 2, int(v) + BOX // 2), 0, SIZE - 1) for v in (y, x)
        )
        return self.truth[gain, name][np.ix_(rows, columns)]


def test_every_box_has_its_own_pixels_gain_and_dose(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.expose("raw", "gridA", "mov_1", "low", 3)
    session.expose("raw", "gridA", "mov_2", "low", 4)
    session.expose("disk/grids", "gridA", "mov_1", "high", 5)
    session.expose("disk/grids", "gridB", "mov_2", "high", 2)
    project = Project.create(tmp_path / "p", seed=1)
    common = {"angpix": 1.0}
    first = project.run(
        "import.movies", fn_in_raw=f"{tmp_path}/raw/*/*.mrc", optics_groups="gridA/*=a gridB/*=b", dose_per_frame=1.0,
        fn_gain_ref=str(tmp_path / "low.mrc"), stream=True, file_timeout=0.1, **common,
    )  # fmt: skip
    second = project.run(
        "import.movies", fn_in_raw=f"{tmp_path}/below_link/*/*.mrc", optics_group_name="c", dose_per_frame=4.0,
        fn_gain_ref=str(tmp_path / "high.mrc"), **common,
    )  # fmt: skip
    joined = project.run("sets.join", input=[first, second])
    corrected = project.run("relion.motioncorr", input_star_mics=joined, do_dose_weighting=False)
    until(lambda: len(corrected.entry.status().history.done) == 4, 60)
    # In mid-stream comes a grid with the names of the other one.
    session.expose("raw", "gridB", "mov_1", "low", 6)
    until(lambda: len(corrected.entry.status().history.done) == 5, 60)
    first.stop(stream=True)
    corrected.wait(60)
    picked = project.run(
        "import.coordinates", star_mics=corrected, fn_in_other=f"{tmp_path}/picks/*/*/*.star {tmp_path}/picks/*/*/*/*.star"
    ).wait(60)  # fmt: skip
    cut = project.run(
        "relion.extract", star_mics=with_ctf(project, corrected), coords_suffix=picked, extract_size=BOX,
        do_invert=False, do_norm=False,
    ).wait(60)  # fmt: skip

    assert corrected.state == "succeeded", corrected.why
    gains = {first.name: "low", second.name: "high"}
    of_import = {name.partition("/")[2]: gain for name, gain in gains.items()}

    def truth_of(micrograph: str) -> tuple[str, str]:
        number, _, name = micrograph.partition("Movies/")[2].removesuffix(".mrc").partition("/")
        return of_import[number], name

    names = corrected.dataset().table()["rlnMicrographName"].to_list()
    assert {truth_of(name) for name in names} == set(session.truth)
    for name in names:
        image = np.asarray(read_mrc(project.path / name))
        assert np.allclose(image, session.truth[truth_of(name)], rtol=1e-4), name
    groups = {row["rlnOpticsGroup"]: row for row in corrected.dataset().optics().iter_rows(named=True)}  # type: ignore[union-attr]
    assert {row["rlnOpticsGroupName"] for row in groups.values()} == {"a", "b", "c"}
    for name, group in corrected.dataset().table().select("rlnMicrographName", "rlnOpticsGroup").iter_rows():
        gain, below = truth_of(name)
        assert groups[group]["rlnOpticsGroupName"] == ("c" if gain == "high" else below[4].lower())
        assert groups[group]["cryoloomDosePerFrame"] == {"low": 1.0, "high": 4.0}[gain]

    def check(table: pl.DataFrame, but: int = 0) -> None:
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for row in table.iter_rows(named=True):
            place = truth_of(row["rlnMicrographName"])
            xy = tuple(row[axis] for axis in AXES)
            found.setdefault(place, []).append(xy)
            image = image_of_reference(row["rlnImageName"], project.path)
            assert np.allclose(image, session.patch(*place, *xy), rtol=1e-4), row
        count = sum(map(len, session.places.values()))
        assert table["cryoloomItemId"].n_unique() == table.height == count - but
        assert but or {name: sorted(xy) for name, xy in found.items()} == {
            name: sorted(xy) for name, xy in session.places.items()
        }

    particles = cut.dataset().table()
    check(particles)
    blocks = star.read(project.path / cut.dataset().path)
    x = particles["rlnCoordinateX"].to_list()
    x[7] = 5000.0
    star.write(
        project.path / "moved.star",
        {"optics": blocks["optics"], "particles": particles.with_columns(pl.Series("rlnCoordinateX", x))},
    )

    again = project.run(
        "relion.extract", star_mics="mics.star", do_reextract=True, fndata_reextract="moved.star",
        extract_size=BOX, do_invert=False, do_norm=False, workers=2,
    ).wait(60)  # fmt: skip

    assert again.state == "succeeded", again.why
    check(again.dataset().table(), but=1)
    [why] = [why for _, why in again.entry.status().history.failed.values()]
    assert "lies outside" in why


def with_ctf(project: Project, corrected: object) -> str:
    """The micrographs with a CTF as if one had been fitted: extraction wants one."""
    job = corrected.dataset()  # type: ignore[attr-defined]
    blocks = star.read(project.path / job.path)
    table = blocks["micrographs"]
    assert isinstance(table, pl.DataFrame)
    ctf = {"rlnDefocusU": 10000.0, "rlnDefocusV": 10000.0, "rlnDefocusAngle": 0.0}
    fitted = table.with_columns(**{label: pl.lit(value) for label, value in ctf.items()})
    star.write(project.path / "mics.star", {"optics": blocks["optics"], "micrographs": fitted})
    return "mics.star"
