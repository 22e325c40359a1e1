"""What the documentation says is tried."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cryoloom.project.registry import all_protocols, plugins

ROOT = Path(__file__).parents[2]


@pytest.mark.relion
@pytest.mark.slow
def test_the_notebook_runs() -> None:
    notebook = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)

    NotebookClient(notebook, timeout=180, kernel_name="python3").execute()

    printed = "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    assert "succeeded" in printed and "cut short" in printed and "defocus_error" in printed


def test_every_protocol_that_the_documents_name_exists() -> None:
    known = {kind.name for kind in all_protocols()}
    texts = [path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))]
    named = {
        word for text in texts for word in re.findall(rf"\b(?:{'|'.join(plugins())})\.[a-z0-9_]+\b", text)
    }

    unknown = {
        word
        for word in named - known
        if not word.endswith((".py", ".md", ".star", ".mrc", ".png", ".pdf", ".path", ".modules"))
    }
    assert not {word for word in unknown if word.split(".")[1] not in ("class3d", "ctfrefine")}


def test_links_between_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    source = ROOT / "src" / "cryoloom"
    for name in re.findall(r"`((?:[a-z0-9_]+/)+[a-z0-9_]+\.py)`", text):
        assert (source / name).exists() or (ROOT / name).exists(), name


def test_each_promise_names_a_test_that_exists() -> None:
    rows = [line for line in (ROOT / "docs/promises.md").read_text().splitlines() if "| `tests/" in line]
    assert len(rows) > 25
    for row in rows:
        file, _, name = row.rpartition("| `")[2].rstrip("` |").partition("::")
        text = (ROOT / file).read_text()
        assert f"def {name}(" in text if name else "def test_" in text, row
