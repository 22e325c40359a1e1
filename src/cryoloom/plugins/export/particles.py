"""Particles as a folder that stands by itself: a STAR file, and beside it the images that it names; streams."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    Particles,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    View,
    Written,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.names import Names
    from cryoloom.plugins.export.growing import GrowingTable

IMAGE, NAME = "rlnImageName", "exported/particles.star"
EXPORTED = "cryoloomExported"  # the image's name in the folder
COPIES, LINKS = "copies", "links"


class ExportParticles(RowProtocol):
    """Put particles with their images into a folder that can be taken elsewhere."""

    name = "export.particles"
    label = "Export particles"
    version = "2"

    input: Particles = Input(
        "Particles", streams=True, needs=(IMAGE,), help="Whatever has images: extracted, refined, polished."
    )
    how: str = Param(
        COPIES, "Images are", choices=(COPIES, LINKS),
        help="Copies: only the images that are named, in stacks of their own; the folder can be packed and sent. Links: whole "
        "stacks where they lie, for a program on this machine.",
    )  # fmt: skip
    keep_ids: bool = Param(
        False,
        "Keep Cryoloom's ids?",
        help="Yes: the column cryoloomItemId stays in exported/particles.star. The job's own table has it in any case.",
    )

    exported: Table = Output("Which item is which image of the folder", "exported.star")

    def begin(self, job: JobFolder, written: Written) -> "_Folder":
        from cryoloom.em.names import Names
        from cryoloom.plugins.export.growing import GrowingTable, begin_folder, other_names

        part = written("exported")
        rows = [] if part is None else [*part.items.select(IMAGE, EXPORTED).iter_rows()]
        begin_folder(job, len(rows))
        folder = _Folder(GrowingTable.of(job.path / NAME, "particles", len(rows)), Names())
        for stack, made in dict.fromkeys((_stack(old), _stack(new)) for old, new in rows):
            if folder.next_name(stack) != made:
                raise other_names(job.file("exported.star"), EXPORTED, made)
        return folder

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:

        from cryoloom.plugins.export.growing import without_ours

        folder = batch.memory
        assert isinstance(folder, _Folder)
        items = batch.items
        if items.height:
            if IMAGE not in items.columns:
                raise ParameterError(
                    f"{self.name}: input input",
                    found=f"{self.input.path}, without {IMAGE}",
                    expected="images",
                )
            names = (
                self._linked(job, items, folder) if self.how == LINKS else self._copied(job, items, folder)
            )
            rows, optics = items.with_columns(names), batch.optics
            if not self.keep_ids:
                rows, optics = without_ours(rows), None if optics is None else without_ours(optics)
            folder.table.add(rows, optics)
        note = (
            f"{folder.table.rows} particles in {folder.stacks} stacks below {job.file('exported')}."
            if batch.last
            else ""
        )
        if not items.height:
            return RowResult({}, note=note)
        return RowResult(
            {"exported": items.select(ITEM_ID, IMAGE).with_columns(names.alias(EXPORTED))}, note=note
        )

    def _linked(self, job: JobFolder, items: "pl.DataFrame", folder: "_Folder") -> "pl.Series":
        import polars as pl

        found = []
        for number, _, stack in (str(text).partition("@") for text in items[IMAGE].to_list()):
            if stack not in folder.parts:
                link_to(job.root / stack, job.path / "exported" / folder.next_name(stack))
            found.append(f"{number}@{folder.parts[stack][0]}")
        return pl.Series(IMAGE, found)

    def _copied(self, job: JobFolder, items: "pl.DataFrame", folder: "_Folder") -> "pl.Series":
        """Copy these images; of a stack of which some were copied before they become another one."""
        import numpy as np
        import polars as pl

        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import read_mrc, write_sections

        wanted: dict[str, list[int]] = {}
        new: dict[str, str] = {}
        texts = []
        for number, _, stack in (str(text).partition("@") for text in items[IMAGE].to_list()):
            if stack not in new:
                new[stack] = folder.next_name(stack)
            taken = wanted.setdefault(stack, [])
            taken.append(int(number) - 1)
            texts.append(f"{len(taken):06d}@{new[stack]}")
        for stack, sections in wanted.items():
            source, target = job.root / stack, job.path / "exported" / new[stack]
            target.parent.mkdir(parents=True, exist_ok=True)
            header = read_header(source)

            def images(
                source: Path = source, sections: list[int] = sections
            ) -> "Iterator[np.ndarray[Any, Any]]":
                for section in sections:
                    yield np.asarray(read_mrc(source, section=section), dtype=np.float32)

            shape = (len(sections), header.size[1], header.size[0])
            write_sections(target, images(), shape, np.dtype(np.float32), header.angpix or 0.0)
        return pl.Series(IMAGE, texts)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return counts.kept_and_rejected(job.name)


@dataclass(slots=True)
class _Folder:
    """What lies in the folder: its table, and for each stack of the project those that were made of it."""

    table: "GrowingTable"
    names: "Names"
    parts: dict[str, list[str]] = field(default_factory=dict)

    @property
    def stacks(self) -> int:
        return sum(map(len, self.parts.values()))

    def next_name(self, stack: str) -> str:
        """The name of what is made next of a stack: below its job, numbered where two would meet."""
        from cryoloom.em.names import below_job

        known = self.parts.setdefault(stack, [])
        wanted = Path(below_job(stack).lstrip("/"))
        if known:
            wanted = wanted.with_name(f"{wanted.stem}_part{len(known) + 1}{wanted.suffix}")
        known.append(f"Particles/{self.names.give(f'{stack} {len(known)}', str(wanted))}")
        return known[-1]


def link_to(source: Path, target: Path) -> None:
    """Make a link to where a file lies, whatever stood in its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(os.path.realpath(source))


def _stack(image: object) -> str:
    return str(image).partition("@")[2]
