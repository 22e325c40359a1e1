"""Gain references: one that is zero, or no number, everywhere would make all micrographs black or nan."""

from pathlib import Path

from cryoloom.errors import ImageError


def bring_gain(source: Path, target: Path) -> str:
    """Check a gain reference, and write a copy where RELION would misread it.

    Returns:
        What was converted; "" where it is right as it is and nothing was written.
    Raises:
        ImageError: it is no image that RELION reads, or it has no pixel to multiply with.
    """
    from cryoloom.images.misread import convert_for_relion
    from cryoloom.plugins.imports.linking import make_folder

    check_gain(source)
    make_folder(target.parent)
    return convert_for_relion(source, target)


def check_gain(source: Path) -> None:
    """That a gain reference has numbers, not all of them zero.

    Raises:
        ImageError: otherwise.
    """
    import numpy as np

    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc

    header = read_header(source)
    if header.format == "MRC":
        pixels = np.asarray(read_mrc(source))
    else:
        import tifffile

        try:
            pixels = np.asarray(tifffile.imread(source, key=0))
        except (ValueError, tifffile.TiffFileError) as error:
            raise ImageError(
                f"{source}", found=f"not readable ({error})", expected="a gain reference"
            ) from None
    bad = pixels.size - int(np.count_nonzero(np.isfinite(pixels)))
    if bad:
        raise ImageError(
            f"{source}", found=f"{bad} of {pixels.size} pixels that are no numbers", expected="a gain reference",
        )  # fmt: skip
    if not pixels.any():
        raise ImageError(
            f"{source}", found="zero in every pixel", expected="a gain reference",
            hint="Movies that were corrected already need none: leave fn_gain_ref empty.",
        )  # fmt: skip
