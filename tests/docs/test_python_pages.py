"""Project, Job, Dataset and the errors have whole pages, made of the code's own docstrings, built without a network."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cryoloom import Dataset, Job, Project, errors

ROOT = Path(__file__).parents[2]
KINDS = {"project": Project, "job": Job, "dataset": Dataset}


def public(kind: type) -> list[str]:
    """What a user may call or ask of it; the fields of a dataclass are ways to its insides."""
    names = [
        name
        for name, value in vars(kind).items()
        if not name.startswith("_") and name not in ("entry", "ref", "root")
    ]
    return [name for name in names if callable(getattr(kind, name)) or isinstance(vars(kind)[name], property)]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_whatever_is_public_says_what_it_is_for(kind: type) -> None:
    silent = [name for name in public(kind) if not inspect.getdoc(getattr(kind, name))]

    assert len(public(kind)) > 10 and not silent


@pytest.mark.slow
def test_the_pages_build_strictly_without_a_network_and_have_everything_public(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, env={**os.environ, **nowhere},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    for page, kind in KINDS.items():
        text = (tmp_path / f"python/{page}/index.html").read_text()
        anchors = set(re.findall(r'id="cryoloom\.api\.[a-z]+\.(\w+\.\w+)"', text))
        assert {f"{kind.__name__}.{name}" for name in public(kind)} <= anchors
    text = (tmp_path / "python/errors/index.html").read_text()
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert kinds <= set(re.findall(r'id="cryoloom\.errors\.(\w+)"', text))
