"""What a new project begins with: the import of the movies that lie beside it, as far as these say how.

A microscope's program leaves beside its movies the gain reference and, SerialEM, a text file a movie (`.mdoc`) with pixel size,
dose, voltage. What nothing says stands as `...`, to be filled in: a value that is made up would be taken for a measured one.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from cryoloom.errors import CryoloomError

OPEN = "..."
_MOVIES = (".tiff", ".tif", ".eer", ".mrc", ".mrcs")
_GAINS = (".mrc", ".gain", ".tiff", ".tif", ".dm4")
_MOST_LOOKED_AT = 50  # folders
_USUAL = {"kV": "300", "Cs": "2.7", "Q0": "0.1"}


def first_import(project: Path) -> str:
    """The command that imports the movies which lie in or beside a project, or any."""
    for folder in _folders(project):
        movie = _first_movie(folder)
        if movie is not None:
            return _command(folder, movie)
    return _of({"fn_in_raw": "'/data/*.tiff'", "fn_gain_ref": "/data/gain.mrc"})


def _folders(project: Path) -> Iterator[Path]:
    """Where movies may lie: the project, its parent, and the folders in these."""
    seen = 0
    for base in (project, project.parent):
        for folder in (base, *sorted(path for path in _entries(base) if path.is_dir())):
            seen += 1
            if seen <= _MOST_LOOKED_AT:
                yield folder


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []


def _first_movie(folder: Path) -> Path | None:
    """The first file that is a movie and no gain reference."""
    from cryoloom.images.headers import read_header

    files = sorted(path for path in _entries(folder) if path.suffix.lower() in _MOVIES)
    for path in files[:3]:
        try:
            if (
                "gain" not in path.name.lower()
                and not (header := read_header(path)).is_volume
                and header.frames > 1
            ):
                return path
        except (CryoloomError, OSError):
            continue
    return None


def _command(folder: Path, movie: Path) -> str:
    said = _of_mdoc(movie)
    given = {"fn_in_raw": shlex.quote(str(folder / f"*{movie.suffix}"))}
    gains = [
        path for path in _entries(folder) if "gain" in path.name.lower() and path.suffix.lower() in _GAINS
    ]
    if gains:
        given["fn_gain_ref"] = shlex.quote(str(min(gains)))
    return _of(given | said)


def _of(given: dict[str, str]) -> str:
    values = {"angpix": OPEN, "dose_per_frame": OPEN, **_USUAL} | given
    first = {name: values.pop(name) for name in ("fn_in_raw", "fn_gain_ref") if name in values}
    words = " ".join(f"{name}={value}" for name, value in (first | values).items())
    return f"cryoloom run import.movies {words} --stream"


def _of_mdoc(movie: Path) -> dict[str, str]:
    """Pixel size, dose a frame and voltage, as SerialEM writes them beside a movie."""
    for name in (f"{movie.name}.mdoc", f"{movie.stem}.mdoc"):
        try:
            text = (movie.parent / name).read_text(errors="replace")
        except OSError:
            continue
        values = {key: float(value) for key, value in re.findall(r"(?m)^(\w+) = ([0-9.]+)\s*$", text)}
        said = {}
        if values.get("PixelSpacing"):
            said["angpix"] = f"{values['PixelSpacing']:g}"
        if values.get("ExposureDose") and values.get("NumSubFrames"):
            said["dose_per_frame"] = f"{values['ExposureDose'] / values['NumSubFrames']:.4g}"
        if values.get("Voltage"):
            said["kV"] = f"{values['Voltage']:g}"
        return said
    return {}
