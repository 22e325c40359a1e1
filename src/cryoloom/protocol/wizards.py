"""What helps a user to find a value: declared beside the parameter, drawn from the data by `api.wizards`.

A wizard shows pictures and charts of the values that stand in the form now, and proposes others. A plugin's own is `OwnWizard`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.views import Block


@dataclass(frozen=True, slots=True)
class MaskDiameter:
    """The circle of `particle_diameter` on particles; proposed from what was picked, and from the box.

    `of`: the input with the images.
    """

    of: str


@dataclass(frozen=True, slots=True)
class MaskThreshold:
    """The edges of a mask on slices of its map, for the threshold, filter and widths in the form. `of`: the map."""

    of: str


@dataclass(frozen=True, slots=True)
class LowPass:
    """A map as it is and filtered to the parameter's resolution. `of`: the map."""

    of: str


@dataclass(frozen=True, slots=True)
class PickingTrial:
    """Picks of the values in the form on one micrograph, by the program itself. `of`: the micrographs."""

    of: str


@dataclass(frozen=True, slots=True)
class GroupsOfDefocus:
    """How many groups, and how large. `of`: the particles."""

    of: str


@dataclass(frozen=True, slots=True)
class GainOrientation:
    """The ways in which a gain may lie, with how well each fits. `of`: the movies; `gain`: the parameter with its file."""

    of: str
    gain: str


@dataclass(frozen=True, slots=True)
class BoxSize:
    """Boxes on a micrograph about its picks; sizes of which Fourier transforms are fast.

    `of`: the picks; `micrographs`: on what.
    """

    of: str
    micrographs: str


@dataclass(frozen=True, slots=True)
class SymmetryOfMap:
    """The point group that a map has. `of`: the map."""

    of: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Values that a wizard offers, by parameter, as texts; `words`: on the button, `Take 150 Å`."""

    words: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Slider:
    """A parameter that may be moved while one looks."""

    param: str
    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class Advice:
    """What a wizard shows: blocks, a sentence on them, proposals, what may be moved."""

    blocks: Sequence[Block]
    said: str = ""
    proposals: Sequence[Proposal] = ()
    sliders: Sequence[Slider] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it stands: values of all parameters, datasets of the inputs that were given."""

    root: Path
    values: Mapping[str, Any]
    inputs: Mapping[str, Dataset]


@dataclass(frozen=True, slots=True)
class OwnWizard:
    """A plugin's own. `of`: inputs that it needs; `look`: from a form to advice."""

    title: str
    help: str
    look: Callable[[Form], Advice]
    of: Sequence[str] = field(default=())


Wizard: TypeAlias = (
    MaskDiameter
    | MaskThreshold
    | LowPass
    | PickingTrial
    | GroupsOfDefocus
    | GainOrientation
    | BoxSize
    | SymmetryOfMap
    | OwnWizard
)

_TITLES: Mapping[type, str] = {
    MaskDiameter: "See the circle on particles",
    MaskThreshold: "See the mask on its map",
    LowPass: "See the map at this resolution",
    PickingTrial: "Try it on a micrograph",
    GroupsOfDefocus: "See the groups",
    GainOrientation: "See how it may lie",
    BoxSize: "See the box on a micrograph",
    SymmetryOfMap: "Find it in the map",
}


def title_of(wizard: Wizard | None) -> str:
    """On its button; "" where there is none."""
    if wizard is None:
        return ""
    return wizard.title if isinstance(wizard, OwnWizard) else _TITLES[type(wizard)]
