"""Picks of another job with which picking by hand begins: under their ids, in pixels of the micrograph that is picked on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import polars as pl

from cryoloom import star
from cryoloom.em.names import Partners
from cryoloom.errors import DatasetError, ImageError
from cryoloom.images.headers import read_header
from cryoloom.plugins.relion.cutting import scale_between, scale_of_sizes
from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of, table_beside
from cryoloom.project.pick_edits import edits_of, empty_picks, sizes_of, with_pick_ids
from cryoloom.project.pick_rows import X, Y
from cryoloom.protocol.jobs import ITEM_ID

NAME, FILE = "rlnMicrographName", "rlnMicrographCoordinates"


@dataclass(frozen=True, slots=True)
class FirstPicks:
    """Of a set of coordinates, or of none."""

    root: Path
    suffix_file: str  # RELION's; "" for none
    files: dict[str, str]  # by the micrograph on which they were picked
    partners: Partners
    sizes: dict[str, tuple[int, int]]  # by file, px: of the micrograph when it was picked on by hand

    @classmethod
    def of(cls, root: Path, suffix_file: str) -> Self:
        """Those of a set, by RELION's suffix file."""
        files: dict[str, str] = {}
        sizes: dict[str, tuple[int, int]] = {}
        if suffix_file:
            path = root / suffix_file
            table = path.with_name(table_beside(path))
            listed = star.as_table(star.read(table).get("coordinates")) if table != path else None
            if listed is not None:
                files = {str(name): str(file) for name, file in listed.select(NAME, FILE).iter_rows()}
            elif table == path:
                files = files_of_relion(root, suffix_file)
            # Picks by hand on what came back with other pixels are in no table of their job, and say what they count.
            job = Path(suffix_file).parent
            begun = {line["micrograph"]: f"{job}/{line['file']}" for line in edits_of(root / job)}
            files = {name: file for name, file in begun.items() if (root / file).exists()} | files
            sizes = {f"{job}/{file}": size for file, size in sizes_of(root / job).items()}
        partners = Partners()
        partners.add(files)
        return cls(root, suffix_file, files, partners, sizes)

    def lacks(self, micrograph: str) -> bool:
        """Whether there is a set, and nothing in it of this micrograph."""
        return bool(self.suffix_file) and not self.partners.of(micrograph)

    def on(self, micrograph: str) -> pl.DataFrame:
        """The picks of a micrograph; none where the set does not have it.

        Raises:
            DatasetError: several of the set's micrographs may be meant, or one that is no binning of this one; or the file
                of its picks is gone.
        """
        known = self.partners.of(micrograph)
        if not known:
            return empty_picks()
        if len(known) > 1:
            raise DatasetError(
                f"{self.suffix_file}: {micrograph}",
                found=f"{known[0]} and {known[1]}",
                expected="one that is meant",
            )
        name, file = known[0], self.files[known[0]]
        path = self.root / file
        if not path.exists():
            raise DatasetError(
                f"{self.suffix_file}: {FILE} of {name}", found=f"{file}, which is missing", expected="a file of picks",
                hint="Put it back, or have its job run again: cryoloom restart.",
            )  # fmt: skip
        if not path.stat().st_size:
            return empty_picks()
        table = star.as_table(star.read(path).get(""))
        if table is None or not table.height:
            return empty_picks()
        known_by_id = with_pick_ids(table, name)
        then, now = self.sizes.get(file), size_of(self.root / micrograph)
        if then is not None and now is not None:
            scale = scale_of_sizes(name, then, micrograph, now)
        else:
            scale = scale_between(self.root, name, micrograph)
        ours = known_by_id.with_columns(pl.col(axis).cast(pl.Float64) * scale for axis in (X, Y))
        return ours.select([label for label in ours.columns if label != ITEM_ID] + [ITEM_ID])


def files_of_relion(root: Path, suffix_file: str) -> dict[str, str]:
    """The files of a job of RELION's, by the micrographs that its suffix file names; those that have none were not picked on.

    The names tell the pixels in which the positions are, and the ids that all readers of these picks give them.
    """
    found: dict[str, str] = {}
    for listed in (root / suffix_file).read_text().split():
        tables = star.tables_of(star.read(root / listed)).values()
        table = next((one for one in tables if NAME in one.columns), None)
        for name in () if table is None else table[NAME].to_list():
            file = f"{Path(suffix_file).parent}/{coordinate_file(str(name), suffix_of(suffix_file))}"
            if (root / file).exists():
                found[str(name)] = file
    return found


def size_of(micrograph: Path) -> tuple[int, int] | None:
    """In px, x and y; None where nobody can tell: the image is not on this machine."""
    try:
        return read_header(micrograph).size
    except ImageError:
        return None
