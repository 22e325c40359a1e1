"""What a session tells of micrographs is in the units that it names."""

from cryoloom.api.session_quality import QUANTITIES
from cryoloom.em.labels import label

IN_ANGSTROM = {"Å": 1.0, "µm": 1e-4}


def test_a_sessions_quantities_are_in_the_units_of_their_labels() -> None:
    """RELION's accumulated motion is px of the movie: said as Å it is wrong by the pixel size."""
    for one in QUANTITIES:
        known = label(one.label)
        unit = known.unit if known is not None else ""

        if unit == "Å":
            assert one.factor == IN_ANGSTROM[one.unit], one
        else:
            assert (one.unit, one.factor) == (unit, 1.0), one
