"""Pictures of several branches on one page, each under its values, with what is told of it below."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

SIDE_PX, GAP_PX, LINE_PX = 240, 20, 18
INK, QUIET, EMPTY = (28, 39, 51), (91, 107, 121), (238, 242, 245)


@dataclass(frozen=True, slots=True)
class Cell:
    """One branch: its values, a line each, its picture as PNG, None before it has one, and lines that tell of it."""

    titles: tuple[str, ...]
    picture: bytes | None
    lines: tuple[str, ...]


def drawn_cells(cells: Sequence[Cell], across: int) -> bytes:
    """A PNG; `across`: how many stand beside each other, the first parameter's values below each other."""
    across = max(1, min(across, 6))
    lines = max(len(cell.lines) + len(cell.titles) for cell in cells)
    height = SIDE_PX + lines * LINE_PX + 2 * GAP_PX
    down = -(-len(cells) // across)
    page = Image.new("RGB", (across * (SIDE_PX + GAP_PX) + GAP_PX, down * height + GAP_PX), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for number, cell in enumerate(cells):
        left = GAP_PX + number % across * (SIDE_PX + GAP_PX)
        top = GAP_PX + number // across * height
        for line in cell.titles:
            draw.text((left, top), _fitting(draw, line, font), INK, font)
            top += LINE_PX
        if cell.picture is None:
            draw.rectangle((left, top, left + SIDE_PX, top + SIDE_PX), EMPTY)
        else:
            with Image.open(io.BytesIO(cell.picture)) as picture:
                page.paste(picture.convert("RGB").resize((SIDE_PX, SIDE_PX)), (left, top))
        for place, line in enumerate(cell.lines):
            draw.text((left, top + SIDE_PX + 4 + place * LINE_PX), _fitting(draw, line, font), QUIET, font)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    text = text.replace("Å", "A")  # which Pillow's own font has not
    while draw.textlength(text, font) > SIDE_PX and len(text) > 4:
        text = f"{text[:-4]}..."
    return text
