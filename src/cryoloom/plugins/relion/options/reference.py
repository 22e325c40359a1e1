"""The reference of a 3D classification or refinement: map, mask, symmetry, grey scale."""

from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import Input, Mask, Param, Volume


class Reference:
    """What particles are compared with first."""

    fn_ref: Volume = Input("Reference map", flag="--ref", help="Same box and pixel size as the particles.")
    fn_mask: Mask = Input(
        "Reference mask (optional)", optional=True, flag="--solvent_mask",
        help="Solvent is zero, particle one, edge soft.",
    )  # fmt: skip
    ref_correct_greyscale: bool = Param(
        False, "Ref. map is on absolute greyscale?", tab="Reference", flag_off="--firstiter_cc",
        help="Yes for maps made from these data.",
    )  # fmt: skip
    ini_high: float = Param(
        60, "Initial low-pass filter", unit="Å", tab="Reference", flag="--ini_high", written=positive,
        help="Low enough that no detail of the start remains; 0: none.",
    )  # fmt: skip
    sym_name: str = Param(
        "C1",
        "Symmetry",
        tab="Reference",
        means="symmetry",
        flag="--sym",
        help="Point group by RELION's names.",
    )
    ctf_corrected_ref: bool = Param(
        False, "Has reference been CTF-corrected?", tab="CTF", when="do_ctf_correction", flag="--ctf_corrected_ref",
        help="Yes for maps of RELION's refinements.",
    )  # fmt: skip
