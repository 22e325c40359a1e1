"""One function for each kind of job: its files against the truth.

Each takes a job's folder and the truth, and gives rows for the table; a row that has to pass a bar bears
its name as `key`. Micrographs are taken to be unbinned, as the truth's places are. A job without its output
file gives no rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from cryoloom import star
from cryoloom.em.motion import COEFFICIENTS, local_shifts
from cryoloom.em.poses import Floats
from cryoloom.project.iterations import final, newest
from cryoloom.simulate.bodies import ANGLE
from cryoloom.simulate.compare.heterogeneity import body_angles, body_turns, composition
from cryoloom.simulate.compare.maps import MapScore, compare_maps
from cryoloom.simulate.compare.optics import optics_errors
from cryoloom.simulate.compare.places import Matches, centred_rms, match, particle_places, stem
from cryoloom.simulate.compare.views import view_errors
from cryoloom.simulate.scene import Motion
from cryoloom.simulate.truth import LOCAL_COLUMNS, RIPPLE_COLUMNS, Blocks, Truth, read_map, table

PICK_ANGST, PARTICLE_ANGST = 30.0, 60.0  # a pick or particle this far from the truth is another one
VIEW_DEGREES = 5.0
MEAN_FSC, COARSEST_ANGST = "map's mean FSC with the truth", 30.0
LAST_WHOLE = 2  # states beyond are broken assemblies and single units
LEAST_TURNS = 3  # of which an axis can be told
_LEFT_OUT = -9990


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one job."""

    job: str
    what: str
    value: float
    unit: str
    note: str = ""
    key: str = ""  # the name of the bar that it may have to pass


def motion_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """Rms over frames and particles of what is left of the motion, px, the mean over frames taken off.

    The local model is evaluated where the particles are; without one the local motion is part of it.
    """
    left, before = [], []
    for path in _files(folder, "*.star"):
        true = truth.shifts.filter(_of_movie(stem(path.name)))
        blocks = star.read(path) if true.height else {}
        shifts = table(blocks, "global_shift")
        if shifts.height != true.height or not true.height:
            continue
        places = _places_of(truth, stem(path.name))
        wanted = -_true_motion(truth, stem(path.name)).at(places, truth.size) / truth.angpix
        found = shifts.select("rlnMicrographShiftX", "rlnMicrographShiftY").to_numpy()[:, None]
        # RELION writes -9999 for frames that it leaves out of the sum; its model begins with the first that it takes.
        is_summed = (found > _LEFT_OUT).all(axis=(1, 2))
        wanted, found = wanted[is_summed], found[is_summed]
        found = found + _local_model(blocks, places, truth.size, len(found))
        error = found - wanted
        left.append(np.mean(np.sum((error - error.mean(axis=0)) ** 2, axis=2)))
        before.append(np.mean(np.sum((wanted - wanted.mean(axis=0)) ** 2, axis=2)))
    if not left:
        return []
    rms = float(np.sqrt(np.mean(left)))
    return [
        Row(job, "motion before correction, rms", float(np.sqrt(np.mean(before))), "px"),
        Row(job, "motion left, rms", rms, "px", f"{len(left)} movies", "drift_error"),
        Row(job, "motion left, worst movie", float(np.sqrt(np.max(left))), "px"),
    ]


def ctf_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """Errors of mean defocus and astigmatism, micrograph by micrograph."""
    found = _particles(folder / "micrographs_ctf.star", "micrographs")
    if found is None or not found.height:
        return []
    columns = [f"rlnDefocus{axis}" for axis in ("U", "V")]
    true = {
        stem(name): np.array(values)
        for name, *values in truth.micrographs.select("rlnMicrographName", *columns).iter_rows()
    }
    errors = np.array(
        [
            np.array(values, dtype=np.float64) - true[stem(name)]
            for name, *values in found.select("rlnMicrographName", *columns).iter_rows()
            if stem(name) in true
        ]
    ).reshape(-1, 2)
    if not len(errors):
        return []
    mean = np.abs(errors.mean(axis=1))
    astigmatism = np.abs(errors[:, 0] - errors[:, 1])
    return [
        Row(job, "mean defocus error, median", float(np.median(mean)), "Å", key="defocus_error"),
        Row(job, "mean defocus error, worst", float(mean.max()), "Å"),
        Row(job, "astigmatism error, median", float(np.median(astigmatism)), "Å"),
    ]


