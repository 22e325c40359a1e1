"""A folder that stands by itself: images are the project's, coordinates lie where particles lie; it grows with its input."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from running import Ran, run_again, run_in
from sets.test_set_streams import Background, Producer

from cryoloom import star
from cryoloom.images.mrc import image_of_reference, write_mrc
from cryoloom.project.folder import ProjectFolder

ID = "cryoloomItemId"


@pytest.fixture
def given(project: ProjectFolder) -> ProjectFolder:
    """Two stacks of one name in two jobs, of which three images of ten are wanted, not in order."""
    root = project.root
    rng = np.random.default_rng(3)
    for number in (5, 6):
        (root / f"Extract/job00{number}/Movies").mkdir(parents=True)
        images = rng.standard_normal((5, 8, 8)).astype(np.float32)
        write_mrc(root / f"Extract/job00{number}/Movies/a.mrcs", images, 2.0)
    star.write(root / "p.star", {"optics": optics(), "particles": particles()})
    return project


def optics(*more: str) -> pl.DataFrame:
    names = ["one", *more]
    return pl.DataFrame({
        "rlnOpticsGroup": [*range(1, len(names) + 1)], "rlnOpticsGroupName": names, "rlnImagePixelSize": [2.0] * len(names),
        "rlnImageSize": [8] * len(names), "rlnMicrographPixelSize": [0.5] * len(names),
        "cryoloomGainFile": ["g.mrc"] * len(names),
    })  # fmt: skip


def particles() -> pl.DataFrame:
    return pl.DataFrame({
        ID: ["a", "b", "c"],
        "rlnImageName": [
            "000004@Extract/job005/Movies/a.mrcs", "000002@Extract/job006/Movies/a.mrcs",
            "000001@Extract/job005/Movies/a.mrcs",
        ],
        "rlnMicrographName": [f"MotionCorr/job00{number}/Movies/a.mrc" for number in (2, 3, 2)],
        "rlnOpticsGroup": [1, 1, 1],
        "rlnCoordinateX": [100.0, 50.0, 300.0],
        "rlnCoordinateY": [200.0, 60.0, 400.0],
        "rlnOriginXAngst": [5.0, 0.0, -2.0],
        "rlnOriginYAngst": [-1.0, 0.0, 0.0],
    })  # fmt: skip


def exported(job: Ran, file: str = "particles.star", block: str = "particles") -> pl.DataFrame:
    assert job.history.state == "succeeded", job.said
    return star.tables_of(star.read(job.entry.folder / "exported" / file))[block]


def check_images(root: Path, folder: Path, record: pl.DataFrame) -> None:
    """Each image of the folder is the item's own."""
    for old, new in record.select("rlnImageName", "cryoloomExported").iter_rows():
        assert np.array_equal(image_of_reference(old, root), image_of_reference(new, folder))


@pytest.mark.parametrize("how", ["copies", "links"])
def test_a_folder_has_the_images_that_its_table_names(given: ProjectFolder, how: str) -> None:
    job = run_in(given, "export.particles", input="p.star", how=how)
    rows, folder = exported(job), job.entry.folder / "exported"

    assert not [column for column in rows.columns if column.startswith("cryoloom")]
    assert job.ids("exported") == ["a", "b", "c"]
    assert job.items("exported")["cryoloomExported"].to_list() == rows["rlnImageName"].to_list()
    check_images(given.root, folder, job.items("exported"))
    stacks = {name.partition("@")[2] for name in rows["rlnImageName"]}
    assert stacks == {"Particles/Movies/a.mrcs", "Particles/Movies/a_2.mrcs"}
    if how == "copies":
        moved = given.root.parent / "elsewhere"
        folder.rename(moved)
        assert image_of_reference(rows["rlnImageName"][0], moved).shape == (8, 8)


def test_ids_stay_where_they_are_wanted(given: ProjectFolder) -> None:
    job = run_in(given, "export.particles", input="p.star", keep_ids=True)

    assert exported(job)[ID].to_list() == ["a", "b", "c"]
    assert "cryoloomGainFile" in exported(job, block="optics").columns


