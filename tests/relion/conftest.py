"""What the tests with the real RELION share."""

import subprocess
from pathlib import Path

import pytest
from conftest_data import DATA


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RELION 3.1's tutorial project as RELION left it; no image is in it."""
    archive = DATA / "relion31_tutorial" / "relion_tutorial_files.tar.xz"
    if not archive.exists():
        pytest.skip(f"the RELION tutorial is not there: {archive} (set CRYOLOOM_TEST_DATA)")
    folder = tmp_path_factory.mktemp("tutorial")
    subprocess.run(["tar", "xJf", str(archive), "-C", str(folder)], check=True)
    return folder
