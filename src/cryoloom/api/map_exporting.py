"""What is looked at, handed on to other programs: a command file for ChimeraX, a macro for Fiji.

Both name files by their whole paths, and say at their head what to change where they are opened on another machine.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryoloom.api.maps import JobMap
from cryoloom.errors import ParameterError

COLOUR = re.compile(r"#[0-9a-f]{6}")
# What neither program's words between quotation marks can hold.
NOT_IN_A_NAME = re.compile(r'["\\\x00-\x1f]')
RAMP = ("#fde725", "#b5de2b", "#6ece58", "#35b779", "#1f9e89", "#26828e", "#31688e", "#3e4a89", "#482878")


@dataclass(frozen=True)
class ShownMap:
    """A map as it is looked at."""

    map: JobMap
    level: float
    colour: str = "#1d7a6b"
    opacity: float = 1.0
    is_shown: bool = True


@dataclass(frozen=True)
class Colouring:
    """Surfaces in the colours of another map, from the good end of the ramp to the other."""

    map: JobMap
    good: float
    poor: float


def chimerax_commands(
    shown: Sequence[ShownMap], colouring: Colouring | None = None, camera: Sequence[float] = ()
) -> str:
    """The text of a `.cxc` file that opens the same maps at the same levels, in the same colours.

    Args:
        shown: the maps.
        colouring: by which all shown surfaces are coloured.
        camera: where it is, 3 rows of 4 numbers as ChimeraX's `view matrix` takes them; none: ChimeraX decides.
    Raises:
        ParameterError: no map, a colour that is none, or a path that ChimeraX cannot read.
    """
    if not shown:
        raise ParameterError("maps", found="none", expected="at least one")
    root = shown[0].map.job.project.path
    lines = [
        f"# Made by Cryoloom of {root.name}. On another machine change the folder in the next line.",
        f"cd {_quoted(str(root))}",
    ]
    for number, one in enumerate(shown, 1):
        lines += [
            f"open {_quoted(_below(one.map))} id {number} name {_quoted(one.map.title)}",
            f"volume #{number} style surface step 1 level {one.level:.6g} color {_colour(one.colour)}",
        ]
        if not one.map.voxels().placement.has_pixel_size:
            lines.append(f"volume #{number} voxelSize 1")
        if one.opacity < 1:
            lines.append(f"transparency #{number} {100 * (1 - one.opacity):.0f}")
    if colouring is not None:
        number = len(shown) + 1
        lines.append(f"open {_quoted(_below(colouring.map))} id {number} name {_quoted(colouring.map.title)}")
        span = colouring.poor - colouring.good
        steps = [
            (colouring.good + span * place / (len(RAMP) - 1), colour) for place, colour in enumerate(RAMP)
        ]
        palette = ":".join(f"{value:.4g},{colour}" for value, colour in sorted(steps))
        lines += [
            f"color sample #{place} map #{number} palette {palette}" for place, one in enumerate(shown, 1)
        ]
        lines.append(f"hide #{number} models")
    lines += [f"hide #{number} models" for number, one in enumerate(shown, 1) if not one.is_shown]
    lines += ["camera ortho", "lighting soft"]
    if len(camera) == 12:
        lines.append("view matrix camera " + ",".join(f"{value:.5g}" for value in camera))
    return "\n".join([*lines, ""])


def fiji_macro(maps: Sequence[JobMap]) -> str:
    """The text of an `.ijm` macro that opens maps with their pixel sizes, at their middle slices; y grows upwards as here.

    Raises:
        ParameterError: no map, or a path that a macro cannot name.
    """
    if not maps:
        raise ParameterError("maps", found="none", expected="at least one")
    lines = [
        "// Made by Cryoloom. On another machine change the next line. Bio-Formats, which Fiji has, turns y upwards.",
        f"folder = {_quoted(str(maps[0].job.project.path))};",
    ]
    for one in maps:
        placement = one.voxels().placement
        lines += [
            f'run("Bio-Formats Importer", "open=[" + folder + "/" + {_quoted(_below(one))} + "] color_mode=Default '
            'view=Hyperstack stack_order=XYCZT");',
            f"rename({_quoted(one.title)});",
        ]
        if placement.has_pixel_size:
            x, y, z = placement.voxel
            lines.append(f'setVoxelSize({x:g}, {y:g}, {z:g}, "Angstrom");')
        lines += [f"setSlice({placement.size[2] // 2 + 1});", 'run("Enhance Contrast", "saturated=0.35");']
    return "\n".join([*lines, ""])


def _below(one: JobMap) -> str:
    return str(one.path.relative_to(one.job.project.path))


def _quoted(text: str) -> str:
    if NOT_IN_A_NAME.search(text):
        raise ParameterError(
            "The map's path", found=repr(text), expected="one without quotation marks, backslashes and line ends",
            hint="Open the file in the program itself.",
        )  # fmt: skip
    return f'"{text}"'


def _colour(text: str) -> str:
    if not COLOUR.fullmatch(text.lower()):
        raise ParameterError("colour", found=repr(text), expected="#rrggbb, such as #1d7a6b")
    return text.lower()
