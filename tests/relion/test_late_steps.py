"""The late steps by the real RELION on the finished tiny project: figures and pixels against the truth."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest_tiny import job
from predicted import images_of, predicted, shares

from cryoloom import Project, star
from cryoloom.em.ctf import Microscope
from cryoloom.em.fourier import low_pass
from cryoloom.em.poses import matrices
from cryoloom.errors import JobError, ParameterError
from cryoloom.images.mrc import read_mrc
from cryoloom.protocol.views import Look, Metrics
from cryoloom.simulate.compare.places import match, particle_places
from cryoloom.simulate.truth import Truth, read_map, read_truth, write_map
from cryoloom.views.local_resolution import locres_views

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(600)]

POSES = (
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnRandomSubset",
)


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("late") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def truth(project: Project) -> Truth:
    return read_truth(project.path / "microscope/truth")


@pytest.fixture(scope="module")
def magnified(project: Project) -> str:
    """Magnification first, and alone."""
    return project.run(
        "relion.ctfrefine", fn_data=job(project, "refine_masked"), fn_post=job(project, "postprocess"),
        do_aniso_mag=True, minres=20, nr_threads=2,
    ).wait(timeout_s=120).name  # fmt: skip


@pytest.fixture(scope="module")
def focused(project: Project, magnified: str) -> str:
    """Defocus of each particle then, and the optics groups' aberrations."""
    return project.run(
        "relion.ctfrefine", fn_data=magnified, fn_post=job(project, "postprocess"), do_defocus="Per-particle",
        do_astig="Per-micrograph", do_tilt=True, do_trefoil=True, do_4thorder=True, minres=20,
    ).wait(timeout_s=120).name  # fmt: skip


def optics_of(project: Project, name: str) -> pl.DataFrame:
    return star.tables_of(star.read(project.path / project.job(name).dataset("particles").path))["optics"]


def defocus_error(particles: pl.DataFrame, truth: Truth) -> float:
    """The rms difference from the true defocus of each particle, Å."""
    pairs = match(
        particle_places(particles, truth.angpix),
        particle_places(truth.particles, truth.angpix),
        truth.angpix,
        60,
    )
    assert len(pairs.found) >= 170
    found, true = (
        table.select((pl.col("rlnDefocusU") + pl.col("rlnDefocusV")) / 2).to_series().to_numpy()
        for table in (particles, truth.particles)
    )
    return float(np.sqrt(((found[pairs.found] - true[pairs.true]) ** 2).mean()))


def by_id(project: Project, name: str, output: str = "particles") -> pl.DataFrame:
    return project.job(name).dataset(output).table().sort("cryoloomItemId")


def test_magnification_of_each_group_is_found_and_nothing_else_changes(
    project: Project, magnified: str, truth: Truth
) -> None:
    labels = [f"rlnMagMat{index}" for index in ("00", "01", "10", "11")]
    found = optics_of(project, magnified).join(truth.optics, on="rlnOpticsGroupName", suffix="_true")

    assert found.height == 2
    for label in labels:
        assert (found[label] - found[f"{label}_true"]).abs().max() <= 0.004, label  # type: ignore[operator]
    before, after = by_id(project, job(project, "refine_masked")), by_id(project, magnified)
    same = ["cryoloomItemId", "rlnImageName", *POSES]
    assert after.select(same).equals(before.select(same))


def test_defocus_of_each_particle_comes_nearer_to_the_truth(
    project: Project, magnified: str, focused: str, truth: Truth
) -> None:
    before, after = (by_id(project, name) for name in (magnified, focused))

    assert defocus_error(after, truth) <= defocus_error(before, truth) / 2
    assert after.select("cryoloomItemId", *POSES).equals(before.select("cryoloomItemId", *POSES))
    optics = optics_of(project, focused)
    # What the step before found goes on, and what is new stands beside it.
    assert optics["rlnMagMat00"].equals(optics_of(project, magnified)["rlnMagMat00"])
    assert {"rlnBeamTiltX", "rlnBeamTiltY", "rlnOddZernike", "rlnEvenZernike"} <= set(optics.columns)


