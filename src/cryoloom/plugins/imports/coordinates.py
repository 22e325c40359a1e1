"""Import of coordinates: one STAR file a micrograph, or one for all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.plugins.imports.patterns import patterns_of
from cryoloom.project.forms.coordinate_files import coordinate_file
from cryoloom.project.item_ids import pick_ids
from cryoloom.project.paths import inside
from cryoloom.protocol import (
    ADVANCED,
    Batch,
    BatchResult,
    Coordinates,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
    View,
)
from cryoloom.protocol.jobs import ITEM_ID, Remark

if TYPE_CHECKING:
    import polars as pl

EXACT, WITHIN = "exact", "within"  # as in picks_of_files, which is imported when a job runs
SUFFIX = "_pick"


class ImportCoordinates(ItemProtocol):
    """Bring picks of other programs to the micrographs of this project, matched by file name."""

    name = "import.coordinates"
    label = "Import coordinates"
    folder = "Import"
    next = ("relion.extract",)
    leading = "star_mics"

    star_mics: Micrographs = Input("Micrographs", streams=True, help="Whose picks they are.")
    fn_in_other: str = Param(
        "",
        "Coordinate files",
        help="A pattern of files named after the micrographs (.star, .box, .cbox), or one with the picks of all (.star, .txt).",
    )
    scale: float = Param(
        1, "Multiply coordinates by", gt=0, own=True, help="When picked on binned micrographs."
    )
    names_match: str = Param(
        EXACT, "Names of micrographs are", own=True, level=ADVANCED, choices=(EXACT, WITHIN),
        help="The same, or within a longer name that another program made of them (`00421_NAME_doseweighted`).",
    )  # fmt: skip

    coordinates: Coordinates = Output("Coordinates", f"coords_suffix{SUFFIX}.star")

    def check(self) -> None:
        super().check()
        if not self.fn_in_other:
            raise ParameterError(
                f"{self.name}: parameter fn_in_other", found="empty", expected="files or a pattern"
            )

    def own_file(self, name: str) -> str:
        return coordinate_file(name, SUFFIX)

    def begin(self, job: JobFolder) -> object:
        from cryoloom import star
        from cryoloom.plugins.imports.picks_of_files import PicksOfFiles

        (job.path / f"coords_suffix{SUFFIX}.star").write_text(f"{self.star_mics.path}\n")
        patterns = patterns_of(self.fn_in_other, job.root, f"{self.name}: parameter fn_in_other")
        picks = PicksOfFiles(job.root, patterns, self.names_match)
        path = job.root / self.star_mics.path
        # Micrographs that their job has not begun to make come with the items.
        tables = star.tables_of(star.read(path)) if path.is_file() else {}
        for table in tables.values():
            if "rlnMicrographName" in table.columns:
                picks.know(table["rlnMicrographName"].to_list())
        return picks

    def end(self, job: JobFolder, memory: object) -> Sequence[Remark]:
        from cryoloom.plugins.imports.picks_of_files import PicksOfFiles

        assert isinstance(memory, PicksOfFiles)
        return memory.remarks()

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom.errors import DatasetError, StarError
        from cryoloom.plugins.imports.picks_of_files import NoPicks, PicksOfFiles

        known = batch.memory
        assert isinstance(known, PicksOfFiles)
        known.know(batch.items["rlnMicrographName"].to_list())
        known.look()
        rows, failed = [], {}
        for item, micrograph in batch.items.select(ITEM_ID, "rlnMicrographName").iter_rows():
            try:
                picks = known.picks(micrograph)
                rows.append((micrograph, *self._written(job, batch, micrograph, picks), item))
            except (NoPicks, DatasetError, StarError) as reason:
                failed[item] = str(reason)
        labels = ["rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount", ITEM_ID]
        found = pl.DataFrame(rows, schema=labels, orient="row")
        return BatchResult(
            {"coordinates": found} if rows else {}, frozenset(found[ITEM_ID].to_list()), failed
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import picks

        return picks.pick_views(job.file("coordinates.star"), self.star_mics.path)

    def _written(
        self, job: JobFolder, batch: Batch, micrograph: str, picks: "pl.DataFrame"
    ) -> tuple[str, int]:
        """Write a micrograph's picks; their file and number."""
        import polars as pl

        from cryoloom import star

        file = self.own_file(micrograph)
        target = inside(batch.job.path, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if ITEM_ID not in picks.columns:
            ids = pick_ids(job.uuid, micrograph, picks.select("rlnCoordinateX", "rlnCoordinateY").iter_rows())
            picks = picks.with_columns(pl.Series(ITEM_ID, ids, dtype=pl.String))
        axes = [pl.col(axis).cast(pl.Float64) * self.scale for axis in ("rlnCoordinateX", "rlnCoordinateY")]
        star.write(target, {"": picks.with_columns(axes)})
        return job.file(file), picks.height
