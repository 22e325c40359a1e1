"""CTFs: defocus and fit resolution of each micrograph, rings in one and two dimensions."""

from pathlib import Path
from typing import Any

from cryoloom.protocol.blocks import Block, Picture
from cryoloom.views import charts
from cryoloom.views.tables import numbers, table_of


def ctf_views(root: Path, job: str) -> list[Block]:
    """Views of a CTF estimation job, ours or CTFFIND's."""
    table = table_of(root / job / "micrographs_ctf.star", "micrographs")
    if not table.height:
        return []
    u, v = numbers(table, "rlnDefocusU"), numbers(table, "rlnDefocusV")
    mean = [(a + b) / 2 for a, b in zip(u, v, strict=True)]
    resolution = numbers(table, "rlnCtfMaxResolution")
    names = [Path(str(name)).stem for name in table["rlnMicrographName"].to_list()]
    groups = [f"optics group {number}" for number in table["rlnOpticsGroup"].to_list()]
    import altair as alt

    columns: dict[str, list[Any]] = {
        "defocus": mean,
        "resolution": resolution or [0.0] * len(mean),
        "micrograph": names,
        "group": groups,
    }
    scatter = (
        alt.Chart(charts.data(columns))
        .mark_circle(size=60)
        .encode(
            x=alt.X("defocus:Q", title="mean defocus, Å", scale=alt.Scale(zero=False)),
            y=alt.Y("resolution:Q", title="rings fit to, Å", scale=alt.Scale(zero=False)),
            color=alt.Color("group:N", title=None),
            tooltip=["micrograph:N", "defocus:Q", "resolution:Q"],
        )
        .properties(width=charts.WIDTH, height=charts.HEIGHT)
    )
    shown: list[Block] = [charts.finished("ctf", "Defocus and fit resolution", scatter)]
    order: dict[str, list[Any]] = {"number": list(range(1, len(mean) + 1)), "defocus": mean}
    chart = charts.lines(
        order, "number", "defocus", x_title="micrograph", y_title="mean defocus, Å", points=True
    )
    shown.append(charts.finished("defocus", "Defocus of each micrograph", chart))
    shown.append(
        charts.finished(
            "resolutions", "Fit resolution", charts.histogram(resolution, "rings fit to, Å", bins=20)
        )
    )
    astigmatism = [a - b for a, b in zip(u, v, strict=True)]
    shown.append(
        charts.finished("astigmatism", "Astigmatism", charts.histogram(astigmatism, "U - V, Å", bins=20))
    )
    if "rlnCtfImage" in table.columns:
        shown += ring_views(root, str(table["rlnCtfImage"].to_list()[0]), names[0])
    return shown


def ring_views(root: Path, image: str, name: str) -> list[Block]:
    """Rings of one micrograph: the diagnostic image, and the average along equal phase with the model."""
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import grey, to_png

    path = root / image.removesuffix(":mrc")
    curves_file = path.with_name(f"{path.stem}_avrot.txt")
    if not path.exists() or not curves_file.exists():
        return []
    picture = Picture(
        "rings", f"Power spectrum of {name}", to_png(grey(read_mrc(path), 0.5, 99.9)), "Left: the model."
    )
    rows = [line.split() for line in curves_file.read_text().splitlines() if line and line[0] != "#"]
    freq, _, power, model, quality = ([float(word) for word in row] for row in rows[:5])
    curves = ((power, "spectrum"), (model, "CTF²"), (quality, "agreement"))
    spread = 2 * (sum(value * value for value in power) / len(power)) ** 0.5 or 1.0
    columns: dict[str, list[object]] = {"k": [], "value": [], "curve": []}
    for values, label in curves:
        scaled = [0.5 + value / (2 * spread) for value in values] if label == "spectrum" else values
        columns["k"] += freq
        columns["value"] += scaled
        columns["curve"] += [label] * len(freq)
    chart = charts.lines(
        columns, "k", "value", "curve", x_title="resolution, Å", y_title="", x_labels=charts.IN_ANGSTROM
    )
    return [picture, charts.finished("rings1d", f"Thon rings of {name}", chart)]
