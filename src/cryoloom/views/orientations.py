"""From where particles are seen: the distribution of views over the sphere, and how sure the assignments are."""

from collections.abc import Sequence

import numpy as np

from cryoloom.em.poses import Floats
from cryoloom.errors import CryoloomError
from cryoloom.protocol.views import Axis, Block, Chart, Drawing, Look, Rows, Text, View
from cryoloom.views.charts import HEIGHT, WIDTH, finished
from cryoloom.views.tables import frame_of, singles_of

ROT_CELLS, COS_CELLS = 36, 18
MANY, FINE = 100_000, 10
_ANGLES = ("rlnAngleRot", "rlnAngleTilt")


def orientation_views(file: str, *, symmetry: str = "", sampling: str = "") -> list[View]:
    """Views of particles with orientations.

    Args:
        file: their table.
        symmetry: the point group within which they were found; all mates of a view are drawn.
        sampling: a sampling file of RELION's that says it, where nobody else does.
    """
    sure = Rows(file, "particles", ("rlnMaxValueProbDistribution",))
    axis = Axis("rlnMaxValueProbDistribution", "largest probability of one orientation", limits=(0.0, 1.0))
    return [
        View(
            "orientations", "Angular distribution",
            "Even is good; a few bright places are preferred orientations, and gaps between them "
            "directions that the map lacks.",
            (file,), lambda look: _directions(look, file, symmetry or _group_of(look, sampling)),
        ),
        View(
            "certainty", "How sure the orientations are",
            "1: one orientation explains the image alone. Particles near 0 fit everywhere: noise, or too coarse a search.",
            (file,), lambda look: [Chart("How sure the orientations are", "histogram", sure, axis)],
        ),
    ]  # fmt: skip


def _group_of(look: Look, sampling: str) -> str:
    block = singles_of(look.root / sampling, "sampling_general") if sampling else {}
    return str(block.get("rlnSymmetryGroup") or "C1")


def _directions(look: Look, file: str, symmetry: str) -> Sequence[Block]:
    from cryoloom.em.symmetry import operators

    frame = frame_of(look.root, Rows(file, "particles", _ANGLES))
    frame = frame.drop_nulls([name for name in _ANGLES if name in frame.columns]) if frame.height else frame
    if not frame.height:
        return []
    rot, cosines = frame[_ANGLES[0]].to_numpy(), np.cos(np.radians(frame[_ANGLES[1]].to_numpy()))
    weights: Floats = np.ones(len(rot))
    if len(rot) > MANY:
        # By places a degree apart: what is turned below is then no more than they are.
        rot, cosines, weights = gathered(rot, cosines)
    sines = np.sqrt(1 - cosines**2)
    seen = np.stack([np.cos(np.radians(rot)) * sines, np.sin(np.radians(rot)) * sines, cosines], axis=1)
    try:
        group = operators(symmetry)
    except CryoloomError as error:
        return [Text("Angular distribution", str(error))]
    counts: Floats = np.zeros((ROT_CELLS, COS_CELLS))
    for turn in group:
        mate = seen @ turn.T
        counts += _counted(
            np.degrees(np.arctan2(mate[:, 1], mate[:, 0])), mate[:, 2], weights, ROT_CELLS, COS_CELLS
        )
    counts /= len(group)
    rot_edges, cos_edges = np.linspace(-180, 180, ROT_CELLS + 1), np.linspace(-1, 1, COS_CELLS + 1)
    cells = [
        {"rot": float(rot_edges[i]), "rot2": float(rot_edges[i + 1]), "cos": float(cos_edges[j]),
         "cos2": float(cos_edges[j + 1]), "particles": round(float(counts[i, j]), 2)}
        for i in range(ROT_CELLS) for j in range(COS_CELLS) if counts[i, j]
    ]  # fmt: skip
    layer = {
        "data": {"values": cells},
        "mark": "rect",
        "encoding": {
            "x": _side("rot", "rot, °", (-180, 180)), "x2": {"field": "rot2"},
            "y": _side("cos", "cos(tilt)", (-1, 1)), "y2": {"field": "cos2"},
            "color": {"field": "particles", "type": "quantitative", "title": "particles",
                      "scale": {"scheme": "viridis", "zero": True},
                      "legend": {"tickMinStep": 1} if counts.max(initial=0) >= 2 else {}},
        },
    }  # fmt: skip
    mates = (
        f" Each particle counts in parts at its {len(group)} places that are equal in {symmetry}."
        if len(group) > 1
        else ""
    )
    spec = finished("Angular distribution", [layer], width=WIDTH, height=HEIGHT)
    return [Drawing("Angular distribution", spec, "Equal areas are equal solid angles." + mates)]


def _counted(rot: Floats, cosines: Floats, weights: Floats, across: int, up: int) -> Floats:
    """The sum of weights in each cell of equal solid angle: (across, up), rot from -180°, cosines from -1."""
    column = np.minimum(((rot + 180) % 360 * (across / 360)).astype(np.int64), across - 1)
    row = np.clip(((cosines + 1) * (up / 2)).astype(np.int64), 0, up - 1)
    return np.asarray(
        np.bincount(column * up + row, weights, minlength=across * up).reshape(across, up), float
    )


def gathered(rot: Floats, cosines: Floats) -> tuple[Floats, Floats, Floats]:
    """Directions as the middles of small cells, with the number in each."""
    fine = _counted(rot, cosines, np.ones(len(rot)), FINE * ROT_CELLS, FINE * COS_CELLS)
    column, row = np.nonzero(fine)
    steps = 360 / (FINE * ROT_CELLS), 2 / (FINE * COS_CELLS)
    middles = (column + 0.5) * steps[0] - 180, (row + 0.5) * steps[1] - 1
    return np.asarray(middles[0], float), np.asarray(middles[1], float), fine[column, row]


def _side(field: str, title: str, domain: tuple[float, float]) -> dict[str, object]:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [*domain], "nice": False},
    }
