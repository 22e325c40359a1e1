"""What a view shows, as files: charts by vl-convert, pictures as they are, tables as text."""

import base64
import csv
import html
import io
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

from cryoloom.errors import ParameterError
from cryoloom.protocol.views import Metrics, TableBlock, Text
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture
from cryoloom.views.vega import converted

ENDINGS = (".png", ".svg", ".pdf", ".html", ".json", ".csv")
_LINE = 84  # letters of a line of what is said below a chart's title


def draw(shown: Sequence[Drawn], target: Path) -> None:
    """Write what a view shows into a file; its ending says how.

    A PNG and a page have all parts that have a picture, one below the other; other files have one part, the first that fits.

    Raises:
        ParameterError: an ending that this kind of view does not have; nothing to draw.
    """
    ending = target.suffix.lower()
    if ending not in ENDINGS:
        raise ParameterError(
            f"{target}", found=f"a name with ending {ending!r}", expected=f"one of {', '.join(ENDINGS)}"
        )
    if not target.parent.is_dir():
        raise ParameterError(f"{target.parent}", found="missing", expected="a folder to write into")
    if not shown:
        raise ParameterError(
            f"{target}", found="nothing to draw yet", expected="data; look again when the job has some"
        )
    if ending == ".html":
        body = "".join(map(as_html, shown))
        target.write_text(f"<!doctype html><meta charset='utf-8'>{body}", encoding="utf-8")
        return
    if ending == ".png":
        pictures = [content for one in shown if (content := _as_bytes(one, "png")) is not None]
        if len(pictures) > 1:
            from cryoloom.images.thumbnails import below

            target.write_bytes(below(pictures))
            return
    for one in shown:
        content = _as_bytes(one, ending[1:])
        if content is not None:
            target.write_bytes(content)
            return
    fitting = [known for known in ENDINGS if any(_as_bytes(one, known[1:]) is not None for one in shown)]
    has_picture = any(isinstance(one, DrawnChart | DrawnPicture) for one in shown)
    raise ParameterError(
        f"{target}", found=f"a name with ending {ending!r}",
        expected=f"{' or '.join([*fitting, '.html'])} for this view",
        hint="Pictures of pixels have no lines to be drawn by." if has_picture
        else f"It is a table and no picture: {target.with_suffix('.html').name} shows it in a browser, "
        + (f"{target.with_suffix('.json').name} is for programs, " if ".json" in fitting else "")
        + "and without a file it is printed.",
    )  # fmt: skip


def _as_bytes(one: Drawn, form: str) -> bytes | None:
    """One part as png, svg, pdf, json or csv; None where it has no such form."""
    match one:
        case DrawnChart(spec=spec) if form == "csv":
            return _csv(_rows_of(spec))
        case TableBlock(columns=columns, rows=rows) if form == "csv":
            return _csv([columns, *rows])
        case Metrics(rows=rows) if form == "csv":
            return _csv([("figure", "value"), *rows])
        case DrawnChart():
            return chart_bytes(one, form) if form != "html" else None
        case DrawnPicture():
            return picture_bytes(one) if form == "png" else None
        case Metrics() | TableBlock() if form == "json":
            content = {name: value for name, value in as_dict(one).items() if name != "kind"}
            return json.dumps(content, indent=1, ensure_ascii=False).encode()
        case _:
            return None


def as_dict(one: Drawn) -> dict[str, Any]:
    """A part for programs: a chart as its declaration with its data, a picture as base64."""
    kind = {
        "kind": type(one).__name__.removeprefix("Drawn").removesuffix("Block").lower(),
        "title": one.title,
    }
    match one:
        case DrawnChart():
            return {**kind, "vega_lite": one.spec}
        case DrawnPicture():
            frames = [{"name": name, "png": base64.b64encode(png).decode()} for name, png in one.frames]
            picture = {"caption": one.caption, "png": base64.b64encode(one.png).decode()}
            return {**kind, **picture, **({"frames": frames} if frames else {})}
        case Metrics() | TableBlock():
            columns = {"columns": [*one.columns]} if isinstance(one, TableBlock) else {}
            return {**kind, **columns, "rows": [[*row] for row in one.rows]}
        case Text():
            return {**kind, "text": one.text}
    assert_never(one)


