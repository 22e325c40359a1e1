"""A project with eight particles in two optics groups."""

from pathlib import Path

import pytest
from particle_sets import run_here, write_particles

from cryoloom import Job, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p", seed=1)


@pytest.fixture
def particles(project: Project, tmp_path: Path) -> Job:
    """Import/job001: particle n has a resolution of n Å."""
    return run_here(project, "import.particles", fn_in_other=str(write_particles(tmp_path / "raw")))