def test_coordinates_lie_where_the_particle_is_or_where_it_was_picked(given: ProjectFolder) -> None:
    job = run_in(given, "export.coordinates", input="p.star")
    listed = exported(job, "coordinates.star", "coordinate_files")
    assert listed["rlnMicrographCoordinates"].to_list() == ["a.star", "a_2.star"]
    assert listed["rlnGroupNrParticles"].to_list() == [2, 1]
    [moved] = star.tables_of(star.read(job.entry.folder / "exported/a.star")).values()
    # The particle lies 5 Å, ten pixels of the micrograph, left of its box's middle.
    assert moved.rows() == [(90.0, 202.0), (304.0, 400.0)]

    job = run_in(given, "export.coordinates", input="p.star", format="box", box_size=64, do_recenter=False)
    assert (job.entry.folder / "exported/a.box").read_text() == "68\t168\t64\t64\n268\t368\t64\t64\n"
    job = run_in(given, "export.coordinates", input="p.star", format="txt", angpix=1.0)
    assert (job.entry.folder / "exported/a.txt").read_text().splitlines()[0] == "95.00\t201.00"


def test_shifts_without_a_pixel_size_are_no_guess(given: ProjectFolder) -> None:
    star.write(
        given.root / "p.star", {"optics": optics().drop("rlnMicrographPixelSize"), "particles": particles()}
    )

    job = run_in(given, "export.coordinates", input="p.star")

    assert job.history.state == "failed" and "no rlnMicrographPixelSize" in job.said


@pytest.mark.parametrize(
    ("label", "value"),
    [("rlnCoordinateX", float("nan")), ("rlnOriginXAngst", float("nan")), ("rlnOpticsGroup", 7)],
)
def test_a_particle_without_a_place_is_told_and_never_exported(
    given: ProjectFolder, label: str, value: float
) -> None:
    table = particles()
    values = [*table[label].to_list()[:1], value, *table[label].to_list()[2:]]
    star.write(
        given.root / "p.star",
        {"optics": optics(), "particles": table.with_columns(pl.Series(label, values, strict=False))},
    )

    job = run_in(given, "export.coordinates", input="p.star")

    assert job.history.state == "failed" and f"{label} {value}" in job.said, job.said
    assert str(table["rlnImageName"][1]) in job.said


@pytest.mark.parametrize("how", ["copies", "links"])
def test_particles_are_exported_while_they_come_and_what_a_kill_left_is_taken_back(
    given: ProjectFolder, how: str
) -> None:
    producer = Producer(given.root, "Extract/job091")
    producer.add(particles().head(1), optics())
    entry = given.create_job("export.particles", {"how": how}, {"input": producer.dataset()})
    job, table, folder = (
        Background(given, entry),
        entry.folder / "exported/particles.star",
        entry.folder / "exported",
    )
    job.until(lambda: job.items("exported") == 1)
    assert star.tables_of(star.read(table))["particles"].height == 1
    producer.fail()
    job.finish()
    # An attempt was killed between the folder and the journal.
    star.append(table, star.tables_of(star.read(table))["particles"])

    producer.go_on()
    job = Background(given, entry)
    # The same stack once more, and an optics group that was not there before.
    rest = particles().tail(2).with_columns(pl.Series("rlnOpticsGroup", [2, 1]))
    producer.add(rest, optics("two"))
    producer.close()
    job.finish()

    record = star.tables_of(star.read(entry.folder / "exported.star"))[""]
    rows = star.tables_of(star.read(table))
    assert record[ID].to_list() == ["a", "b", "c"]
    assert rows["particles"]["rlnImageName"].to_list() == record["cryoloomExported"].to_list()
    assert rows["particles"]["rlnOpticsGroup"].to_list() == [1, 2, 1]
    assert rows["optics"]["rlnOpticsGroupName"].to_list() == ["one", "two"]
    check_images(given.root, folder, record)


