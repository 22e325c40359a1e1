"""How large the maps and images are that a job is given, for its protocol to say whether they fit."""

from collections.abc import Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.project.needs import is_in_the_making
from cryoloom.protocol.datasets import Box, Dataset, HalfMaps, Mask, Particles, Postprocess, Volume
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.protocols import Protocol

MAPS = (".mrc", ".map")
GROUP = "rlnOpticsGroupName"
# What a `postprocess.star` was made of.
_NAMED = ("rlnUnfilteredMapHalf1", "rlnUnfilteredMapHalf2", "rlnMaskName")


def check_boxes(root: Path, protocol: Protocol) -> None:
    """Ask the protocol whether the maps and particles that are there already fit each other.

    Raises:
        ParameterError: they do not; the protocol says what to do.
        CryoloomError: a file among them is broken.
    """
    if type(protocol).check_boxes is Protocol.check_boxes:
        return  # no file is opened for a protocol that does not ask
    found = {name: _box(root, dataset) for name, dataset in protocol.given.items() if dataset}
    call_plugin(protocol, "check_boxes", {name: box for name, box in found.items() if box is not None})


def _box(root: Path, dataset: Dataset) -> Box | None:
    """None where it is not known, or not yet."""
    path = root / dataset.path
    if not path.is_file() or is_in_the_making(root, dataset):
        return None
    if isinstance(dataset, Volume | Mask | HalfMaps) and path.suffix in MAPS:
        return _of_map(path, dataset.path)
    if isinstance(dataset, Postprocess):
        return _of_half_maps(root, dataset)
    return _of_groups(path, dataset.path) if isinstance(dataset, Particles) else None


def _of_map(path: Path, name: str) -> Box:
    from cryoloom.images.headers import read_header

    header = read_header(path)
    sides = (*header.size, header.frames)
    uneven = sides if len({*sides}) > 1 else ()
    return Box(name, header.size[0], header.angpix or 0.0, uneven)


def _of_half_maps(root: Path, dataset: Dataset) -> Box:
    """The box of the maps that a `postprocess.star` names, all of which have to be there.

    Raises:
        ParameterError: one is not.
    """
    from cryoloom import star

    general = star.read(root / dataset.path, ["general"])["general"]
    maps = (
        [str(general[label]) for label in _NAMED if label in general] if isinstance(general, Mapping) else []
    )
    for name in maps or ["half maps"]:
        if not (root / name).is_file():
            raise ParameterError(
                dataset.path, found=f"without {name}", expected="the half maps and the mask that it was made of",
                hint="Run relion.postprocess again on half maps that are there.",
            )  # fmt: skip
    return _of_map(root / maps[0], maps[0])


def _of_groups(path: Path, name: str) -> Box | None:
    """The box of the first optics group, by which RELION's programs go, with those of the others."""
    from cryoloom import star

    if not star.heads(path).get("optics"):
        return None  # a table of RELION 3.0 tells its box nowhere
    optics = star.as_table(star.read(path, blocks=["optics"])["optics"])
    wanted = ("rlnImageSize", "rlnImagePixelSize")
    if optics is None or not optics.height or not set(wanted) <= set(optics.columns):
        return None
    sizes = [(int(px), float(angpix)) for px, angpix in optics.select(wanted).iter_rows()]
    names = (
        optics[GROUP].to_list() if GROUP in optics.columns else [f"{row}" for row in range(1, len(sizes) + 1)]
    )
    others = [Box(f"{name} ({group})", *size) for group, size in zip(names[1:], sizes[1:], strict=True)]
    return Box(name, *sizes[0], others=(*others,))