def pick_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """Recall and precision of picks over all good movies."""
    tables = []
    for path in _files(folder, "*_autopick.star"):
        if path.name.startswith("coords_suffix") or not path.stat().st_size:
            continue
        picks = next((block for block in star.read(path).values() if isinstance(block, pl.DataFrame)), None)
        if picks is not None and picks.height:
            tables.append(
                picks.select(pl.col("rlnCoordinateX", "rlnCoordinateY").cast(pl.Float64)).with_columns(
                    rlnMicrographName=pl.lit(path.name)
                )
            )
    if not tables:
        return []
    found = particle_places(pl.concat(tables), truth.angpix)
    matches = match(found, _true_places(truth), truth.angpix, PICK_ANGST)
    foreign = match(found, _foreign_places(truth), truth.angpix, PICK_ANGST)
    return [
        Row(job, "picks found (recall)", matches.recall, "", f"within {PICK_ANGST:g} Å", "pick_recall"),
        Row(job, "picks that are particles (precision)", matches.precision, "", key="pick_precision"),
        Row(job, "picks on contaminants", float(len(foreign.found)), ""),
        Row(job, "position error, rms", _position_error(matches, truth), "Å", "micrograph's offset removed"),
    ]


def extract_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """What an extraction holds."""
    return _set_rows(folder / "particles.star", job, truth, ("", ""))


def selection_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """What is left after classes were chosen."""
    return _set_rows(folder / "particles.star", job, truth, ("selection_recall", "selection_precision"))


def class2d_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """How much of the contaminants lies in classes that hold few particles."""
    path = newest(folder, "data.star")
    particles = _particles(path) if path else None
    if particles is None or "rlnClassNumber" not in particles.columns or not particles.height:
        return []
    matches = match(
        particle_places(particles, truth.angpix), _true_places(truth), truth.angpix, PARTICLE_ANGST
    )
    real = np.zeros(particles.height, dtype=bool)
    real[matches.found] = True
    classes = particles["rlnClassNumber"].to_numpy()
    major = sum(
        max(int(np.sum(real[classes == number])), int(np.sum(~real[classes == number])))
        for number in np.unique(classes)
    )
    return [Row(job, "classes pure in particles or others", major / particles.height, "")]


def initial_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """The last iteration's map against the truth."""
    path = newest(folder, "class001.mrc")
    return _map_rows(path, job, truth)[0] if path else []


def refine_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """Orientations and positions of the particles, and the map."""
    path = final(folder, "data.star")
    particles = _particles(path) if path else None
    if particles is None or not particles.height:
        return []
    true_places = _true_places(truth)
    matches = match(particle_places(particles, truth.angpix), true_places, truth.angpix, PARTICLE_ANGST)
    angles = [f"rlnAngle{name}" for name in ("Rot", "Tilt", "Psi")]
    errors = view_errors(
        particles[matches.found.tolist()].select(angles).to_numpy(),
        truth.particles[matches.true.tolist()].select(angles).to_numpy(),
        truth.symmetry,
    )
    degrees = errors.degrees
    if not len(degrees):
        return []
    hand = f"hand {'flipped' if errors.flipped else 'right'}, setting {errors.setting}"
    counts, _ = np.histogram(degrees, [0, 1, 2, 5, 10, 20, 180])
    rows = [
        Row(
            job,
            f"orientations within {VIEW_DEGREES:g}°",
            float(np.mean(degrees < VIEW_DEGREES)),
            "",
            f"{len(degrees)} matched; {hand}",
            "pose_within_5deg",
        ),
        Row(
            job,
            "orientation error, median",
            float(np.median(degrees)),
            "°",
            "below 1, 2, 5, 10, 20, 180°: " + ", ".join(map(str, counts)),
            "pose_median",
        ),
        Row(job, "position error, rms", _position_error(matches, truth), "Å", "micrograph's offset removed"),
    ]
    if volume := final(folder, "class001.mrc"):
        rows += _map_rows(volume, job, truth)[0]
    return rows


