"""The simulated microscope: `simulate OUT`, and `simulate compare PROJECT`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cryoloom.cli.options import file_path, json_option
from cryoloom.cli.shell import FAILED, USAGE, print_json, table


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(simulate)


@click.command("simulate")
@click.argument("out", metavar="OUT", help="A folder; or the word compare, to score a project.")
@click.argument(
    "scored", metavar="[PROJECT]", type=file_path, required=False, help="After compare: the project."
)
@click.option(
    "--preset", type=click.Choice(("tiny", "demo", "late", "large")), default="demo", help="How much."
)
@click.option("--seed", type=int, default=1, help="The same seed makes the same data.")
@click.option("--session", type=int, default=1, help="Another number: another session of the same molecule.")
@click.option(
    "--same-names", is_flag=True, help="With --session: files and groups are called as the first's."
)
@click.option("--rate", type=float, default=0.0, help="Movies a second; 0: as fast as they can be made.")
@click.option(
    "--truth", type=file_path, help="compare: the truth; by default the project's microscope/truth."
)
@click.option("--summary", type=file_path, help="Also write what was made into this JSON file.")
@json_option
def simulate(
    out: str,
    scored: Path | None,
    preset: str,
    seed: int,
    session: int,
    same_names: bool,
    rate: float,
    truth: Path | None,
    summary: Path | None,
    as_json: bool,
) -> None:
    """Make movies of a known molecule with complete truth, or score a project against it."""
    if out == "compare":
        if scored is None:
            raise click.UsageError("name the project: cryoloom simulate compare PROJECT")
        _compare(scored, truth, as_json)
        return
    from cryoloom.api.simulation import simulate_session

    made = simulate_session(
        Path(out), preset, seed=seed, session=session, same_names=same_names, rate=rate, summary=summary,
        on_movie=(lambda path: None) if as_json else (lambda path: print(path, flush=True)),
    )  # fmt: skip
    if as_json:
        print_json(made.as_dict())
    else:
        print("Next, in a project (cryoloom new MyProject && cd MyProject):")
        print(f"  {made.import_command}")


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
        raise click.exceptions.Exit(USAGE)
    if not found.passed:
        raise click.exceptions.Exit(FAILED)


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
