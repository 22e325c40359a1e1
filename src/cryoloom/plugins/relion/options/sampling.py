"""Angular sampling: RELION's menu of steps, and HEALPix orders."""

# The steps after one order of oversampling, in the order of HEALPix.
STEPS = (
    *("30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees"),
    *("0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees"),
)
OVERSAMPLING = 1


def healpix_order(step: str) -> str:
    """RELION's `--healpix_order` for a step of its menu."""
    return str(STEPS.index(step))


def oversampled(step: float) -> float:
    """What RELION wants on its command line for a step meant after oversampling."""
    return step * float(2**OVERSAMPLING)
