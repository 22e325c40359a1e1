"""What CTF refinement and polishing begin with: refined particles, and a post-processed map with its half maps."""

from collections.abc import Mapping

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.boxes import PIXEL_TOLERANCE
from cryoloom.protocol import Box, Input, Particles, ProgramProtocol
from cryoloom.protocol.datasets import Postprocess

# Which half map a particle is compared with, in what orientation and with what CTF.
NEEDS_OF_IMAGES = (
    *("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnRandomSubset"),
    *("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"),
)


class RefinedParticles(ProgramProtocol):
    """Particles beside the half maps of their own refinement, which `postprocess.star` names."""

    fn_data: Particles = Input(
        "Particles (from Refine3D or CtfRefine)", flag="--i", needs=NEEDS_OF_IMAGES,
        help="With the orientations and half sets of a refinement.",
    )  # fmt: skip
    fn_post: Postprocess = Input(
        "Postprocess STAR file (from PostProcess)", flag="--f",
        help="Names the half maps and the mask, and says by its FSC how far they are to be trusted.",
    )  # fmt: skip

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        own, of = boxes.get("fn_post"), boxes.get("fn_data")
        if own is None or of is None or self.values.get("accept_unusual"):
            return
        # RELION lays one on the other by the pixel size that the map's header says. A refinement's maps are as large as the
        # particles of one of its groups.
        if any(_is_like(own, box) for box in (of, *of.others)):
            return
        raise ParameterError(
            f"{self.name}: input fn_post", found=f"half maps with a box of {own} ({own.path})",
            expected=f"{of}, as {of.path} has",
            hint="Refine these particles and post-process that refinement. Or accept_unusual=Yes: RELION scales the maps, by "
            "their headers.",
        )  # fmt: skip


def _is_like(one: Box, other: Box) -> bool:
    same_pixel = not one.angpix or not other.angpix or abs(one.angpix - other.angpix) <= PIXEL_TOLERANCE
    return one.is_as_large_as(other) and same_pixel