def test_a_ctf_refinement_shows_all_groups_and_each_micrograph(project: Project, focused: str) -> None:
    shown = {view.name: view for view in project.job(focused).views()}

    assert set(shown) == {"fits", "defocus_change", "defocus_map", "defocus_spread", "optics"}
    titles = [block.title for block in shown["fits"].look().parts]
    assert sorted(titles) == sorted(
        f"{what}: phase error, optics group {group}"
        for what in ("Beam tilt and trefoil", "Symmetric aberrations")
        for group in (1, 2)
    )


def test_a_ctf_refinement_that_broke_off_makes_again_what_was_cut_short(
    project: Project, magnified: str, tmp_path: Path
) -> None:
    real = shutil.which("relion_ctf_refine")
    # Writes all, cuts the last micrograph's file short, takes one away, and dies.
    (tmp_path / "relion_ctf_refine").write_text(
        f"""#!/bin/sh
{real} "$@" || exit 1
case "$*" in *only_do_unfinished*) exit 0;; esac
while [ $# -gt 1 ]; do [ "$1" = --o ] && out=$2; shift; done
set -- $(find $out -name '*_defocus_fit.star' | sort)
truncate -s 900 $1
rm $2 $out/particles_ctf_refine.star
exit 1
"""
    )
    (tmp_path / "relion_ctf_refine").chmod(0o755)
    settings = project.path / ".cryoloom/config.toml"
    settings.write_text(f'[programs.relion]\npath = "{tmp_path}"\n')
    given = {"fn_data": magnified, "fn_post": job(project, "postprocess"), "minres": 20}
    broken = project.run("relion.ctfrefine", do_defocus="Per-particle", **given).wait(
        timeout_s=60, check=False
    )
    assert broken.state == "failed"
    settings.unlink()

    broken.resume()
    broken.wait(timeout_s=60)
    whole = project.run("relion.ctfrefine", do_defocus="Per-particle", **given).wait(timeout_s=60)

    torn = [*(project.path / broken.name / ".cryoloom").rglob("*_defocus_fit.star")]
    assert len(torn) == 1
    columns = ["cryoloomItemId", "rlnDefocusU", "rlnDefocusV"]
    assert by_id(project, broken.name).select(columns).equals(by_id(project, whole.name).select(columns))


def test_training_is_an_input_of_polishing_and_polished_particles_are_the_same_particles(
    project: Project, focused: str
) -> None:
    given = {"fn_data": focused, "fn_post": job(project, "postprocess"), "fn_mic": job(project, "motion")}
    trained = project.run(
        "relion.polish", do_param_optim=True, do_polish=False, optim_min_part=30, nr_threads=2,
        other_args="--par_iters 4", **given,
    ).wait(timeout_s=120)  # fmt: skip
    sigmas = [
        float(word)
        for word in (project.path / trained.name / "opt_params_all_groups.txt").read_text().split()
    ]
    assert len(sigmas) == 3 and min(sigmas) > 0

    polished = project.run("relion.polish", opt_params=trained, nr_threads=2, **given).wait(timeout_s=120)

    command = (project.path / polished.name / "note.txt").read_text()
    assert f"--params_file {trained.name}/opt_params_all_groups.txt" in command
    before, after = by_id(project, focused), by_id(project, polished.name)
    same = ["cryoloomItemId", "rlnMicrographName", "rlnCoordinateX", "rlnDefocusU", *POSES]
    assert after.select(same).equals(before.select(same))
    optics = optics_of(project, polished.name)
    assert optics["rlnMagMat00"].equals(optics_of(project, focused)["rlnMagMat00"])
    # The same particle in each row: its image is that of before, of other weights.
    old, new = (images_of(table, str(project.path)) for table in (before, after))
    own = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(old, new, strict=True)]
    others = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(old, np.roll(new, 1, axis=0), strict=True)
    ]
    assert min(own) > max(others)
    assert {view.name for view in polished.views()} >= {"bfactors", "images", "optics"}


