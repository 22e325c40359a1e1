"""Import of coordinates: one STAR file a micrograph, or one for all."""

from pathlib import Path

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.imports.linking import matching
from cryoloom.project.coordinate_files import coordinate_file
from cryoloom.project.item_ids import item_id
from cryoloom.protocol import (
    Batch,
    BatchResult,
    Coordinates,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
)
from cryoloom.protocol.jobs import ITEM_ID

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
        help="A pattern of STAR files named after the micrographs, or one file with all picks.",
    )
    scale: float = Param(
        1, "Multiply coordinates by", gt=0, own=True, help="When picked on binned micrographs."
    )

    coordinates: Coordinates = Output("Coordinates", f"coords_suffix{SUFFIX}.star")

    def check(self) -> None:
        super().check()
        if not self.fn_in_other:
            raise ParameterError(
                f"{self.name}: parameter fn_in_other", found="empty", expected="files or a pattern"
            )

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom import star

        (job.path / f"coords_suffix{SUFFIX}.star").write_text(f"{self.star_mics.path}\n")
        files = list(matching(self.fn_in_other, job.root))
        if not files:
            raise DatasetError(f"{self.fn_in_other}", found="without any file", expected="coordinate files")
        rows, failed = [], {}
        for item, micrograph in batch.items.select(ITEM_ID, "rlnMicrographName").iter_rows():
            stem = Path(str(micrograph)).stem
            picks = self._picks(files, stem)
            if picks is None:
                failed[item] = f"no coordinate file begins with {stem}"
                continue
            ids = [item_id(f"{job.uuid} {micrograph} {ordinal}") for ordinal in range(picks.height)]
            file = coordinate_file(str(micrograph), SUFFIX)
            target = batch.job.path / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if ITEM_ID not in picks.columns:
                picks = picks.with_columns(pl.Series(ITEM_ID, ids, dtype=pl.String))
            axes = [
                (pl.col(axis).cast(pl.Float64) * self.scale) for axis in ("rlnCoordinateX", "rlnCoordinateY")
            ]
            star.write(target, {"": picks.with_columns(axes)})
            rows.append((micrograph, job.file(file), picks.height, item))
        labels = ["rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount", ITEM_ID]
        found = pl.DataFrame(rows, schema=labels, orient="row")
        return BatchResult(
            {"coordinates": found} if rows else {}, frozenset(found[ITEM_ID].to_list()), failed
        )

    @staticmethod
    def _picks(files: list[Path], stem: str):  # type: ignore[no-untyped-def]
        """The picks of one micrograph; None when no file speaks of it."""

        from cryoloom import star

        own = [path for path in files if path.stem == stem or path.stem.startswith(f"{stem}_")]
        candidates = own or files
        for path in candidates:
            for table in star.tables_of(star.read(path)).values():
                if "rlnCoordinateX" not in table.columns:
                    continue
                if own:
                    return table
                if "rlnMicrographName" in table.columns:
                    names = [Path(str(name)).stem for name in table["rlnMicrographName"].to_list()]
                    mine = table.filter([name == stem for name in names])
                    if mine.height:
                        return mine.drop("rlnMicrographName")
        return None
