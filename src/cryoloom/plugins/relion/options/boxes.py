"""What RELION's refinement programs want of boxes: reference as the particles, mask as the reference, diameter within."""

from collections.abc import Mapping

from cryoloom.errors import ParameterError
from cryoloom.protocol import Box, Protocol

PIXEL_TOLERANCE = 0.001  # Å; RELION's own
TRUSTED = "--trust_ref_size"


def check_diameter(protocol: Protocol, boxes: Mapping[str, Box], diameter: float | str) -> None:
    """That the circular mask lies within the particles' box; one that is `auto` will.

    Raises:
        ParameterError: it is larger, and the user does not stand by it.
    """
    given = boxes.get("fn_img")
    if isinstance(diameter, str) or given is None or _is_accepted(protocol):
        return
    # RELION draws one circle in the images of all optics groups.
    for box in (given, *given.others):
        if box.angpix and diameter > box.extent:
            raise ParameterError(
                f"{protocol.name}: parameter particle_diameter", found=f"{diameter:g} Å",
                expected=f"less than the box of {box.path}, {box} or {box.extent:.4g} Å",
                hint="Larger than the particle, smaller than the box. If it is meant, add accept_unusual=Yes.",
            )  # fmt: skip


def check_reference(protocol: Protocol, boxes: Mapping[str, Box], name: str) -> None:
    """That a reference has the particles' box and pixel size, without which RELION 3.1 does not begin.

    Raises:
        ParameterError: it has others, and RELION is not told to scale the particles to it.
    """
    own, of = boxes.get(name), boxes.get("fn_img")
    if own is None or of is None or _fits(own, of) or TRUSTED in str(protocol.values.get("other_args", "")):
        return
    raise ParameterError(
        f"{protocol.name}: input {name}", found=f"{own.path}, a box of {own}", expected=f"{of}, as {of.path} has",
        hint="relion.image_handler scales and cuts maps (rescale_angpix, new_box). "
        f"Or other_args={TRUSTED}: the particles are scaled to the reference.",
    )  # fmt: skip


def check_mask(protocol: Protocol, boxes: Mapping[str, Box], name: str) -> None:
    """That a mask has the particles' box and pixel size. RELION scales and cuts it by what its header says, which may be wrong.

    Raises:
        ParameterError: it has others, and the user does not stand by it.
    """
    own, of = boxes.get(name), boxes.get("fn_img")
    if own is None or of is None or _fits(own, of) or _is_accepted(protocol):
        return
    raise ParameterError(
        f"{protocol.name}: input {name}", found=f"{own.path}, a box of {own}", expected=f"{of}, as {of.path} has",
        hint="Make the mask of a map with this box: relion.maskcreate. "
        "Or accept_unusual=Yes: RELION scales and cuts it, by its header.",
    )  # fmt: skip


def _fits(one: Box, other: Box) -> bool:
    if not one.is_as_large_as(other):
        return False
    return not one.angpix or not other.angpix or abs(one.angpix - other.angpix) <= PIXEL_TOLERANCE


def _is_accepted(protocol: Protocol) -> bool:
    return bool(protocol.values.get("accept_unusual"))