def test_polishing_without_the_movies_of_its_particles_is_refused(project: Project, focused: str) -> None:
    micrographs = star.read(project.path / project.job(job(project, "motion")).dataset("micrographs").path)
    table = micrographs["micrographs"]
    assert isinstance(table, pl.DataFrame)
    star.write(project.path / "some.star", {**micrographs, "micrographs": table.head(3)})
    twice = table.with_columns(pl.col("rlnMicrographName").str.replace("job003", "job103"))
    star.write(project.path / "twice.star", {**micrographs, "micrographs": pl.concat([table, twice])})
    given = {"fn_data": focused, "fn_post": job(project, "postprocess"), "do_own_params": True}

    with pytest.raises(ParameterError, match=r"fn_mic is without .*, of which \d+ of \d+ particles are"):
        project.run("relion.polish", fn_mic="some.star", **given)
    with pytest.raises(ParameterError, match="which are one to RELION"):
        project.run("relion.polish", fn_mic="twice.star", **given)

    # RELION takes the first micrograph's pixel size and dose for all.
    metadata = [project.path / str(name) for name in table["rlnMicrographMetadata"].to_list()]
    own = star.read(metadata[1])
    general = own["general"]
    assert isinstance(general, dict)
    own["general"] = {**general, "rlnMicrographDoseRate": 3.0}
    star.write(project.path / "other_dose.star", own)
    names = table["rlnMicrographMetadata"].to_list()
    names[1] = "other_dose.star"
    other = table.with_columns(pl.Series("rlnMicrographMetadata", names))
    star.write(project.path / "other_mic.star", {**micrographs, "micrographs": other})
    with pytest.raises(ParameterError, match=r"rlnMicrographDoseRate 3 in other_dose\.star, 8 in"):
        project.run("relion.polish", fn_mic="other_mic.star", **given)
    with pytest.raises(ParameterError, match="last_frame is 30, expected at most 6, as MotionCorr"):
        project.run("relion.polish", fn_mic=job(project, "motion"), last_frame=30, **given)
    # One of the two calibrated: both are, or none; the movies' own files go along.
    size = project.run("optics.calibrate", input=job(project, "motion"), factor=1.02).wait(timeout_s=60)
    calibrated = size.dataset("calibrated").path
    with pytest.raises(ParameterError, match=r"with 3\.06 Å, its particles with 3 Å"):
        project.run("relion.polish", fn_mic=calibrated, **given)
    first = star.read(project.path / size.dataset("calibrated").table()["rlnMicrographMetadata"][0])[
        "general"
    ]
    assert isinstance(first, dict)
    assert first["rlnMicrographOriginalPixelSize"] == pytest.approx(3.06)
    with pytest.raises(ParameterError, match=r"with 3\.06 Å, its particles with 3 Å"):
        project.run(
            "relion.extract",
            star_mics=calibrated,
            do_reextract=True,
            fndata_reextract=focused,
            extract_size=64,
        )

    part = project.run("relion.polish", fn_mic="some.star", accept_unusual=True, **given).wait(timeout_s=60)
    left = part.dataset("particles").table()
    count = by_id(project, focused).height
    assert 0 < left.height < count
    said = f"{count - left.height} of {count} particles were left out"
    assert any(said in text for text in part.notes())


def test_what_a_mask_leaves_out_is_taken_from_the_images_and_comes_back(project: Project) -> None:
    refined = job(project, "refine_masked")
    volume, angpix = read_map(project.path / project.job(refined).dataset("volume").path)
    mask, _ = read_map(project.path / project.job(job(project, "mask")).dataset("mask").path)
    x = np.arange(volume.shape[0]) - volume.shape[0] // 2
    keep = mask / (1 + np.exp(-x[None, None, :] / 1.5))
    write_map(project.path / "keep.mrc", keep, angpix)

    with pytest.raises(ParameterError, match="nr_mpi is 1, expected 2 or more"):
        project.run("relion.subtract", fn_opt=refined, fn_mask="keep.mrc", do_center_mask=False)
    subtracted = project.run(
        "relion.subtract", fn_opt=refined, fn_mask="keep.mrc", do_center_mask=False, nr_mpi=2
    ).wait(timeout_s=120)

    scope = Microscope(300, 2.7, 0.1)
    figures = []
    for rows in (by_id(project, refined), by_id(project, subtracted.name)):
        parts = [predicted(volume * part, angpix, rows, volume.shape[0], scope) for part in (keep, 1 - keep)]
        figures.append(np.median(shares(images_of(rows, str(project.path)), parts), axis=0))
    (kept_before, gone_before), (kept, gone) = figures
    assert kept == pytest.approx(kept_before, rel=0.05)
    assert abs(gone) < 0.35 * gone_before

    back = project.run("relion.subtract", do_fliplabel=True, fn_fliplabel=subtracted).wait(timeout_s=60)
    assert any("if these were centred on a mask by RELION itself" in note for note in back.notes())
    columns = ["cryoloomItemId", "rlnImageName", *POSES]
    assert (
        by_id(project, back.name, "original").select(columns).equals(by_id(project, refined).select(columns))
    )


