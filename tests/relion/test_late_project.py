"""All late steps with the real RELION, as `examples/late.json` runs them: what each step gains, and what survives it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest_tiny import job

from cryoloom import Project, star
from cryoloom.em.poses import Floats
from cryoloom.simulate import Scores, compare_project
from cryoloom.simulate.compare.maps import compare_maps
from cryoloom.simulate.compare.optics import optics_errors
from cryoloom.simulate.compare.steps import ctf_refine_rows
from cryoloom.simulate.joining import joined_truth
from cryoloom.simulate.truth import Truth, read_map, read_truth
from cryoloom.star import Blocks

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(1800)]

EXAMPLE = Path(__file__).parents[2] / "examples/late.json"
REFINEMENTS = ("refine_1", "refine_2", "refine_3")
GROUPS = ["single_a", "multi_a", "single_b", "multi_b"]
FINE = 8.0  # Å, where magnification, aberrations, defocus and motion show


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example workflow, run as a user runs it. CRYOLOOM_LATE names one that is finished."""
    if finished := os.environ.get("CRYOLOOM_LATE"):
        return Project(Path(finished))
    folder = tmp_path_factory.mktemp("l") / "p"
    workflow = str(EXAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "cryoloom", "workflow", "run", workflow, "--project", str(folder), "--wait"],
        capture_output=True, text=True, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Project(folder)


@pytest.fixture(scope="module")
def truths(late: Project) -> list[Path]:
    return [late.path / session / "truth" for session in ("microscope_a", "microscope_b")]


@pytest.fixture(scope="module")
def truth(truths: list[Path]) -> Truth:
    return joined_truth([read_truth(one) for one in truths])


@pytest.fixture(scope="module")
def scores(late: Project, truths: list[Path]) -> Scores:
    return compare_project(late.path, truths)


def figure(scores: Scores, late: Project, label: str, what: str) -> float:
    """One figure of one job."""
    name = job(late, label).rstrip("/")
    [value] = [row.value for row in scores.rows if row.job == name and row.what == what]
    return value


def particles_of(late: Project, label: str) -> Blocks:
    return star.read(late.path / late.job(job(late, label)).dataset("particles").path)


def test_every_job_succeeds(late: Project) -> None:
    assert {
        summary.label: summary.state for summary in late.summaries() if summary.state != "succeeded"
    } == {}


def test_the_map_comes_nearer_to_the_truth_with_each_refinement(late: Project, truth: Truth) -> None:
    found = [mean_fine_fsc(late, truth, label) for label in REFINEMENTS]

    assert found == sorted(found), found
    assert found[-1] > found[0] + 0.03, found


def mean_fine_fsc(late: Project, truth: Truth, label: str) -> float:
    """Mean FSC of a refined map with the true one over the shells finer than `FINE`."""
    volume, angpix = read_map(late.path / late.job(job(late, label)).dataset("volume").path)
    fsc: Floats = compare_maps(volume, angpix, truth.map, truth.mask, truth.angpix, truth.symmetry).fsc
    shells = np.arange(len(fsc))
    return float(fsc[shells > len(volume) * angpix / FINE].mean())


@pytest.mark.parametrize("label", ["refine", *REFINEMENTS])
def test_no_refinement_loses_particles(scores: Scores, late: Project, label: str) -> None:
    assert figure(scores, late, label, "orientations within 5°") >= 0.98


def test_the_two_states_are_told_apart(scores: Scores, late: Project) -> None:
    assert figure(scores, late, "states", "classes pure in one state") >= 0.9
    assert figure(scores, late, "states", "rarest state found (recall)") >= 0.9


def test_beam_tilt_and_trefoil_of_each_group_are_found(late: Project, truth: Truth) -> None:
    def errors(label: str) -> dict[str, tuple[float, float]]:
        optics = star.tables_of(particles_of(late, label))["optics"]
        each = optics_errors(optics, truth.optics, 2.0 * truth.angpix)
        return {one.name: (one.beam_tilt, one.trefoil) for one in each}

    before, after = errors("refine_1"), errors("aberrations")

    assert list(after) == GROUPS
    for name in GROUPS:
        for found, nominal in zip(after[name], before[name], strict=True):
            assert found < nominal / 2, (name, before, after)


