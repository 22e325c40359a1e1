"""`simulate particles`, `bodies` and `helix`: what they make comes into a project, and no option is ignored."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from cryoloom import Project
from cryoloom.cli.main import app


def invoke(*args: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["simulate", *args])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["particles"], "name a folder"),
        (["helix", "here", "--amplitude", "3"], "--amplitude has no effect on helix"),
        (["bodies", "here", "--preset", "tiny"], "--preset has no effect on bodies"),
        (["here", "--rise", "3"], "--rise has no effect on these movies"),
        (["here", "--same-names"], "--same-names has no effect"),
        (["somewhere", "else"], "expected one of particles, bodies, helix, compare"),
    ],
)
def test_what_would_have_no_effect_is_refused(args: list[str], said: str) -> None:
    assert said in " ".join(invoke(*args, code=2).split())


@pytest.mark.slow
def test_particles_come_into_a_project_with_their_half_sets(tmp_path: Path) -> None:
    made = json.loads(invoke("particles", str(tmp_path / "late"), "--pose-error", "1", "--json"))
    assert made["rows"] == 480
    command = shlex.split(made["import_command"])
    project = Project.create(tmp_path / "p")

    job = project.run(command[2], **dict(word.split("=", 1) for word in command[3:]))
    job.wait()

    particles = job.dataset()
    assert particles.table().height == 480
    assert set(particles.table()["rlnRandomSubset"]) == {1, 2}
    assert particles.optics()["rlnOpticsGroupName"].to_list() == [
        "single_a",
        "multi_a",
        "single_b",
        "multi_b",
    ]


@pytest.mark.slow
def test_a_helix_is_wound_as_asked(tmp_path: Path) -> None:
    made = json.loads(invoke("helix", str(tmp_path), "--rise", "12", "--twist", "-40", "--json"))

    assert made["rows"] == 160
    assert "-40.0" in (Path(made["truth"]) / "helix.star").read_text()
