"""Optics groups for movies, micrographs or particles, at any point of a workflow; streams."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.em.names import Tails, key
from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    Written,
)

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.plugins.optics.group_tables import GroupTable

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
    kv: float = Param(-1, "Voltage", unit="kV", usual=(60, 400), help="Of all new groups; -1: as it is.")
    cs: float = Param(
        -1, "Spherical aberration", unit="mm", usual=(0, 8), help="Of all new groups; -1: as it is."
    )
    q0: float = Param(-1, "Amplitude contrast", usual=(0, 0.5), help="Of all new groups; -1: as it is.")
    beamtilt_x: float = Param(
        0, "Beam tilt X", unit="mrad", usual=(-20, 20), help="Of all new groups; both 0: as they are."
    )
    beamtilt_y: float = Param(
        0, "Beam tilt Y", unit="mrad", usual=(-20, 20), help="Of all new groups; both 0: as they are."
    )
    table: str = Param(
        "", "STAR file", when="how == table", means="file",
        help="A table with rlnMicrographName or rlnMicrographMovieName and rlnOpticsGroup or rlnOpticsGroupName; data_optics "
        "beside it says what each group is.",
    )  # fmt: skip
    pattern: str = Param(
        "", "Regular expression", tab="File name",
        help="Its first bracket tells the group: `_Data_(\\d+)_` makes a group of each EPU template position.",
    )  # fmt: skip
    xml_folder: str = Param(
        "", "Folder of EPU's XML files", tab="EPU", means="folder", help="It and all below it are searched."
    )
    nr_groups: int = Param(0, "Number of groups", tab="EPU", ge=0, help="0: as many as the shifts show.")

    kept: Table = Output("With new groups", set_file("regrouped"), like="input")
    rejected: Table = Output("No group found", set_file(REJECTED), like="input")

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

    def begin(self, job: JobFolder, written: Written) -> "_Groups":
        from cryoloom.plugins.optics.group_tables import GroupTable

        earlier = written("kept")
        old = [] if earlier is None or earlier.optics is None else earlier.optics.to_dicts()
        table = GroupTable(job.root / Path(self.table).expanduser()) if self.how == TABLE else None
        return _Groups({str(row[NAME]): row for row in old}, table)

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        items, optics = batch.items, batch.optics
        if optics is None or (items.height and GROUP not in items.columns):
            raise DatasetError(
                f"{self.input.path}", found="without optics groups", expected="a file of RELION 3.1's layout",
                hint="`cryoloom star convert` upgrades older ones.",
            )  # fmt: skip
        label = "rlnMicrographMovieName" if "rlnMicrographMovieName" in items.columns else "rlnMicrographName"
        groups = batch.memory
        assert isinstance(groups, _Groups)
        if not items.height:
            return RowResult({"kept": items, "rejected": items})
        names = self._names(job, [*map(str, items[label].unique(maintain_order=True))], groups)
        of_item = [names.get(str(file)) for file in items[label].to_list()]
        theirs = {row[GROUP]: row for row in optics.iter_rows(named=True)}
        numbers = [
            None if name is None else self._number(name, group, theirs, groups)
            for name, group in zip(of_item, items[GROUP].to_list(), strict=True)
        ]
        found = items.with_columns(pl.Series("_new", numbers, dtype=pl.Int64))
        known = found["_new"].is_not_null()
        kept = found.filter(known).with_columns(pl.col("_new").alias(GROUP)).drop("_new")
        own = {"kept": groups.table(self.name)} if groups.rows else {}
        return RowResult(
            {"kept": kept, "rejected": items.filter(~known)},
            optics_of=own,
            note=groups.note(int((~known).sum())),
        )

    def _number(self, name: str, group: int, theirs: dict[int, dict[str, Any]], groups: "_Groups") -> int:
        """The number of the group of this name for items that were in one of `theirs`; made when first met."""
        old = theirs[group]
        # Items of different groups stay in different ones: their pixel sizes may differ. Further groups may come while
        # the input grows; what the first of them got as the only one stays its own.
        is_alone = len(theirs) == 1 or (name in groups.rows and group == next(iter(theirs)))
        full = (name or str(old[NAME])) if is_alone or not name else f"{name}_{old[NAME]}"
        if full not in groups.rows:
            values = {label: getattr(self, key) for key, label in _FORM.items() if getattr(self, key) >= 0}
            tilts = {"rlnBeamTiltX": self.beamtilt_x, "rlnBeamTiltY": self.beamtilt_y}
            values |= tilts if any(tilts.values()) else {}
            given = groups.given.given.get(name, {}) if groups.given else {}
            number = max((int(row[GROUP]) for row in groups.rows.values()), default=0) + 1
            groups.rows[full] = {**old, **given, **values, NAME: full, GROUP: number}
        return int(groups.rows[full][GROUP])

    def _names(self, job: JobFolder, files: list[str], groups: "_Groups") -> dict[str, str]:
        """Each file's group by name; files without one are left out."""
        if self.how == FORM:
            return dict.fromkeys(files, self.group_name)
        if self.how == PATTERN:
            found = ((file, re.search(self.pattern, Path(file).name)) for file in files)
            # The bracket may be in a part that need not be there.
            return {
                file: f"opticsGroup_{match[1]}" for file, match in found if match is not None and match[1]
            }
        if groups.given is not None:
            return groups.of_table(files)
        return self._from_epu(job, files, groups)

    def _from_epu(self, job: JobFolder, files: list[str], groups: "_Groups") -> dict[str, str]:
        import numpy as np

        from cryoloom.plugins.optics.epu import beam_shift, clustered

        folder = job.root / Path(self.xml_folder).expanduser()
        exposures = Tails()
        exposures.add(str(path) for path in sorted(folder.rglob("*.xml")))
        if not len(exposures):
            raise DatasetError(
                f"{folder}", found="without any XML file", expected="the folder of an EPU session"
            )
        shifts = {}
        for file in files:
            # EPU adds to the exposure's name: `..._fractions.tiff`.
            match exposures.of_beginning(file):
                case []:
                    pass
                case [one]:
                    try:
                        shifts[file] = beam_shift(Path(one))
                    except DatasetError as error:
                        groups.unclear[file] = str(error)
                case [one, other, *_]:
                    groups.unclear[file] = f"{file} may be that of {one} or of {other}"
        if not shifts:
            why = next(iter(groups.unclear.values()), "")
            raise DatasetError(
                f"{folder}", found="without an XML file of any item",
                expected=f"one named like {Path(files[0]).stem}", hint=why,
            )  # fmt: skip
        numbers = clustered(np.array(list(shifts.values())), self.nr_groups)
        return {
            file: f"opticsGroup_shift{number}" for file, number in zip(shifts, numbers.tolist(), strict=True)
        }


