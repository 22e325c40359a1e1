"""The simulated microscope: `simulate OUT`, `simulate particles OUT` and the like, `simulate compare PROJECT`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from cryoloom.cli.options import file_path, json_option
from cryoloom.cli.shell import FAILED, USAGE, print_json, table


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(simulate)


_MOVIES_ONLY = ("preset", "session", "same_names", "rate", "summary")
# What each word in front of a folder takes besides the seed and the errors of poses.
_SETS = {"particles": (), "bodies": ("amplitude",), "helix": ("rise", "twist")}
_OF_SETS = ("pose_error", "origin_error", "amplitude", "rise", "twist")


@click.command("simulate")
@click.argument(
    "out", metavar="OUT", help="A folder for movies; or a word: particles, bodies, helix, compare."
)
@click.argument(
    "folder",
    metavar="[FOLDER]",
    type=file_path,
    required=False,
    help="After particles, bodies or helix: where to; after compare: the project.",
)
@click.option(
    "--preset",
    type=click.Choice(("tiny", "demo", "late", "urease", "large")),
    default="demo",
    help="How much.",
)
@click.option("--seed", type=int, default=1, help="The same seed makes the same data.")
@click.option("--session", type=int, default=1, help="Another number: another session of the same molecule.")
@click.option(
    "--same-names", is_flag=True, help="With --session: files and groups are called as the first's."
)
@click.option("--rate", type=float, default=0.0, help="Movies a second; 0: as fast as they can be made.")
@click.option(
    "--pose-error", type=float, default=0.0, help="Sets: degrees by which given orientations are off."
)
@click.option("--origin-error", type=float, default=0.0, help="Sets: Å by which given origins are off.")
@click.option("--amplitude", type=float, default=15.0, help="bodies: degrees by which the smaller one turns.")
@click.option("--rise", type=float, default=9.0, help="helix: Å from one unit to the next.")
@click.option("--twist", type=float, default=47.0, help="helix: degrees from one unit to the next.")
@click.option(
    "--truth",
    type=file_path,
    multiple=True,
    help="compare: the truth, of each session that was joined; by default the project's microscope/truth.",
)
@click.option("--summary", type=file_path, help="Also write what was made into this JSON file.")
@json_option
@click.pass_context
def simulate(
    context: click.Context,
    out: str,
    folder: Path | None,
    preset: str,
    seed: int,
    session: int,
    same_names: bool,
    rate: float,
    pose_error: float,
    origin_error: float,
    amplitude: float,
    rise: float,
    twist: float,
    truth: tuple[Path, ...],
    summary: Path | None,
    as_json: bool,
) -> None:
    """Make movies of a known molecule with complete truth, or score a project against it.

    With a word in front of the folder: extracted particles without movies (particles), those of a molecule that
    bends (bodies), or segments of a filament (helix).
    """
    if out == "compare":
        if folder is None:
            raise click.UsageError("name the project: cryoloom simulate compare PROJECT")
        _compare(folder, truth, as_json)
        return
    if out in _SETS:
        if folder is None:
            raise click.UsageError(
                f"name a folder: cryoloom simulate {out} FOLDER (movies below ./{out}: ./{out})"
            )
        _refuse(context, out, (*_MOVIES_ONLY, *set(_OF_SETS[2:]).difference(_SETS[out])))
        errors = {"seed": seed, "pose_error": pose_error, "origin_error": origin_error}
        _particles(out, folder, errors, {"amplitude": amplitude, "rise": rise, "twist": twist}, as_json)
        return
    if folder is not None:
        raise click.UsageError(
            f"{out}: expected one of particles, bodies, helix, compare in front of a folder"
        )
    _refuse(context, "these movies", _OF_SETS if session > 1 else (*_OF_SETS, "same_names"))
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


def _refuse(context: click.Context, what: str, names: Iterable[str]) -> None:
    """An option that would have no effect is not taken in silence."""
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} has no effect on {what}")


def _particles(
    what: str, folder: Path, errors: Mapping[str, Any], shape: Mapping[str, float], as_json: bool
) -> None:
    from cryoloom.api.simulation import simulate_flexible_set, simulate_helical_set, simulate_particle_set

    if what == "bodies":
        made = simulate_flexible_set(folder, amplitude=shape["amplitude"], **errors)
    elif what == "helix":
        made = simulate_helical_set(folder, rise=shape["rise"], twist=shape["twist"], **errors)
    else:
        made = simulate_particle_set(folder, **errors)
    if as_json:
        print_json(made.as_dict())
        return
    print(f"{made.rows} particles: {made.particles}; the truth: {made.truth}")
    print("Next, in a project (cryoloom new MyProject && cd MyProject):")
    print(f"  {made.import_command}")


def _compare(project: Path, truth: tuple[Path, ...], as_json: bool) -> None:
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
