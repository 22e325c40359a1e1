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
    """A PNG. `ids`: of a gallery, the item of each image."""

    title: str
    png: bytes
    caption: str = ""
    ids: tuple[str, ...] = ()


Drawn: TypeAlias = DrawnChart | DrawnPicture | Metrics | TableBlock | Text
