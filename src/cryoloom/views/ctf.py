"""CTFs: defocus and fit resolution of each micrograph, rings in one and two dimensions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryoloom.protocol.views import Axis, Block, Chart, Items, Look, Micrograph, Rows, Values, View

_NAME, _RESOLUTION = "rlnMicrographName", "rlnCtfMaxResolution"


def ctf_views(file: str) -> list[View]:
    """Views of micrographs with a CTF: of a job of ours or of CTFFIND's."""
    rows = Rows(
        file, "micrographs", (_NAME, _RESOLUTION, "rlnCtfImage"),
        made={"defocus": "(rlnDefocusU + rlnDefocusV) / 2", "astigmatism": "rlnDefocusU - rlnDefocusV",
              "number": "1"},
        of_group=("rlnOpticsGroupName",),
    )  # fmt: skip
    defocus = Axis("defocus", "mean defocus, Å")
    resolution = Axis(_RESOLUTION, "rings fit to, Å")
    items = Items(rows, worst=_RESOLUTION)
    return [
        View(
            "ctf", "Defocus and fit resolution",
            "Lower is better. A micrograph that lies apart from its fellows has drift, ice or no "
            "specimen; filter by rlnCtfMaxResolution.",
            (file,), lambda look: [
                Chart("Defocus and fit resolution", "points", rows, defocus, resolution, "rlnOpticsGroupName")
            ],
        ),
        View(
            "defocus", "Defocus of each micrograph",
            "In the order of the table. A staircase is the range that the microscope cycles through; jumps are focus faults.",
            (file,), lambda look: _in_order(look, rows, defocus),
        ),
        View(
            "resolutions", "Fit resolution", "To the left is good. Below about 4 Å nothing is lost for most maps.",
            (file,), lambda look: [Chart("Fit resolution", "histogram", rows, resolution)],
        ),
        View(
            "astigmatism", "Astigmatism", "Some hundred Å at most; more is a microscope to be tuned, or a wrong fit.",
            (file,), lambda look: [Chart("Astigmatism", "histogram", rows, Axis("astigmatism", "U - V, Å"))],
        ),
        View(
            "rings", "Power spectrum", "Left the fitted model, right the spectrum: rings that meet are a good fit.",
            (file,), lambda look: _rings(look), items=items,
        ),
        View(
            "rings1d", "Thon rings", "Peaks of spectrum and model lie upon each other as far as the fit is good.",
            (file,), lambda look: _curves(look), items=items,
        ),
    ]  # fmt: skip


def _in_order(look: Look, rows: Rows, defocus: Axis) -> Sequence[Block]:
    from cryoloom.views.tables import frame_of

    frame = frame_of(look.root, rows)
    columns = {
        "number": [*range(1, frame.height + 1)],
        "defocus": frame["defocus"].to_list() if frame.height else [],
        _NAME: frame[_NAME].to_list() if frame.height else [],
    }
    order = Axis("number", "micrograph", is_number=True)
    return [Chart("Defocus of each micrograph", "line", Values(columns), order, defocus)]


def _image(look: Look) -> str:
    return str(look.item.get("rlnCtfImage") or "").removesuffix(":mrc")


def _rings(look: Look) -> Sequence[Block]:
    """The diagnostic image: model and spectrum side by side."""
    image, name = _image(look), Path(str(look.item[_NAME])).stem
    if not image:
        return []
    return [
        Micrograph(
            f"Power spectrum of {name}",
            image,
            percent=(0.5, 99.9),
            has_scale=False,
            caption="Left: the model.",
        )
    ]


def _curves(look: Look) -> Sequence[Block]:
    """The average along equal phase, with the model and their agreement."""
    image, name = look.root / _image(look), Path(str(look.item[_NAME])).stem
    file = image.with_name(f"{image.stem}_avrot.txt")
    if not _image(look) or not file.exists():
        return []
    lines = [line.split() for line in file.read_text().splitlines() if line and line[0] != "#"]
    if len(lines) < 5:
        return []
    freq, _, power, model, quality = ([float(word) for word in line] for line in lines[:5])
    spread = 2 * (sum(value * value for value in power) / len(power)) ** 0.5 or 1.0
    scaled = [0.5 + value / (2 * spread) for value in power]
    curves = ((scaled, "spectrum"), (model, "CTF²"), (quality, "agreement"))
    columns: dict[str, list[Any]] = {
        "k": freq * len(curves),
        "value": [value for values, _ in curves for value in values],
        "curve": [label for _, label in curves for _ in freq],
    }
    axes = Axis("k", "resolution, Å", is_frequency=True), Axis("value", "spectrum (scaled), CTF², agreement")
    return [Chart(f"Thon rings of {name}", "line", Values(columns), *axes, colour="curve")]
