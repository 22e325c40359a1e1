"""What users already have comes in: checked, linked, and said when it is not as it claims."""

from pathlib import Path

import numpy as np
import pytest
from conftest_data import DATA

from cryoloom import Project
from cryoloom.images.mrc import read_mrc, write_mrc

pytestmark = pytest.mark.slow  # each runs a scheduler and jobs


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p")


def test_bad_movies_are_listed_with_their_reasons_and_the_good_ones_go_on(
    project: Project, tmp_path: Path
) -> None:
    raw = tmp_path / "my raw data" / "day 1"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, shape in (("a_1", (4, 64, 64)), ("b_2", (4, 64, 64)), ("c_wide", (4, 64, 80)), ("d_short", (3, 64, 64)),
                        ("e_single", (1, 64, 64))):  # fmt: skip
        write_mrc(raw / f"{name}.mrc", rng.poisson(3, shape).astype(np.int8), 2.0)
    whole = (raw / "b_2.mrc").read_bytes()
    (raw / "f_cut.mrc").write_bytes(whole[:-100])
    (raw / "g_empty.mrc").touch()
    (raw / "h_text.mrc").write_text("no image " * 300)

    pattern = str(tmp_path).replace(" ", "?") + "/my?raw?data/*/*.mrc"
    job = project.run("import.movies", fn_in_raw=pattern, angpix=1.0).wait(60)
    history = job.entry.status().history
    failed = {Path(name).name: why for name, why in history.failed.values()}

    assert job.state == "succeeded", job.why
    assert sorted(failed) == [
        "c_wide.mrc",
        "d_short.mrc",
        "e_single.mrc",
        "f_cut.mrc",
        "g_empty.mrc",
        "h_text.mrc",
    ]
    assert "width is 80, expected 64" in failed["c_wide.mrc"]
    assert "frames is 3, expected 4" in failed["d_short.mrc"]
    assert "expected a movie" in failed["e_single.mrc"]
    assert failed["f_cut.mrc"].startswith("f_cut.mrc is cut short")
    assert "empty" in failed["g_empty.mrc"]
    assert "neither MRC nor TIFF" in failed["h_text.mrc"]
    names = job.dataset().table()["rlnMicrographMovieName"].to_list()
    # RELION cannot read names with blanks, and keeps the path below the pattern's fixed part.
    assert all(" " not in name and name.startswith("Movies/job001/") for name in names)
    assert all((project.path / name).is_symlink() for name in names)
    assert any("its header says 2 Å/px, angpix=1 is used" in note for note in history.notes)


def test_optics_groups_come_from_file_names(project: Project, tmp_path: Path) -> None:
    for name in ("single_1", "multi_1", "other_1"):
        write_mrc(tmp_path / f"{name}.mrc", np.ones((2, 64, 64), np.int8), 1.0)

    job = project.run(
        "import.movies",
        fn_in_raw=str(tmp_path / "*.mrc"),
        angpix=1.0,
        optics_groups="single_*=single multi_*=multi",
    ).wait(60)
    table, optics = job.dataset().table(), job.dataset().optics()

    assert optics is not None and optics["rlnOpticsGroupName"].to_list() == ["single", "multi"]
    groups = dict(
        zip(table["rlnMicrographMovieName"].to_list(), table["rlnOpticsGroup"].to_list(), strict=True)
    )
    assert {Path(name).stem: group for name, group in groups.items()} == {"single_1": 1, "multi_1": 2}
    assert "fits none of the patterns" in next(iter(job.entry.status().history.failed.values()))[1]


@pytest.mark.shared
@pytest.mark.relion
def test_particles_of_relion_3_0_get_an_optics_table_and_relion_classifies_them(project: Project) -> None:
    source = DATA / "particles" / "empiar_10076_7.star"
    if not source.exists():
        pytest.skip(f"the real particles are not there: {source} (set CRYOLOOM_TEST_DATA)")

    job = project.run("import.particles", fn_in_other=str(source)).wait(60)
    optics = job.dataset().optics()
    classified = project.run("relion.class2d", fn_img=job, nr_classes=1, nr_iter=1, particle_diameter=300,
                             dont_skip_align=False).wait(120)  # fmt: skip

    assert job.state == "succeeded", job.why
    assert optics is not None and optics["rlnImagePixelSize"][0] == pytest.approx(1.31, abs=0.01)
    assert all(name.endswith(".mrcs") for name in job.dataset().table()["rlnImageName"].to_list())
    assert classified.state == "succeeded", classified.why
    assert len(classified.dataset("particles")) == 7


def test_particles_without_images_are_refused(project: Project, tmp_path: Path) -> None:
    star = "data_optics\nloop_\n_rlnOpticsGroup\n_rlnImagePixelSize\n1 1.5\n\ndata_particles\nloop_\n_rlnOpticsGroup\n"
    (tmp_path / "bare.star").write_text(star + "1\n")
    (tmp_path / "lost.star").write_text(star + "_rlnImageName\n1 000001@nowhere.mrcs\n")

    bare = project.run("import.particles", fn_in_other=str(tmp_path / "bare.star")).wait(60, check=False)
    lost = project.run("import.particles", fn_in_other=str(tmp_path / "lost.star")).wait(60, check=False)

    assert bare.state == "failed" and "without rlnImageName" in bare.why
    assert lost.state == "failed" and "nowhere.mrcs, which is missing" in lost.why


def test_a_map_is_linked_or_copied_with_its_true_pixel_size_and_a_mask_lies_within_0_and_1(
    project: Project, tmp_path: Path
) -> None:
    cube = np.linspace(0, 2, 16**3, dtype=np.float32).reshape(16, 16, 16)
    write_mrc(tmp_path / "map.mrc", cube, 2.0, is_volume=True)

    linked = project.run("import.volume", fn_in_other=str(tmp_path / "map.mrc")).wait(60)
    calibrated = project.run("import.volume", fn_in_other=str(tmp_path / "map.mrc"), angpix=1.9).wait(60)
    no_mask = project.run("import.mask", fn_in_other=str(tmp_path / "map.mrc")).wait(60, check=False)

    assert (linked.folder / "map.mrc").is_symlink()
    assert not (calibrated.folder / "map.mrc").is_symlink()
    assert np.array_equal(read_mrc(calibrated.folder / "map.mrc"), cube)
    assert no_mask.state == "failed" and "expected a mask, from 0 to 1" in no_mask.why