def class3d_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """How purely the classes hold the molecule's two states, contaminants apart."""
    path = newest(folder, "data.star")
    particles = _particles(path) if path else None
    if particles is None or "rlnClassNumber" not in particles.columns:
        return []
    matches = match(
        particle_places(particles, truth.angpix), _true_places(truth), truth.angpix, PARTICLE_ANGST
    )
    if not len(matches.found):
        return []
    classes = particles["rlnClassNumber"].to_numpy()[matches.found]
    states = truth.particles["rlnClassNumber"].to_numpy()[matches.true]
    found = composition(classes.tolist(), states.tolist())
    shares = ", ".join(f"{part:.2f}" for part in found.found)
    true = ", ".join(f"{part:.2f}" for part in found.true)
    return [
        Row(job, "classes pure in one state", found.purity, "", f"{len(classes)} matched"),
        Row(job, "rarest state found (recall)", min(found.recall), "", f"shares {shares}; true {true}"),
    ]


def multibody_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """How the turns of each body follow the truth's angle, which only simulated bodies have."""
    path = final(folder, "data.star")
    blocks = star.read(path) if path else {}
    if ANGLE not in truth.particles.columns or "particles" not in blocks:
        return []
    particles = table(blocks, "particles")
    matches = match(
        particle_places(particles, truth.angpix), _true_places(truth), truth.angpix, PARTICLE_ANGST
    )
    if len(matches.found) < LEAST_TURNS:
        return []
    true = truth.particles[ANGLE].to_numpy()[matches.true]
    rows = []
    for name in sorted(block for block in blocks if block.startswith("images_body_")):
        angles = table(blocks, name).select("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi").to_numpy()
        found = body_angles(body_turns(angles[matches.found]), true)
        note = f"error {found.error:.1f}° of {found.spread:.1f}°"
        what = f"correlation of body {name.rpartition('_')[2]}'s turns with the true angle"
        rows.append(Row(job, what, found.correlation, "", note))
    return rows


def ctf_refine_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """Rms error of each particle's mean defocus, and what is left of each group's optics.

    Before refinement the former is the spread of heights.
    """
    particles = _particles(folder / "particles_ctf_refine.star")
    if particles is None or not particles.height:
        return []
    matches = match(
        particle_places(particles, truth.angpix), _true_places(truth), truth.angpix, PARTICLE_ANGST
    )
    columns = ["rlnDefocusU", "rlnDefocusV"]
    found = particles[matches.found.tolist()].select(columns).to_numpy().mean(axis=1)
    true = truth.particles[matches.true.tolist()].select(columns).to_numpy().mean(axis=1)
    if not len(found):
        return []
    rms = float(np.sqrt(np.mean((found - true) ** 2)))
    rows = [Row(job, "particles' defocus error, rms", rms, "Å", f"{len(found)} matched")]
    groups = pl.DataFrame({
        "rlnOpticsGroup": particles[matches.found.tolist()]["rlnOpticsGroup"],
        "true": truth.particles[matches.true.tolist()]["rlnOpticsGroup"],
    })  # fmt: skip
    optics = table(star.read(folder / "particles_ctf_refine.star"), "optics")
    return rows + _optics_rows(optics, groups.unique().sort("true"), job, truth)


def postprocess_rows(folder: Path, job: str, truth: Truth) -> list[Row]:
    """The resolution that the half maps have."""
    path = folder / "postprocess.star"
    general = star.read(path).get("general") if path.is_file() else None
    if not isinstance(general, dict) or "rlnFinalResolution" not in general:
        return []
    value = float(general["rlnFinalResolution"])
    note = "limited by the pixel size" if value < 2.0 * truth.angpix * 1.001 else ""
    return [Row(job, "resolution of the half maps (FSC 0.143)", value, "Å", note, "halfmap_resolution")]