def test_centring_on_the_mask_moves_what_is_kept_to_the_middle(project: Project) -> None:
    refined = job(project, "refine_masked")
    _, angpix = read_map(project.path / project.job(refined).dataset("volume").path)
    z, y, x = (axis - 32 for axis in np.ogrid[:64, :64, :64])
    # A ball on one side.
    write_map(project.path / "ball.mrc", 1 / (1 + np.exp(np.sqrt((x - 9) ** 2 + y**2 + z**2) - 7.0)), angpix)

    centred = project.run(
        "relion.subtract", fn_opt=refined, fn_mask="ball.mrc", new_box=32, nr_mpi=2
    ).wait(timeout_s=120)  # fmt: skip

    images = images_of(by_id(project, centred.name), str(project.path))
    assert images.shape[1:] == (32, 32)
    power = (images.mean(axis=0) - np.median(images)) ** 2
    middle = power[10:22, 10:22].mean()
    assert middle > 3 * np.median(power)

    # The point that is in the middle lies where coordinates less offsets say, to less than a pixel.
    before, after = by_id(project, refined), by_id(project, centred.name)
    turned = matrices(before.select("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi").to_numpy())
    point = np.einsum("nij,j->ni", turned, np.array([9.0, 0.0, 0.0]) * angpix)[:, :2]
    places = [_places(table, angpix) for table in (before, after)]
    assert np.abs(places[1] - places[0] - point).max() < 0.02 * angpix

    # Given back, particles have the offsets and coordinates of their first images.
    back = project.run("relion.subtract", do_fliplabel=True, fn_fliplabel=centred).wait(timeout_s=60)
    again = by_id(project, back.name, "original")
    assert again["rlnImageName"].equals(before["rlnImageName"])
    assert not any("centred on a mask by RELION itself" in note for note in back.notes())
    for label in ("rlnOriginXAngst", "rlnOriginYAngst", "rlnCoordinateX", "rlnCoordinateY"):
        assert np.abs((again[label] - before[label]).to_numpy()).max() < 0.01, label
    assert not [label for label in again.columns if label.startswith(("cryoloomMoved", "cryoloomCentre"))]
    # Once more RELION would bring in the subtracted images, at the places of the first.
    with pytest.raises(ParameterError, match="rlnImageOriginalName"):
        project.run("relion.subtract", do_fliplabel=True, fn_fliplabel=f"{back.name}:original")
    with pytest.raises(ParameterError, match="nr_mpi is 2 beside do_fliplabel"):
        project.run("relion.subtract", do_fliplabel=True, fn_fliplabel=centred, nr_mpi=2)
    with pytest.raises(ParameterError, match="new_box is 200 px, expected at most the images' 64 px"):
        project.run("relion.subtract", fn_opt=refined, fn_mask="ball.mrc", new_box=200, nr_mpi=2)
    write_map(project.path / "small_mask.mrc", np.ones((32, 32, 32)), angpix)
    with pytest.raises(ParameterError, match=r"small_mask\.mrc, a box of 32 px, expected 64 px"):
        project.run("relion.subtract", fn_opt=refined, fn_mask="small_mask.mrc", nr_mpi=2)


def _places(table: pl.DataFrame, angpix: float) -> np.ndarray:
    """(n, 2), Å on the micrograph: of particles of unbinned images."""
    at = table.select("rlnCoordinateX", "rlnCoordinateY").to_numpy() * angpix
    return np.asarray(at - table.select("rlnOriginXAngst", "rlnOriginYAngst").to_numpy())


