"""A session at a microscope that does not exist: movies appear one after the other, their truth beside them.

`simulate` is what `cryoloom simulate` calls. The truth is complete before the first movie appears. Each movie
is written under a name that begins with a dot and renamed when it is whole, as a careful acquisition program
does; only the bad files are as bad as those of a careless one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.simulate.molecule import Atoms, build
from cryoloom.simulate.movie import Detector, frames
from cryoloom.simulate.potential import Projector, potential
from cryoloom.simulate.presets import MOLECULE_SEED, Preset, in_session, preset_named
from cryoloom.simulate.scene import MoviePlan, plan_session
from cryoloom.simulate.truth import Maps, read_summary, soft_mask, write_map, write_truth

_DETECTOR = 1_000_000  # number of a stream that no movie has
_CUT = 0.55  # of a truncated file that is left
_NARROWER = 128  # px by which a movie of the wrong size is too small


@dataclass(frozen=True, slots=True)
class SimulatedSet:
    """Where everything lies."""

    folder: Path
    preset: Preset
    seed: int
    movies: tuple[Path, ...]  # in the order in which they appear, bad ones among them
    bad: tuple[Path, ...]
    gain: Path
    truth: Path


def simulate(
    out: Path,
    preset: str | Preset = "demo",
    *,
    seed: int = 1,
    session: int = 1,
    same_names: bool = False,
    rate: float = 0.0,
    overwrite: bool = False,
    on_movie: Callable[[Path], None] | None = None,
) -> SimulatedSet:
    """Write a simulated session: `out/Movies`, with the gain reference, and `out/truth`.

    The same preset and seed give the same files, byte for byte in the images. Movies that are already there
    are kept, so an interrupted session goes on where it stopped.

    Args:
        preset: `tiny`, `demo`, `late`, `large`, or one's own.
        session: another number gives another session of the same molecule, whose optics groups and files have
            names of their own; give it a seed of its own too.
        same_names: its files and groups bear the first session's names all the same.
        rate: movies a second at most; 0 is as fast as they can be made.
        overwrite: make everything again, also a session with other numbers.
        on_movie: called with each movie as soon as it is whole.
    Raises:
        ParameterError: no such preset, a negative seed or rate, a session below 1.
        DatasetError: `out` holds a session of another preset or seed.
        ProgramError: gemmi, which writes the atoms, is not installed.
    """
    chosen = preset_named(preset) if isinstance(preset, str) else preset
    chosen = in_session(chosen, session, same_names=same_names)
    if seed < 0 or rate < 0.0:
        raise ParameterError("The seed or rate", found=f"{seed}, {rate:g}", expected="numbers from 0 on")
    plans = plan_session(chosen, seed)
    made = _layout(out, chosen, seed, plans)
    if not overwrite:
        _check_same(made)
    made.gain.parent.mkdir(parents=True, exist_ok=True)
    atoms = build(np.random.default_rng(MOLECULE_SEED))
    maps = molecule_maps(atoms, chosen)
    detector = Detector.made(chosen.size, np.random.default_rng([seed, _DETECTOR]))
    write_truth(made.truth, chosen, seed, plans, atoms, maps)
    write_map(made.gain, detector.gain.astype(np.float64), chosen.angpix)
    projectors = {1: Projector.of(maps.state1, chosen.angpix), 2: Projector.of(maps.state2, chosen.angpix)}
    started = time.monotonic()
    written = 0
    for plan, path in zip(plans, made.movies, strict=True):
        if path.exists() and not overwrite:
            continue
        counts = frames(plan, chosen, projectors, detector, seed)
        if rate:
            time.sleep(max(0.0, started + written / rate - time.monotonic()))
        _write_movie(path, counts, chosen.angpix, plan.bad)
        written += 1
        if on_movie:
            on_movie(path)
    return made


def molecule_maps(atoms: Atoms, preset: Preset) -> Maps:
    """The maps of both states, their mean and a mask, at the preset's box."""
    everything = np.ones(len(atoms.xyz), dtype=bool)
    state1 = potential(atoms, everything, preset.box, preset.angpix, preset.b_factor)
    state2 = state1 - potential(atoms, atoms.lost, preset.box, preset.angpix, preset.b_factor)
    mean = (1.0 - preset.second_state) * state1 + preset.second_state * state2
    return Maps(state1, state2, mean, soft_mask(state1, preset.angpix))


def _layout(out: Path, preset: Preset, seed: int, plans: list[MoviePlan]) -> SimulatedSet:
    folder = out / "Movies"
    return SimulatedSet(
        folder=out,
        preset=preset,
        seed=seed,
        movies=tuple(folder / f"{plan.stem}.mrc" for plan in plans),
        bad=tuple(folder / f"{plan.stem}.mrc" for plan in plans if plan.bad),
        gain=folder / "gain.mrc",
        truth=out / "truth",
    )


def _check_same(made: SimulatedSet) -> None:
    summary = read_summary(made.truth)
    asked = {"preset": made.preset.name, "seed": made.seed}
    if summary is not None and {key: summary.get(key) for key in asked} != asked:
        raise DatasetError(
            str(made.truth / "summary.json"),
            found=f"of preset {summary.get('preset')} and seed {summary.get('seed')}",
            expected=f"{made.preset.name} and {made.seed}",
            hint="Choose another folder, or overwrite this session.",
        )


def _write_movie(path: Path, counts: NDArray[np.int8], angpix: float, bad: str) -> None:
    """Write under a hidden name, spoil what is to be bad, rename."""
    if bad == "wrong size":
        counts = counts[:, : counts.shape[1] - _NARROWER]
    hidden = path.with_name(f".{path.name}.part")
    with mrcfile.new(hidden, counts, overwrite=True) as mrc:
        mrc.voxel_size = angpix
        # A stack of frames, not a volume: mrcfile would otherwise leave it as one.
        mrc.set_image_stack()
    if bad == "truncated":
        with hidden.open("r+b") as stream:
            stream.truncate(int(hidden.stat().st_size * _CUT))
    hidden.replace(path)
