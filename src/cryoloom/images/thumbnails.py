"""Small pictures of large images: binned, contrast set by percentiles, as PNG; sheets of many."""

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes8 = NDArray[np.uint8]

LABEL_PX = 15
_NOT_IN_THE_FONT = {
    "Å": "Angstrom",
    "×": "x",
    "²": "^2",
    "³": "^3",
    "σ": "sigma",
    "→": "to",
    "…": "...",
    "–": "-",
    "≥": ">=",
}


def binned(image: NDArray[Any], longest_px: int) -> NDArray[np.float32]:
    """The image averaged down until its longer side is at most `longest_px`."""
    factor = max(1, -(-max(image.shape) // longest_px))
    y, x = (size // factor * factor for size in image.shape)
    cut = np.asarray(image[:y, :x], dtype=np.float32)
    return np.asarray(cut.reshape(y // factor, factor, x // factor, factor).mean(axis=(1, 3)))


def grey(image: NDArray[Any], low_percent: float = 0.5, high_percent: float = 99.5) -> Bytes8:
    """Grey values 0 to 255 between two percentiles; a constant image is mid-grey."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    low, high = np.percentile(values, (low_percent, high_percent))
    if high <= low:
        return np.full(values.shape, 128, np.uint8)
    return np.asarray(np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8))


def to_png(image: NDArray[Any]) -> bytes:
    """A PNG of an 8-bit image, grey (y, x) or colour (y, x, 3). Row 0 comes out at the bottom, as RELION shows it."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[::-1])).save(out, "PNG", compress_level=3)
    return out.getvalue()


def sheet(
    images: Sequence[NDArray[Any]],
    labels: Sequence[str],
    *,
    columns: int,
    tile_px: int = 110,
    angpix: float = 0.0,
    across: float = 0.0,
) -> bytes:
    """Images side by side, each in a square with its label below, as one PNG.

    Args:
        images: (y, x) each; with one pixel size they are drawn at one scale, else each fills its square.
        angpix: Å per pixel of the images: the first gets a scale bar; 0: none.
        across: Å of a square, where that is more than the largest image needs.
    """
    from PIL import Image, ImageDraw

    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    largest: float = max(max(image.shape) for image in images)
    if angpix > 0:
        largest = max(largest, across / angpix)
    page = Image.new("L", (columns * (tile_px + 4), rows * (tile_px + LABEL_PX + 4)), 255)
    pen = ImageDraw.Draw(page)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        x = number % columns * (tile_px + 4) + 2
        y = number // columns * (tile_px + LABEL_PX + 4) + 2
        longest = largest if angpix > 0 else max(image.shape)
        high, wide = (max(1, round(tile_px * side / longest)) for side in image.shape)
        shown = Image.fromarray(np.ascontiguousarray(grey(image)[::-1])).resize((wide, high))
        tile = Image.new("L", (tile_px, tile_px), 255)
        tile.paste(shown, ((tile_px - wide) // 2, (tile_px - high) // 2))
        if not number and angpix > 0:
            _draw_scale(tile, angpix * longest / tile_px)
        page.paste(tile, (x, y))
        pen.text((x, y + tile_px + 1), plain_text(label), fill=0)
    return _png(page)


def alike(pictures: tuple[bytes, bytes], angpix: tuple[float, float] = (0.0, 0.0)) -> tuple[bytes, bytes]:
    """Two PNGs of one size, and of one scale where Å per pixel of both are known: laid upon each other, places are the same."""
    from PIL import Image

    shown: list[Image.Image] = [Image.open(io.BytesIO(picture)) for picture in pictures]
    if all(size > 0 for size in angpix) and angpix[0] != angpix[1]:
        coarse = max(angpix)
        shown = [
            picture.resize((round(picture.width * size / coarse), round(picture.height * size / coarse)))
            for picture, size in zip(shown, angpix, strict=True)
        ]
    kind = "L" if all(picture.mode == "L" for picture in shown) else "RGB"
    size = max(picture.width for picture in shown), max(picture.height for picture in shown)
    pages = []
    for picture in shown:
        page = Image.new(kind, size, "white")
        page.paste(picture.convert(kind), (0, 0))
        pages.append(_png(page))
    return pages[0], pages[1]


def beside(pictures: tuple[bytes, bytes], names: tuple[str, str]) -> bytes:
    """Two PNGs next to each other, each below its name, as one."""
    from PIL import Image, ImageDraw

    shown = [Image.open(io.BytesIO(picture)) for picture in pictures]
    kind = "L" if all(picture.mode == "L" for picture in shown) else "RGB"
    gap = LABEL_PX
    size = (
        sum(picture.width for picture in shown) + gap,
        max(picture.height for picture in shown) + LABEL_PX,
    )
    page = Image.new(kind, size, "white")
    pen = ImageDraw.Draw(page)
    x = 0
    for picture, name in zip(shown, names, strict=True):
        page.paste(picture, (x, LABEL_PX))
        pen.text((x + 2, 1), plain_text(name), fill="black")
        x += picture.width + gap
    return _png(page)


def below(pictures: Sequence[bytes]) -> bytes:
    """PNGs below one another, as one."""
    from PIL import Image

    shown = [Image.open(io.BytesIO(picture)) for picture in pictures]
    kind = "L" if all(picture.mode == "L" for picture in shown) else "RGB"
    height = sum(picture.height + LABEL_PX for picture in shown) - LABEL_PX
    page = Image.new(kind, (max(picture.width for picture in shown), height), "white")
    y = 0
    for picture in shown:
        page.paste(picture.convert(kind), (0, y))
        y += picture.height + LABEL_PX
    return _png(page)


def titled(picture: bytes, title: str, caption: str = "") -> bytes:
    """A PNG below its title, with what is to be said of it below, so that the file alone says what it shows."""
    from PIL import Image, ImageDraw

    shown = Image.open(io.BytesIO(picture))
    letter = ImageDraw.Draw(shown).textlength("n")
    lines = textwrap.wrap(plain_text(caption), max(24, int(1.2 * shown.width / letter)))
    head = plain_text(title)
    width = max(shown.width, round(ImageDraw.Draw(shown).textlength(head)) + 6)
    height = shown.height + LABEL_PX * (1 + len(lines)) + 2
    page = Image.new("L" if shown.mode == "L" else "RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    pen.text((2, 1), head, fill="black")
    page.paste(shown, (0, LABEL_PX))
    for number, line in enumerate(lines):
        pen.text(
            (2, shown.height + LABEL_PX * (1 + number) + 1),
            line,
            fill="#555555" if page.mode == "RGB" else 85,
        )
    return _png(page)


def plain_text(words: str) -> str:
    """Words without the signs that the font which every Pillow has cannot draw."""
    for sign, instead in _NOT_IN_THE_FONT.items():
        words = words.replace(sign, instead)
    return words


def coloured_sheet(
    images: Sequence[NDArray[Any]],
    colourings: Sequence[NDArray[Any]],
    labels: Sequence[str],
    *,
    grey_limits: tuple[float, float],
    limits: tuple[float, float],
    unit: str,
    tile_px: int,
    angpix: float = 0.0,
) -> bytes:
    """Slices of a map in the colours of another, white where the map is not dense, with the scale of colours on the right.

    Args:
        images: (y, x) each, of one size.
        colourings: (y, x) each, of the same size; a value that is no number is white.
        labels: a word for each.
        grey_limits: densities that are white, and that have their colour in full.
        limits: the values of the first colour and the last.
        unit: of these values.
        tile_px: how wide a slice is drawn.
        angpix: Å per pixel; the first gets a scale bar; 0: none.
    """
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (len(images) * (tile_px + 4) + 70, tile_px + LABEL_PX + 4), "white")
    pen = ImageDraw.Draw(page)
    low, high = grey_limits
    for number, (image, values, label) in enumerate(zip(images, colourings, labels, strict=True)):
        dense = np.clip((image - low) / max(high - low, 1e-12), 0, 1) * np.isfinite(values)
        mixed = 255 * (1 - dense[..., None]) + _coloured(values, limits) * dense[..., None]
        tile = Image.fromarray(np.ascontiguousarray(mixed[::-1]).astype(np.uint8)).resize((tile_px, tile_px))
        if not number and angpix > 0:
            _draw_scale(tile, angpix * max(image.shape) / tile_px)
        page.paste(tile, (number * (tile_px + 4) + 2, 2))
        pen.text((number * (tile_px + 4) + 2, tile_px + 3), label, fill="black")
    bar = _coloured(np.linspace(limits[1], limits[0], tile_px)[:, None].repeat(14, axis=1), limits)
    left = len(images) * (tile_px + 4) + 6
    page.paste(Image.fromarray(bar.astype(np.uint8)), (left, 2))
    for place, value in ((2, limits[1]), (tile_px // 2 - 5, sum(limits) / 2), (tile_px - 10, limits[0])):
        pen.text((left + 18, place), f"{value:.1f}", fill="black")
    pen.text((left, tile_px + 3), plain_text(unit), fill="black")
    return _png(page)


def field_sheet(
    fields: Sequence[NDArray[Any]], labels: Sequence[str], *, limit: float, unit: str, tile_px: int
) -> bytes:
    """Values over a plane from blue (-limit) over white (0) to red (limit), with the scale of colours on the right.

    Args:
        fields: (y, x) each; what is no number is white.
        labels: a word for each.
        limit: the value of the last colour.
        unit: of these values.
        tile_px: how wide one is drawn.
    """
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (len(fields) * (tile_px + 4) + 70, tile_px + LABEL_PX + 4), "white")
    pen = ImageDraw.Draw(page)
    nearest = Image.Resampling.NEAREST
    for number, (values, label) in enumerate(zip(fields, labels, strict=True)):
        colours = _coloured(values, (-limit, limit), _ABOUT_ZERO)
        colours[~np.isfinite(values)] = 255
        tile = Image.fromarray(np.ascontiguousarray(colours[::-1]).astype(np.uint8))
        left = number * (tile_px + 4) + 2
        page.paste(tile.resize((tile_px, tile_px), nearest), (left, 2))
        pen.text((left, tile_px + 3), label, fill="black")
    bar = np.linspace(limit, -limit, tile_px)[:, None].repeat(14, axis=1)
    left = len(fields) * (tile_px + 4) + 6
    page.paste(Image.fromarray(_coloured(bar, (-limit, limit), _ABOUT_ZERO).astype(np.uint8)), (left, 2))
    for place, value in ((2, limit), (tile_px // 2 - 5, 0.0), (tile_px - 10, -limit)):
        pen.text((left + 18, place), f"{value:.3g}", fill="black")
    pen.text((left, tile_px + 3), plain_text(unit), fill="black")
    return _png(page)


_ABOUT_ZERO = np.array(
    [[33, 82, 166], [120, 170, 220], [247, 247, 247], [240, 150, 110], [178, 24, 43]], dtype=np.float64
)
# From fine to coarse, as people know it of local resolution: blue, cyan, green, yellow, red.
_SCALE = np.array(
    [[43, 108, 196], [0, 166, 202], [90, 190, 110], [240, 190, 50], [215, 25, 28]], dtype=np.float64
)


def _coloured(
    values: NDArray[Any], limits: tuple[float, float], scale: NDArray[np.float64] = _SCALE
) -> NDArray[np.float64]:
    """Colours (..., 3), 0 to 255, of values between the limits."""
    low, high = limits
    place = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12), 0, 1) * (len(scale) - 1)
    channels = [np.interp(place, np.arange(len(scale)), scale[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1)


def _png(page: Any) -> bytes:
    out = io.BytesIO()
    page.save(out, "PNG", compress_level=3)  # a tenth larger in half the time
    return out.getvalue()


def circles(
    image: Bytes8, places: Sequence[tuple[float, float]], radius: float, colour: tuple[int, int, int]
) -> Bytes8:
    """A colour picture (y, x, 3) with a circle around each place (x, y), px of this picture."""
    from PIL import Image, ImageDraw

    page = Image.fromarray(image).convert("RGB")
    pen = ImageDraw.Draw(page)
    for x, y in places:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=2)
    return np.asarray(page)


def with_scale(image: Bytes8, angpix: float) -> Bytes8:
    """A picture, its row 0 at the bottom, with a scale bar in a lower corner; `angpix`: Å per pixel of this picture."""
    from PIL import Image

    page = Image.fromarray(np.ascontiguousarray(image[::-1]))
    _draw_scale(page, angpix)
    return np.asarray(page)[::-1]


def bar_length(width_px: int, angpix: float) -> float:
    """A round length in Å, some sixth of a picture's width."""
    aim = width_px * angpix / 6
    power = 10.0 ** np.floor(np.log10(aim))
    return float(max(step for step in (1, 2, 5) if step * power <= aim or step == 1) * power)


def _draw_scale(page: Any, angpix: float) -> None:
    from PIL import ImageDraw

    length = bar_length(page.width, angpix)
    words = f"{length / 10:g} nm"  # the font that every Pillow has knows no Å
    pen = ImageDraw.Draw(page)
    wide = length / angpix
    text_px = pen.textlength(words)
    box = max(wide, text_px) + 8
    black, white = ((0, 0, 0), (255, 255, 255)) if page.mode == "RGB" else (0, 255)
    pen.rectangle((2, page.height - 22, 2 + box, page.height - 3), fill=black)
    pen.rectangle((6, page.height - 8, 6 + wide, page.height - 6), fill=white)
    pen.text((6, page.height - 21), words, fill=white)