def test_local_resolution_is_lower_where_the_map_is_blurred(project: Project, truth: Truth) -> None:
    angpix, size = truth.angpix, truth.map.shape[0]
    blurred = low_pass(truth.map, angpix, 16.0)
    x = np.arange(size) - size // 2
    side = 1 / (1 + np.exp(-x[None, None, :] / 1.0))
    both = truth.map * side + blurred * (1 - side)
    rng = np.random.default_rng(7)
    for half in (1, 2):
        noise = low_pass(rng.standard_normal(both.shape), angpix, 2.2 * angpix) * 0.4 * truth.map.std()
        write_map(project.path / f"made_half{half}_class001_unfil.mrc", both + noise, angpix)

    with pytest.raises(ParameterError, match=r"angpix is 1 Å, expected about 3 Å"):
        project.run("relion.localres", fn_in="made_half1_class001_unfil.mrc", angpix=1)
    found = project.run(
        "relion.localres", fn_in="made_half1_class001_unfil.mrc", other_args="--locres_sampling 15", nr_mpi=2
    ).wait(timeout_s=200)  # fmt: skip

    resolution = read_mrc(project.path / found.dataset("local_resolution").path)
    dense = truth.map > np.percentile(truth.map, 97)
    sharp, soft = (np.median(resolution[dense & part]) for part in (x > 8, x < -14))
    assert sharp < 8
    assert soft > sharp + 2
    assert {view.name for view in found.views()} >= {"local_resolution", "coloured"}

    # The view's figures are the molecule's: RELION writes values for the solvent too.
    write_map(project.path / "dense.mrc", dense.astype(np.float64), angpix)
    shown = locres_views(project.path, found.name.rstrip("/") + "/", "dense.mrc")[0]
    [figures] = [block for block in shown.blocks(Look(project.path)) if isinstance(block, Metrics)]
    told = dict(figures.rows)
    assert told["of"] == "the mask dense.mrc"
    assert told["median"] == f"{np.median(resolution[dense]):.2f} Å"


def test_an_mtf_goes_by_the_detector_s_own_pixels(project: Project) -> None:
    (project.path / "mtf.star").write_text(
        "\ndata_\n\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n0 1\n0.5 0.4\n\n"
    )
    refined = job(project, "refine_masked")
    given = {"fn_in": refined, "fn_mask": job(project, "mask"), "fn_mtf": "mtf.star"}

    for protocol, said in (("relion.localres", "not given"), ("relion.postprocess", "1 Å")):
        with pytest.raises(
            ParameterError, match=f"mtf_angpix is {said}, expected 3 Å, the movies' pixel; 6 Å where they are"
        ):
            project.run(protocol, **given)

    with pytest.raises(
        ParameterError, match="which is no MTF, expected a table with rlnResolutionInversePixel"
    ):
        project.run(
            "relion.postprocess",
            mtf_angpix=3,
            **{**given, "fn_mtf": project.job(refined).dataset("particles").path},
        )

    made = project.run("relion.postprocess", mtf_angpix=3, **given).wait(timeout_s=60)
    assert "--mtf_angpix 3" in (project.path / made.name / "note.txt").read_text()


def test_half_maps_that_are_gone_or_of_another_box_are_told_before_hours_are_spent(project: Project) -> None:
    post = project.path / project.job(job(project, "postprocess")).dataset("postprocess").path
    text = post.read_text()
    (project.path / "gone.star").write_text(text.replace("job017/run_half1", "job777/run_half1"))
    volume, angpix = read_map(
        project.path / project.job(job(project, "refine_masked")).dataset("volume").path
    )
    write_map(project.path / "small_half1.mrc", volume[16:48, 16:48, 16:48], angpix)
    name = next(word for word in text.split() if "half1" in word)
    (project.path / "small.star").write_text(text.replace(name, "small_half1.mrc"))
    data = job(project, "refine_masked")

    # What is fitted beside the magnification RELION leaves out.
    with pytest.raises(
        ParameterError, match="do_tilt is Yes beside do_aniso_mag, expected the magnification alone"
    ):
        project.run("relion.ctfrefine", fn_data=data, fn_post=post, do_aniso_mag=True, do_tilt=True)
    with pytest.raises(ParameterError, match=r"gone\.star is without Refine3D/job777"):
        project.run("relion.ctfrefine", fn_data=data, fn_post="gone.star", do_defocus="Per-particle")
    # RELION names its files by what is below a job.
    particles = star.read(project.path / project.job(data).dataset("particles").path)
    rows = star.tables_of(particles)["particles"]
    moved = pl.col("rlnMicrographName").str.replace("job003", "job103")
    both = rows.with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(moved).otherwise(pl.col("rlnMicrographName"))
        .alias("rlnMicrographName")
    )  # fmt: skip
    star.write(project.path / "both.star", {**particles, "particles": both})
    with pytest.raises(ParameterError, match="which are one to RELION"):
        project.run("relion.ctfrefine", fn_data="both.star", fn_post=post, do_defocus="Per-particle")
    with pytest.raises(ParameterError, match="half maps with a box of 32 px"):
        project.run("relion.ctfrefine", fn_data=data, fn_post="small.star", do_defocus="Per-particle")


