"""An output of a job, or a file of the project: as a table, as picks, as a map, as a chart."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ImageError, ProjectError, StarError
from cryoloom.project.forms.coordinate_files import table_beside
from cryoloom.protocol import datasets as kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from cryoloom.api.looking import Seen


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels, and how large one is in Å."""

    pixels: "NDArray[Any]"
    angpix: float


@dataclass(frozen=True, repr=False)
class Dataset:
    """An output of a job, or a file of the project."""

    root: Path
    ref: kinds.Dataset

    @property
    def path(self) -> str:
        """Its file, from the project's folder; of coordinates RELION's suffix file."""
        return self.ref.path

    @property
    def job(self) -> str:
        """The job that made it; "" for a file that no job of ours made."""
        return self.ref.job

    @property
    def output(self) -> str:
        """The name of that job's output."""
        return self.ref.output

    @property
    def kind(self) -> str:
        """`particles`, `micrographs`, `volume` and so on."""
        return self.ref.kind

    @property
    def file(self) -> Path:
        """The file to be read: for coordinates our table beside RELION's suffix file."""
        path = self.root / self.ref.path
        return path.with_name(table_beside(path)) if isinstance(self.ref, kinds.Coordinates) else path

    def table(self, columns: "Sequence[str] | str | None" = None, *, where: str = "") -> "pl.DataFrame":
        """The items as a polars frame; `.to_pandas()` gives the other kind.

        Args:
            columns: labels, or one; None for all. Of a large table the others are not even parsed.
            where: only the items for which this holds, `rlnCtfMaxResolution < 4`.
        Raises:
            ProjectError: a map has no items.
            StarError: a label that is not there, or a condition that cannot be judged.
        """
        import polars as pl

        from cryoloom import star
        from cryoloom.star.expressions import labels_in, rows_that_hold

        if self.file.suffix != ".star":
            raise ProjectError(
                f"{self.path}", found=f"a {self.kind}", expected="a table", hint="Use volume() for maps."
            )
        if isinstance(columns, str):
            columns = [columns]
        read = None if columns is None else {*columns, *((labels_in(where) or ()) if where else ())}
        blocks = star.read(self.file, columns=read)
        tables = {name: table for name, table in star.tables_of(blocks).items() if name != "optics"}
        own = tables.get(self.ref.block)
        table = own if own is not None else next(iter(tables.values()), pl.DataFrame())
        if where:
            table = table.filter(rows_that_hold(table, where))
        if columns is None:
            return table
        missing = [label for label in columns if label not in table.columns]
        if missing:
            raise StarError(f"{self.path}", found=f"without {missing[0]}", expected="a table with that label")
        return table.select(columns)

    def images(self, rows: "pl.DataFrame | None" = None) -> "Pixels":
        """The items' images, in the order of the rows.

        Args:
            rows: of this set's table, with their image and optics group; None for all.
        Returns:
            (n, y, x) float32 and the pixel size.
        Raises:
            ProjectError: no rows of a table; items without images, or of several boxes or pixel sizes: take those of
                one optics group.
            ImageError: an image that is not there.
        """
        import numpy as np
        import polars as pl

        from cryoloom.images.mrc import image_of_reference

        if not isinstance(rows, pl.DataFrame | None):
            raise ProjectError(
                f"{self.path}: images", found=f"a {type(rows).__name__}", expected="rows of its table",
                hint="For the first three: images(table()[:3]).",
            )  # fmt: skip
        chosen = self.table() if rows is None else rows
        if "rlnImageName" not in chosen.columns:
            raise ProjectError(
                f"{self.path}", found="without rlnImageName", expected="rows of items with images"
            )
        images = [
            np.asarray(image_of_reference(str(name), self.root)) for name in chosen["rlnImageName"].to_list()
        ]
        sizes = sorted({image.shape for image in images})
        if len(sizes) > 1:
            raise ProjectError(
                f"{self.path}", found=f"boxes of {sizes[0]} and {sizes[1]} px", expected="one box"
            )
        stack = np.stack(images).astype(np.float32) if images else np.zeros((0, 0, 0), np.float32)
        return Pixels(stack, self._image_pixel_size(chosen))

    def _image_pixel_size(self, rows: "pl.DataFrame") -> float:
        optics = self.optics()
        if (
            optics is None
            or "rlnImagePixelSize" not in optics.columns
            or "rlnOpticsGroup" not in rows.columns
        ):
            raise ProjectError(
                f"{self.path}", found="without rlnImagePixelSize", expected="optics groups that say it"
            )
        groups = optics.filter(optics["rlnOpticsGroup"].is_in(rows["rlnOpticsGroup"].unique().implode()))
        sizes = sorted(set(groups["rlnImagePixelSize"].to_list()))
        if len(sizes) != 1:
            raise ProjectError(
                f"{self.path}", found=f"pixel sizes of {', '.join(f'{size:g}' for size in sizes) or 'no'} Å", expected="one",
                hint="Choose the rows of one optics group: table(where='rlnOpticsGroup = 1').",
            )  # fmt: skip
        return float(sizes[0])

    def picks(self) -> "pl.DataFrame":
        """Of coordinates: all picks in one table, each with its micrograph.

        Raises:
            ProjectError: these are no coordinates.
        """
        from cryoloom.runner.picks import PickReader

        if not isinstance(self.ref, kinds.Coordinates):
            raise ProjectError(f"{self.path}", found=f"a set of {self.kind}", expected="coordinates")
        return PickReader(self.root, self.ref).picks(self.table())

    def plot(self, x: str, y: str = "", kind: str = "", *, where: str = "") -> "Seen":
        """A histogram of one column, or one over another; shows itself in a notebook.

        Args:
            x: a label.
            y: another one; "" for a histogram of `x`.
            kind: histogram, scatter or line; by default what suits the number of labels.
            where: only the items for which this holds, `rlnCtfMaxResolution < 4`.
        Raises:
            ParameterError: a label that is missing or no number.
            StarError: a condition that cannot be judged.
        """
        from cryoloom.api.looking import Seen
        from cryoloom.star.expressions import rows_that_hold
        from cryoloom.views.columns import column_chart

        table = self.table()
        return Seen(
            (column_chart(table.filter(rows_that_hold(table, where)) if where else table, x, y, kind),)
        )

    def optics(self) -> "pl.DataFrame | None":
        """The optics table, where the dataset has one."""
        from cryoloom import star

        return star.as_table(star.read(self.file).get("optics"))

    def volume(self) -> "Pixels":
        """A map or mask: (z, y, x) and its pixel size.

        Raises:
            ProjectError: these are items, and no map.
            ImageError: no MRC file, or one whose header says no pixel size.
        """
        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import read_mrc

        if self.file.suffix == ".star":
            raise ProjectError(
                f"{self.path}",
                found=f"a table of {self.kind}",
                expected="a map",
                hint="images() gives the items' images.",
            )
        angpix = read_header(self.file).angpix
        if not angpix:
            raise ImageError(f"{self.path}", found="without a pixel size in its header", expected="a map")
        return Pixels(read_mrc(self.file), angpix)

    def __len__(self) -> int:
        """The number of items."""
        return self.table().height

    def __repr__(self) -> str:
        made_by = f" of {self.job}:{self.output}" if self.job else ""
        return f"<Dataset {self.path} {self.kind}{made_by}>"
