"""The simulated microscope: `simulate OUT`, and `simulate compare PROJECT`."""

from collections.abc import Mapping
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
    from cryoloom.api.simulation import simulate_session

    made = simulate_session(
        Path(out), preset, seed=seed, rate=rate, summary=summary,
        on_movie=lambda path: print(path, flush=True),
    )  # fmt: skip
    if as_json:
        print_json(made.as_dict())


def _compare(project: Path, truth: Path | None, as_json: bool) -> None:
    from cryoloom.api.simulation import compare_with_truth

    found = compare_with_truth(project, truth)
    if as_json:
        print_json(found.as_dict())
    else:
        print(table(["job", "what", "value", "note"], [
            [step.job, step.what, f"{step.value:.4g} {step.unit}".strip(), step.note] for step in found.steps
        ]))  # fmt: skip
        print()
        print(bars_table(found.bars))
    if not found.bars:
        raise typer.Exit(USAGE)
    if not found.passed:
        raise typer.Exit(FAILED)


def bars_table(bars: Mapping[str, Mapping[str, Any]]) -> str:
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
