"""What can be drawn: a block with its data."""

from dataclasses import dataclass
from typing import TypeAlias

from cryoloom.protocol.views import Metrics, TableBlock, Text
from cryoloom.views.charts import Spec


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A Vega-Lite declaration with its data."""

    title: str
    spec: Spec
    caption: str = ""


@dataclass(frozen=True, slots=True)
class DrawnPicture:
    """A PNG. `ids`: of a gallery, the item of each image. `angpix`: Å per pixel of it, 0 where there is no one scale.

    `frames`: of a comparison, each of the two by its name, as PNGs of one size and scale, so that a page can blink.
    """

    title: str
    png: bytes
    caption: str = ""
    ids: tuple[str, ...] = ()
    angpix: float = 0.0
    frames: tuple[tuple[str, bytes], ...] = ()


Drawn: TypeAlias = DrawnChart | DrawnPicture | Metrics | TableBlock | Text
