"""A project with eight particles in two optics groups."""

from pathlib import Path

import numpy as np
import pytest
from particle_sets import run_here, write_particles

from cryoloom import Job, Project
from cryoloom.images.mrc import write_mrc


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p", seed=1)


@pytest.fixture
def particles(project: Project, tmp_path: Path) -> Job:
    """Import/job001: particle n has a resolution of n Å."""
    return run_here(project, "import.particles", fn_in_other=str(write_particles(tmp_path / "raw")))


@pytest.fixture
def micrographs(project: Project, tmp_path: Path) -> Job:
    """Import/job001: two micrographs."""
    raw = tmp_path / "raw"
    raw.mkdir()
    noise = np.random.default_rng(1).normal(size=(16, 16)).astype(np.float32)
    for name in ("a", "b"):
        write_mrc(raw / f"{name}.mrc", noise, 2.0)
    return run_here(project, "import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=2.0)
