"""From where particles are seen: the distribution of views."""

from pathlib import Path

from cryoloom.protocol.blocks import Block
from cryoloom.views import charts
from cryoloom.views.tables import numbers, table_of


def orientation_views(root: Path, file: str) -> list[Block]:
    """Views of refined particles: directions on the sphere, and how sure the assignments are."""
    import altair as alt
    import numpy as np

    particles = table_of(root / file, "particles")
    rot, tilt = numbers(particles, "rlnAngleRot"), numbers(particles, "rlnAngleTilt")
    if not rot:
        return []
    # Equal areas of the sphere have equal areas here: the cosine of the tilt is the other axis.
    counts, rots, cosines = np.histogram2d(
        (np.array(rot) + 180) % 360 - 180,
        np.cos(np.radians(tilt)),
        bins=(36, 18),
        range=((-180, 180), (-1, 1)),
    )
    grid = [
        (float(rots[i]), float(rots[i + 1]), float(cosines[j]), float(cosines[j + 1]), int(counts[i, j]))
        for i in range(36)
        for j in range(18)
        if counts[i, j]
    ]
    columns = dict(
        zip(("rot", "rot2", "cos", "cos2", "particles"), map(list, zip(*grid, strict=True)), strict=True)
    )
    chart = (
        alt.Chart(charts.data(columns))
        .mark_rect()
        .encode(
            x=alt.X("rot:Q", title="rot, °", scale=alt.Scale(domain=[-180, 180])),
            x2="rot2:Q",
            y=alt.Y("cos:Q", title="cos(tilt)", scale=alt.Scale(domain=[-1, 1])),
            y2="cos2:Q",
            color=alt.Color("particles:Q", scale=alt.Scale(scheme="viridis")),
        )
        .properties(width=charts.WIDTH, height=charts.HEIGHT)
    )
    shown: list[Block] = [
        charts.finished("orientations", "Angular distribution", chart, "Equal areas are equal solid angles.")
    ]
    sure = numbers(particles, "rlnMaxValueProbDistribution")
    if sure:
        figure = charts.histogram(sure, "largest probability of one orientation")
        shown.append(charts.finished("certainty", "How sure the orientations are", figure))
    return shown
