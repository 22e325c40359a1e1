"""3D auto-refinement."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion import iterations
from cryoloom.plugins.relion.iterations import root
from cryoloom.plugins.relion.options.boxes import check_diameter, check_mask, check_reference
from cryoloom.plugins.relion.options.compute import Compute3D, disc_args, gpu_args, padding_args
from cryoloom.plugins.relion.options.ctf import NEEDS_OF_CTF
from cryoloom.plugins.relion.options.diameters import HELP_MASK, auto_mask
from cryoloom.plugins.relion.options.running import Mpi, Threads, call, number
from cryoloom.plugins.relion.options.sampling import STEPS, healpix_order, oversampled
from cryoloom.protocol import (
    ADVANCED,
    Box,
    Command,
    HalfMaps,
    Input,
    JobFolder,
    Mask,
    Optimiser,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    Progress,
    View,
    Volume,
)


class Refine3D(Compute3D, Mpi, Threads, ProgramProtocol):
    """Refine orientations and map, two independent halves, until nothing improves."""

    name = "relion.refine3d"
    label = "3D auto-refine"
    folder = "Refine3D"
    relion_type = 10
    cites = ("Scheres2012", "Zivanov2018")
    programs = ("relion_refine_mpi", "mpirun")
    next = ("relion.maskcreate", "relion.postprocess", "relion.extract")
    begins_with = {"particle_diameter": "auto"}
    iterative = True
    ranks_are_led, rank_groups = True, 2
    reread = ("particle_diameter", "auto_faster", "do_solvent_fsc", "relax_sym", "fn_mask")

    fn_img: Particles = Input(
        "Input images",
        help="Particles; orientations they carry are the start of local searches.",
        needs=NEEDS_OF_CTF,
    )
    fn_cont: Optimiser = Input(
        "Continue from here", optional=True, help="An optimiser file; `cryoloom continue JOB` fills it in."
    )
    fn_ref: Volume = Input("Reference map", help="Same box and pixel size as the particles.")
    fn_mask: Mask = Input(
        "Reference mask (optional)", optional=True, help="Solvent is zero, particle one, edge soft."
    )
    ref_correct_greyscale: bool = Param(
        False,
        "Ref. map is on absolute greyscale?",
        tab="Reference",
        help="Yes for maps made from these data.",
    )
    ini_high: float = Param(
        60,
        "Initial low-pass filter",
        unit="Å",
        tab="Reference",
        help="Low enough that no detail of the start remains.",
    )
    sym_name: str = Param(
        "C1", "Symmetry", tab="Reference", means="symmetry", help="Point group by RELION's names."
    )
    do_ctf_correction: bool = Param(True, "Do CTF-correction?", tab="CTF", help="Inside the likelihood.")
    ctf_corrected_ref: bool = Param(
        False, "Has reference been CTF-corrected?", tab="CTF", help="Yes for maps of RELION's refinements."
    )
    ctf_intact_first_peak: bool = Param(
        False, "Ignore CTFs until first peak?", tab="CTF", help="Rarely useful in 3D."
    )
    particle_diameter: float = Param(
        200,
        "Mask diameter",
        unit="Å",
        tab="Optimisation",
        gt=0,
        usual=(20, 5000),
        auto=True,
        help=f"Larger than the particle, smaller than the box. {HELP_MASK}",
    )
    do_zero_mask: bool = Param(
        True,
        "Mask individual particles with zeros?",
        tab="Optimisation",
        help="No: the outside is filled with noise.",
    )
    do_solvent_fsc: bool = Param(
        False,
        "Use solvent-flattened FSCs?",
        tab="Optimisation",
        help="Judge resolution within the mask; needs one.",
    )
    sampling: str = Param(
        "7.5 degrees",
        "Initial angular sampling",
        tab="Auto-sampling",
        choices=STEPS,
        help="Step after oversampling.",
    )
    offset_range: float = Param(
        5, "Initial offset range", unit="px", tab="Auto-sampling", ge=0, help="Around the start."
    )
    offset_step: float = Param(
        1, "Initial offset step", unit="px", tab="Auto-sampling", gt=0, help="Step of the search."
    )
    auto_local_sampling: str = Param(
        "1.8 degrees", "Local searches from auto-sampling", tab="Auto-sampling", choices=STEPS,
        help="From this step on only orientations near the last are tried.",
    )  # fmt: skip
    relax_sym: str = Param(
        "",
        "Relax symmetry",
        tab="Auto-sampling",
        level=ADVANCED,
        means="symmetry",
        help="Point group of pseudo-symmetry.",
    )
    auto_faster: bool = Param(
        False,
        "Use finer angular sampling faster?",
        tab="Auto-sampling",
        help="Goes on to finer steps without waiting.",
    )
    nr_mpi: int = Param(
        3,
        "Number of MPI procs",
        tab="Running",
        ge=3,
        auto=True,
        help="One leads, the others are two groups: odd, at least 3. auto: for this machine, one that works for each GPU or "
        "each eight cores, and two at least.",
    )

    particles: Particles = Output("Refined particles", lambda p: f"{root(p)}_data.star")
    half_maps: HalfMaps = Output("Unfiltered half maps", lambda p: f"{root(p)}_half1_class001_unfil.mrc")
    volume: Volume = Output("Refined map", lambda p: f"{root(p)}_class001.mrc")

    def check(self) -> None:
        super().check()
        if self.do_solvent_fsc and not self.fn_mask:
            raise ParameterError(
                f"{self.name}: parameter do_solvent_fsc", found="Yes without a mask", expected="a mask in fn_mask",
                hint="Make one with relion.maskcreate.",
            )  # fmt: skip

        iterations.check_continued(self, None)

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        return auto_mask(self, job.root, self.fn_img)

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_diameter(self, boxes, self.particle_diameter)
        if not self.fn_cont:
            check_reference(self, boxes, "fn_ref")
        check_mask(self, boxes, "fn_mask")

    def command(self, job: JobFolder) -> Command:
        if self.fn_cont:
            return self._continue_command(job)
        args = ["--o", job.file("run"), "--auto_refine", "--split_random_halves", "--i", self.fn_img.path]
        args += ["--ref", self.fn_ref.path]
        if not self.ref_correct_greyscale:
            args.append("--firstiter_cc")
        if self.ini_high > 0:
            args += ["--ini_high", number(self.ini_high)]
        args += [*disc_args(self), *padding_args(self)]
        if self.auto_faster:
            args += ["--auto_ignore_angles", "--auto_resol_angles"]
        if self.do_ctf_correction:
            args.append("--ctf")
            if self.ctf_corrected_ref:
                args.append("--ctf_corrected_ref")
            if self.ctf_intact_first_peak:
                args.append("--ctf_intact_first_peak")
        args += ["--particle_diameter", number(self.particle_diameter), "--flatten_solvent"]
        if self.do_zero_mask:
            args.append("--zero_mask")
        if self.fn_mask:
            args += ["--solvent_mask", self.fn_mask.path]
            if self.do_solvent_fsc:
                args.append("--solvent_correct_fsc")
        args += ["--oversampling", "1", "--healpix_order", healpix_order(self.sampling)]
        args += ["--auto_local_healpix_order", healpix_order(self.auto_local_sampling)]
        args += [
            "--offset_range",
            number(self.offset_range),
            "--offset_step",
            number(oversampled(self.offset_step)),
        ]
        args += ["--sym", self.sym_name, "--low_resol_join_halves", "40"]
        args += ["--norm", "--scale"]
        if self.relax_sym:
            args += ["--relax_sym", self.relax_sym]
        args += ["--j", str(self.nr_threads), *gpu_args(self)]
        return call(self, "relion_refine", args, job)

    def _continue_command(self, job: JobFolder) -> Command:
        args = ["--continue", self.fn_cont.path, "--o", job.file(root(self))]
        args += [*disc_args(self), *padding_args(self)]
        if self.auto_faster:
            args += ["--auto_ignore_angles", "--auto_resol_angles"]
        args += ["--particle_diameter", number(self.particle_diameter)]
        if self.fn_mask:
            args += ["--solvent_mask", self.fn_mask.path]
            if self.do_solvent_fsc:
                args.append("--solvent_correct_fsc")
        if self.relax_sym:
            args += ["--relax_sym", self.relax_sym]
        args += ["--j", str(self.nr_threads), *gpu_args(self)]
        return call(self, "relion_refine", args, job)

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command | None:
        more = ["--auto_ignore_angles", "--auto_resol_angles"] if self.auto_faster else []
        return iterations.resumed(self, job, found, more)

    def progress(self, job: JobFolder) -> Progress | None:
        return iterations.progress(job)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps, orientations, refinement

        return [
            *refinement.refinement_views(job.root, job.name),
            *orientations.orientation_views(refinement.newest_file(job, "data.star"), symmetry=self.sym_name),
            *maps.map_views(refinement.newest_file(job, "class001.mrc")),
        ]
