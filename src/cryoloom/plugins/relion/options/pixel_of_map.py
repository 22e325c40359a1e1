"""The pixel size of a map, for programs that take 1 Å where nothing is said, whatever its header says."""

from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.protocol import AUTO, Dataset, Param, Protocol


class PixelOfMap:
    angpix: float = Param(
        AUTO, "Pixel size", unit="Å", gt=0, flag="--angpix", help="auto: as the map's header says."
    )


def auto_pixel(protocol: Protocol, root: Path, volume: Dataset) -> dict[str, float]:
    """The value of `angpix=auto`.

    Raises:
        ParameterError: the map's header says none.
    """
    if protocol.values["angpix"] != AUTO:
        return {}
    from cryoloom.images.headers import read_header

    pixel = read_header(root / volume.path).angpix
    if not pixel:
        raise ParameterError(
            f"{protocol.name}: input fn_in", found=f"{volume.path}, whose header says no pixel size",
            expected="one", hint="Give angpix=...",
        )  # fmt: skip
    return {"angpix": pixel}
