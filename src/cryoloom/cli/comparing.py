"""Two projects beside each other: what came out differently."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.cli.options import file_path, json_option
from cryoloom.cli.shell import FAILED, open_project, print_json, table

if TYPE_CHECKING:
    from cryoloom.api.comparing_projects import ComparedStep, Figure


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(compare)


@click.command("compare")
@click.argument("mine", type=file_path, help="A project's folder.")
@click.argument("other", type=file_path, help="Another one, RELION's own too.")
@click.option(
    "--within",
    type=float,
    default=30.0,
    help="Å; picks and particles nearer than that to each other are one.",
)
@json_option
def compare(mine: Path, other: Path, within: float, as_json: bool) -> None:
    """Set the steps of two projects beside each other: figures, and which differences are more than chance."""
    found = open_project(mine).compare(open_project(other), within=within)
    if as_json:
        print_json(found.as_dict())
    else:
        columns = ["mine", "other", "figure", "mine", "other", "difference", "in common", ""]
        print(table(columns, [row for step in found.steps for row in _rows(step)]))
        print()
        for step in found.steps:
            for line in _remarks(step):
                print(f"{step.mine}: {line}")
        for side, names in (("mine", found.only_mine), ("the other", found.only_others)):
            if names:
                print(f"only in {side}: {', '.join(names)}")
        silent = [step.mine for step in found.steps if not step.figures and not step.untold]
        if silent:
            print(f"without a figure that could be compared: {', '.join(silent)}")
        if found.alike:
            print(f"left out, for two micrographs of a project have that name: {', '.join(found.alike)}")
        count = sum(step.verdict == "not expected" for step in found.steps)
        said = (
            f"{count} differ by more than is expected" if count else "none differs by more than is expected"
        )
        print(f"{len(found.steps)} steps of {found.results[0]} and {found.results[1]} were compared; {said}.")
    if not found.is_expected:
        raise click.exceptions.Exit(FAILED)


def _rows(step: "ComparedStep") -> list[list[str]]:
    if not step.figures:
        return []
    names = [(step.mine, step.others)] + [("", "")] * (len(step.figures) - 1)
    return [
        [
            *pair,
            one.what,
            _value(one, one.mine),
            _value(one, one.others),
            _difference(one),
            _common(one),
            one.verdict,
        ]
        for pair, one in zip(names, step.figures, strict=True)
    ]


def _value(figure: "Figure", value: float) -> str:
    return f"{value:.{_digits(figure)}f} {figure.unit}".rstrip()


def _difference(figure: "Figure") -> str:
    if figure.verdict == "equal":
        return ""
    said = f"{figure.difference:+.{_digits(figure)}f}"
    if figure.worst is not None:
        said += f", at most {figure.worst:+.{_digits(figure)}f} ({figure.worst_at})"
    return said


def _common(figure: "Figure") -> str:
    if figure.precision is None or figure.recall is None:
        return "" if figure.common is None else f"{figure.common}"
    if figure.verdict == "equal":
        return f"{figure.common}"
    return f"{figure.common}: {figure.precision:.3f} of mine, {figure.recall:.3f} of the other's"


def _digits(figure: "Figure") -> int:
    return {"": 0, "mrad": 3}.get(figure.unit, 2)


def _remarks(step: "ComparedStep") -> list[str]:
    """What the table has no room for: reasons, what was asked for otherwise, where to look first."""
    said = [
        f"{one.what}: {one.verdict}; {_limit(one)}: {one.why}"
        for one in step.figures
        if one.verdict != "equal"
    ]
    if len({*step.programs}) > 1:
        said.append(f"done by {step.programs[0]} and by {step.programs[1]}")
    said += [
        f"{name}: {mine or 'nothing'}, and {other or 'nothing'} there"
        for name, (mine, other) in step.asked.items()
    ]
    if step.verdict == "not expected" and step.after:
        said.append(f"look first at {step.after[0]}, which it comes from")
    if step.untold:
        said.append(f"not compared: {step.untold}")
    return said


def _limit(figure: "Figure") -> str:
    if figure.precision is not None:
        return f"at least {figure.limit:.2f} of each in common"
    beyond = f", beyond which {figure.beyond} of {figure.common} lie" if figure.beyond else ""
    return f"within {figure.limit:.{_digits(figure)}f} {figure.unit}{beyond}"
