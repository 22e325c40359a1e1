"""RELION 3.1's cleaning of the types that no protocol of ours models: facts of its form until one does.

What a protocol models is declared on it (`Protocol.cleaning`, `Protocol.iterative`); by the type that it declares
(`relion_type`) also RELION's own jobs of that type are cleaned. A protocol that comes to model one of these takes
its rules along, and its entry here goes: a test sees to it.
"""

from collections.abc import Mapping

from cryoloom.project.forms.relion31 import TYPES
from cryoloom.protocol.cleaning import Rule

_ABERRATIONS = tuple(f"*_aberr-{part}_optics-group_*.mrc" for part in ("Axx", "Axy", "Ayy", "bx", "by"))

UNMODELLED: Mapping[int, tuple[Rule, ...]] = {
    TYPES["Subtract"]: (Rule("subtracted particles", ("subtracted.*",), below=False, harsh=True),),
    TYPES["MultiBody"]: (
        Rule(
            "maps of the principal components",
            ("analyse_component???_bin???.mrc",),
            below=False,
            harsh=True,
        ),
    ),
    TYPES["Polish"]: (
        Rule("Fourier-shell correlations of single movies", ("*_FCC_cc.mrc", "*_FCC_w0.mrc", "*_FCC_w1.mrc")),
        Rule("polished particle stacks", ("*_shiny.mrcs", "*_shiny.star"), harsh=True),
    ),
    TYPES["CtfRefine"]: (
        Rule(
            "sums and fits of single micrographs",
            (
                *("*_wAcc_optics-group*.mrc", "*_xyAcc_optics-group*.mrc", *_ABERRATIONS),
                *("*_mag_optics-group_*.mrc", "*_fit.star", "*_fit.eps"),
            ),
        ),
    ),
}
# Of these all iterations but the last go besides.
UNMODELLED_ITERATIVE = frozenset({TYPES["MultiBody"]})