@dataclass(slots=True)
class _Groups:
    """The groups made so far, and what got none because it is not clear which."""

    rows: dict[str, dict[str, Any]]  # by name
    given: "GroupTable | None" = None
    unclear: dict[str, str] = field(default_factory=dict)  # file → why
    meant: dict[str, str] = field(default_factory=dict)  # file of the table → the micrograph that it is

    def of_table(self, files: list[str]) -> dict[str, str]:
        """The group of each file by the table; a row of the table is one micrograph's."""
        assert self.given is not None
        found = {}
        for file in files:
            rows, groups = self.given.rows_of(file), self.given.groups_of(file)
            if len(groups) > 1:
                self.unclear[file] = f"{file} may be of {' or '.join(groups)} ({' or '.join(rows[:2])})"
            others = [name for row in rows if key(name := self.meant.setdefault(row, file)) != key(file)]
            if len(groups) == 1 and others:
                self.unclear[file] = f"{file} and {others[0]} may both be {rows[0]}"
            elif len(groups) == 1:
                found[file] = groups[0]
        return found

    def table(self, owner: str) -> "pl.DataFrame":
        """The new optics groups.

        Raises:
            DatasetError: one lacks a value that others have, and nothing can stand for it.
        """
        from cryoloom.em.joining import table_of_groups

        table = table_of_groups([*self.rows.values()])
        for label in table.columns:
            if table[label].null_count():
                name = table.filter(table[label].is_null())[NAME][0]
                raise DatasetError(
                    f"{owner}: optics group {name}", found=f"without {label}, which other groups have",
                    expected="a value", hint=f"Give each group of the table a {label}.",
                )  # fmt: skip
        return table

    def note(self, count: int) -> str:
        """What is said of items without a group."""
        if not self.unclear or not count:
            return ""
        more = f", and {len(self.unclear) - 1} more" if len(self.unclear) > 1 else ""
        return f"{next(iter(self.unclear.values()))}{more}: in the output rejected."
