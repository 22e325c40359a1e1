"""The circle of a mask on particles: their mean, and some of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.api.wizards.advised import Advised, Asked, taking
from cryoloom.errors import DatasetError
from cryoloom.project.picked_diameter import picked_diameter
from cryoloom.protocol.wizards import Proposal, Slider
from cryoloom.views.drawn import DrawnPicture

MEAN_OF, SHOWN = 200, 5
TILE_PX = 130
AMBER = (240, 165, 0)


def mask_diameter(asked: Asked, of: str) -> Advised:
    """The circle that stands in the form now, on the mean of particles and on some of them."""
    from cryoloom.images.mrc import image_of_reference
    from cryoloom.protocol.views import Rows
    from cryoloom.views.tables import frame_of, numbers, table_of

    dataset = asked.input(of)
    frame = frame_of(asked.root, Rows(dataset.path, columns=("rlnImageName",)))
    sizes = {*numbers(table_of(asked.root / dataset.path, "optics"), "rlnImagePixelSize")}
    if "rlnImageName" not in frame.columns or not frame.height:
        raise DatasetError(dataset.path, found="no images", expected="particles (rlnImageName)")
    if len(sizes) != 1:
        raise DatasetError(
            dataset.path, found=f"{len(sizes)} pixel sizes" if sizes else "no pixel size", expected="one, to draw a circle by",
            hint="rlnImagePixelSize of the optics groups.",
        )  # fmt: skip
    angpix = sizes.pop()
    chosen = np.linspace(0, frame.height - 1, min(frame.height, MEAN_OF)).round().astype(int)
    names = [str(frame["rlnImageName"][int(place)]) for place in dict.fromkeys(chosen.tolist())]
    images = [np.asarray(image_of_reference(name, asked.root), dtype=np.float32) for name in names]
    alike = [image for image in images if image.shape == images[0].shape]
    box = images[0].shape[0] * angpix
    picked = picked_diameter(asked.root, dataset)
    auto = asked.auto(asked.param)
    diameter = asked.number(asked.param, auto)
    tiles = [np.mean(alike, axis=0), *alike[:: max(1, len(alike) // SHOWN)][:SHOWN]]
    picture = _sheet(tiles, diameter / angpix)
    proposals = [Proposal(f"Take {auto:g} Å, as auto does", {asked.param: f"{auto:g}"})]
    if picked is not None:
        proposals += [taking({asked.param: f"{round(picked * factor):g}"}, "Å") for factor in (1.2, 1.3)]
    said = f"The mean of {len(alike)} particles, and {len(tiles) - 1} of them; box {box:.0f} Å"
    said += f", picked for {picked:.0f} Å." if picked is not None else "."
    if diameter > box:
        said += " The circle is larger than the box."
    slider = Slider(asked.param, max(round(0.2 * box), 10), float(np.floor(box)), 1)
    return Advised(
        [DrawnPicture(f"{diameter:g} Å", picture)], said, proposals, [slider], now={asked.param: diameter}
    )


def _sheet(images: list[NDArray[Any]], diameter_px: float) -> bytes:
    """Squares beside each other, each with its circle."""
    from PIL import Image

    from cryoloom.images.thumbnails import circles, grey, to_png

    tiles = []
    for image in images:
        side = image.shape[0]
        shown = Image.fromarray(np.ascontiguousarray(grey(image))).resize((TILE_PX, TILE_PX))
        middle = (side // 2 + 0.5) / side * TILE_PX
        tiles.append(circles(np.asarray(shown), [(middle, middle)], diameter_px / side * TILE_PX / 2, AMBER))
    return to_png(np.concatenate(tiles, axis=1))