@pytest.mark.parametrize("format", ["star", "txt"])
def test_coordinates_are_exported_while_they_come_each_once(given: ProjectFolder, format: str) -> None:
    producer = Producer(given.root, "Extract/job091")
    producer.add(particles().head(1), optics())
    entry = given.create_job(
        "export.coordinates", {"format": format, "do_recenter": False}, {"input": producer.dataset()}
    )
    job, file = Background(given, entry), entry.folder / f"exported/a.{format}"
    job.until(lambda: job.items("exported") == 1)
    producer.fail()
    job.finish()
    if format == "star":
        star.write(file, {"": pl.DataFrame({"rlnCoordinateX": [100.0, 9.0], "rlnCoordinateY": [200.0, 9.0]})})
    else:
        file.write_text(file.read_text() + "9.00\t9.00\n")

    producer.go_on()
    job = Background(given, entry)
    producer.add(particles().tail(2), optics())
    producer.close()
    job.finish()

    if format == "txt":
        assert file.read_text() == "100.00\t200.00\n300.00\t400.00\n"
    else:
        assert next(iter(star.tables_of(star.read(file)).values())).rows() == [(100.0, 200.0), (300.0, 400.0)]
    listed = star.tables_of(star.read(entry.folder / "exported/coordinates.star"))["coordinate_files"]
    assert listed["rlnGroupNrParticles"].to_list() == [2, 1]


@pytest.mark.parametrize("how", ["copies", "links", "none"])
def test_ctfs_are_exported_with_micrographs_and_spectra_while_they_come(
    given: ProjectFolder, how: str
) -> None:
    root, rng = given.root, np.random.default_rng(4)
    names = [f"MotionCorr/job00{number}/Movies/m.mrc" for number in (2, 3)]
    spectra = [f"CtfFind/job00{number}/Movies/m.ctf" for number in (4, 5)]
    for file in (*names, *spectra):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        write_mrc(root / file, rng.normal(size=(8, 8)).astype(np.float32), 2.0)
    table = pl.DataFrame({
        ID: ["a", "b"], "rlnMicrographName": names, "rlnCtfImage": [f"{file}:mrc" for file in spectra],
        "rlnMicrographMetadata": "gone.star", "rlnOpticsGroup": 1, "rlnDefocusU": [1e4, 2e4], "rlnDefocusV": [9e3, 2e4],
        "rlnDefocusAngle": 7.0,
    })  # fmt: skip
    producer = Producer(root, "CtfFind/job091", "particles.star", "micrographs")
    producer.output.has_optics = True
    producer.add(table.head(1), optics())
    entry = given.create_job("export.ctfs", {"how": how}, {"input": producer.dataset()})  # type: ignore[dict-item]
    job = Background(given, entry)
    job.until(lambda: job.items("exported") == 1)
    producer.add(table.tail(1), optics())
    producer.close()
    job.finish()

    rows = star.tables_of(star.read(entry.folder / "exported/micrographs_ctf.star"))["micrographs"]
    assert rows["rlnMicrographName"].to_list() == ["Micrographs/Movies/m.mrc", "Micrographs/Movies/m_2.mrc"]
    assert rows.drop("rlnMicrographName", "rlnCtfImage").equals(
        table.drop(ID, "rlnMicrographName", "rlnCtfImage", "rlnMicrographMetadata")
    )
    folder = entry.folder / "exported"
    if how == "none":
        assert rows["rlnCtfImage"].to_list() == ["None", "None"] and not (folder / "Micrographs").exists()
        return
    if how == "copies":
        folder = folder.rename(root.parent / f"elsewhere_{how}")
    shown_spectra = [name.removesuffix(":mrc") for name in rows["rlnCtfImage"]]
    for shown, original in zip([*rows["rlnMicrographName"], *shown_spectra], [*names, *spectra], strict=True):
        assert (folder / shown).read_bytes() == (root / original).read_bytes()


def test_a_folder_that_somebody_emptied_is_not_taken_for_exported(given: ProjectFolder) -> None:
    job = run_in(given, "export.particles", input="p.star")
    (job.entry.folder / "exported/particles.star").unlink()

    again = run_again(given, job)

    assert again.history.state == "failed" and "0 rows" in again.said and "restart" in again.said


def test_of_particles_that_were_made_again_the_folder_has_those_of_now_alone(given: ProjectFolder) -> None:
    producer = Producer(given.root, "Extract/job091")
    producer.add(particles(), optics())
    entry = given.create_job("export.coordinates", {"do_recenter": False}, {"input": producer.dataset()})
    job = Background(given, entry)
    job.until(lambda: job.items("exported") == 3)
    assert (entry.folder / "exported/a_2.star").exists()

    producer.output.begin_revision()
    producer.add(particles().head(1), optics())
    producer.close()
    job.finish()

    assert sorted(path.name for path in (entry.folder / "exported").iterdir()) == [
        "a.star",
        "coordinates.star",
    ]
    assert job.ids("exported") == ["a"]
