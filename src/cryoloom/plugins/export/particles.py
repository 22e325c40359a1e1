"""Particles as a folder that stands by itself: a STAR file, and beside it the images that it names."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError
from cryoloom.protocol import Input, JobFolder, Output, Param, Particles, SetProtocol, SetResult, View
from cryoloom.protocol.datasets import PlainFile

if TYPE_CHECKING:
    import polars as pl

IMAGE, NAME = "rlnImageName", "particles.star"
COPIES, LINKS = "copies", "links"


class ExportParticles(SetProtocol):
    """Put particles with their images into a folder that can be taken elsewhere."""

    name = "export.particles"
    label = "Export particles"

    input: Particles = Input("Particles", help="Whatever has images: extracted, refined, polished.")
    how: str = Param(
        COPIES, "Images are", choices=(COPIES, LINKS),
        help="Copies: only the images that are named, in stacks of their own; the folder can be packed and sent. Links: whole "
        "stacks where they lie, for a program on this machine.",
    )  # fmt: skip
    keep_ids: bool = Param(
        False,
        "Keep Cryoloom's ids?",
        help="Yes: the column cryoloomItemId stays, by which results can be brought back.",
    )

    exported: PlainFile = Output("The folder's STAR file", f"exported/{NAME}")

    def compute(self, job: JobFolder) -> SetResult:
        from cryoloom import star

        blocks = star.tables_of(star.read(job.root / self.input.path))
        table = blocks["particles"]
        if IMAGE not in table.columns:
            raise ParameterError(
                f"{self.name}: input input", found=f"{self.input.path}, without {IMAGE}", expected="images"
            )
        folder = job.path / "exported"
        folder.mkdir(parents=True, exist_ok=True)
        names = self._linked(job, table, folder) if self.how == LINKS else self._copied(job, table, folder)
        rows = table.with_columns(names)
        if not self.keep_ids:
            rows, blocks = _without_ours(rows), {name: _without_ours(one) for name, one in blocks.items()}
        stacks = len({name.partition("@")[2] for name in names})
        note = f"{rows.height} particles in {stacks} stacks below {job.file('exported')}."
        return SetResult({"exported": {**blocks, "particles": rows}}, {"exported": rows.height}, note)

    def _linked(self, job: JobFolder, table: "pl.DataFrame", folder: Path) -> "pl.Series":
        import polars as pl

        new = _new_names(table)
        for old, name in new.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.realpath(job.root / old))
        pairs = (str(text).partition("@") for text in table[IMAGE].to_list())
        return pl.Series(IMAGE, [f"{number}@{new[stack]}" for number, _, stack in pairs])

    def _copied(self, job: JobFolder, table: "pl.DataFrame", folder: Path) -> "pl.Series":
        import numpy as np
        import polars as pl

        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import read_mrc, write_sections

        new = _new_names(table)
        wanted: dict[str, list[int]] = {}
        texts = []
        for number, _, stack in (str(text).partition("@") for text in table[IMAGE].to_list()):
            taken = wanted.setdefault(stack, [])
            taken.append(int(number) - 1)
            texts.append(f"{len(taken):06d}@{new[stack]}")
        for stack, sections in wanted.items():
            source, target = job.root / stack, folder / new[stack]
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
        return []


def _without_ours(table: "pl.DataFrame") -> "pl.DataFrame":
    return table.select(column for column in table.columns if not column.startswith("cryoloom"))


def _new_names(table: "pl.DataFrame") -> Mapping[str, str]:
    """A stack's name in the folder, by its name in the project: below its job, numbered where two would meet."""
    from cryoloom.em.names import Names, below_job

    names, found = Names(), {}
    for stack in dict.fromkeys(str(text).partition("@")[2] for text in table[IMAGE].to_list()):
        found[stack] = f"Particles/{names.give(stack, below_job(stack).lstrip('/'))}"
    return found
