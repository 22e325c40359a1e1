"""The other hand: a map, its half maps and mask mirrored, and the particles' orientations with them."""

from collections.abc import Mapping, Sequence

from cryoloom.plugins.relion.options.boxes import check_half, check_map_mask
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.protocol import (
    Box,
    Command,
    HalfMaps,
    Input,
    JobFolder,
    Mask,
    Output,
    Particles,
    ProgramProtocol,
    View,
    Volume,
)

ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
# Where a search begins, or what it stays near: of another hand they mean another orientation.
PRIORS = ("rlnAngleRotPrior", "rlnAngleTiltPrior", "rlnAnglePsiPrior")
HALVES = tuple(f"run_half{half}_class001_unfil.mrc" for half in (1, 2))


class FlipHand(Additional, ProgramProtocol):
    """Mirror a map and all that goes with it, so that work goes on with the right hand."""

    name = "relion.flip_hand"
    label = "Flip the hand"
    programs = ("relion_image_handler",)
    next = ("relion.refine3d", "relion.postprocess")

    fn_in: Volume = Input("Map", help="Of the wrong hand: helices turn to the left.")
    particles_in: Particles = Input(
        "Particles",
        optional=True,
        needs=ANGLES,
        help="With orientations in this map; they fit the mirrored one then.",
    )
    half_maps_in: HalfMaps = Input("Half maps", optional=True, help="Both are mirrored.")
    mask_in: Mask = Input("Mask", optional=True, help="Of this map.")

    volume: Volume = Output("Mirrored map", "map.mrc")
    particles: Particles = Output(
        "Particles in the mirrored map", "particles.star", when=lambda p: bool(p.given["particles_in"])
    )
    half_maps: HalfMaps = Output(
        "Mirrored half maps", HALVES[0], when=lambda p: bool(p.given["half_maps_in"])
    )
    mask: Mask = Output("Mirrored mask", "mask.mrc", when=lambda p: bool(p.given["mask_in"]))

    def check(self) -> None:
        super().check()
        check_half(self, "half_maps_in")

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_map_mask(self, boxes, "mask_in", of="fn_in")
        check_map_mask(self, boxes, "half_maps_in", of="fn_in")

    def command(self, job: JobFolder) -> Command:
        return self._flipped(job, self.fn_in.path, "map.mrc")

    def after(self, job: JobFolder) -> Sequence[Command]:
        files = []
        if self.half_maps_in:
            files += [(self.half_maps_in.half(number), HALVES[number - 1]) for number in (1, 2)]
        if self.mask_in:
            files.append((self.mask_in.path, "mask.mrc"))
        return [self._flipped(job, source, name) for source, name in files]

    def _flipped(self, job: JobFolder, source: str, name: str) -> Command:
        words = ["--i", source, "--o", job.file(name), "--invert_hand"]
        return call(self, "relion_image_handler", words, job, control=False)

    def name_results(self, job: JobFolder) -> None:
        """The particles' orientations; no program of RELION's changes them."""
        if not self.particles_in:
            return
        import polars as pl

        from cryoloom import star
        from cryoloom.em.poses import euler_angles, matrices, of_mirror_image

        blocks = star.read(job.root / self.particles_in.path)
        table = star.tables_of(blocks)["particles"]
        changed: list[pl.Series | pl.Expr] = []
        for labels in (ANGLES, PRIORS):
            if set(labels) <= set(table.columns):
                turned = euler_angles(of_mirror_image(matrices(table.select(labels).to_numpy())))
                changed += [pl.Series(label, turned[:, column]) for column, label in enumerate(labels)]
        # Of filaments only tilt and psi are known beforehand: the mirror image tilts to the other side of the equator.
        if PRIORS[1] in table.columns and PRIORS[0] not in table.columns:
            changed.append((180.0 - pl.col(PRIORS[1])).alias(PRIORS[1]))
        star.write(job.path / "particles.star", {**blocks, "particles": table.with_columns(changed)})

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("map.mrc"))
