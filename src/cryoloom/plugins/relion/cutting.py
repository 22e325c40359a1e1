"""What relion_preprocess is given to cut: positions that lie on the micrograph, in its pixels; and what becomes of it.

One box outside its micrograph ends RELION's whole call, so it is found before. RELION's rule, as measured with
3.1.3: the position is cut off to a whole pixel (towards zero), and the box must share a pixel with the micrograph.
RELION takes the micrograph that has the same name below its job, whatever job made it, and believes that positions
count its pixels; where motion correction has binned otherwise they do not, and are converted here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.em.names import Clash, file_of_micrograph, key
from cryoloom.em.poses import Floats, matrices
from cryoloom.errors import CryoloomError, DatasetError, ImageError
from cryoloom.images.headers import read_header
from cryoloom.plugins.relion.per_micrograph import write_batch
from cryoloom.project.item_ids import ids_of_picks
from cryoloom.project.paths import inside
from cryoloom.protocol import Batch, JobFolder
from cryoloom.protocol.jobs import ITEM_ID, Remark

SIDE = "star_mics"
MICROGRAPH, NUMBER = "rlnMicrographName", "rlnOpticsGroup"
AXES = ("rlnCoordinateX", "rlnCoordinateY")
ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst")
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
PIXEL_SIZES = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
SIZE_TOLERANCE = 0.01  # two binnings of one micrograph may differ by a row or two
LEFT_OUT = "left_out.json"

# Of a micrograph's picks, in its pixels, and its size: those that can be cut, and how many were left out for which reason.
Choice = Callable[[pl.DataFrame, tuple[int, int]], tuple[pl.DataFrame, Mapping[str, int]]]


@dataclass(frozen=True, slots=True)
class Shifts:
    """What re-extraction makes of the refined shifts."""

    reset: bool
    recentre: bool
    on: tuple[float, float, float]  # px of the reference, from its centre


def are_outside(positions: Floats, size: tuple[int, int], box: int) -> NDArray[np.bool_]:
    """Which boxes share no pixel with the micrograph.

    Args:
        positions: (n, 2), px of the micrograph.
        size: of the micrograph, (x, y) px.
        box: px, even.
    """
    corner = np.trunc(positions) - box // 2
    return np.asarray(np.any((corner + box <= 0) | (corner >= np.asarray(size)), axis=1))


def scale_between(root: Path, picked: str, cut: str) -> float:
    """What positions on one micrograph are multiplied with on another of the same movie.

    Raises:
        DatasetError: one of them is missing, or they are no two binnings of one picture.
    """
    if picked == cut:
        return 1.0
    try:
        return scale_of_sizes(picked, read_header(root / picked).size, cut, read_header(root / cut).size)
    except ImageError as error:
        raise DatasetError(
            f"{cut}", found=f"another micrograph than {picked}, whose size nobody can tell ({error.where} is {error.found})",
            expected="the micrograph on which the positions were found",
            hint=f"Give the micrographs that {picked} is of, or put its file back.",
        ) from None  # fmt: skip


def scale_of_sizes(picked: str, then: tuple[int, int], cut: str, now: tuple[int, int]) -> float:
    """As `scale_between`, of micrographs whose sizes are known, (x, y) px.

    Raises:
        DatasetError: they are no two binnings of one picture.
    """
    (nx, ny), (mx, my) = then, now
    if abs(mx / nx / (my / ny) - 1) > SIZE_TOLERANCE:
        raise DatasetError(
            f"{cut}", found=f"{mx} x {my} px", expected=f"the shape of {picked}, {nx} x {ny} px"
        )
    return mx / nx


def whole_picks(box: int) -> Choice:
    """The choice of picks whose box of so many px has a part of the micrograph."""

    def choose(picks: pl.DataFrame, size: tuple[int, int]) -> tuple[pl.DataFrame, Mapping[str, int]]:
        xy = np.stack([picks[axis].to_numpy() for axis in AXES], axis=-1)
        numbers = np.isfinite(xy).all(axis=1)
        outside = np.zeros(len(xy), dtype=bool)
        outside[numbers] = are_outside(xy[numbers], size, box)
        found = {
            "outside its micrograph left out": int(outside.sum()),
            "without a position left out": int((~numbers).sum()),
        }
        kept = picks.filter(pl.Series(numbers & ~outside))
        return kept, {words: count for words, count in found.items() if count}

    return choose


def prepare_picks(batch: Batch, folder: str, suffix: str, choose: Choice) -> dict[str, str]:
    """Write the batch's micrographs, and for each the picks that can be cut.

    Args:
        folder: below the batch's shadow of the project, with its slash.
        suffix: of coordinate files.
        choose: of a micrograph's picks those that can be cut.
    Returns:
        Items that cannot be treated, with reasons.
    """
    root, own = batch.job.root, batch.partners[SIDE]
    refused: dict[str, str] = {}
    left_out: list[tuple[str, str, int]] = []
    with_picks = []
    (root / folder).mkdir(parents=True, exist_ok=True)
    columns = [ITEM_ID, MICROGRAPH, "rlnMicrographCoordinates"]
    for item, name, file in batch.items.select(columns).iter_rows():
        micrograph = own[str(name)]
        try:
            picks, said = _picks_to_cut(root, str(name), micrograph, str(file), choose)
        except (CryoloomError, OSError) as error:
            refused[item] = str(error).replace(f"{root}/", "")
            continue
        left_out += [(micrograph, words, count) for words, count in said.items()]
        if picks.height:
            with_picks.append(micrograph)
            target = file_of_picks(root / folder, micrograph, suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            star.write(target, {"": picks})
    (root / folder / LEFT_OUT).write_text(json.dumps({"left_out": left_out, "with_picks": with_picks}))
    rows = batch.sides[SIDE]
    write_batch(
        batch, "micrographs", rows.filter(pl.col(MICROGRAPH).is_in(with_picks)), batch.side_optics[SIDE]
    )
    return refused


def file_of_picks(folder: Path, micrograph: str, suffix: str) -> Path:
    """Where RELION looks for a micrograph's picks below a folder of them."""
    return inside(folder, file_of_micrograph(micrograph, f"{suffix}.star"))


