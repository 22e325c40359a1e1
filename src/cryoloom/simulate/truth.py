"""The truth of a simulated session as files: what `compare` and a curious user read.

```
truth/
  particles.star     optics, particles: place in the first frame, pose, defocus, state (rlnClassNumber)
  micrographs.star   micrographs: defocus as it shows in the image (what the magnification matrix does to it
                     included), file, and what is wrong with it ("none" of a good one)
  motion.star        shifts: rlnMicrographShiftX/Y of each frame, minus the motion, unbinned px;
                     local: coefficients of the bend and of ripples (`scene.Motion`)
  contaminants.star  place, radius (Å) and phase (rad)
  optics.star        optics
  map.mrc, map_state1.mrc, map_state2.mrc, mask.mrc   at the movie's pixel size, V; of presets that have broken
                     assemblies and single units map_state3.mrc and map_state4.mrc too
  model.cif          the atoms
  summary.json       preset, seed and counts
```

Micrographs are named as their movies below the set's folder, `Movies/single_0001.mrc`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import mrcfile
import numpy as np
import polars as pl
import scipy.ndimage
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.em.ctf import defocus_in_image
from cryoloom.em.poses import Floats
from cryoloom.errors import DatasetError
from cryoloom.simulate.molecule import Atoms, write_cif
from cryoloom.simulate.presets import OpticsGroup, Preset
from cryoloom.simulate.scene import MoviePlan

Blocks: TypeAlias = dict[str, pl.DataFrame | dict[str, star.Value]]  # of a STAR file

LOCAL_COLUMNS = [f"cryoloomLocal{axis}{term}" for axis in "XY" for term in ("U", "V", "UU", "VV", "UV")]
# Of each ripple: displacement, waves over half the frame, phase.
RIPPLE_COLUMNS = [
    f"cryoloomRipple{number}{part}" for number in (1, 2) for part in ("X", "Y", "WavesU", "WavesV", "Phase")
]
_MASK_REACH, _MASK_EDGE = 6.0, 9.0  # of the mask from the density, and its soft edge, Å


@dataclass(frozen=True, slots=True)
class Maps:
    """The molecule's maps: cubes at the preset's box and pixel size, V."""

    state1: Floats
    state2: Floats
    mean: Floats  # as often as the states occur
    mask: Floats  # 0 to 1
    others: Mapping[int, Floats] = field(default_factory=dict)  # of states 3 and 4, where particles have them


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth as it is read back."""

    particles: pl.DataFrame
    micrographs: pl.DataFrame
    shifts: pl.DataFrame
    local: pl.DataFrame
    contaminants: pl.DataFrame
    optics: pl.DataFrame
    map: Floats
    mask: Floats
    angpix: float
    size: int  # of a frame, px
    symmetry: str


