"""A map as it is, and low-pass filtered to what stands in the form."""

from cryoloom.api.lowpass_preview import USUAL, lowpass_preview
from cryoloom.api.wizards.advised import Advised, Asked, taking
from cryoloom.protocol.wizards import Slider


def filtered(asked: Asked, of: str) -> Advised:
    """Slices of the map, and of what a reference or a mask would begin with."""
    dataset = asked.input(of)
    whole = lowpass_preview(None, str(asked.root / dataset.path), ())
    finest, box = 2 * whole.angpix, whole.angpix * whole.filtered[0].slices[0].shape[0]
    resolution = min(max(asked.number(asked.param, USUAL[0]), finest), box)
    shown = lowpass_preview(None, str(asked.root / dataset.path), (resolution,))
    now = shown.filtered[1]
    said = f"At {resolution:g} Å {100 * now.variance_left:.0f} % of the map's variance are left."
    proposals = [taking({asked.param: f"{one:g}"}, "Å") for one in USUAL if finest <= one <= box]
    slider = Slider(asked.param, round(finest, 1), round(min(box, 100)), 1)
    return Advised(shown.look().parts, said, proposals, [slider], now={asked.param: resolution})
