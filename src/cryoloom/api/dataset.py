"""An output of a job, or a file of the project: as a table, as picks, as a map, as a chart."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ProjectError
from cryoloom.project.forms.coordinate_files import table_beside
from cryoloom.protocol import datasets as kinds

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.looking import Seen


@dataclass(frozen=True)
class Dataset:
    """An output of a job, or a file of the project."""

    root: Path
    ref: kinds.Dataset

    @property
    def path(self) -> str:
        return self.ref.path

    @property
    def job(self) -> str:
        return self.ref.job

    @property
    def output(self) -> str:
        return self.ref.output

    @property
    def kind(self) -> str:
        return self.ref.kind

    @property
    def file(self) -> Path:
        """The file to be read: for coordinates our table beside RELION's suffix file."""
        path = self.root / self.ref.path
        return path.with_name(table_beside(path)) if isinstance(self.ref, kinds.Coordinates) else path

    def table(self) -> "pl.DataFrame":
        """The items as a polars frame; `.to_pandas()` gives the other kind.

        Raises:
            ProjectError: a map has no items.
        """
        import polars as pl

        from cryoloom import star

        if self.file.suffix != ".star":
            raise ProjectError(
                f"{self.path}", found=f"a {self.kind}", expected="a table", hint="Use image() for maps."
            )
        tables = {n: table for n, table in star.tables_of(star.read(self.file)).items() if n != "optics"}
        own = tables.get(self.ref.block)
        return own if own is not None else next(iter(tables.values()), pl.DataFrame())

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
            x, y: labels.
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

    def image(self) -> Any:
        """A map as an array (z, y, x)."""
        from cryoloom.images.mrc import read_mrc

        return read_mrc(self.file)

    def __len__(self) -> int:
        return self.table().height
