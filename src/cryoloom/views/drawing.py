"""Blocks as files: charts by vl-convert, pictures as they are, tables as text."""

import html
import json
from pathlib import Path

from cryoloom.errors import ParameterError, ProgramError
from cryoloom.protocol.blocks import Block, Chart, Gallery, Metrics, Picture, TableBlock

ENDINGS = (".png", ".svg", ".pdf", ".html", ".json")
SCALE = 2.0  # PNG pixels a chart unit


def usual_file(block: Block) -> str:
    """A name for a view's file, with an ending that it has."""
    return f"{block.name}.png" if isinstance(block, Chart | Picture | Gallery) else f"{block.name}.html"


def draw(block: Block, target: Path) -> None:
    """Write a view into a file; its ending says how.

    Raises:
        ParameterError: an ending that this kind of view does not have.
    """
    ending = target.suffix.lower()
    if ending not in ENDINGS:
        raise ParameterError(
            f"{target}", found=f"a name with ending {ending!r}", expected=f"one of {ENDINGS}"
        )
    if not target.parent.is_dir():
        raise ParameterError(f"{target.parent}", found="missing", expected="a folder to write into")
    if ending == ".html":
        target.write_text(f"<!doctype html><meta charset='utf-8'>{as_html(block)}", encoding="utf-8")
    elif isinstance(block, Chart):
        target.write_bytes(chart_bytes(block, ending[1:]))
    elif isinstance(block, Picture | Gallery) and ending == ".png":
        target.write_bytes(block.png)
    elif isinstance(block, Metrics | TableBlock) and ending == ".json":
        target.write_text(json.dumps({"title": block.title, "rows": list(block.rows)}, indent=1))
    else:
        kinds = ".png or .html" if isinstance(block, Picture | Gallery) else ".html or .json"
        raise ParameterError(
            f"{target}", found=f"a name with ending {ending!r}", expected=f"{kinds} for this view"
        )


def chart_bytes(chart: Chart, form: str) -> bytes:
    """A chart as png, svg, pdf or json.

    Raises:
        ProgramError: vl-convert is not installed.
    """
    if form == "json":
        return json.dumps(chart.spec).encode()
    try:
        import vl_convert
    except ImportError:
        raise ProgramError(
            "module vl_convert",
            found="not installed",
            expected="to draw charts",
            hint="pip install 'cryoloom[plot]'",
        ) from None
    spec = json.dumps(chart.spec)
    if form == "svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    if form == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec))
    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def as_html(block: Block) -> str:
    """A block as a piece of a page that needs nothing else."""
    import base64

    title = f"<h4>{html.escape(block.title)}</h4>"
    caption = getattr(block, "caption", "")
    below = f"<p class='caption'>{html.escape(caption)}</p>" if caption else ""
    match block:
        case Chart():
            return f"<figure>{chart_bytes(block, 'svg').decode()}{below}</figure>"
        case Picture() | Gallery():
            image = base64.b64encode(block.png).decode()
            return f"<figure>{title}<img alt='{html.escape(block.title)}' src='data:image/png;base64,{image}'>{below}</figure>"
        case Metrics():
            rows = "".join(
                f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in block.rows
            )
            return f"<figure>{title}<table>{rows}</table></figure>"
        case TableBlock():
            head = "".join(f"<th>{html.escape(name)}</th>" for name in block.columns)
            body = "".join(
                "<tr>" + "".join(f"<td>{html.escape(word)}</td>" for word in row) + "</tr>"
                for row in block.rows
            )
            return f"<figure>{title}<table><tr>{head}</tr>{body}</table></figure>"
        case _:
            return f"<figure>{title}<pre>{html.escape(block.text)}</pre></figure>"
