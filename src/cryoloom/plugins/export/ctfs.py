"""Micrographs with their CTFs as a folder that stands by itself: a STAR file, micrographs and spectra; streams."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError
from cryoloom.protocol import (
    Input,
    JobFolder,
    Micrographs,
    Output,
    Param,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    View,
    Written,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    from cryoloom.em.names import Names
    from cryoloom.plugins.export.growing import GrowingTable

MICROGRAPH, SPECTRUM, MRC = "rlnMicrographName", "rlnCtfImage", ":mrc"
TABLE = "exported/micrographs_ctf.star"
EXPORTED = "cryoloomExported"  # the micrograph's name in the folder
COPIES, LINKS, NONE = "copies", "links", "none"
# Files of the project that are not in the folder: their names would lead nowhere.
ELSEWHERE = (
    *("rlnMicrographMetadata", "rlnMicrographNameNoDW", "rlnMicrographMovieName", "rlnCtfPowerSpectrum"),
    *("rlnMicrographCoordinates",),
)


class ExportCtfs(RowProtocol):
    """Put micrographs with their CTFs into a folder that can be taken elsewhere."""

    name = "export.ctfs"
    label = "Export CTFs"

    input: Micrographs = Input(
        "Micrographs", streams=True, needs=("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"),
        help="With their CTFs, whatever program fitted them.",
    )  # fmt: skip
    how: str = Param(
        LINKS, "Micrographs are", choices=(LINKS, COPIES, NONE),
        help="Links: for a program on this machine. Copies: the folder can be packed and sent. None: the table has only their "
        "names. Spectra (rlnCtfImage) come along in the same way.",
    )  # fmt: skip
    keep_ids: bool = Param(
        False, "Keep Cryoloom's ids?", help="Yes: the column cryoloomItemId stays in the folder's table."
    )

    exported: Table = Output("Which micrograph is which of the folder", "exported.star")

    def begin(self, job: JobFolder, written: Written) -> "_Folder":
        from cryoloom.em.names import Names
        from cryoloom.plugins.export.growing import GrowingTable, begin_folder, other_names

        part = written("exported")
        rows = [] if part is None else [*part.items.select(MICROGRAPH, EXPORTED).iter_rows()]
        begin_folder(job, len(rows))
        folder = _Folder(GrowingTable.of(job.path / TABLE, "micrographs", len(rows)), Names())
        for micrograph, made in rows:
            if folder.name_of(str(micrograph)) != made:
                raise other_names(job.file("exported.star"), EXPORTED, made)
        return folder

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        from cryoloom.plugins.export.growing import without_ours

        folder, items = batch.memory, batch.items
        assert isinstance(folder, _Folder)
        note = ""
        if items.height:
            names = [folder.name_of(str(name)) for name in items[MICROGRAPH].to_list()]
            spectra = items[SPECTRUM].to_list() if SPECTRUM in items.columns else [None] * items.height
            shown = [
                self._bring(job, str(micrograph), name, None if spectrum is None else str(spectrum))
                for micrograph, name, spectrum in zip(
                    items[MICROGRAPH].to_list(), names, spectra, strict=True
                )
            ]
            rows = items.with_columns(pl.Series(MICROGRAPH, names)).drop(ELSEWHERE, strict=False)
            if SPECTRUM in items.columns:
                rows = rows.with_columns(pl.Series(SPECTRUM, shown, dtype=pl.String))
            optics = batch.optics
            if not self.keep_ids:
                rows, optics = without_ours(rows), None if optics is None else without_ours(optics)
            folder.table.add(rows, optics)
        if batch.last:
            note = f"{folder.table.rows} micrographs in {job.file(TABLE)}."
        if not items.height:
            return RowResult({}, note=note)
        record = items.select(ITEM_ID, MICROGRAPH).with_columns(pl.Series(EXPORTED, names))
        return RowResult({"exported": record}, note=note)

    def _bring(self, job: JobFolder, micrograph: str, name: str, spectrum: str | None) -> str:
        """Bring a micrograph and its spectrum into the folder; the spectrum's name there, "None" without one.

        Raises:
            DatasetError: the micrograph is not there.
        """
        if self.how == NONE:
            return "None"
        source = job.root / micrograph
        if not source.exists():
            raise DatasetError(
                f"{self.input.path}: {MICROGRAPH}", found=f"{micrograph}, which is missing", expected="a micrograph",
                hint="Or export the table alone: how=none.",
            )  # fmt: skip
        self._put(source, job.path / "exported" / name)
        file = "" if spectrum is None else spectrum.removesuffix(MRC)
        if not file or not (job.root / file).is_file():
            return "None"
        target = Path("Spectra", *Path(name).parts[1:]).with_suffix(Path(file).suffix)
        self._put(job.root / file, job.path / "exported" / target)
        return f"{target}{MRC if spectrum is not None and spectrum.endswith(MRC) else ''}"

    def _put(self, source: Path, target: Path) -> None:
        from cryoloom.plugins.export.particles import link_to

        if self.how == LINKS:
            link_to(source, target)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.next")
        shutil.copyfile(source, beside)
        beside.replace(target)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return [counts.table_view("ctfs", "Exported CTFs", "One a micrograph.", job.file(TABLE))]


@dataclass(slots=True)
class _Folder:
    """What lies in the folder: its table, and the names of micrographs there."""

    table: "GrowingTable"
    names: "Names"

    def name_of(self, micrograph: str) -> str:
        """Below its job, numbered where two would meet."""
        from cryoloom.em.names import below_job

        return f"Micrographs/{self.names.give(micrograph, below_job(micrograph).lstrip('/'))}"
