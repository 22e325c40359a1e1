"""Filaments for relion_preprocess: the ends or segments that it takes, and ids for the segments that it makes of ends.

As measured with RELION 3.1.3: the nth pair of rows becomes filament n of its micrograph; an odd number of ends, or segments
without their labels, end its whole call. It leaves out itself what it cannot cut: segments whose box crosses the micrograph's
edge. Of ends no column travels on, so that segments need ids; those of segments that were picked travel.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import polars as pl

from cryoloom.errors import DatasetError
from cryoloom.project.item_ids import item_id
from cryoloom.protocol.jobs import ITEM_ID, Remark

MICROGRAPH, AXES = "rlnMicrographName", ("rlnCoordinateX", "rlnCoordinateY")
TUBE, TRACK = "rlnHelicalTubeID", "rlnHelicalTrackLengthAngst"
OF_SEGMENTS = (TUBE, "rlnAngleTiltPrior", "rlnAnglePsiPrior", TRACK)

Chosen = tuple[pl.DataFrame, Mapping[str, int]]  # what is cut, and how many were left out for which reason


def ends_to_cut(picks: pl.DataFrame, size: tuple[int, int]) -> Chosen:
    """The pairs of ends that RELION can make segments of, each whole or not at all.

    Raises:
        DatasetError: an end has no other, or these are segments: RELION would take each two of them for a filament.
    """
    if TUBE in picks.columns:
        raise DatasetError(
            "coordinates", found=f"segments of filaments, with {TUBE}", expected="ends of filaments, two for each",
            hint="Give do_extract_helical_tubes=No: they are cut as they were picked.",
        )  # fmt: skip
    if picks.height % 2:
        raise DatasetError(
            "coordinates", found=f"{picks.height} ends of filaments", expected="two for each filament, one after the other",
            hint="Pick the end that is missing, or give do_extract_helical_tubes=No for segments.",
        )  # fmt: skip
    numbers = _are_numbers(picks).reshape(-1, 2).all(axis=1)
    kept = picks.filter(pl.Series(np.repeat(numbers, 2), dtype=pl.Boolean))
    return kept, _said({"without a position left out": int((~numbers).sum())})


def segments_to_cut(picks: pl.DataFrame, size: tuple[int, int]) -> Chosen:
    """The segments that have a position.

    Raises:
        DatasetError: they do not say of which filament they are, or its direction.
    """
    if missing := [label for label in OF_SEGMENTS if label not in picks.columns]:
        raise DatasetError(
            "coordinates", found=f"without {', '.join(missing)}", expected="segments as helical picking gives them",
            hint="Of picked ends of filaments give do_extract_helical_tubes=Yes; of other picks do_extract_helix=No.",
        )  # fmt: skip
    numbers = _are_numbers(picks)
    kept = picks.filter(pl.Series(numbers, dtype=pl.Boolean))
    return kept, _said({"without a position left out": int((~numbers).sum())})


def with_ids_of_segments(
    rows: pl.DataFrame, given: Mapping[str, pl.DataFrame], *, are_cut: bool
) -> pl.DataFrame:
    """Segments with ids of their own: from the ends of their filament and their way along it in Å.

    So a segment keeps its id in another box or binning.

    Args:
        rows: particles as RELION wrote them.
        given: micrographs with the ends of their filaments.
        are_cut: whether a filament has segments, or one box at its middle.
    """
    ends = {name: picks[ITEM_ID].cast(pl.String).to_list() for name, picks in given.items()}
    found = []
    for name, tube, track in rows.select(MICROGRAPH, TUBE, TRACK).iter_rows():
        first = 2 * (int(tube) - 1)
        # Copies of a micrograph in other pixels differ by rounding.
        way = f"{float(track):.1f}" if are_cut else "middle"
        found.append(item_id(f"{' '.join(ends[name][first : first + 2])} {way}"))
    return rows.with_columns(pl.Series(ITEM_ID, found, dtype=pl.String))


def lost_segments(rows: pl.DataFrame | None, given: Mapping[str, pl.DataFrame]) -> list[Remark]:
    """How many of the picked segments RELION left out, which it says to nobody.

    Args:
        rows: particles as RELION wrote them; None: there is none.
        given: micrographs with the segments that were to be cut.
    """
    cut = _cut(rows)
    lost = {name: picks.height - cut[name] for name, picks in given.items()}
    return [
        Remark(_file(name), "too near to the edge left out", count, "segment")
        for name, count in lost.items()
        if count
    ]


def lost_filaments(rows: pl.DataFrame | None, given: Mapping[str, pl.DataFrame]) -> list[Remark]:
    """The micrographs whose filaments came to no segment; of the others nobody knows how many there would have been.

    Args:
        rows: particles as RELION wrote them; None: there is none.
        given: micrographs with the ends of their filaments.
    """
    cut = _cut(rows)
    words = "no segment of its filaments has its whole box on it"
    return [Remark(_file(name), words) for name in given if not cut[name]]


def _cut(rows: pl.DataFrame | None) -> Counter[str]:
    """How many particles there are of each micrograph."""
    return Counter([] if rows is None else rows[MICROGRAPH].to_list())


def _file(micrograph: str) -> str:
    return micrograph.rpartition("/")[2]


def _are_numbers(picks: pl.DataFrame) -> np.typing.NDArray[np.bool_]:
    xy = np.stack([picks[axis].cast(pl.Float64, strict=False).to_numpy() for axis in AXES], axis=-1)
    return np.asarray(np.isfinite(xy).all(axis=1))


def _said(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {words: count for words, count in counts.items() if count}