SCORED: dict[str, Callable[[Path, str, Truth], list[Row]]] = {
    "relion.motioncorr": motion_rows,
    "ctf.estimate": ctf_rows,
    "relion.ctffind": ctf_rows,
    "relion.autopick": pick_rows,
    "relion.extract": extract_rows,
    "relion.class2d": class2d_rows,
    "sets.classes": selection_rows,
    "relion.inimodel": initial_rows,
    "relion.class3d": class3d_rows,
    "relion.refine3d": refine_rows,
    "relion.multibody": multibody_rows,
    "relion.ctfrefine": ctf_refine_rows,
    "relion.postprocess": postprocess_rows,
}


def _files(folder: Path, pattern: str) -> list[Path]:
    """Files below a job's folder, without those in hidden folders: there attempts keep copies."""
    found = (path for path in folder.rglob(pattern) if path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _set_rows(path: Path, job: str, truth: Truth, keys: tuple[str, str]) -> list[Row]:
    particles = _particles(path)
    if particles is None:
        return []
    found = particle_places(particles, truth.angpix)
    matches = match(found, _true_places(truth), truth.angpix, PARTICLE_ANGST)
    foreign = match(found, _foreign_places(truth), truth.angpix, PARTICLE_ANGST)
    return [
        Row(job, "particles kept (recall)", matches.recall, "", f"{particles.height} rows", keys[0]),
        Row(job, "rows that are particles (precision)", matches.precision, "", key=keys[1]),
        Row(job, "rows that are contaminants", float(len(foreign.found)), ""),
        *_intact_rows(job, truth, particles.height, matches),
    ]


def _intact_rows(job: str, truth: Truth, rows: int, matches: Matches) -> list[Row]:
    """How well whole assemblies are kept apart from broken ones and single units, where the truth has such."""
    states = truth.particles["rlnClassNumber"].to_numpy()
    if states.max(initial=1) <= LAST_WHOLE or not rows:
        return []
    is_kept_whole = states[matches.true] <= LAST_WHOLE
    kept = int(np.sum(is_kept_whole))
    others = int(np.sum(states > LAST_WHOLE))
    return [
        Row(
            job,
            "whole assemblies kept (recall)",
            kept / int(np.sum(states <= LAST_WHOLE)),
            "",
            key="intact_recall",
        ),
        Row(job, "rows that are whole (precision)", kept / rows, "", key="intact_precision"),
        Row(
            job,
            "broken ones and single units left out",
            1.0 - int(np.sum(~is_kept_whole)) / others,
            "",
            f"of {others}",
        ),
    ]


def _optics_rows(optics: pl.DataFrame, groups: pl.DataFrame, job: str, truth: Truth) -> list[Row]:
    """The errors of the true group whose optics are worst, whatever the groups were called.

    Args:
        optics: that were found.
        groups: pairs of `rlnOpticsGroup` and the `true` number of its particles; more than one where groups were merged.
    """
    names = truth.optics.select(true="rlnOpticsGroup", name="rlnOpticsGroupName")
    paired = groups.join(names, on="true").join(optics, on="rlnOpticsGroup")
    known = paired.with_columns(rlnOpticsGroupName=pl.col("name"))
    errors = optics_errors(known, truth.optics, 2.0 * truth.angpix)
    if not errors:
        return []
    tilt = max(errors, key=lambda error: error.beam_tilt)
    stretch = max(errors, key=lambda error: error.magnification)
    odd, even = max(errors, key=lambda error: error.odd), max(errors, key=lambda error: error.even)
    return [
        Row(job, "beam tilt error, worst group", tilt.beam_tilt, "mrad", tilt.name),
        Row(job, "magnification error, worst group", stretch.magnification, "", stretch.name),
        Row(job, "odd aberrations left, rms, worst group", odd.odd, "rad", odd.name),
        Row(job, "even aberrations left, rms, worst group", even.even, "rad", even.name),
    ]


def _map_rows(path: Path, job: str, truth: Truth) -> tuple[list[Row], MapScore]:
    return map_rows(*read_map(path), job, truth)


def map_rows(volume: Floats, angpix: float, job: str, truth: Truth) -> tuple[list[Row], MapScore]:
    """How a map, of any box and pixel size, agrees with the true one."""
    score = compare_maps(volume, angpix, truth.map, truth.mask, truth.angpix, truth.symmetry)
    hand = f"hand {'flipped' if score.flipped else 'right'}, setting {score.setting}"
    limit = "limited by the pixel size" if score.at_nyquist else ""
    rows = [
        Row(
            job, "map's correlation with the truth", score.correlation, "", f"{hand}, scale {score.scale:.4f}"
        ),
        Row(job, "map's FSC with the truth at 0.5", score.resolution, "Å", limit, "truth_fsc05_resolution"),
        Row(
            job,
            MEAN_FSC,
            _mean_fsc(score.fsc, volume.shape[0] * angpix, truth.angpix),
            "",
            "30 Å to the movies' Nyquist",
        ),
    ]
    return rows, score


def _mean_fsc(fsc: Floats, wide: float, angpix: float) -> float:
    """Mean over frequencies from 1/30 Å to the Nyquist frequency of `angpix`: what a coarser map lacks counts as 0.

    Args:
        fsc: of shells 1/`wide` apart, from 0.
        wide: the box, Å.
        angpix: Å/px.
    """
    frequencies = np.linspace(1.0 / COARSEST_ANGST, 0.5 / angpix, 200)
    known = np.arange(len(fsc)) / wide
    return float(np.mean(np.interp(frequencies, known, fsc, right=0.0)))


def _particles(path: Path, name: str = "particles") -> pl.DataFrame | None:
    return table(star.read(path), name) if path.is_file() else None


def _true_places(truth: Truth) -> pl.DataFrame:
    return particle_places(truth.particles, truth.angpix)


def _foreign_places(truth: Truth) -> pl.DataFrame:
    return particle_places(truth.contaminants, truth.angpix)


def _places_of(truth: Truth, name: str) -> Floats:
    places = _true_places(truth).filter(pl.col("stem") == name).select("x", "y").to_numpy()
    # A movie without particles is judged at its middle.
    return np.asarray(places, dtype=np.float64) if len(places) else np.full((1, 2), truth.size / 2.0)


def _of_movie(name: str) -> pl.Expr:
    return pl.col("rlnMicrographName").map_elements(stem, pl.String) == name


def _true_motion(truth: Truth, name: str) -> Motion:
    shifts = truth.shifts.filter(_of_movie(name))
    local = truth.local.filter(_of_movie(name))
    ripples = [column for column in RIPPLE_COLUMNS if column in local.columns]
    return Motion(
        drift=-shifts.select("rlnMicrographShiftX", "rlnMicrographShiftY").to_numpy() * truth.angpix,
        course=shifts["cryoloomCourse"].to_numpy(),
        local=local.select(LOCAL_COLUMNS).to_numpy().reshape(2, 5),
        ripples=local.select(ripples).to_numpy().reshape(-1, 5),
    )


def _local_model(blocks: Blocks, places: Floats, size: int, frames: int) -> Floats:
    """RELION's local shifts at places (n, 2) in px: (frames, n, 2), px; 0 without a model."""
    model = table(blocks, "local_motion_model")
    if model.height != COEFFICIENTS:
        return np.zeros((frames, len(places), 2))
    coefficients = model.sort("rlnMotionModelCoeffsIdx")["rlnMotionModelCoeff"].to_numpy()
    return local_shifts(coefficients, places / size - 0.5, frames)


def _position_error(matches: Matches, truth: Truth) -> float:
    return centred_rms(matches.offsets, _true_places(truth)[matches.true.tolist()]["stem"].to_list())
