"""Multi-body refinement: how much of the variance each movement has, what moves, and how far the bodies are turned."""

import re
from collections.abc import Sequence
from pathlib import Path

from cryoloom.protocol.views import Axis, Block, Chart, Look, Values, View, VolumeBlock

_EXPLAINS = re.compile(r"Component (\d+) explains ([\d.]+)% of variance")
_BODY = re.compile(r"images_body_(\d+)$")
_BINS = (1, 5, 10)  # of ten maps along a movement: its ends and its middle
# RELION keeps a body's turn against the consensus as Euler angles about (0, 90, 0).
_TURNS = {"rot": "rlnAngleRot", "tilt": "rlnAngleTilt - 90", "psi": "rlnAnglePsi"}


def multibody_views(root: Path, job: str) -> list[View]:
    """Views of a multi-body refinement; `job`: its name, with its slash."""
    folder = root / job
    shown = [
        View(
            "variance", "Variance of each movement",
            "The first movements are what moves together; from where the bars are equal on it is noise.",
            (f"{job}analyse_eigenvectors.dat",), lambda look: _variance(look.root / job / "run.out"),
        ),
        View(
            "turns", "How far each body is turned",
            "Against the consensus. As narrow as the noise for a body that does not move; two peaks are two states.",
            (f"{job}run_data.star",), lambda look: _turns(look, f"{job}run_data.star"),
        ),
    ]  # fmt: skip
    for path in sorted(folder.glob("analyse_component*_bin001.mrc")):
        number = int(path.name[len("analyse_component") :].partition("_")[0])
        files = [f"{job}analyse_component{number:03d}_bin{bin:03d}.mrc" for bin in _BINS]
        shown.append(
            View(
                f"movement_{number}", f"Movement {number}", "Its two ends, with the middle between them.",
                tuple(files), lambda _, files=files: _movement(files),  # type: ignore[misc]
            )
        )  # fmt: skip
    for path in sorted(folder.glob("run_body*.mrc")):
        if match := re.fullmatch(r"run_body(\d+)\.mrc", path.name):
            file, number = job + path.name, int(match[1])
            shown.append(
                View(
                    f"body_{number}", f"Body {number}", "Its own map: sharper than the consensus where it moves.",
                    (file,), lambda _, file=file: [VolumeBlock("Central slices", file)],  # type: ignore[misc]
                )
            )  # fmt: skip
    return shown


def _variance(log: Path) -> Sequence[Block]:
    try:
        found = dict(_EXPLAINS.findall(log.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return []
    if not found:
        return []
    columns: dict[str, list[float]] = {
        "number": [int(number) for number in found], "percent": [float(percent) for percent in found.values()]
    }  # fmt: skip
    amount = Axis("percent", "% of the variance")
    return [Chart("Variance of each movement", "bars", Values(columns), amount, Axis("number", "movement"))]


def _turns(look: Look, file: str) -> Sequence[Block]:
    from cryoloom import star
    from cryoloom.star.expressions import evaluated

    blocks: list[Block] = []
    for name, table in star.tables_of(star.read(look.root / file)).items():
        match = _BODY.match(name)
        if not match:
            continue
        for turn, expression in _TURNS.items():
            values = [(value + 180) % 360 - 180 for value in evaluated(table, expression).to_list()]
            title = f"Body {match[1]}: {turn}"
            blocks.append(Chart(title, "histogram", Values({"turn": values}), Axis("turn", f"{turn}, °")))
    return blocks


def _movement(files: Sequence[str]) -> Sequence[Block]:
    names = ("one end", "middle", "other end")
    return [VolumeBlock(name, file, how="projections") for name, file in zip(names, files, strict=True)]
