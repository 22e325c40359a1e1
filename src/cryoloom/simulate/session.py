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
import polars as pl
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.em.poses import Floats
from cryoloom.errors import DatasetError, ParameterError
from cryoloom.simulate.molecule import Atoms, build
from cryoloom.simulate.movie import Detector, frames
from cryoloom.simulate.potential import Projector, copies_potential, potential
from cryoloom.simulate.presets import MOLECULE_SEED, Preset, in_session, preset_named
from cryoloom.simulate.scene import MoviePlan, plan_session
from cryoloom.simulate.truth import Maps, read_summary, soft_mask, write_map, write_truth

GROUPS = "groups.star"  # beside folders of movies, where there are several
_DETECTOR = 1_000_000  # number of a stream that no movie has
_CUT = 0.55  # of a truncated file that is left
_BREAKS_ALONG = (0.35, 0.2, 0.9)  # the side on which a broken assembly has its units
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
        preset: `tiny`, `demo`, `late`, `urease`, `large`, or one's own.
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
    if len({group.folder for group in chosen.groups}) > 1:
        _write_groups(out / GROUPS, plans)
    detector = Detector.made(chosen.size, np.random.default_rng([seed, _DETECTOR]))
    write_truth(made.truth, chosen, seed, plans, atoms, maps)
    write_map(made.gain, detector.gain.astype(np.float64), chosen.angpix)
    states = {1: maps.state1, 2: maps.state2, **maps.others}
    projectors = {state: Projector.of(volume, chosen.angpix) for state, volume in states.items()}
    started = time.monotonic()
    written = 0
    for plan, path in zip(plans, made.movies, strict=True):
        if path.exists() and not overwrite:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
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
    others: dict[int, Floats] = {}
    if preset.broken or preset.monomers:
        units = atoms.whole()
        middles = units.mean(axis=1)
        # The six on one side, which no rotation of the point group turns into each other alone.
        half = np.argsort(middles @ np.array(_BREAKS_ALONG))[: len(units) // 2]
        # In the middle of its box, so that its place is that of the unit.
        alone = units[:1] - middles[:1, None]
        others = {
            state: copies_potential(atoms, copies, everything, preset.box, preset.angpix, preset.b_factor)
            for state, copies in ((3, units[half]), (4, alone))
        }
    return Maps(state1, state2, mean, soft_mask(state1, preset.angpix), others)


def _layout(out: Path, preset: Preset, seed: int, plans: list[MoviePlan]) -> SimulatedSet:
    folder = out / "Movies"
    return SimulatedSet(
        folder=out,
        preset=preset,
        seed=seed,
        movies=tuple(out / plan.group.folder / f"{plan.stem}.mrc" for plan in plans),
        bad=tuple(out / plan.group.folder / f"{plan.stem}.mrc" for plan in plans if plan.bad),
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


def _write_groups(path: Path, plans: list[MoviePlan]) -> None:
    """Which movie was recorded with which tilt of the beam, as a microscope's operator would write it down."""
    rows = [(f"{plan.stem}.mrc", plan.group.number) for plan in plans if not plan.bad]
    table = pl.DataFrame(rows, schema=["rlnMicrographMovieName", "rlnOpticsGroup"], orient="row")
    star.write(path, {"": table})


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