def write_truth(
    folder: Path,
    preset: Preset,
    seed: int,
    plans: list[MoviePlan],
    atoms: Atoms | None,
    maps: Maps,
    *,
    particles: Blocks | None = None,
) -> None:
    """Write all files of the truth; `summary.json` last, so its presence says that the rest is whole.

    Args:
        atoms: of the whole molecule with its symmetry; None where there is no such thing to write.
        particles: tables of `particles.star`, where images are known and there is more to say than the plans do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optics = optics_table(preset.groups, preset.angpix)
    star.write(folder / "optics.star", {"optics": optics})
    star.write(folder / "particles.star", particles or {"optics": optics, "particles": particle_table(plans)})
    star.write(folder / "micrographs.star", {"optics": optics, "micrographs": micrograph_table(plans)})
    star.write(folder / "motion.star", {"shifts": _shift_table(plans, preset), "local": _local_table(plans)})
    star.write(folder / "contaminants.star", {"contaminants": _contaminant_table(plans)})
    named = {"map": maps.mean, "map_state1": maps.state1, "map_state2": maps.state2, "mask": maps.mask}
    named |= {f"map_state{state}": volume for state, volume in maps.others.items()}
    for name, volume in named.items():
        write_map(folder / f"{name}.mrc", volume, preset.angpix)
    if atoms is not None:
        write_cif(atoms, folder / "model.cif")
    summary = {
        "preset": preset.name,
        "seed": seed,
        "movies": [f"{plan.stem}.mrc" for plan in plans],
        "bad": {f"{plan.stem}.mrc": plan.bad for plan in plans if plan.bad},
        "particles": sum(len(plan.places) for plan in plans),
        "contaminants": sum(len(plan.contaminants) for plan in plans),
        "size_px": preset.size,
        "angpix": preset.angpix,
        "box_px": preset.box,
        "frames": preset.frames,
        "frame_dose": preset.frame_dose,
        "symmetry": preset.symmetry,
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def read_truth(folder: Path) -> Truth:
    """Read what `write_truth` wrote.

    Raises:
        DatasetError: the folder is no complete truth.
    """
    summary = read_summary(folder)
    if summary is None:
        raise DatasetError(
            str(folder / "summary.json"),
            found="missing",
            expected="the truth of a simulated set",
            hint="Give the folder `truth` that `cryoloom simulate` wrote.",
        )
    motion = star.read(folder / "motion.star")
    particles = star.read(folder / "particles.star")
    mask, _ = read_map(folder / "mask.mrc")
    volume, angpix = read_map(folder / "map.mrc")
    return Truth(
        particles=table(particles, "particles"),
        micrographs=table(star.read(folder / "micrographs.star"), "micrographs"),
        shifts=table(motion, "shifts"),
        local=table(motion, "local"),
        contaminants=table(star.read(folder / "contaminants.star"), "contaminants"),
        optics=table(particles, "optics"),
        map=volume,
        mask=mask,
        angpix=angpix,
        size=int(str(summary["size_px"])),
        symmetry=str(summary["symmetry"]),
    )


def read_summary(folder: Path) -> dict[str, object] | None:
    """The set's summary, or None where no truth has been written."""
    path = folder / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def table(blocks: Blocks, name: str) -> pl.DataFrame:
    """A loop of a STAR file, empty where it is absent (RELION leaves out empty tables)."""
    block = blocks.get(name)
    return block if isinstance(block, pl.DataFrame) else pl.DataFrame()


def optics_table(groups: tuple[OpticsGroup, ...], angpix: float) -> pl.DataFrame:
    """The groups' true optics in RELION's columns; those of aberrations only where a group has any."""
    odd = any(group.microscope.odd_zernike for group in groups)
    even = any(group.microscope.even_zernike for group in groups)
    return pl.DataFrame(
        [
            {
                "rlnOpticsGroupName": group.name,
                "rlnOpticsGroup": group.number,
                "rlnMicrographOriginalPixelSize": angpix,
                "rlnMicrographPixelSize": angpix,
                "rlnVoltage": group.microscope.kv,
                "rlnSphericalAberration": group.microscope.cs_mm,
                "rlnAmplitudeContrast": group.microscope.q0,
                "rlnBeamTiltX": group.microscope.beam_tilt_mrad[0],
                "rlnBeamTiltY": group.microscope.beam_tilt_mrad[1],
                "rlnMagMat00": group.magnification[0],
                "rlnMagMat01": group.magnification[1],
                "rlnMagMat10": group.magnification[2],
                "rlnMagMat11": group.magnification[3],
            }
            | ({"rlnOddZernike": vector(group.microscope.odd_zernike, 6)} if odd else {})
            | ({"rlnEvenZernike": vector(group.microscope.even_zernike, 9)} if even else {})
            for group in groups
        ]
    )


def vector(values: Sequence[float], length: int) -> str:
    """A list of numbers as RELION writes it into one cell, filled up with zeros."""
    return "[" + ",".join(f"{value:.6g}" for value in (*values, *[0.0] * (length - len(values)))) + "]"


