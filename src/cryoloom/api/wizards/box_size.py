"""Boxes about picks on a micrograph, and sizes of which Fourier transforms are fast."""

import numpy as np
from numpy.typing import NDArray

from cryoloom.api.wizards.advised import Advised, Asked, taking
from cryoloom.em.names import meant, several_words
from cryoloom.errors import DatasetError, ParameterError
from cryoloom.project.picked_diameter import picked_diameter
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.wizards import Slider
from cryoloom.views.drawn import DrawnPicture

PICTURE_PX, MOST_BOXES = 620, 12
AMBER = (240, 165, 0)
# Numbers whose only prime factors are 2, 3 and 5, and that are even.
FAST = sorted(
    {
        2**a * 3**b * 5**c
        for a in range(1, 12)
        for b in range(6)
        for c in range(4)
        if 2**a * 3**b * 5**c <= 2048
    }
)


def boxed(asked: Asked, of: str, micrographs: str) -> Advised:
    """The box that stands in the form, about picks of a micrograph; sizes for the diameter that was picked."""
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import binned, grey, to_png, with_scale
    from cryoloom.protocol.views import Rows
    from cryoloom.views.imports import pixel_size_of
    from cryoloom.views.tables import frame_of

    picks, table = asked.input(of), asked.input(micrographs)
    frame = frame_of(asked.root, Rows(table.path, columns=("rlnMicrographName",)))
    name, places = _places(asked, picks, [str(one) for one in frame["rlnMicrographName"].to_list()])
    angpix = pixel_size_of(asked.root, table.path, name)
    if not angpix:
        raise DatasetError(table.path, found="no pixel size", expected="one, to say a box in Å")
    picked = picked_diameter(asked.root, picks)
    auto = int(asked.auto(asked.param)) if picked else 128
    box = round(asked.number(asked.param, auto))
    image = read_mrc(asked.root / name.removesuffix(":mrc"))
    factor = -(-max(image.shape) // PICTURE_PX) or 1
    shown = _boxes(grey(binned(image, PICTURE_PX)), places[:MOST_BOXES], box / factor, factor)
    png = to_png(with_scale(shown, angpix * factor))
    said = f"Boxes of {box} px, {box * angpix:.0f} Å, on {name}"
    said += f"; picked for {picked:.0f} Å." if picked else "; nobody has said how large the particles are."
    beyond = sum(1 for x, y in places if min(x, y, image.shape[1] - x, image.shape[0] - y) < box / 2)
    if beyond:
        said += f" {beyond} of {len(places)} picks here lie too near to the edge for it."
    if picked and box * angpix < picked:
        said += " The box is smaller than the particle."
    proposals = [taking({asked.param: str(size)}, "px") for size in FAST if auto <= size][:4]
    slider = Slider(asked.param, 16, min(2048, max(image.shape)), 2)
    return Advised(
        [DrawnPicture(f"{box} px", png)], said, proposals, [slider], name, now={asked.param: float(box)}
    )


def _places(asked: Asked, picks: Dataset, names: list[str]) -> tuple[str, list[tuple[float, float]]]:
    """A micrograph that has picks, by name where one is asked for, and where they are; (x, y) in its pixels."""
    from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of
    from cryoloom.views.tables import numbers, table_of

    folder, suffix = picks.path.rpartition("/")[0], suffix_of(picks.path)
    if asked.item:
        found = meant(asked.item, names)
        if len(found) != 1:
            raise ParameterError(
                f"{asked.form.name}: micrograph {asked.item}", found=several_words(asked.item, found) if found else "unknown",
                expected=f"a name that only one has, or a number from 1 to {len(names)}",
            )  # fmt: skip
        names = found
    for name in names:
        file = asked.root / f"{folder}/{coordinate_file(name, suffix)}"
        if not file.exists():
            continue
        table = table_of(file, "")
        xs, ys = numbers(table, "rlnCoordinateX"), numbers(table, "rlnCoordinateY")
        if xs or asked.item:
            return name, [*zip(xs, ys, strict=True)]
    raise DatasetError(picks.path, found="no pick on any of these micrographs", expected="some")


def _boxes(
    image: NDArray[np.uint8], places: list[tuple[float, float]], side: float, factor: int
) -> NDArray[np.uint8]:
    """A picture (y, x, 3) with a square about each place."""
    from PIL import Image, ImageDraw

    page = Image.fromarray(image).convert("RGB")
    pen = ImageDraw.Draw(page)
    for x, y in places:
        left, top = x / factor - side / 2, y / factor - side / 2
        pen.rectangle((left, top, left + side, top + side), outline=AMBER, width=2)
    return np.asarray(page)
