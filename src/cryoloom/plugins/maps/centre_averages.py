"""Class averages shifted so that each has its centre of mass in the middle."""

from typing import TYPE_CHECKING, Any

from cryoloom.errors import DatasetError
from cryoloom.protocol import ClassAverages, Input, JobFolder, Output, SetProtocol, SetResult, View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGE, CLASS = "rlnReferenceImage", "rlnClassNumber"
STACK = "class_averages.mrcs"
# Where a class lay in its box: of an image that was moved they say nothing.
OFFSETS = ("rlnClassPriorOffsetX", "rlnClassPriorOffsetY")


class CentreAverages(SetProtocol):
    """Centre class averages, so that what is picked by them has its particle in the middle."""

    name = "maps.centre_averages"
    label = "Centre class averages"
    next = ("relion.autopick",)

    averages: ClassAverages = Input(
        "Class averages",
        help="Those that sets.classes chose; `min_fraction=0 max_resolution_ratio=1000` there chooses all.",
    )

    centred: ClassAverages = Output("Centred class averages", "class_averages.star")

    def compute(self, job: JobFolder) -> SetResult:
        import numpy as np
        import polars as pl

        from cryoloom import star
        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import image_of_reference, write_mrc

        file = job.root / self.averages.path
        tables = [table for table in star.tables_of(star.read(file)).values() if IMAGE in table.columns]
        if len(tables) != 1:
            raise DatasetError(
                f"{self.averages.path}",
                found=f"{len(tables)} tables with {IMAGE}",
                expected="one, of class averages",
            )
        [table] = tables
        pixels = {read_header(job.root / stack_of(reference)).angpix for reference in table[IMAGE]}
        if len(pixels) != 1 or None in pixels:
            raise DatasetError(
                f"{self.averages.path}: {IMAGE}", found=f"stacks whose headers say {sorted(map(str, pixels))} as pixel size",
                expected="one pixel size", hint="Centre the averages of each classification by themselves.",
            )  # fmt: skip
        images, moved = [], []
        for row, reference in enumerate(table[IMAGE], start=1):
            image = np.asarray(image_of_reference(reference, job.root), dtype=np.float32)
            if not np.clip(image, 0, None).sum() > 0:
                raise DatasetError(
                    f"{self.averages.path}: row {row}: {IMAGE}", found=f"{reference}, without a positive pixel",
                    expected="an average whose density has a centre", hint="Leave empty classes out: sets.classes.",
                )  # fmt: skip
            shift = -centre_of_mass(image)
            images.append(shifted(image, shift))
            moved.append(float(np.hypot(*shift)))
        [pixel] = pixels
        assert pixel is not None
        write_mrc(job.path / STACK, np.stack(images), pixel)
        table = table.drop(OFFSETS, strict=False)
        if CLASS not in table.columns:  # the number in the old stack says it, and is gone
            table = table.with_columns(pl.Series(CLASS, [int(one.partition("@")[0]) for one in table[IMAGE]]))
        names = [f"{number:06d}@{job.file(STACK)}" for number in range(1, len(images) + 1)]
        note = f"Moved by {np.median(moved):.1f} px in the median, {max(moved):.1f} px at most."
        made = table.with_columns(pl.Series(IMAGE, names))
        return SetResult({"centred": {"": made}}, {"centred": made.height}, note)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes

        return classes.selection_views(job.name)


def stack_of(reference: str) -> str:
    return reference.rpartition("@")[2]


def centre_of_mass(image: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Of the positive pixels, (y, x) in px from pixel box // 2, as RELION's programs have it."""
    import numpy as np

    weights = np.clip(image.astype(np.float64), 0, None)
    found = [float((weights * axis).sum() / weights.sum()) for axis in np.indices(image.shape)]
    return np.array(found, dtype=np.float64) - np.array(image.shape, dtype=np.int64) // 2


def shifted(image: "NDArray[np.float32]", shift: "NDArray[np.float64]") -> "NDArray[np.float32]":
    """The image moved by (y, x) px, by linear interpolation; what comes in at an edge has left at the other."""
    import numpy as np
    from scipy import ndimage

    moved: NDArray[Any] = ndimage.shift(image, shift, order=1, mode="grid-wrap")
    return moved.astype(np.float32)