def particle_table(plans: list[MoviePlan]) -> pl.DataFrame:
    """One row a particle, in the order of movies and of particles within each."""
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "rlnMicrographName": [_movie(plan)] * len(plan.places),
                    "rlnCoordinateX": plan.places[:, 0],
                    "rlnCoordinateY": plan.places[:, 1],
                    "rlnAngleRot": plan.angles[:, 0],
                    "rlnAngleTilt": plan.angles[:, 1],
                    "rlnAnglePsi": plan.angles[:, 2],
                    "rlnOriginXAngst": np.zeros(len(plan.places)),
                    "rlnOriginYAngst": np.zeros(len(plan.places)),
                    "rlnDefocusU": plan.defocus[0] + plan.heights,
                    "rlnDefocusV": plan.defocus[1] + plan.heights,
                    "rlnDefocusAngle": np.full(len(plan.places), plan.defocus[2]),
                    "rlnOpticsGroup": [plan.group.number] * len(plan.places),
                    "rlnClassNumber": plan.states,
                }
            )
            for plan in plans
            if not plan.bad
        ]
    )


def micrograph_table(plans: list[MoviePlan]) -> pl.DataFrame:
    """One row a movie, bad ones too; the defocus is the one that a fit to its rings finds."""
    seen = [defocus_in_image(*plan.defocus, plan.group.magnification) for plan in plans]
    return pl.DataFrame(
        {
            "rlnMicrographName": [_movie(plan) for plan in plans],
            "rlnOpticsGroup": [plan.group.number for plan in plans],
            "rlnDefocusU": [defocus[0] for defocus in seen],
            "rlnDefocusV": [defocus[1] for defocus in seen],
            "rlnDefocusAngle": [defocus[2] for defocus in seen],
            "cryoloomFault": [plan.bad or "none" for plan in plans],
        }
    )


def soft_mask(volume: Floats, angpix: float) -> NDArray[np.float64]:
    """1 on the density and a margin about it, falling to 0 over a soft edge."""
    blurred = scipy.ndimage.gaussian_filter(volume, 5.0 / angpix)
    inside = blurred > 0.15 * blurred.max()
    distance = scipy.ndimage.distance_transform_edt(~inside) * angpix
    ramp = np.clip((distance - _MASK_REACH) / _MASK_EDGE, 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * ramp))


def write_map(path: Path, volume: Floats, angpix: float) -> None:
    """A map as MRC in 32-bit floats."""
    with mrcfile.new(path, volume.astype(np.float32), overwrite=True) as mrc:
        mrc.voxel_size = angpix


def read_map(path: Path) -> tuple[Floats, float]:
    """A map and its pixel size, Å/px.

    Raises:
        DatasetError: the file is missing.
    """
    if not path.is_file():
        raise DatasetError(str(path), found="missing", expected="a map")
    with mrcfile.open(path, permissive=True) as mrc:
        return np.asarray(mrc.data, dtype=np.float64), float(mrc.voxel_size.x)


def _movie(plan: MoviePlan) -> str:
    return f"{plan.group.folder}/{plan.stem}.mrc"


def _shift_table(plans: list[MoviePlan], preset: Preset) -> pl.DataFrame:
    frames = np.arange(1, preset.frames + 1)
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "rlnMicrographName": [_movie(plan)] * preset.frames,
                    "rlnMicrographFrameNumber": frames,
                    "rlnMicrographShiftX": -plan.motion.drift[:, 0] / preset.angpix,
                    "rlnMicrographShiftY": -plan.motion.drift[:, 1] / preset.angpix,
                    "cryoloomCourse": plan.motion.course,
                }
            )
            for plan in plans
        ]
    )


def _local_table(plans: list[MoviePlan]) -> pl.DataFrame:
    local = np.array([plan.motion.local.ravel() for plan in plans])
    columns = {name: local[:, i] for i, name in enumerate(LOCAL_COLUMNS)}
    if any(len(plan.motion.ripples) for plan in plans):
        ripples = np.array([plan.motion.ripples.ravel() for plan in plans])
        columns |= {name: ripples[:, i] for i, name in enumerate(RIPPLE_COLUMNS)}
    return pl.DataFrame({"rlnMicrographName": [_movie(plan) for plan in plans]} | columns)


def _contaminant_table(plans: list[MoviePlan]) -> pl.DataFrame:
    rows = [(_movie(plan), *row) for plan in plans for row in plan.contaminants.tolist()]
    columns = ["rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY", "cryoloomRadius", "cryoloomPhase"]
    return pl.DataFrame(rows, schema=columns, orient="row")