def test_parts_and_spoilt_images_and_joined_sets_by_relion_s_own_jobs(project: Project) -> None:
    particles = job(project, "particles_unbinned")
    halves = project.run(
        "relion.select", fn_data=particles, do_split=True, nr_split=2, split_size=-1
    ).wait(timeout_s=60)  # fmt: skip
    joined = project.run(
        "relion.joinstar", do_part=True, fn_part1=f"{halves.name}:split1", fn_part2=f"{halves.name}:split2"
    ).wait(timeout_s=60)

    sizes = [len(halves.dataset(f"split{part}")) for part in (1, 2)]
    assert sum(sizes) == by_id(project, particles).height and abs(sizes[0] - sizes[1]) <= 1
    columns = ["cryoloomItemId", "rlnImageName"]
    assert by_id(project, joined.name).select(columns).equals(by_id(project, particles).select(columns))

    # One image a hundred times as bright as the others.
    table = by_id(project, particles)
    bright = table["rlnImageName"][7]
    number, stack = bright.split("@")
    spoilt = project.path / "spoilt.mrcs"
    shutil.copyfile(project.path / stack, spoilt)
    import mrcfile

    with mrcfile.mmap(spoilt, "r+") as mrc:
        mrc.data[int(number) - 1] *= 100
    blocks = star.read(project.path / project.job(particles).dataset("particles").path)
    changed = star.tables_of(blocks)["particles"].with_columns(
        pl.when(pl.col("rlnImageName") == bright)
        .then(pl.lit(f"{number}@spoilt.mrcs"))
        .otherwise(pl.col("rlnImageName"))
        .alias("rlnImageName")
    )
    star.write(project.path / "spoilt.star", {**blocks, "particles": changed})
    kept = project.run("relion.select", fn_data="spoilt.star", do_discard=True).wait(timeout_s=60)
    gone = set(table["cryoloomItemId"]) - set(kept.dataset("particles").table()["cryoloomItemId"])
    assert gone == {table["cryoloomItemId"][7]}


def test_nothing_is_left_out_by_a_number_that_nobody_gave(project: Project) -> None:
    particles = project.job(job(project, "refine")).dataset("particles")
    table = particles.table()
    # Beyond 9999, where RELION's form ends.
    with pytest.raises(
        ParameterError, match=r"select_maxval is 9999, beyond which \d+ of \d+ rows have their rlnDefocusU"
    ):
        project.run(
            "relion.select", fn_data=particles.path, do_select_values=True, select_label="rlnDefocusU", select_minval=5000
        )  # fmt: skip

    for label, said in (
        ("rlnDefocus", "a column that .* lacks.*rlnDefocusU"),
        ("rlnMicrographName", "holds words"),
    ):
        with pytest.raises(ParameterError, match=said):
            project.run("relion.select", fn_data=particles.path, do_select_values=True, select_label=label)
    with pytest.raises(ParameterError, match="select_minval is 12000, expected at most select_maxval, 9000"):
        project.run(
            "relion.select", fn_data=particles.path, do_select_values=True, select_label="rlnDefocusU",
            select_minval=12000, select_maxval=9000,
        )  # fmt: skip

    # Each particle twice, 15 Å away; the images are binned, coordinates are not.
    blocks = star.read(project.path / particles.path)
    again = table.with_columns(pl.col("rlnCoordinateX") + 15 / 3.0, pl.col("cryoloomItemId") + "b")
    star.write(project.path / "doubled.star", {**blocks, "particles": pl.concat([table, again])})
    made = project.run(
        "relion.select", fn_data="doubled.star", do_remove_duplicates=True, duplicate_threshold=30
    ).wait(timeout_s=60)  # fmt: skip
    left = set(made.dataset("particles").table()["cryoloomItemId"])
    assert len(left) <= table.height
    assert "--image_angpix 3 " in (project.path / made.name / "note.txt").read_text().replace("\n", " ")

    parts = project.run("relion.select", fn_data=particles.path, do_split=True, nr_split=2).wait(timeout_s=60)
    assert sum(len(parts.dataset(f"split{part}")) for part in (1, 2)) == table.height
    few = project.run(
        "relion.select", fn_data=particles.path, do_split=True, nr_split=2, split_size=10
    ).wait(timeout_s=60)  # fmt: skip
    assert any(f"{table.height - 20} of {table.height} rows are in no part" in note for note in few.notes())


