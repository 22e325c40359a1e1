"""Angular sampling: RELION's menu of steps, HEALPix orders, and the Sampling tab of classifications."""

from cryoloom.plugins.relion.options.written import third
from cryoloom.protocol import ADVANCED, Param

# The steps after one order of oversampling, in the order of HEALPix.
STEPS = (
    *("30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees"),
    *("0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees"),
)
OVERSAMPLING = 1


def healpix_order(step: str) -> str:
    """RELION's `--healpix_order` for a step of its menu."""
    return str(STEPS.index(step))


def oversampled(step: float) -> str:
    """What RELION wants on its command line for a step meant after oversampling."""
    return f"{step * 2**OVERSAMPLING:g}"


class Alignment:
    """Whether particles are aligned, and how far from where they are."""

    dont_skip_align: bool = Param(
        True, "Perform image alignment?", tab="Sampling", flag_off="--skip_align",
        help="No: only classify; orientations stay as the particles carry them.",
    )  # fmt: skip
    offset_range: float = Param(
        5, "Offset search range", unit="px", tab="Sampling", ge=0, when="dont_skip_align", flag="--offset_range",
        help="Around the last offset.",
    )  # fmt: skip
    offset_step: float = Param(
        1, "Offset search step", unit="px", tab="Sampling", gt=0, when="dont_skip_align",
        flag="--offset_step", written=oversampled, help="Step of the search, after oversampling.",
    )  # fmt: skip
    allow_coarser: bool = Param(
        False, "Allow coarser sampling?", tab="Sampling", level=ADVANCED, when="dont_skip_align",
        flag="--allow_coarser_sampling",
        help="Early iterations take steps as coarse as their accuracy permits.",
    )  # fmt: skip


class Alignment3D(Alignment):
    """For three-dimensional references."""

    sampling: str = Param(
        "7.5 degrees", "Angular sampling interval", tab="Sampling", choices=STEPS, when="dont_skip_align",
        flag="--oversampling 1 --healpix_order", written=healpix_order, help="Step after oversampling.",
    )  # fmt: skip
    do_local_ang_searches: bool = Param(
        False, "Perform local angular searches?", tab="Sampling", when="dont_skip_align",
        help="Only orientations near those that the particles have are tried.",
    )  # fmt: skip
    sigma_angles: float = Param(
        5, "Local angular search range", unit="°", tab="Sampling", gt=0, le=180,
        when="dont_skip_align and do_local_ang_searches", flag="--sigma_ang", written=third,
        help="Search within so many degrees; three deviations of the prior.",
    )  # fmt: skip
    relax_sym: str = Param(
        "", "Relax symmetry", tab="Sampling", level=ADVANCED, means="symmetry",
        when="dont_skip_align and do_local_ang_searches", flag="--relax_sym",
        help="Point group of pseudo-symmetry: orientations that it makes alike are tried too.",
    )  # fmt: skip
