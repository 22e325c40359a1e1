"""Every particle's image is the patch of its own micrograph at its own coordinates, after any order of events."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from running import Ran, run_again, run_in

from cryoloom import star
from cryoloom.images.mrc import image_of_reference, read_mrc, write_mrc
from cryoloom.plugins.relion.cutting import are_outside
from cryoloom.project.folder import ProjectFolder

pytestmark = [pytest.mark.slow, pytest.mark.relion]

BOX, SIZE, ANGPIX = 16, 96, 3.0
AXES = ("rlnCoordinateX", "rlnCoordinateY")
CTF = {"rlnDefocusU": 10000.0, "rlnDefocusV": 9000.0, "rlnDefocusAngle": 10.0}


def optics(name: str = "og", **more: object) -> pl.DataFrame:
    facts = {
        "rlnOpticsGroupName": name, "rlnOpticsGroup": 1, "rlnMicrographOriginalPixelSize": ANGPIX, "rlnVoltage": 300.0,
        "rlnSphericalAberration": 2.7, "rlnAmplitudeContrast": 0.1, "rlnMicrographPixelSize": ANGPIX,
    }  # fmt: skip
    return pl.DataFrame([{**facts, **more}])


class Project:
    """Micrographs whose pixels are known, with particles on them."""

    def __init__(self, root: Path, micrographs: int, particles: int) -> None:
        self.folder = ProjectFolder.create(root, seed=1)
        self.root = root
        rng = np.random.default_rng(1)
        self.names = [f"MotionCorr/job902/Movies/job901/m_{n}.mrc" for n in range(micrographs)]
        self.pixels = {name: rng.normal(size=(SIZE, SIZE)).astype(np.float32) for name in self.names}
        for name, image in self.pixels.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            write_mrc(root / name, image, ANGPIX)
        self.write_micrographs("mics.star", self.names)
        stack = rng.normal(size=(micrographs * particles, BOX, BOX)).astype(np.float32)
        write_mrc(root / "old.mrcs", stack, ANGPIX)
        rows = [
            (f"{n + 1:06d}@old.mrcs", self.names[n % micrographs], *rng.integers(10, SIZE - 10, 2).astype(float), 1,
             *CTF.values(), f"i{n:015x}")
            for n in range(micrographs * particles)
        ]  # fmt: skip
        labels = ["rlnImageName", "rlnMicrographName", *AXES, "rlnOpticsGroup", *CTF, "cryoloomItemId"]
        self.particles = pl.DataFrame(rows, schema=labels, orient="row")

    def write_micrographs(self, file: str, names: list[str], **more: object) -> None:
        rows = [(name, 1, *CTF.values()) for name in names]
        table = pl.DataFrame(rows, schema=["rlnMicrographName", "rlnOpticsGroup", *CTF], orient="row")
        star.write(self.root / file, {"optics": optics(**more), "micrographs": table})

    def write_particles(self, particles: pl.DataFrame, file: str = "parts.star") -> str:
        group = optics(rlnImagePixelSize=ANGPIX, rlnImageSize=BOX, rlnImageDimensionality=2)
        star.write(self.root / file, {"optics": group, "particles": particles})
        return file

    def patch(self, name: str, x: float, y: float) -> NDArray[np.float32]:
        """What RELION cuts; over the edge the nearest pixel is repeated."""
        corner = [int(v) - BOX // 2 for v in (y, x)]
        rows, columns = (np.clip(np.arange(c, c + BOX), 0, SIZE - 1) for c in corner)
        return self.pixels[name][np.ix_(rows, columns)]

    def cut(self, **given: object) -> Ran:
        return run_in(
            self.folder, "relion.extract", star_mics="mics.star", extract_size=BOX, do_invert=False, do_norm=False,
            **given,
        )  # fmt: skip


def wrong_images(project: Project, table: pl.DataFrame) -> list[str]:
    """Ids of particles whose image is not the patch at their coordinates."""
    wrong = []
    for row in table.iter_rows(named=True):
        image = image_of_reference(row["rlnImageName"], project.root)
        if not np.array_equal(image, project.patch(row["rlnMicrographName"], *(row[axis] for axis in AXES))):
            wrong.append(row["cryoloomItemId"])
    return wrong


@pytest.mark.parametrize("workers", [0, 3])
def test_one_particle_outside_its_micrograph_leaves_all_others_their_own_images(
    tmp_path: Path, workers: int
) -> None:
    project = Project(tmp_path, micrographs=4, particles=12)
    outside = [5, 23]
    x = project.particles[AXES[0]].to_list()
    for row in outside:
        x[row] = 5000.0
    bad = project.particles.with_columns(pl.Series(AXES[0], x))

    job = project.cut(do_reextract=True, fndata_reextract=project.write_particles(bad), workers=workers)
    table = job.items("particles")

    assert job.history.state == "succeeded", job.said
    assert set(table["cryoloomItemId"]) == {f"i{n:015x}" for n in range(48) if n not in outside}
    assert not wrong_images(project, table)
    assert len(job.history.failed) == 2
    why = job.history.failed[f"i{5:015x}"][1]
    assert "its box of 16 px lies outside MotionCorr/job902/Movies/job901/m_1.mrc: (5000, " in why


def test_particles_that_come_through_later_leave_the_earlier_ones_their_images(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=2, particles=8)
    moved = project.names[1]
    # The first attempt finds one micrograph cut short.
    whole = (tmp_path / moved).read_bytes()
    (tmp_path / moved).write_bytes(whole[:3000])
    file = project.write_particles(project.particles)
    job = project.cut(do_reextract=True, fndata_reextract=file)
    first = job.items("particles")
    assert set(first["rlnMicrographName"]) == {project.names[0]} and not wrong_images(project, first)

    (tmp_path / moved).write_bytes(whole)
    again = run_again(project.folder, job).items("particles")

    assert again["cryoloomItemId"].n_unique() == again.height == 16
    assert not wrong_images(project, again)


def test_a_second_part_of_a_micrographs_particles_is_cut_into_a_stack_of_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=1, particles=6)
    x = project.particles[AXES[0]].to_list()
    file = project.write_particles(project.particles.with_columns(pl.Series(AXES[0], [5000.0, *x[1:]])))
    job = project.cut(do_reextract=True, fndata_reextract=file)
    assert job.items("particles").height == 5

    project.write_particles(project.particles)  # mended by hand
    table = run_again(project.folder, job).items("particles")

    assert table.height == 6 and not wrong_images(project, table)
    assert len({name.partition("@")[2] for name in table["rlnImageName"]}) == 2


def test_reextraction_from_another_motion_correction_finds_the_same_places_at_its_binning(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, micrographs=2, particles=6)
    binned = [name.replace("job902", "job905") for name in project.names]
    for fine, coarse in zip(project.names, binned, strict=True):
        (tmp_path / coarse).parent.mkdir(parents=True, exist_ok=True)
        image = project.pixels[fine].reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
        write_mrc(tmp_path / coarse, image.astype(np.float32), 2 * ANGPIX)
    project.write_micrographs("mics.star", binned, rlnMicrographPixelSize=2 * ANGPIX)
    file = project.write_particles(project.particles)

    job = run_in(project.folder, "relion.extract", star_mics="mics.star", do_reextract=True, fndata_reextract=file,
                 extract_size=8, do_invert=False, do_norm=False)  # fmt: skip
    table, groups = job.items("particles"), job.blocks("particles")["optics"]

    assert set(table["rlnMicrographName"]) == set(binned)
    assert groups["rlnMicrographPixelSize"].to_list() == [2 * ANGPIX]
    assert groups["rlnImagePixelSize"].to_list() == [2 * ANGPIX]
    before = {item: (x, y) for item, x, y in project.particles.select("cryoloomItemId", *AXES).iter_rows()}
    for row in table.iter_rows(named=True):
        x, y = (row[axis] for axis in AXES)
        assert (x, y) == tuple(value / 2 for value in before[row["cryoloomItemId"]])
        image = np.asarray(read_mrc(tmp_path / row["rlnMicrographName"]))
        corner = int(y) - 4, int(x) - 4
        cut = [np.clip(np.arange(c, c + 8), 0, SIZE // 2 - 1) for c in corner]
        assert np.array_equal(image_of_reference(row["rlnImageName"], tmp_path), image[np.ix_(*cut)])


def test_groups_stay_as_they_are_when_lanes_share_the_micrographs_out(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=4, particles=4)
    groups = pl.concat([optics("a"), optics("b", rlnOpticsGroup=2, rlnVoltage=200.0)])
    number = pl.when(pl.col("rlnMicrographName").str.contains("m_[01]")).then(1).otherwise(2)
    mics = star.tables_of(star.read(tmp_path / "mics.star"))["micrographs"]
    blocks = {"optics": groups, "micrographs": mics.with_columns(number.alias("rlnOpticsGroup"))}
    star.write(tmp_path / "mics.star", blocks)
    # As RELION's particles: their groups do not say the micrographs' pixel size.
    own = groups.drop("rlnMicrographPixelSize").with_columns(
        rlnImagePixelSize=pl.lit(ANGPIX), rlnImageSize=pl.lit(BOX), rlnImageDimensionality=pl.lit(2)
    )
    particles = project.particles.with_columns(number.alias("rlnOpticsGroup"))
    star.write(tmp_path / "parts.star", {"optics": own, "particles": particles})

    job = project.cut(do_reextract=True, fndata_reextract="parts.star", workers=2)
    table, found = job.items("particles"), job.blocks("particles")["optics"]

    assert not wrong_images(project, table) and table.height == 16
    names = dict(found.select("rlnOpticsGroup", "rlnOpticsGroupName").iter_rows())
    assert sorted(names.values()) == ["a", "b"]
    assert found["rlnMicrographPixelSize"].to_list() == [ANGPIX, ANGPIX]
    for micrograph, group in table.select("rlnMicrographName", "rlnOpticsGroup").iter_rows():
        assert names[group] == ("a" if micrograph.endswith(("m_0.mrc", "m_1.mrc")) else "b")


def test_particles_of_two_micrographs_that_share_a_stack_are_told_apart(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=1, particles=4)
    other = project.names[0].replace("job902", "job905")
    (tmp_path / other).parent.mkdir(parents=True)
    write_mrc(tmp_path / other, project.pixels[project.names[0]] + 9, ANGPIX)
    project.write_micrographs("mics.star", [*project.names, other])
    names = [project.names[0], other] * 2
    file = project.write_particles(project.particles.with_columns(rlnMicrographName=pl.Series(names)))

    job = project.cut(do_reextract=True, fndata_reextract=file)

    assert not wrong_images(project, job.items("particles"))
    assert job.items("particles").height == 2
    reasons = {why for _, why in job.history.failed.values()}
    assert all(f"{project.names[0]} and {other} would share" in why for why in reasons), reasons


def picks(project: Project, places: dict[str, list[tuple[float, float]]], job: str = "Import/job903") -> str:
    """Coordinate files as another program writes them, without ids."""
    (project.root / job).mkdir(parents=True)
    (project.root / job / "coords_suffix_p.star").write_text("mics.star\n")
    for name, xy in places.items():
        file = project.root / job / f"{name.partition('job902/')[2].removesuffix('.mrc')}_p.star"
        file.parent.mkdir(parents=True, exist_ok=True)
        star.write(file, {"": pl.DataFrame(xy, schema=list(AXES), orient="row")})
    return f"{job}/coords_suffix_p.star"


def test_one_bad_pick_leaves_out_that_pick(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=3, particles=1)
    good = [(20.0, 30.0), (40.0, 50.0), (-7.9, 60.0), (103.9, 20.0)]
    file = picks(project, {project.names[0]: [*good[:2], (300.0, 20.0), *good[2:]], project.names[1]: good[:1],
                           project.names[2]: [(-8.0, 20.0)]})  # fmt: skip

    job = project.cut(coords_suffix=file)
    table = job.items("particles")

    assert job.history.state == "succeeded", job.said
    assert not job.history.failed
    found = {name: [] for name in project.names}  # type: ignore[var-annotated]
    for name, x, y in table.select("rlnMicrographName", *AXES).iter_rows():
        found[name].append((x, y))
    assert found == {project.names[0]: good, project.names[1]: good[:1], project.names[2]: []}
    assert not wrong_images(project, table)
    assert any("m_0.mrc: 1 pick outside its micrograph left out" in note for note in job.history.notes)
    assert any("2 picks outside" in note for note in job.history.notes)


def test_picks_are_cut_from_another_binning_at_the_same_places(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=1, particles=1)
    file = picks(project, {project.names[0]: [(40.0, 60.0)]})
    binned = project.names[0].replace("job902", "job905")
    (tmp_path / binned).parent.mkdir(parents=True)
    noise = np.random.default_rng(2).normal(size=(SIZE // 2, SIZE // 2)).astype(np.float32)
    write_mrc(tmp_path / binned, noise, 2 * ANGPIX)
    project.write_micrographs("binned.star", [binned], rlnMicrographPixelSize=2 * ANGPIX)

    job = run_in(
        project.folder, "relion.extract", star_mics="binned.star", coords_suffix=file, extract_size=8
    )

    assert job.items("particles").select(AXES).row(0) == (20.0, 30.0)


def test_a_box_is_outside_when_it_shares_no_pixel_with_the_micrograph_by_relions_rounding() -> None:
    # tests above show that RELION cuts -7.9 and 103.9 of a box of 16 on 96 px; it ends its call at -8 and 104.
    positions = np.array([[-7.99, 5.0], [-8.0, 5.0], [103.99, 5.0], [104.0, 5.0], [5.0, -8.0], [5.0, 104.0]])

    assert are_outside(positions, (SIZE, SIZE), BOX).tolist() == [False, True, False, True, True, True]
