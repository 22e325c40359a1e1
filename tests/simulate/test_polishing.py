"""Local motion that only polishing can follow: RELION finds it, and the map gains."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from relion_chain import Chain, relion

from cryoloom import star
from cryoloom.simulate import PRESETS, simulate
from cryoloom.simulate.compare.maps import compare_maps
from cryoloom.simulate.compare.places import match, particle_places, stem
from cryoloom.simulate.scene import Motion, plan_session
from cryoloom.simulate.truth import Truth, read_map, read_truth, table

# One state and no contaminants: each particle is known, and what differs is the motion.
PRESET = replace(PRESETS["late"], name="moving", contaminants=(0, 0), second_state=0.0, movies=6)
_PLACE = ["rlnCoordinateX", "rlnCoordinateY"]


def _found_motion(blocks: dict[str, object], frames: int) -> np.ndarray:
    shifts = blocks["global_shift"]
    assert isinstance(shifts, pl.DataFrame)
    assert shifts.height == frames
    return shifts.select("rlnMicrographShiftX", "rlnMicrographShiftY").to_numpy() * PRESET.angpix


def _refined_particles(chain: Chain, truth: Truth, motion: str) -> None:
    """`in.star`: particles cut out at their true places, with true poses, as a good refinement leaves them."""
    ctf = chain.true_ctf(motion)
    pick = chain.job("AutoPick", "relion.autopick")
    (chain.project / pick / "Movies").mkdir()
    for (name,), rows in truth.particles.group_by(["rlnMicrographName"]):
        # Extraction cuts at whole pixels.
        star.write(
            chain.project / pick / str(name).replace(".mrc", "_autopick.star"),
            {"": rows.select(pl.col(_PLACE).round())},
        )
    extracted = star.read(chain.project / chain.extract(ctf, pick, scaled=PRESET.box) / "particles.star")
    particles = table(extracted, "particles")
    places = (particle_places(rows, PRESET.angpix) for rows in (particles, truth.particles))
    pairs = match(*places, PRESET.angpix, 5.0)
    particles, true = particles[pairs.found.tolist()], truth.particles[pairs.true.tolist()]
    offsets = (true.select(_PLACE).to_numpy() - particles.select(_PLACE).to_numpy()) * PRESET.angpix
    motions: dict[str, Motion] = {plan.stem: plan.motion for plan in plan_session(PRESET, 1)}
    for row, name in enumerate(particles["rlnMicrographName"].to_list()):
        blocks = star.read(chain.project / motion / "Movies" / f"{stem(name)}.star")
        left = motions[stem(name)].at(true.select(_PLACE)[row].to_numpy(), PRESET.size)[:, 0]
        # The aligned sum does not lie exactly in the first frame's place.
        offsets[row] += (left + _found_motion(dict(blocks), PRESET.frames)).mean(axis=0)
    known = [f"rlnAngle{x}" for x in ("Rot", "Tilt", "Psi")] + [f"rlnDefocus{x}" for x in ("U", "V", "Angle")]
    particles = particles.with_columns(
        *(true[name] for name in known),
        rlnOriginXAngst=pl.Series(-offsets[:, 0]),
        rlnOriginYAngst=pl.Series(-offsets[:, 1]),
        rlnRandomSubset=pl.Series([1 + i % 2 for i in range(particles.height)]),
    )
    late = "^rln(BeamTilt.|MagMat..|OddZernike|EvenZernike)$"
    optics = table(extracted, "optics").join(
        truth.optics.select("rlnOpticsGroupName", late), on="rlnOpticsGroupName", maintain_order="left"
    )
    star.write(chain.project / "in.star", {"optics": optics, "particles": particles})


def _rebuilt(project: Path, particles: str, name: str, truth: Truth) -> tuple[float, float]:
    """Mean FSC beyond 10 Å of the half maps, and of their sum with the truth."""
    for half in (1, 2):
        relion(
            f"relion_reconstruct --i {particles} --o {name}_half{half}_class001_unfil.mrc --ctf --sym T --pad 1"
            f" --subset {half}",
            project,
        )
    (project / name).mkdir(exist_ok=True)
    relion(
        f"relion_postprocess --i {name}_half1_class001_unfil.mrc --mask mask.mrc --o {name}/postprocess"
        f" --angpix {PRESET.angpix} --adhoc_bfac 0",
        project,
    )
    halves = table(star.read(project / name / "postprocess.star"), "fsc")[
        "rlnFourierShellCorrelationCorrected"
    ]
    both = sum(read_map(project / f"{name}_half{half}_class001_unfil.mrc")[0] for half in (1, 2))
    fsc = compare_maps(both, PRESET.angpix, truth.map, truth.mask, PRESET.angpix, "T").fsc
    band = slice(PRESET.box * 24 // 100, PRESET.box // 2)
    return float(halves.to_numpy()[band].mean()), float(fsc[band].mean())


@pytest.mark.relion
@pytest.mark.slow
def test_polishing_gains_where_motion_correction_cannot_follow(tmp_path: Path) -> None:
    movies = simulate(tmp_path / "set", PRESET)
    truth = read_truth(movies.truth)
    chain = Chain(tmp_path / "project", movies)
    shutil.copy(movies.truth / "mask.mrc", chain.project)
    motion = chain.motion(b_factor=30)
    _refined_particles(chain, truth, motion)
    halves, with_truth = _rebuilt(chain.project, "in.star", "before", truth)

    relion(
        f"relion_motion_refine --i in.star --f before/postprocess.star --corr_mic {motion}corrected_micrographs.star"
        " --first_frame 1 --last_frame -1 --o polish/ --s_vel 0.8 --s_div 3000 --s_acc 2 --combine_frames"
        " --bfac_minfreq 20 --bfac_maxfreq -1",
        chain.project,
    )
    polished_halves, polished_truth = _rebuilt(chain.project, "polish/shiny.star", "after", truth)

    assert polished_halves > halves + 0.05
    assert polished_truth > with_truth + 0.02
