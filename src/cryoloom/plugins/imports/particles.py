"""Import of particles from a STAR file of RELION 3.0 or 3.1."""

from pathlib import Path

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.imports.one_map import need_file
from cryoloom.plugins.imports.stacks import bring_stacks
from cryoloom.protocol import JobFolder, Output, Param, Particles, SetProtocol, SetResult, View


class ImportParticles(SetProtocol):
    """Bring particles into the project; 3.0 files get an optics table, stacks are linked."""

    name = "import.particles"
    label = "Import particles"
    folder = "Import"
    next = ("relion.class2d", "relion.refine3d")

    fn_in_other: str = Param("", "Particles STAR file", means="file", help="Of RELION 3.0 or 3.1.")
    stacks_below: str = Param(
        "", "Folder of the image stacks", own=True, means="folder",
        help="Where the names in the file, or the longest tails of them that exist there, begin; empty: the file's own "
        "folder and those above it are tried.",
    )  # fmt: skip
    micrograph_angpix: float = Param(
        -1, "Pixel size of the micrographs", unit="Å", own=True,
        help="Whose pixels the coordinates count, for comparisons by place; -1: as the file says.",
    )  # fmt: skip
    optics_group_particles: str = Param("", "Rename optics group", help="For a file with a single group.")

    particles: Particles = Output("Particles", "particles.star")

    def check(self) -> None:
        super().check()
        need_file(self.name, self.fn_in_other)

    def compute(self, job: JobFolder) -> SetResult:
        import polars as pl

        from cryoloom import star
        from cryoloom.em.numbers import check_numbers, no_numbers, told
        from cryoloom.em.optics import upgraded_to_31
        from cryoloom.images.stacks import check_numbers_of_images, split_names, with_image_sizes
        from cryoloom.project.item_ids import with_ids

        path = job.root / Path(self.fn_in_other).expanduser()
        tables = star.tables_of(star.read(path))
        if "optics" in tables:
            check_numbers(tables["optics"], path, "optics")
        block = (
            "particles" if "particles" in tables else next((name for name in tables if name != "optics"), "")
        )
        given = tables.get(block)
        if given is None or "rlnImageName" not in given.columns:
            raise DatasetError(f"{path}", found="without rlnImageName", expected="particles with images")
        bad = no_numbers(given)
        rows = pl.Series("row", sorted({*range(given.height)} - {one.row for one in bad}), dtype=pl.Int64)
        because = []
        if bad:
            lost = given.height - rows.len()
            because.append(f"{lost} with values that are no numbers ({told(bad, path, block)})")
        if not rows.len():
            check_numbers(given, path, block)
            raise DatasetError(f"{path}: data_{block}", found="empty", expected="particles")
        # Columns in which all words are numbers now are columns of numbers.
        clean = given[rows.to_list()] if bad else given
        clean = clean.with_columns(star.typed(c, c.name) for c in clean.get_columns() if c.dtype == pl.String)
        optics, particles = upgraded_to_31({**tables, block: clean}, path)
        parts = split_names(particles["rlnImageName"])
        bases = (
            [job.root / Path(self.stacks_below).expanduser()]
            if self.stacks_below
            else [path.parent, *path.parents]
        )
        names = sorted(parts["stack"].unique().to_list())
        stacks = bring_stacks(names, job.root, job.name, bases, by_tail=bool(self.stacks_below))
        there = parts["stack"].is_in(list(stacks.found))
        if not there.any():
            raise DatasetError(
                f"{path}: rlnImageName", found=f"{names[0]}, {stacks.lost[names[0]]}", expected="image stacks that exist",
                hint="Say with stacks_below= where they are.",
            )  # fmt: skip
        because += [
            f"{count} whose stack {stack} cannot be taken, {stacks.lost[stack]}"
            for stack, count in parts.filter(~there).group_by("stack").len().sort("stack").iter_rows()
        ]
        particles, parts, rows = particles.filter(there), parts.filter(there), rows.filter(there)
        check_numbers_of_images(parts, stacks.found, rows.to_list(), path, block)
        optics = with_image_sizes(optics, particles, parts["stack"], stacks.found, path)
        targets = {name: stack.target for name, stack in stacks.found.items()}
        particles = particles.with_columns(
            parts.select(
                pl.concat_str(
                    pl.col("number") + "@", pl.col("stack").replace_strict(targets), ignore_nulls=True
                )
            )
            .to_series()
            .alias("rlnImageName")
        )
        if self.optics_group_particles:
            if optics.height != 1:
                raise ParameterError(
                    f"{self.name}: parameter optics_group_particles", found=f"given for {optics.height} groups",
                    expected="a file with one group",
                )  # fmt: skip
            optics = optics.with_columns(pl.lit(self.optics_group_particles).alias("rlnOpticsGroupName"))
        if self.micrograph_angpix > 0:
            optics = optics.with_columns(pl.lit(self.micrograph_angpix).alias("rlnMicrographPixelSize"))
        left_out = given.height - particles.height
        note = f"Found {given.height}, took {particles.height}, left out {left_out}"
        note += f": {'; '.join(because)}." if because else "."
        note = " ".join([note, *(f"{said}." for said in stacks.said)])
        counts = {"particles": particles.height, "left out": left_out}
        return SetResult({"particles": {"optics": optics, "particles": with_ids(particles)}}, counts, note)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import particles

        return particles.particle_views(job.file("particles.star"))
