"""Sets from the command line and from workflows: inputs that take several sets are given by name again, or as a list."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cryoloom import Project, star


def cryoloom(*args: str, at: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cryoloom", *args], capture_output=True, text=True, timeout=120, cwd=at
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with three sets of four particles that overlap by two."""
    Project.create(tmp_path / "p")
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnImagePixelSize": [1.0]})
    for name, first in (("a", 0), ("b", 2), ("c", 4)):
        numbers = range(first, first + 4)
        items = pl.DataFrame({
            "rlnImageName": [f"{n + 1:06d}@x.mrcs" for n in numbers], "rlnOpticsGroup": [1] * 4,
            "cryoloomItemId": [f"i{n}" for n in numbers], "rlnDefocusU": [1000.0 * n for n in numbers],
        })  # fmt: skip
        star.write(tmp_path / "p" / f"{name}.star", {"optics": optics, "particles": items})
    return tmp_path / "p"


def ids(root: Path, job: str, output: str) -> list[str]:
    return [str(one) for one in Project(root).job(job).dataset(output).table()["cryoloomItemId"].to_list()]


def test_sets_are_joined_and_compared_from_the_command_line(root: Path) -> None:
    joined = cryoloom("run", "sets.join", "input=a.star", "input=b.star", "input=c.star", "--wait", at=root)
    both = cryoloom(
        "run", "sets.intersect", "input=JoinStar/job001", "others=a.star,b.star", "--wait", at=root
    )

    assert joined.returncode == 0, joined.stdout + joined.stderr
    assert "kept: 8, duplicates: 4." in joined.stdout
    assert "cryoloom run relion.class2d fn_img=JoinStar/job001" in joined.stdout
    assert both.returncode == 0, both.stdout + both.stderr
    assert ids(root, "Select/job002", "kept") == ["i2", "i3"]
    note = (root / "JoinStar/job001/note.txt").read_text()
    assert "cryoloom run sets.join input=a.star input=b.star input=c.star" in note


def test_the_noted_command_of_a_set_operation_does_it_again_when_it_is_typed(root: Path) -> None:
    given = (
        "input=a.star",
        "expression=rlnDefocusU > 1000 and rlnImageName != 'a b'",
        "ranges=rlnDefocusU: ..2500",
    )
    assert cryoloom("run", "sets.filter", *given, "--wait", at=root).returncode == 0
    note = (root / "Select/job001/note.txt").read_text()
    [noted] = [line for line in note.splitlines() if line.startswith("cryoloom ")]

    again = cryoloom(*shlex.split(noted)[1:], "--wait", at=root)

    assert again.returncode == 0, again.stdout + again.stderr
    assert ids(root, "Select/job002", "kept") == ids(root, "Select/job001", "kept") == ["i2"]


def test_a_workflow_gives_several_sets_as_a_list(root: Path) -> None:
    jobs = [
        {
            "name": "low", "protocol": "sets.filter", "inputs": {"input": "./a.star"},
            "params": {"expression": "rlnDefocusU < 2500"},
        },
        {"name": "all", "protocol": "sets.join", "inputs": {"input": ["low:kept", "low:rejected", "./c.star"]}},
    ]  # fmt: skip
    (root / "w.json").write_text(json.dumps({"format": 1, "jobs": jobs}))

    done = cryoloom("workflow", "run", "w.json", "--wait", at=root)

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(ids(root, "JoinStar/job002", "kept")) == [f"i{n}" for n in range(8)]


def test_two_sets_for_an_input_that_takes_one_are_refused(root: Path) -> None:
    done = cryoloom(
        "run", "sets.filter", "input=a.star", "input=b.star", "expression=rlnDefocusU > 1", at=root
    )

    assert done.returncode == 2
    assert "input input is 2 datasets, expected one" in done.stderr and "sets.join" in done.stderr


def test_a_label_is_explained(root: Path) -> None:
    known, unknown = cryoloom("help", "rlnVoltage", at=root), cryoloom("help", "rlnVoltag3", at=root)

    assert "kV" in known.stdout
    assert unknown.returncode == 2 and "Did you mean rlnVoltage" in unknown.stderr