def left_out(batch: Batch, folder: str, thing: str = "pick") -> list[Remark]:
    """What was said of picks, or of other things that are cut, in `prepare_picks`."""
    told = _told(batch, folder)["left_out"]
    return [Remark(name.rpartition("/")[2], words, count, thing) for name, words, count in told]


def without_picks(batch: Batch, folder: str) -> set[str]:
    """The micrographs of the batch of which nothing is to be cut."""
    return set(batch.partners[SIDE].values()) - set(_told(batch, folder)["with_picks"])


def picks_given(batch: Batch, folder: str, suffix: str) -> dict[str, pl.DataFrame]:
    """What RELION was given to cut, by micrograph."""
    files = {
        name: file_of_picks(batch.job.root / folder, name, suffix)
        for name in _told(batch, folder)["with_picks"]
    }
    tables = {name: star.as_table(star.read(file).get("")) for name, file in files.items()}
    return {name: table for name, table in tables.items() if table is not None}


def prepare_particles(batch: Batch, micrographs_file: str, box: int, shifts: Shifts) -> dict[str, str]:
    """Write the batch's particles, with positions in pixels of the micrographs that they are cut from.

    Returns:
        Items that cannot be treated, with reasons.
    """
    root, own = batch.job.root, batch.partners[SIDE]
    names = [str(name) for name in batch.items[MICROGRAPH].to_list()]
    ids = batch.items[ITEM_ID].to_list()
    facts: dict[str, tuple[float, tuple[int, int]] | str] = {}  # by the name in the particles' table
    taken: dict[str, str] = {}  # a stack's micrograph
    for name in dict.fromkeys(names):
        micrograph = own[name]
        other = taken.setdefault(key(micrograph), micrograph)
        try:
            facts[name] = (scale_between(root, name, micrograph), read_header(root / micrograph).size)
            if other != micrograph:
                facts[name] = str(Clash(file_of_micrograph(micrograph, ".mrcs"), (other, micrograph)))
        except CryoloomError as error:
            facts[name] = str(error).replace(f"{root}/", "")
    refused = {
        item: fact for item, name in zip(ids, names, strict=True) if isinstance(fact := facts[name], str)
    }
    good = [name for name in names if not isinstance(facts[name], str)]
    items = batch.items.filter(pl.Series([item not in refused for item in ids], dtype=pl.Boolean))
    if not items.height:
        return refused
    scales = np.array([facts[name][0] for name in good])
    sizes = np.array([facts[name][1] for name in good], dtype=np.int64)
    xy = np.stack([items[axis].cast(pl.Float64).to_numpy() for axis in AXES], axis=-1) * scales[:, None]
    at = _cut_at(items, xy, [own[name] for name in good], batch, shifts)
    is_number: NDArray[np.bool_] = np.asarray(np.all(np.isfinite(at), axis=1))
    outside: NDArray[np.bool_] = ~is_number
    for size in np.unique(sizes, axis=0):
        mine = np.all(sizes == size, axis=1) & is_number
        outside[mine] = are_outside(at[mine], (int(size[0]), int(size[1])), box)
    for row in np.flatnonzero(outside):
        x, y = at[row]
        where = f"({x:.0f}, {y:.0f}) of {sizes[row][0]} x {sizes[row][1]} px"
        refused[items[ITEM_ID][int(row)]] = (
            f"its box of {box} px lies outside {own[good[row]]}: {where}"
            if is_number[row]
            else f"its position on {own[good[row]]} is no number"
        )
    moved = [pl.Series(axis, xy[:, n]) for n, axis in enumerate(AXES)]
    kept = items.with_columns(moved).filter(pl.Series(~outside))
    blocks = {} if batch.optics is None else {"optics": batch.optics}
    star.write(root / batch.input_file, {**blocks, "particles": kept})
    wanted = {own[str(name)] for name in kept[MICROGRAPH].to_list()}
    rows = batch.sides[SIDE].filter(pl.col(MICROGRAPH).is_in(list(wanted))).drop(ITEM_ID, strict=False)
    optics = batch.side_optics[SIDE]
    star.write(
        root / micrographs_file, {**({} if optics is None else {"optics": optics}), "micrographs": rows}
    )
    return refused