def _rows_of(spec: Mapping[str, Any]) -> list[Sequence[object]]:
    """What a chart is drawn of: its fields, then its points; of charts side by side all, each point with its chart's title."""
    points = [*_points_of(spec)]
    fields = [*dict.fromkeys(field for point in points for field in point)]
    return [fields, *([point.get(field) for field in fields] for point in points)]


def _points_of(spec: Mapping[str, Any], titles: tuple[str, ...] = ()) -> Iterator[Mapping[str, object]]:
    for one in (several := spec.get("hconcat", spec.get("vconcat", ()))):
        yield from _points_of(one, (*titles, str(one.get("title", ""))))
    if several:
        return
    # Of layers the first has them; the others are lines and words.
    first: Mapping[str, Any] = spec["layer"][0] if "layer" in spec else spec
    words = {"chart": ", ".join(filter(None, titles))} if titles else {}
    for point in first.get("data", spec.get("data", {})).get("values", []):
        yield {**words, **point}


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue().encode()


def picture_bytes(picture: DrawnPicture) -> bytes:
    """A picture as PNG with its title and what is said of it: a file has nothing else to say whose it is."""
    from cryoloom.images.thumbnails import titled

    return titled(picture.png, picture.title, picture.caption)


def chart_bytes(chart: DrawnChart, form: str) -> bytes:
    """A chart as png, svg, pdf or json; a picture of it has what is said of it too."""
    if form == "json":
        return json.dumps(chart.spec).encode()
    return converted(_with_caption(chart.spec, chart.caption), form)


def _with_caption(spec: Mapping[str, Any], caption: str) -> Mapping[str, Any]:
    if not caption:
        return spec
    lines, look = textwrap.wrap(caption, _LINE), {"color": "#5b6b79", "fontSize": 11}
    title = spec.get("title")
    if isinstance(title, str):
        sub = {"subtitle": lines, "subtitleColor": look["color"], "subtitleFontSize": look["fontSize"]}
        return {**spec, "title": {"text": title, **sub}}
    # Charts beside each other have titles of their own.
    return spec if title else {**spec, "title": {"text": lines, "fontWeight": "normal", **look}}


def chart_svg(spec: Mapping[str, Any]) -> str:
    """A chart's declaration as SVG."""
    return converted(spec, "svg").decode()


def as_html(one: Drawn, svg: Callable[[Mapping[str, Any]], str] = chart_svg) -> str:
    """A part as a piece of a page that needs nothing else; `svg` draws the charts."""
    title = f"<h4>{html.escape(one.title)}</h4>"
    caption = getattr(one, "caption", "")
    below = f"<p class='caption'>{html.escape(caption)}</p>" if caption else ""
    match one:
        case DrawnChart():
            return f"<figure>{svg(one.spec)}{below}</figure>"
        case DrawnPicture():
            image = base64.b64encode(one.png).decode()
            return f"<figure>{title}<img alt='{html.escape(one.title)}' src='data:image/png;base64,{image}'>{below}</figure>"
        case Metrics():
            rows = "".join(
                f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in one.rows
            )
            return f"<figure>{title}<table>{rows}</table></figure>"
        case TableBlock():
            head = "".join(f"<th>{html.escape(name)}</th>" for name in one.columns)
            body = "".join(
                "<tr>" + "".join(f"<td>{html.escape(word)}</td>" for word in row) + "</tr>"
                for row in one.rows
            )
            return f"<figure>{title}<table><tr>{head}</tr>{body}</table></figure>"
        case Text():
            return f"<figure>{title}<pre>{html.escape(one.text)}</pre></figure>"