def test_groups_of_one_name_that_differ_are_not_joined_by_relion(project: Project) -> None:
    particles = project.job(job(project, "particles_unbinned")).dataset("particles").path
    blocks = star.read(project.path / particles)
    optics = star.tables_of(blocks)["optics"].with_columns(rlnSphericalAberration=pl.lit(2.0))
    star.write(project.path / "other.star", {**blocks, "optics": optics})

    with pytest.raises(ParameterError, match="another rlnSphericalAberration than in fn_part1"):
        project.run("relion.joinstar", do_part=True, fn_part1=particles, fn_part2="other.star")


def test_a_choice_by_eye_is_named_and_not_run(project: Project) -> None:
    with pytest.raises(ParameterError, match=r"sets\.classes"):
        project.run("relion.select", fn_model=job(project, "class2d"))
    with pytest.raises((ParameterError, JobError)):
        project.run(
            "relion.ctfrefine", fn_data=job(project, "refine_masked"), fn_post=job(project, "postprocess")
        )


def test_b_factors_of_particles_are_fitted_and_read_by_what_follows(project: Project, magnified: str) -> None:
    made = project.run(
        "relion.ctfrefine", fn_data=magnified, fn_post=job(project, "postprocess"), do_bfactor="Per-particle", minres=20
    ).wait(timeout_s=60)  # fmt: skip

    before, after = by_id(project, magnified), by_id(project, made.name)
    assert (after["rlnCtfBfactor"] - before["rlnCtfBfactor"]).abs().max() > 1  # type: ignore[operator]
    assert after["rlnPhaseShift"].equals(before["rlnPhaseShift"])
    # The next refinement of CTFs begins with them.
    again = project.run(
        "relion.ctfrefine", fn_data=made, fn_post=job(project, "postprocess"), do_defocus="Per-particle", minres=20
    ).wait(timeout_s=60)  # fmt: skip
    assert by_id(project, again.name)["rlnCtfBfactor"].equals(after["rlnCtfBfactor"])


def test_polishing_at_another_scale_keeps_lengths_and_says_its_pixel_size(
    project: Project, focused: str
) -> None:
    made = project.run(
        "relion.polish", fn_data=focused, fn_post=job(project, "postprocess"), fn_mic=job(project, "motion"),
        do_own_params=True, extract_size=64, rescale=32,
    ).wait(timeout_s=100)  # fmt: skip

    optics = optics_of(project, made.name)
    assert optics["rlnImagePixelSize"].to_list() == pytest.approx([6.0] * optics.height)
    assert optics["rlnImageSize"].to_list() == [32] * optics.height
    rows = by_id(project, made.name)
    assert rows.select("cryoloomItemId", *POSES).equals(
        by_id(project, focused).select("cryoloomItemId", *POSES)
    )
    assert images_of(rows.head(3), str(project.path)).shape == (3, 32, 32)


def test_a_part_of_the_particles_is_subtracted_from(project: Project) -> None:
    refined = job(project, "refine_masked")
    blocks = star.read(project.path / project.job(refined).dataset("particles").path)
    part = star.tables_of(blocks)["particles"].filter(pl.col("rlnOpticsGroup") == 1)
    star.write(project.path / "part.star", {**blocks, "particles": part})

    made = project.run(
        "relion.subtract", fn_opt=refined, fn_mask=job(project, "mask"), do_data=True, fn_data="part.star",
        do_center_mask=False, nr_mpi=2,
    ).wait(timeout_s=60)  # fmt: skip

    assert set(by_id(project, made.name)["cryoloomItemId"]) == set(part["cryoloomItemId"])
    with pytest.raises(ParameterError, match="input fn_data is missing"):
        project.run("relion.subtract", fn_opt=refined, fn_mask=job(project, "mask"), do_data=True, nr_mpi=2)
