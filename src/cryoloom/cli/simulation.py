"""The simulated microscope: `simulate OUT`, and `simulate compare PROJECT`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cryoloom.cli.shell import FAILED, USAGE, JsonOption, print_json, table


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("simulate")(simulate)


def simulate(
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="A folder; or the word compare, to score a project.")
    ],
    scored: Annotated[
        Path | None, typer.Argument(metavar="[PROJECT]", help="After compare: the project.")
    ] = None,
    preset: Annotated[str, typer.Option(help="tiny, demo or large.")] = "demo",
    seed: Annotated[int, typer.Option(help="The same seed makes the same data.")] = 1,
    rate: Annotated[float, typer.Option(help="Movies a second; 0: as fast as they can be made.")] = 0.0,
    truth: Annotated[
        Path | None, typer.Option(help="compare: the truth; by default the project's microscope/truth.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Also write what was made into this JSON file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make movies of a known molecule with complete truth, or score a project against it."""
    if out == "compare":
        if scored is None:
            raise typer.BadParameter("name the project: cryoloom simulate compare PROJECT")
        _compare(scored, truth, as_json)
        return
    from cryoloom.simulate import simulate as make

    made = make(Path(out), preset, seed=seed, rate=rate, on_movie=lambda path: print(path, flush=True))
    content = {
        "preset": made.preset.name,
        "seed": seed,
        "movies": len(made.movies),
        "bad": [path.name for path in made.bad],
        "gain": str(made.gain),
        "truth": str(made.truth),
    }
    if summary is not None:
        from cryoloom.project.jsonfile import write_json

        write_json(summary, content)
    if as_json:
        print_json(content)


def _compare(project: Path, truth: Path | None, as_json: bool) -> None:
    from cryoloom.simulate import compare_project

    scores = compare_project(project, truth or project / "microscope" / "truth")
    if as_json:
        print_json({"bars": scores.bars, "steps": [vars_of(row) for row in scores.rows], "hand": scores.hand})
    else:
        print(table(["job", "what", "value", "note"], [
            [row.job, row.what, f"{row.value:.4g} {row.unit}".strip(), row.note] for row in scores.rows
        ]))  # fmt: skip
        print()
        print(bars_table(scores.bars))
    if not scores.bars:
        raise typer.Exit(USAGE)
    if not all(bar["passed"] for bar in scores.bars.values()):
        raise typer.Exit(FAILED)


def bars_table(bars: Any) -> str:
    """Each bar with its value, and whether it was passed."""
    rows = [
        [
            name,
            f"{bar['value']:.4g} {bar['unit']}".strip(),
            f"{bar['bar']:.4g}",
            "passed" if bar["passed"] else "MISSED",
        ]
        for name, bar in bars.items()
    ]
    return table(["bar", "value", "bar", ""], rows)


def vars_of(row: Any) -> dict[str, Any]:
    """A row as a dict."""
    return {"job": row.job, "what": row.what, "value": row.value, "unit": row.unit, "note": row.note}
