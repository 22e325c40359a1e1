"""Colours: the same for the same thing everywhere, and never one for two things in one figure."""

from collections.abc import Sequence

# Colours that stay apart for colour-blind readers (Okabe & Ito 2008), without their yellow, which is none on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
_GOLDEN = 0.618033988749895
# What is met in several figures has its colour by name.
_OF_NAMES = {
    "corrected": COLOURS[0], "unmasked": COLOURS[2], "masked": COLOURS[1], "phases randomised": COLOURS[3],
    "half maps": COLOURS[0], "resolution": COLOURS[0], "angular step": COLOURS[1],
    "all frames": COLOURS[0], "first frames": COLOURS[1], "later frames": COLOURS[2],
    "spectrum": COLOURS[6], "CTF²": COLOURS[1], "agreement": COLOURS[0],
    "original": COLOURS[6], "MTF corrected": COLOURS[3], "weighted": COLOURS[2], "sharpened": COLOURS[0], "fit": COLOURS[1],
    "movies": COLOURS[4], "micrographs": COLOURS[0], "particles": COLOURS[1], "coordinates": COLOURS[2],
}  # fmt: skip


def colours_of(names: Sequence[str]) -> list[str]:
    """A colour for each of these names, all different; `class 7` and `optics group 7` have theirs by the number."""
    found: list[str] = []
    for place, name in enumerate(names):
        words = name.partition(" (")[0]
        number = words.rpartition(" ")[2]
        if words in _OF_NAMES:
            colour = _OF_NAMES[words]
        elif number.isdigit() and int(number):
            colour = colour_of_number(int(number))
        else:
            colour = colour_of_number(place + 1)
        while colour in found:
            place += 1
            colour = colour_of_number(len(names) + place + 1)
        found.append(colour)
    return found


def colour_of_number(number: int) -> str:
    """The colour of class, group or series number 1, 2, ...: those of the palette, then hues far from the ones before."""
    from colorsys import hls_to_rgb

    if number <= len(COLOURS):
        return COLOURS[number - 1]
    hue = number * _GOLDEN % 1.0
    rgb = hls_to_rgb(hue, (0.40, 0.55, 0.30)[number % 3], 0.75)
    return "#" + "".join(f"{round(255 * part):02X}" for part in rgb)
