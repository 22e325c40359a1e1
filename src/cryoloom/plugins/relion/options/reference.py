"""The reference of a 3D classification or refinement: map, mask, symmetry, grey scale, and whether it suited the images."""

from pathlib import Path

from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import Input, LowPass, Mask, Param, SymmetryOfMap, Volume

# Images have rms 1, and projections that fit leave less of it; those that are as much as twice too strong leave more.
LEFT_OVER = 2.0


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
        wizard=LowPass(of="fn_ref"), help="Low enough that no detail of the start remains; 0: none.",
    )  # fmt: skip
    sym_name: str = Param(
        "C1",
        "Symmetry",
        tab="Reference",
        means="symmetry",
        flag="--sym",
        help="Point group by RELION's names.",
        wizard=SymmetryOfMap(of="fn_ref"),
    )
    ctf_corrected_ref: bool = Param(
        False, "Has reference been CTF-corrected?", tab="CTF", when="do_ctf_correction", flag="--ctf_corrected_ref",
        help="Yes for all maps that RELION made with CTF. With No the first iteration leaves the CTF out of the projections,"
        " and orientations that were right are lost.",
    )  # fmt: skip


def doubts_of_reference(model: Path) -> list[str]:
    """What the model of the first iteration says against a reference that is compared on its own grey scale.

    `rlnNormCorrectionAverage` is the rms of what the best projections leave of the images. A reference that
    RELION multiplies by no CTF, or one of another pixel size whose values were not scaled, is too strong.
    """
    from cryoloom import star

    general = star.tables_of(star.read(model, ["model_general"]))["model_general"]
    left = float(general["rlnNormCorrectionAverage"][0])
    if left < LEFT_OVER:
        return []
    return [
        f"The first iteration's projections are far stronger than the images (they leave {left:.1f} times the images' rms), so"
        " orientations that were good at the start were lost: say ctf_corrected_ref for a map that was made with CTF, and"
        " ref_correct_greyscale=No for one whose values are not those of these particles."
    ]
