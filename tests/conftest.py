"""What all tests share: an environment of their own, and the real data where they are."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from cryoloom import Project
from cryoloom.project.folder import ProjectFolder

DATA = Path(os.environ.get("CRYOLOOM_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
PLUGIN = Path(__file__).parent / "plugin"
EXAMPLES = Path(__file__).parents[1] / "examples"
FIXTURES = Path(__file__).parent / "data"

# A first import on a busy machine takes longer than hypothesis allows an example. The examples are the same in
# every run, so that a change fails for what it changed; HYPOTHESIS_PROFILE=search invents others, by hand.
settings.register_profile("cryoloom", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "cryoloom"))


@pytest.fixture(autouse=True, scope="session")
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches, settings and the ledger of slots are the tests' own; schedulers end soon."""
    folder = tmp_path_factory.mktemp("environment")
    names = {
        "XDG_CACHE_HOME": folder / "cache",
        "XDG_CONFIG_HOME": folder / "config",
        "CRYOLOOM_LEDGER_DIR": folder,
        "CRYOLOOM_SCHEDULER__IDLE_S": "3",
        # Protocols that do nothing, found by jobs as those of any other package.
        "PYTHONPATH": os.pathsep.join([str(PLUGIN), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, str(value))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files."""
    if not DATA.is_dir():
        pytest.skip(f"the real files are not there: {DATA} (set CRYOLOOM_TEST_DATA)")
    return DATA


@pytest.fixture(scope="session")
def tutorial(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RELION 3.1's tutorial project as RELION left it; no image is in it. Who changes something takes a copy."""
    archive = shared_data / "relion31_tutorial" / "relion_tutorial_files.tar.xz"
    if not archive.exists():
        pytest.skip(f"the RELION tutorial is not there: {archive} (set CRYOLOOM_TEST_DATA)")
    folder = tmp_path_factory.mktemp("tutorial")
    subprocess.run(["tar", "xJf", str(archive), "-C", str(folder)], check=True)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    """A new, empty project."""
    return ProjectFolder.create(tmp_path / "p", seed=1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example workflow, run as a user runs it: movies to a map. Who changes something takes a copy.

    CRYOLOOM_TINY names one that is finished, for who writes tests and would wait for it each time.
    """
    if finished := os.environ.get("CRYOLOOM_TINY"):
        return Project(Path(finished))
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        return _run_tiny(tmp_path_factory.mktemp("t") / "p")
    # Of several processes of one run the first makes it, and the others wait.
    shared = tmp_path_factory.getbasetemp().parent / "tiny"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            _run_tiny(shared / "p")
            (shared / "done").touch()
    return Project(shared / "p")


def _run_tiny(folder: Path) -> Project:
    workflow = str(EXAMPLES / "tiny.json")
    done = subprocess.run(
        [sys.executable, "-m", "cryoloom", "workflow", "run", workflow, "--project", str(folder), "--wait"],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Project(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests could not be run for want of the real files."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    absent = sum("CRYOLOOM_TEST_DATA" in reason for reason in skipped)
    terminalreporter.write_line(f"skipped because the real files are absent: {absent}")
