"""The pixel size by which a detector's MTF counts frequencies: that of its physical pixels, on the specimen."""

from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.protocol import HalfMaps, Protocol

LABELS = ("rlnResolutionInversePixel", "rlnMtfValue")
TOLERANCE = 0.02  # of a pixel size


def check_mtf_pixel(protocol: Protocol, root: Path, halves: HalfMaps, angpix: float) -> None:
    """That the MTF is one, and its pixel is the movies', or twice it: that of super-resolution movies.

    Args:
        halves: half maps, beside the particles that they were made of.
        angpix: as it was given; 0 or less for not.
    Raises:
        ParameterError: it is neither, or nobody gave it.
    """
    from cryoloom import star

    file = str(protocol.values["fn_mtf"])
    if not any({*LABELS} <= {*columns} for columns in star.heads(root / file).values()):
        raise ParameterError(
            f"{protocol.name}: parameter fn_mtf", found=f"{file}, which is no MTF",
            expected=f"a table with {' and '.join(LABELS)}",
            hint="cryoloom suggest mtf writes one of a detector that is known by name.",
        )  # fmt: skip
    if protocol.values.get("accept_unusual"):
        return
    size = _pixel_of_movies(root, halves)
    known = [] if size is None else [size, 2 * size]
    if angpix > 0 and (not known or any(abs(angpix / one - 1) <= TOLERANCE for one in known)):
        return
    expected = "that of the detector's physical pixels, Å"
    if known:
        expected = f"{known[0]:g} Å, the movies' pixel; {known[1]:g} Å where they are of super-resolution"
    raise ParameterError(
        f"{protocol.name}: parameter mtf_angpix", found=f"{angpix:g} Å" if angpix > 0 else "not given", expected=expected,
        hint="An MTF of another pixel size sharpens the map wrongly. If it is meant, add accept_unusual=Yes.",
    )  # fmt: skip


def _pixel_of_movies(root: Path, halves: HalfMaps) -> float | None:
    """What the particles beside the half maps say; None where there are none, or of several sizes."""
    from cryoloom import star

    file = root / halves.path
    beside = sorted(file.parent.glob(f"{file.name.split('_')[0]}_data.star"))
    optics = star.as_table(star.read(beside[0], ["optics"], optional=True).get("optics")) if beside else None
    if optics is None or "rlnMicrographOriginalPixelSize" not in optics.columns:
        return None
    sizes = {float(size) for size in optics["rlnMicrographOriginalPixelSize"].to_list()}
    return sizes.pop() if len(sizes) == 1 else None
