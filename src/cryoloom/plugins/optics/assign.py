"""Optics groups for movies, micrographs or particles, at any point of a workflow; streams."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
from cryoloom.protocol import Input, JobFolder, Output, Param, RowBatch, RowProtocol, RowResult, Table

if TYPE_CHECKING:
    pass

FORM, TABLE, PATTERN, EPU = "form", "table", "file name", "EPU beam shifts"
GROUP, NAME = "rlnOpticsGroup", "rlnOpticsGroupName"
_FORM = {
    "kv": "rlnVoltage",
    "cs": "rlnSphericalAberration",
    "q0": "rlnAmplitudeContrast",
}


class AssignOptics(Counted, RowProtocol):
    """Give items their optics groups anew; what no group is found for is kept apart."""

    name = "optics.assign"
    label = "Assign optics groups"
    folder = "Select"
    next = ("relion.motioncorr", "relion.extract", "relion.refine3d")

    input: Table = Input("Items", streams=True, help="Movies, micrographs or particles.")
    how: str = Param(
        FORM, "Groups come from", choices=(FORM, TABLE, PATTERN, EPU),
        help="Values given here; a STAR file; a part of the file name; clusters of EPU's beam shifts, which need all items.",
    )  # fmt: skip
    group_name: str = Param("", "Name of the group", when="how == form", help="Empty: as it is.")
    kv: float = Param(-1, "Voltage", unit="kV", help="Of all new groups; -1: as it is.")
    cs: float = Param(-1, "Spherical aberration", unit="mm", help="Of all new groups; -1: as it is.")
    q0: float = Param(-1, "Amplitude contrast", help="Of all new groups; -1: as it is.")
    beamtilt_x: float = Param(0, "Beam tilt X", unit="mrad", help="Of all new groups; 0: as it is.")
    beamtilt_y: float = Param(0, "Beam tilt Y", unit="mrad", help="Of all new groups; 0: as it is.")
    table: str = Param(
        "", "STAR file", when="how == table",
        help="data_optics with the groups, and a table with rlnMicrographName or rlnMicrographMovieName and rlnOpticsGroup.",
    )  # fmt: skip
    pattern: str = Param(
        "", "Regular expression", tab="File name",
        help="Its first bracket tells the group: `_Data_(\\d+)_` makes a group of each EPU template position.",
    )  # fmt: skip
    xml_folder: str = Param(
        "", "Folder of EPU's XML files", tab="EPU", help="It and all below it are searched."
    )
    nr_groups: int = Param(0, "Number of groups", tab="EPU", ge=0, help="0: as many as the shifts show.")

    kept: Table = Output("With new groups", set_file("regrouped"), like="input")
    rejected: Table = Output("No group found", set_file(REJECTED), like="input")

    _rows: "dict[str, dict[str, Any]] | None" = None  # new groups by name
    _known: "Mapping[str, str] | None" = None  # file → name of its group
    _given: "Mapping[str, dict[str, Any]] | None" = None  # groups of the table by name

    def check(self) -> None:
        super().check()
        needed = {TABLE: "table", PATTERN: "pattern", EPU: "xml_folder"}.get(self.how)
        if needed and not getattr(self, needed):
            raise ParameterError(
                f"{self.name}: parameter {needed}", found="empty", expected=f"a value for how={self.how}"
            )
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise ParameterError(
                f"{self.name}: parameter pattern",
                found=f"{self.pattern!r} ({error})",
                expected="a regular expression",
            ) from None
        if self.how == PATTERN and not groups:
            raise ParameterError(
                f"{self.name}: parameter pattern", found=f"{self.pattern!r}, without brackets", expected="a bracket",
                hint=r"For instance _Data_(\d+)_",
            )  # fmt: skip

    def needs_all(self) -> bool:
        return self.how == EPU

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        items, optics = batch.items, batch.optics
        if optics is None or (items.height and GROUP not in items.columns):
            raise DatasetError(
                f"{self.input.path}", found="without optics groups", expected="a file of RELION 3.1's layout",
                hint="`cryoloom star convert` upgrades older ones.",
            )  # fmt: skip
        label = "rlnMicrographMovieName" if "rlnMicrographMovieName" in items.columns else "rlnMicrographName"
        if self._rows is None:
            written = batch.written("kept")
            old = [] if written is None or written.optics is None else written.optics.to_dicts()
            self._rows = {str(row[NAME]): row for row in old}
        if not items.height:
            return RowResult({"kept": items, "rejected": items})
        names = self._names(job, items[label].unique(maintain_order=True).to_list())
        of_item = [names.get(str(file)) for file in items[label].to_list()]
        theirs = {row[GROUP]: row for row in optics.iter_rows(named=True)}
        numbers = [
            None if name is None else self._number(name, theirs[group], many=len(theirs) > 1)
            for name, group in zip(of_item, items[GROUP].to_list(), strict=True)
        ]
        found = items.with_columns(pl.Series("_new", numbers, dtype=pl.Int64))
        known = found["_new"].is_not_null()
        kept = found.filter(known).with_columns(pl.col("_new").alias(GROUP)).drop("_new")
        table = pl.DataFrame(list(self._rows.values()), infer_schema_length=None)
        own = {"kept": table} if table.height else {}
        return RowResult({"kept": kept, "rejected": items.filter(~known)}, optics_of=own)

    def _number(self, name: str, old: dict[str, Any], *, many: bool) -> int:
        """The number of the group of this name for items that were in `old`; made when first met."""
        assert self._rows is not None
        # Items of different groups stay in different ones: their pixel sizes may differ.
        full = (name or str(old[NAME])) if not many or not name else f"{name}_{old[NAME]}"
        if full not in self._rows:
            values = {label: getattr(self, key) for key, label in _FORM.items() if getattr(self, key) > 0}
            tilts = {"rlnBeamTiltX": self.beamtilt_x, "rlnBeamTiltY": self.beamtilt_y}
            values |= tilts if any(tilts.values()) else {}
            given = (self._given or {}).get(name, {})
            number = max((int(row[GROUP]) for row in self._rows.values()), default=0) + 1
            self._rows[full] = {**old, **given, **values, NAME: full, GROUP: number}
        return int(self._rows[full][GROUP])

    def _names(self, job: JobFolder, files: list[Any]) -> dict[str, str]:
        """Each file's group by name; files without one are left out."""
        if self.how == FORM:
            return {str(file): self.group_name for file in files}
        if self.how == PATTERN:
            found = ((str(file), re.search(self.pattern, Path(str(file)).name)) for file in files)
            return {file: f"opticsGroup_{match[1]}" for file, match in found if match is not None}
        if self.how == TABLE:
            return self._from_table(job, files)
        return self._from_epu(job, [str(file) for file in files])

    def _from_table(self, job: JobFolder, files: list[Any]) -> dict[str, str]:

        from cryoloom import star

        path = job.root / Path(self.table).expanduser()
        if self._known is None:
            blocks = star.read(path)
            groups = star.as_table(blocks.get("optics"))
            names = ("rlnMicrographName", "rlnMicrographMovieName")
            tables = [t for t in star.tables_of(blocks).values() if GROUP in t.columns]
            tables = [t for t in tables if any(name in t.columns for name in names)]
            if groups is None or not tables:
                raise DatasetError(
                    f"{path}",
                    found="without groups or without items",
                    expected="data_optics and a table of micrographs",
                )
            called = {
                row[GROUP]: str(row.get(NAME) or f"opticsGroup{row[GROUP]}")
                for row in groups.iter_rows(named=True)
            }
            label = next(name for name in names if name in tables[0].columns)
            self._known = {
                Path(str(file)).stem: called[group]
                for file, group in tables[0].select(label, GROUP).iter_rows()
                if group in called
            }  # fmt: skip
            images = {GROUP, NAME, "rlnImagePixelSize", "rlnImageSize", "rlnImageDimensionality"}
            self._given = {
                called[row[GROUP]]: {label: value for label, value in row.items() if label not in images and value is not None}
                for row in groups.iter_rows(named=True)
            }  # fmt: skip
        known = self._known
        return {str(file): known[Path(str(file)).stem] for file in files if Path(str(file)).stem in known}

    def _from_epu(self, job: JobFolder, files: list[str]) -> dict[str, str]:
        import numpy as np

        from cryoloom.plugins.optics.epu import beam_shift, clustered

        folder = job.root / Path(self.xml_folder).expanduser()
        exposures = {path.stem: path for path in sorted(folder.rglob("*.xml"))}
        if not exposures:
            raise DatasetError(
                f"{folder}", found="without any XML file", expected="the folder of an EPU session"
            )
        shifts = {}
        for file in files:
            # EPU adds to the exposure's name: `..._fractions.tiff`.
            stem = Path(file).stem
            exposure = next((stem[:end] for end in range(len(stem), 0, -1) if stem[:end] in exposures), None)
            if exposure is not None:
                shifts[file] = beam_shift(exposures[exposure])
        if not shifts:
            raise DatasetError(
                f"{folder}",
                found="without an XML file of any item",
                expected=f"one named like {Path(files[0]).stem}",
            )
        groups = clustered(np.array(list(shifts.values())), self.nr_groups)
        return {
            file: f"opticsGroup_shift{number}" for file, number in zip(shifts, groups.tolist(), strict=True)
        }
