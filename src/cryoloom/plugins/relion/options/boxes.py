"""What RELION's refinement programs want of boxes: reference as the particles, mask as the reference, diameter within."""

from collections.abc import Mapping

from cryoloom.errors import ParameterError
from cryoloom.protocol import Box, HalfMaps, Protocol

PIXEL_TOLERANCE = 0.001  # Å; RELION's own
CALIBRATION = 0.1  # of pixel sizes; magnifications are known better than this
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


def check_even(protocol: Protocol, boxes: Mapping[str, Box]) -> None:
    """That particles have an even box; RELION refuses others when hours of other jobs are done.

    Raises:
        ParameterError: they have an odd one.
    """
    given = boxes.get("fn_img")
    for box in (given, *given.others) if given is not None else ():
        if box.px % 2:
            raise ParameterError(
                f"{protocol.name}: input fn_img", found=f"{box.path}, a box of {box.px} px", expected="an even one",
                hint="Extract them with an even box; relion.preprocess cuts them (window).",
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


def check_map_mask(protocol: Protocol, boxes: Mapping[str, Box], name: str, *, of: str) -> None:
    """That a mask has as many pixels as the map on which a program lays it.

    RELION looks at boxes only, and late; of pixel sizes the job says what it lays on each other.

    Raises:
        ParameterError: it has not.
    """
    own, other = boxes.get(name), boxes.get(of)
    if own is not None and other is not None and not own.is_as_large_as(other):
        raise ParameterError(
            f"{protocol.name}: input {name}", found=f"{own.path}, a box of {own}",
            expected=f"{other}, as {other.path} has", hint="Make the mask of this map: relion.maskcreate.",
        )  # fmt: skip


def check_same_pixels(protocol: Protocol, boxes: Mapping[str, Box], name: str, *, of: str) -> None:
    """That one map is of the pixels of another, where a program is told one pixel size for both and looks at no header.

    Raises:
        ParameterError: it has fewer or more of them, or their sizes differ by more than a calibration.
    """
    check_map_mask(protocol, boxes, name, of=of)
    own, other = boxes.get(name), boxes.get(of)
    if own is None or other is None or not own.angpix or not other.angpix or _is_accepted(protocol):
        return
    if abs(own.angpix / other.angpix - 1) > CALIBRATION:
        raise ParameterError(
            f"{protocol.name}: input {name}", found=f"{own.path}, with pixels of {own.angpix:.4g} Å",
            expected=f"about {other.angpix:.4g} Å, as {other.path} says: both are taken for one size",
            hint="relion.image_handler scales and cuts maps (rescale_angpix, new_box).",
        )  # fmt: skip


def check_calibrated(protocol: Protocol, boxes: Mapping[str, Box], name: str) -> None:
    """That a given pixel size is a calibration of the one in the map's header, and no other number.

    Raises:
        ParameterError: they are further apart than any calibration, and the user does not stand by it.
    """
    own, given = boxes.get(name), protocol.values["angpix"]
    if own is None or not own.angpix or given <= 0 or _is_accepted(protocol):
        return
    if abs(given / own.angpix - 1) > CALIBRATION:
        raise ParameterError(
            f"{protocol.name}: parameter angpix", found=f"{given:g} Å",
            expected=f"about {own.angpix:.4g} Å, as {own.path} says",
            hint="A calibration changes few per cent. If it is meant, add accept_unusual=Yes.",
        )  # fmt: skip


def check_half(protocol: Protocol, name: str) -> None:
    """That a half map's name tells the other's.

    Raises:
        ParameterError: it does not.
    """
    given = protocol.given[name]
    if isinstance(given, HalfMaps) and given and not given.has_other:
        raise ParameterError(
            f"{protocol.name}: input {name}",
            found=given.path,
            expected="a name with half1, so that half2 is found",
        )


def _fits(one: Box, other: Box) -> bool:
    if not one.is_as_large_as(other):
        return False
    return not one.angpix or not other.angpix or abs(one.angpix - other.angpix) <= PIXEL_TOLERANCE


def _is_accepted(protocol: Protocol) -> bool:
    return bool(protocol.values.get("accept_unusual"))