def test_stretch_of_each_group_is_found_up_to_a_scale_that_is_common(late: Project, truth: Truth) -> None:
    names = ["rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11"]
    optics = star.tables_of(particles_of(late, "magnification"))["optics"]
    assert optics["rlnOpticsGroupName"].to_list() == truth.optics["rlnOpticsGroupName"].to_list()
    found, true = (table.select(names).to_numpy().reshape(-1, 2, 2) for table in (optics, truth.optics))

    # What the map is too large is found as too small a magnification of all groups.
    scale = np.trace(true, axis1=1, axis2=2).mean() / np.trace(found, axis1=1, axis2=2).mean()
    left = np.abs(scale * found - true).max()

    assert abs(scale - 1.0) < 0.01
    assert left < 0.004 < np.abs(true - np.eye(2)).max() / 2


def test_the_particles_defocus_error_falls(late: Project, truth: Truth) -> None:
    def error(label: str) -> float:
        name = job(late, label)
        [row] = [row for row in ctf_refine_rows(late.path / name, name, truth) if "defocus error" in row.what]
        return row.value

    # Heights are ±600 Å: 346 Å rms.
    assert error("defocus") < error("magnification") / 2


def test_ids_half_sets_and_optics_groups_survive_from_the_joined_particles_to_the_last_refinement(
    late: Project,
) -> None:
    steps = {label: star.tables_of(particles_of(late, label)) for label in (
        "particles", "refine", "particles_unbinned", "refine_1", "magnification", "defocus", "aberrations", "refine_2",
        "polish", "polished", "refine_3",
    )}  # fmt: skip
    first = steps["particles"]["particles"]
    ids = set(first["cryoloomItemId"].to_list())
    assert len(ids) == first.height

    groups: dict[str, str] = {}
    halves: dict[str, int] = {}
    for label, blocks in steps.items():
        optics, table = blocks["optics"], blocks["particles"]
        assert optics["rlnOpticsGroupName"].to_list() == GROUPS, label
        assert set(table["cryoloomItemId"].to_list()) == ids and table.height == len(ids), label
        names = dict(zip(optics["rlnOpticsGroup"].to_list(), GROUPS, strict=True))
        own = {
            str(item): names[number]
            for item, number in table.select("cryoloomItemId", "rlnOpticsGroup").iter_rows()
        }
        groups = groups or own
        assert own == groups, label
        if "rlnRandomSubset" in table.columns:
            subset = dict(table.select("cryoloomItemId", "rlnRandomSubset").iter_rows())
            halves = halves or subset
            assert subset == halves, label
    assert set(halves.values()) == {1, 2}
    movies = dict(steps["refine_3"]["particles"].select("cryoloomItemId", "rlnMicrographName").iter_rows())
    assert all(Path(movies[item]).name.startswith(group) for item, group in groups.items())


def test_no_noise_estimate_of_a_refinement_is_next_to_nothing(late: Project) -> None:
    """Polished images have a mean of zero; RELION then takes the noise of the first ring for nothing."""
    for label in REFINEMENTS:
        for half in (1, 2):
            model = star.tables_of(
                star.read(late.path / job(late, label) / f"run_it000_half{half}_model.star")
            )
            noise = {
                name: table["rlnSigma2Noise"].to_numpy()[1:]
                for name, table in model.items()
                if name.startswith("model_group_")
            }
            assert len(noise) == 8
            for name, rings in noise.items():
                assert rings.min() > 1e-3 * float(np.median(rings)), (label, half, name)


def test_local_resolution_is_near_the_global_one_within_the_mask(late: Project) -> None:
    local, _ = read_map(late.path / job(late, "local") / "relion_locres.mrc")
    mask, _ = read_map(late.path / late.job(job(late, "mask")).dataset("mask").path)
    general = star.read(late.path / job(late, "post_refine_3") / "postprocess.star")["general"]
    assert isinstance(general, dict)
    resolution = float(general["rlnFinalResolution"])

    inside = local[(mask > 0.99) & (local > 0.0)]

    assert inside.size > 1000
    assert float(np.median(inside)) == pytest.approx(resolution, rel=0.25)
    # The pixels set the limit, but for a shell of the box.
    assert inside.min() >= resolution * 0.95
