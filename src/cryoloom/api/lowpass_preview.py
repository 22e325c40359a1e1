"""A map as it is when it is low-pass filtered: what a reference or a mask begins with at each resolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ImageError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cryoloom.api.looking import Seen
    from cryoloom.api.project import Project

USUAL = (60.0, 40.0, 20.0, 10.0)
TILE_PX = 190


@dataclass(frozen=True, slots=True)
class Filtered:
    """A map at one resolution; its central slices are (y, x), (z, x) and (z, y)."""

    resolution: float  # Å; 0: as it is
    variance_left: float  # part of the map's own
    highest: float  # its largest value
    slices: "tuple[NDArray[Any], ...]"

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without pixels."""
        return {"resolution": self.resolution, "variance_left": self.variance_left, "highest": self.highest}


@dataclass(frozen=True, slots=True)
class LowpassPreview:
    """A map as it is, and at each resolution."""

    file: str
    angpix: float
    filtered: tuple[Filtered, ...]  # the first as it is

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"map": self.file, "angpix": self.angpix, "filtered": [one.as_dict() for one in self.filtered]}

    def look(self) -> "Seen":
        """Central slices, a row for each resolution, all at one scale."""
        from cryoloom.api.looking import Seen
        from cryoloom.images.thumbnails import sheet
        from cryoloom.views.drawn import DrawnPicture
        from cryoloom.views.pictures import SLICES

        words = [f"{one.resolution:g} Angstrom" if one.resolution else "as it is" for one in self.filtered]
        images = [image for one in self.filtered for image in one.slices]
        labels = [f"{plane}, {word}" for word in words for plane in SLICES]
        png = sheet(images, labels, columns=len(SLICES), tile_px=TILE_PX, angpix=self.angpix)
        return Seen((DrawnPicture(f"{Path(self.file).name}, low-pass filtered", png),))


def resolutions(text: str) -> tuple[float, ...]:
    """`20,10,8`, in Å.

    Raises:
        ParameterError: one of them is no number.
    """
    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise ParameterError(
            f"resolutions {text!r}", found="no numbers", expected="Å with commas between: 20,10,8"
        ) from None


def lowpass_preview(project: "Project | None", asked: str, at: Sequence[float] = ()) -> LowpassPreview:
    """A map filtered to several resolutions, softly over two shells as RELION does it.

    Args:
        project: of which the job is; None: `asked` is a file.
        asked: a job that gives a map, or a map's file.
        at: resolutions in Å; without any 60, 40, 20 and 10, as far as the map's pixels reach.
    Raises:
        CryoloomError: no such job, or one without a map.
        ImageError: no cubic map with a pixel size.
        ParameterError: a resolution that the map's pixels do not have, or one that is none.
    """
    import numpy as np

    from cryoloom.api.suggesting import map_of
    from cryoloom.em.fourier import low_pass
    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc
    from cryoloom.views.pictures import central_slices

    path = map_of(project, asked, "suggest lowpass")
    header = read_header(path)
    if not header.angpix:
        raise ImageError(f"{path}", found="no map with a pixel size", expected="one")
    volume = np.asarray(read_mrc(path), dtype=np.float64)
    if volume.ndim != 3 or len(set(volume.shape)) > 1:
        shape = " x ".join(str(size) for size in volume.shape[::-1])
        raise ImageError(f"{path}", found=f"an image of {shape} px", expected="a cubic map")
    finest = 2 * header.angpix
    box = header.angpix * volume.shape[0]
    chosen = [*at] or [one for one in USUAL if finest <= one <= box]
    for one in chosen:
        if not finest <= one <= box:
            raise ParameterError(
                f"{path}: resolution {one:g} Å", found="not one of this map's",
                expected=f"{finest:g} Å, two pixels, to {box:g} Å, its box",
            )  # fmt: skip
    whole = float(volume.var()) or 1.0

    def shown(resolution: float, values: "NDArray[Any]") -> Filtered:
        slices = tuple(np.array(one, dtype=np.float32) for one in central_slices(values))
        return Filtered(resolution, round(float(values.var()) / whole, 4), float(values.max()), slices)

    rows = [shown(0.0, volume), *(shown(one, low_pass(volume, header.angpix, one)) for one in chosen)]
    return LowpassPreview(str(path), header.angpix, (*rows,))