def beside_earlier_stacks(job: JobFolder, batch: Batch, rows: pl.DataFrame) -> pl.DataFrame:
    """Particles of micrographs of which others were cut before get stacks of their own: those stay as they are."""
    if not batch.begun:
        return rows
    names = [str(name) for name in rows["rlnImageName"].to_list()]
    begun = [key(str(name)) in batch.begun for name in rows[MICROGRAPH].to_list()]
    moved: dict[str, str] = {}
    for name in dict.fromkeys(
        name.rpartition("@")[2] for name, is_begun in zip(names, begun, strict=True) if is_begun
    ):
        stack, number = Path(name), 2
        while (job.root / (fresh := stack.with_name(f"{stack.stem}_part{number}{stack.suffix}"))).exists():
            number += 1
        (batch.job.root / stack).rename(batch.job.root / fresh)
        moved[name] = str(fresh)
    fresh_names = []
    for name in names:
        image, at, stack_name = name.rpartition("@")
        fresh_names.append(f"{image}{at}{moved.get(stack_name, stack_name)}")
    return rows.with_columns(pl.Series("rlnImageName", fresh_names))


def with_pixels_of_partners(
    optics: pl.DataFrame, rows: pl.DataFrame, batch: Batch
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Optics groups that say which pixels the positions count now: those of the micrographs that were cut.

    RELION keeps what the particles' groups said before. A group whose micrographs differ becomes several.
    """
    sizes = _pixel_sizes(batch)
    if not sizes:
        return optics, rows
    own = pl.Series("_size", [sizes[str(name)] for name in rows[MICROGRAPH].to_list()], dtype=pl.Float64)
    tagged = rows.with_columns(own)
    pairs = tagged.select(NUMBER, "_size").unique(maintain_order=True).sort(NUMBER, "_size")
    groups: list[dict[str, Any]] = []
    numbers: dict[tuple[int, float], int] = {}
    known = {int(row[NUMBER]): row for row in optics.iter_rows(named=True)}
    free = max(known, default=0)
    for group, size in pairs.iter_rows():
        first = not any(int(one[NUMBER]) == group for one in groups)
        free += 0 if first else 1
        number = group if first else free
        name = known[group].get("rlnOpticsGroupName") or f"opticsGroup{group}"
        groups.append(
            {
                **known[group],
                NUMBER: number,
                PIXEL_SIZES[0]: size,
                "rlnOpticsGroupName": name if first else f"{name}_{size:g}",
            }
        )
        numbers[group, size] = number
    # Groups of which this batch has no particle come with those that have: their pixels are not known here, and what
    # they said before would make another group of the same.
    table = pl.DataFrame(groups, infer_schema_length=None).sort(NUMBER)
    table = table.select([*optics.columns, *(name for name in table.columns if name not in optics.columns)])
    renumbered = [numbers[pair] for pair in tagged.select(NUMBER, "_size").iter_rows()]
    return table, rows.with_columns(pl.Series(NUMBER, renumbered))


def _picks_to_cut(
    root: Path, name: str, micrograph: str, file: str, choose: Choice
) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """A micrograph's picks in its pixels, and how many were left out for which reason."""
    path = root / file
    table = star.as_table(star.read(path).get("")) if path.stat().st_size else None
    if table is None or not table.height:
        return pl.DataFrame(), {}
    header = read_header(root / micrograph)
    scale = scale_between(root, name, micrograph)
    xy = np.stack([table[axis].cast(pl.Float64, strict=False).to_numpy() for axis in AXES], axis=-1) * scale
    # As all who read these picks have them; RELION carries them into the particles.
    table = table.with_columns(pl.Series(ITEM_ID, ids_of_picks(name, table)))
    moved = table.with_columns(pl.Series(axis, xy[:, n]) for n, axis in enumerate(AXES))
    return choose(moved, header.size)


def _told(batch: Batch, folder: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads((batch.job.root / folder / LEFT_OUT).read_text())
    return told


def _cut_at(
    items: pl.DataFrame, xy: Floats, micrographs: Sequence[str], batch: Batch, shifts: Shifts
) -> Floats:
    """Where RELION will cut: (n, 2), px."""
    if shifts.reset or not shifts.recentre or not set(ORIGINS) <= set(items.columns):
        return xy
    offsets = np.stack([items[label].cast(pl.Float64).to_numpy() for label in ORIGINS], axis=-1)
    sizes = _pixel_sizes(batch)
    angpix = np.array([sizes.get(name, np.nan) for name in micrographs])
    if any(shifts.on) and set(ANGLES) <= set(items.columns):
        angles = np.stack([items[label].cast(pl.Float64).to_numpy() for label in ANGLES], axis=-1)
        centres = np.einsum("nij,j->ni", matrices(angles), np.asarray(shifts.on))[:, :2]
        offsets = offsets - centres * _image_pixel_sizes(items, batch)[:, None]
    # Half a pixel goes away from zero.
    pixels = offsets / angpix[:, None]
    return np.asarray(xy - np.trunc(pixels + np.copysign(0.5, pixels)))


def _pixel_sizes(batch: Batch) -> dict[str, float]:
    """Å per pixel of each micrograph of the batch; empty where its table does not say."""
    optics, rows = batch.side_optics[SIDE], batch.sides[SIDE]
    label = next((name for name in PIXEL_SIZES if optics is not None and name in optics.columns), None)
    if optics is None or label is None or NUMBER not in rows.columns:
        return {}
    by_group = {int(group): float(size) for group, size in optics.select(NUMBER, label).iter_rows()}
    return {str(name): by_group[int(group)] for name, group in rows.select(MICROGRAPH, NUMBER).iter_rows()}


def _image_pixel_sizes(items: pl.DataFrame, batch: Batch) -> Floats:
    """Å per pixel of each particle's image: (n,)."""
    optics = batch.optics
    if optics is None or "rlnImagePixelSize" not in optics.columns:
        return np.full(items.height, np.nan)
    sizes = {
        int(group): float(size) for group, size in optics.select(NUMBER, "rlnImagePixelSize").iter_rows()
    }
    return np.array([sizes.get(int(group), np.nan) for group in items[NUMBER].to_list()])
