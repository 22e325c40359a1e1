"""The body file of a multi-body refinement, made of a mask for each body."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.protocol import Box, Input, JobFolder, Mask, Output, Param, SetProtocol, SetResult, View
from cryoloom.protocol.datasets import PlainFile

HALF = 0.5  # a mask's edge
HALF_TURN = 180
# With 33 % shared the turns of the simulator's lid are found with a correlation of 0.86, with 57 % with 0.25.
SHARED = 0.4


class Bodies(SetProtocol):
    """Say which masks are the bodies of a multi-body refinement, and how far each may move."""

    name = "relion.bodies"
    label = "Bodies of a multi-body refinement"
    cites = ("Nakane2018",)
    next = ("relion.multibody",)

    fn_mask: Mask = Input(
        "Masks of the bodies", several=True,
        help="Soft, of the consensus map, the largest body first: fn_mask=9 fn_mask=10. Neighbours may share their edges.",
    )  # fmt: skip
    rotate_relative_to: str = Param(
        "auto", "Each turns relative to body",
        help="Numbers from 1 with commas, one a body: `2,1,1`. auto: the first to the second, all others to the first.",
    )  # fmt: skip
    sigma_angles: str = Param(
        "10", "Standard deviation of angles", unit="°",
        help="How far a body turns from the consensus; one number for all, or one a body with commas.",
    )  # fmt: skip
    sigma_offset: str = Param(
        "3", "Standard deviation of offsets", unit="Å",
        help="How far a body shifts from the consensus; one number for all, or one a body with commas.",
    )  # fmt: skip

    bodies: PlainFile = Output("Body STAR file", "bodies.star")

    def check(self) -> None:
        super().check()
        masks = self.datasets_of("fn_mask")
        if len(masks) < 2:
            raise ParameterError(
                f"{self.name}: input fn_mask", found=f"{len(masks)} mask", expected="one for each body, two at least",
                hint="Give the input again: fn_mask=JOB fn_mask=JOB.",
            )  # fmt: skip
        paths = [dataset.path for dataset in masks.values()]
        if twice := [path for path in paths if paths.count(path) > 1]:
            raise ParameterError(
                f"{self.name}: input fn_mask",
                found=f"{twice[0]} twice",
                expected="a mask of its own for each body",
            )
        for number, other in enumerate(self._relative(), start=1):
            if other == number or not 1 <= other <= len(masks):
                raise ParameterError(
                    f"{self.name}: parameter rotate_relative_to", found=f"{other:g} for body {number}",
                    expected=f"another body, from 1 to {len(masks)}",
                )  # fmt: skip
        for name in ("sigma_angles", "sigma_offset"):
            self._numbers(name)

    def _relative(self) -> list[int]:
        count = len(self.datasets_of("fn_mask"))
        if self.rotate_relative_to.strip().lower() == "auto":
            return [2, *[1] * (count - 1)]
        return [int(number) for number in self._numbers("rotate_relative_to")]

    def _numbers(self, name: str) -> list[float]:
        """A number for each body.

        Raises:
            ParameterError: there are others, or what is no number.
        """
        count, text = len(self.datasets_of("fn_mask")), str(self.values[name])
        try:
            found = [float(word) for word in text.split(",")]
        except ValueError:
            found = []
        if name != "rotate_relative_to" and len(found) == 1:
            found *= count
        if len(found) != count or any(number < 0 for number in found):
            raise ParameterError(
                f"{self.name}: parameter {name}",
                found=repr(text),
                expected=f"{count} numbers with commas, one a body",
            )
        if name == "sigma_angles" and max(found) > HALF_TURN:
            raise ParameterError(
                f"{self.name}: parameter sigma_angles", found=f"{max(found):g}°", expected=f"at most {HALF_TURN}°",
                hint="Bodies turn by some degrees; more than half a turn there is not.",
            )  # fmt: skip
        return found

    def compute(self, job: JobFolder) -> SetResult:
        import polars as pl

        masks = [dataset.path for dataset in self.datasets_of("fn_mask").values()]
        table = pl.DataFrame({
            "rlnBodyMaskName": masks,
            "rlnBodyRotateRelativeTo": self._relative(),
            "rlnBodySigmaAngles": self._numbers("sigma_angles"),
            "rlnBodySigmaOffsetAngst": self._numbers("sigma_offset"),
        })  # fmt: skip
        notes = _doubts([job.root / path for path in masks])
        return SetResult({"bodies": {"": table}}, {"bodies": len(masks)}, " ".join(notes))

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        own = {name: box for name, box in boxes.items() if name.startswith("fn_mask")}
        first = next(iter(own.values()), None)
        for name, box in own.items():
            if first is not None and not box.is_as_large_as(first):
                raise ParameterError(
                    f"{self.name}: input {name}",
                    found=f"{box.path}, a box of {box}",
                    expected=f"{first}, as {first.path} has",
                )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return [counts.table_view("bodies", "Bodies", "A row for each body.", job.file("bodies.star"))]


def _doubts(masks: Sequence[Path]) -> list[str]:
    """What makes masks look wrong as bodies, in sentences."""
    from cryoloom.images.mrc import read_mrc

    # One after the other: masks are as large as maps, and five need not be held at once.
    together = read_mrc(masks[0])
    for path in masks[1:]:
        together = together + read_mrc(path)
    volumes, said = [], []
    for number, path in enumerate(masks, start=1):
        own = read_mrc(path)
        volumes.append(float(own.sum()))
        shared = float(own[together - own > HALF].sum())
        if shared > SHARED * volumes[-1]:
            said.append(
                f"Body {number} shares {shared / volumes[-1]:.0%} of its mask with others, and can hardly move by itself:"
                " give each point to the body whose density it is, with a soft edge."
            )
    if volumes != sorted(volumes, reverse=True):
        said.append("A later body is larger than one before it: RELION aligns the first ones best.")
    return said
