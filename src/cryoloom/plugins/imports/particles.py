"""Import of particles from a STAR file of RELION 3.0 or 3.1."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.imports.linking import link_or_copy
from cryoloom.protocol import Block, JobFolder, Output, Param, Particles, SetProtocol, SetResult

if TYPE_CHECKING:
    import polars as pl


class ImportParticles(SetProtocol):
    """Bring particles into the project; 3.0 files get an optics table, stacks are linked."""

    name = "import.particles"
    label = "Import particles"
    folder = "Import"
    next = ("relion.class2d", "relion.refine3d")

    fn_in_other: str = Param("", "Particles STAR file", help="Of RELION 3.0 or 3.1.")
    stacks_below: str = Param(
        "", "Folder of the image stacks", own=True,
        help="Where the names in the file begin; empty: the file's own folder and those above it are tried.",
    )  # fmt: skip
    optics_group_particles: str = Param("", "Rename optics group", help="For a file with a single group.")

    particles: Particles = Output("Particles", "particles.star")

    def compute(self, job: JobFolder) -> SetResult:
        import polars as pl

        from cryoloom import star
        from cryoloom.em.optics import upgraded_to_31
        from cryoloom.project.item_ids import with_ids

        if not self.fn_in_other:
            raise ParameterError(f"{self.name}: parameter fn_in_other", found="empty", expected="a STAR file")
        path = job.root / Path(self.fn_in_other).expanduser()
        optics, particles = upgraded_to_31(star.read(path), path)
        if "rlnImageName" not in particles.columns:
            raise DatasetError(f"{path}", found="without rlnImageName", expected="particles with images")
        names = [str(name) for name in particles["rlnImageName"].to_list()]
        stacks = sorted({name.partition("@")[2] or name for name in names})
        found, missing = self._link(job, path, stacks)
        kept = particles.filter([(name.partition("@")[2] or name) in found for name in names])
        if not kept.height:
            raise DatasetError(
                f"{path}: rlnImageName", found=f"{stacks[0]}, which is missing", expected="image stacks that exist",
                hint="Say with stacks_below= where they are.",
            )  # fmt: skip
        renamed = [
            f"{number}{at}{found[stack or number]}" if at else found[number]
            for number, at, stack in (str(name).partition("@") for name in kept["rlnImageName"].to_list())
        ]
        kept = kept.with_columns(pl.Series("rlnImageName", renamed))
        optics = _with_image_size(optics, job, renamed[0])
        if self.optics_group_particles:
            if optics.height != 1:
                raise ParameterError(
                    f"{self.name}: parameter optics_group_particles", found=f"given for {optics.height} groups",
                    expected="a file with one group",
                )  # fmt: skip
            optics = optics.with_columns(pl.lit(self.optics_group_particles).alias("rlnOpticsGroupName"))
        kept = with_ids(kept)
        note = "".join(f"Missing: {stack}. " for stack in missing)
        counts = {"particles": kept.height, "left out": particles.height - kept.height}
        return SetResult({"particles": {"optics": optics, "particles": kept}}, counts, note)

    def _link(self, job: JobFolder, path: Path, stacks: list[str]) -> tuple[dict[str, str], list[str]]:
        """Each stack's new name in the project, and those that are nowhere."""
        bases = (
            [job.root / Path(self.stacks_below).expanduser()]
            if self.stacks_below
            else [path.parent, *path.parents]
        )
        found, missing = {}, []
        for stack in stacks:
            source = next((base / stack for base in bases if (base / stack).is_file()), None)
            if source is None:
                missing.append(stack)
                continue
            inside = os.path.normpath(stack).lstrip("./")
            # RELION takes an image stack by its ending.
            name = str(Path(inside).with_suffix(".mrcs")) if Path(inside).suffix == ".mrc" else inside
            target = job.file("_".join(name.split()))
            link_or_copy(source.resolve(), job.root / target, copy=False)
            found[stack] = target
        return found, missing

    def views(self, job: JobFolder) -> list[Block]:
        from cryoloom.views import particles

        return particles.particle_views(job.root, job.file("particles.star"))


def _with_image_size(optics: "pl.DataFrame", job: JobFolder, image: str) -> "pl.DataFrame":
    """The optics table with the box size, without which RELION 3.1 reads no particles."""
    import polars as pl

    from cryoloom.images.headers import read_header

    if "rlnImageSize" in optics.columns:
        return optics
    header = read_header(job.root / image.rpartition("@")[2])
    return optics.with_columns(pl.lit(header.size[0]).alias("rlnImageSize"))
