"""The Optimisation tab of classifications and refinements."""

from cryoloom.plugins.relion.options.diameters import HELP_MASK
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import MaskDiameter, Param


class CircularMask:
    """The circle beyond which a particle's image is solvent."""

    particle_diameter: float = Param(
        200, "Mask diameter", unit="Å", tab="Optimisation", gt=0, usual=(20, 5000), auto=True,
        flag="--particle_diameter", wizard=MaskDiameter(of="fn_img"),
        help=f"Larger than the particle, smaller than the box. {HELP_MASK}",
    )  # fmt: skip


class ZeroMask(CircularMask):
    """What stands beyond the circle."""

    do_zero_mask: bool = Param(
        True, "Mask individual particles with zeros?", tab="Optimisation", flag="--zero_mask",
        help="No: the outside is filled with noise, which keeps it from correlating.",
    )  # fmt: skip


class Classes(ZeroMask):
    """How many classes, how long, and how much the data weigh."""

    nr_classes: int = Param(
        1, "Number of classes", tab="Optimisation", ge=1, flag="--K", help="How many averages are made."
    )
    tau_fudge: float = Param(
        2, "Regularisation parameter T", tab="Optimisation", gt=0, flag="--tau2_fudge",
        help="Larger: more weight on the data; 2 is usual in 2D, 4 in 3D.",
    )  # fmt: skip
    nr_iter: int = Param(
        25, "Number of iterations", tab="Optimisation", ge=1, flag="--iter", help="25 is usually enough."
    )
    do_fast_subsets: bool = Param(
        False, "Use fast subsets (for large data sets)?", tab="Optimisation", flag="--fast_subsets",
        help="Early iterations see few particles.",
    )  # fmt: skip
    highres_limit: float = Param(
        -1, "Limit resolution E-step to", unit="Å", tab="Optimisation", flag="--strict_highres_exp", written=positive,
        help="Frequencies above it are ignored; -1: none.",
    )  # fmt: skip
