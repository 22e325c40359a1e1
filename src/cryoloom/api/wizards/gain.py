"""The ways in which a gain may lie on the movies' frames, drawn with how well each fits."""

from pathlib import Path
from typing import Any

import numpy as np

from cryoloom.api.suggesting import gain_of_job, planes_of
from cryoloom.api.wizards.advised import Advised, Asked
from cryoloom.errors import ParameterError
from cryoloom.protocol.wizards import Proposal
from cryoloom.views.drawn import DrawnPicture

TILE_PX = 150


def oriented_ways(asked: Asked, of: str, gain: str) -> Advised:
    """The gain in each way, best first, with the correlation of one over it and the frames' average."""
    from cryoloom.em.gain import oriented
    from cryoloom.images.thumbnails import binned, sheet

    movies = asked.input(of)
    file = str(asked.form.values[gain])
    if file in ("", "auto"):
        raise ParameterError(
            f"{asked.form.name}: parameter {gain}", found=file or "missing", expected="a gain reference's file",
            hint="Its orientation is found by comparing it with the movies.",
        )  # fmt: skip
    path = asked.root / Path(file).expanduser()
    found = gain_of_job(asked.project, f"{movies.job}:{movies.output}" if movies.job else movies.path, path)
    reference = np.asarray(planes_of(path)[0], dtype=np.float32)
    images: list[Any] = [
        binned(oriented(reference, one.gain_rot, one.gain_flip), 2 * TILE_PX) for one in found.choices
    ]
    labels = [
        f"{90 * one.gain_rot} deg{', flipped' if one.gain_flip else ''}: {one.correlation:.3f}"
        for one in found.choices
    ]
    png = sheet(images, labels, columns=4, tile_px=TILE_PX)
    best = found.choices[0]
    said = f"Correlation with the average of {found.movies} movies' frames. " + (
        "The first is clearly the best."
        if found.is_clear
        else "None is clear: more movies, or they are corrected already."
    )
    proposals = [
        _proposal(asked, one.gain_rot, one.gain_flip) for one in found.choices[: 1 if found.is_clear else 3]
    ]
    return Advised([DrawnPicture(f"{len(images)} ways, best: {best.correlation:.3f}", png)], said, proposals)


def _proposal(asked: Asked, rotation: int, flip: int) -> Proposal:
    """As the form's own words, or numbers where it takes these."""
    values = {}
    for name, place in (("gain_rot", rotation), ("gain_flip", flip)):
        choices = [one for one in asked.form.params[name].choices if one != "auto"]
        values[name] = choices[place] if choices else str(place)
    return Proposal(f"Take {' and '.join(values.values())}", values)
