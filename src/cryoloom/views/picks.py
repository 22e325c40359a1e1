"""Picks: how many on each micrograph, and where."""

from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.protocol.blocks import Block, Picture
from cryoloom.views import charts
from cryoloom.views.tables import blocks_of, numbers, table_of

PICTURE_PX = 620
MOST_PICTURES = 3


def pick_views(root: Path, job: str) -> list[Block]:
    """Views of a picking job."""
    table = table_of(root / job / "coordinates.star", "coordinates")
    if not table.height:
        return []
    counts = numbers(table, "cryoloomCount")
    names = [Path(str(name)).stem for name in table["rlnMicrographName"].to_list()]
    import altair as alt

    bars = (
        alt.Chart(charts.data({"micrograph": names, "picks": counts}))
        .mark_bar(color=charts.COLOURS[0])
        .encode(
            x=alt.X("micrograph:N", sort=None, axis=alt.Axis(labels=len(names) <= 40)), y=alt.Y("picks:Q")
        )
        .properties(width=charts.WIDTH, height=charts.HEIGHT)
    )
    shown: list[Block] = [charts.finished("counts", "Picks on each micrograph", bars)]
    merits: list[float] = []
    for row in table.iter_rows(named=True):
        picks = blocks_of(root / str(row["rlnMicrographCoordinates"])).get("")
        if picks is not None and not isinstance(picks, dict):
            merits += numbers(picks, "rlnAutopickFigureOfMerit")
    if merits:
        shown.append(
            charts.finished("merit", "Figure of merit of picks", charts.histogram(merits, "figure of merit"))
        )
    for number, row in enumerate(table.head(MOST_PICTURES).iter_rows(named=True), start=1):
        picture = _picture(root, str(row["rlnMicrographName"]), str(row["rlnMicrographCoordinates"]), number)
        if picture is not None:
            shown.append(picture)
    return shown


def _picture(root: Path, micrograph: str, coordinates: str, number: int) -> Picture | None:
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import binned, circles, grey, to_png

    try:
        image = read_mrc(root / micrograph)
    except (CryoloomError, OSError):
        return None
    small = binned(image, PICTURE_PX)
    factor = image.shape[0] / small.shape[0]
    picks = blocks_of(root / coordinates).get("")
    places = []
    if picks is not None and not isinstance(picks, dict):
        xs, ys = numbers(picks, "rlnCoordinateX"), numbers(picks, "rlnCoordinateY")
        places = [(x / factor, y / factor) for x, y in zip(xs, ys, strict=True)]
    drawn = circles(grey(small), places, PICTURE_PX / 28, (255, 150, 0))
    name = "picks" if number == 1 else f"picks{number}"
    return Picture(name, f"{len(places)} picks on {Path(micrograph).stem}", to_png(drawn))
