"""What the documentation says is tried."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cryoloom.project.registry import all_protocols, plugins

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))


def run(name: str) -> str:
    """What the cells of a notebook of the documentation print and show."""
    notebook = nbformat.read(ROOT / "docs" / name, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return "".join(str(cell.get("outputs", "")) for cell in notebook.cells)


@pytest.mark.relion
@pytest.mark.slow
def test_the_tour_runs() -> None:
    printed = run("tour.ipynb")

    assert "succeeded" in printed and "cut short" in printed and "defocus_error" in printed


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_second_half_runs_and_its_own_step_is_behind_the_last_refinement() -> None:
    printed = run("second_half.ipynb")

    resolution = re.search(r"resolution: ([0-9.]+) Å", printed)
    assert resolution is not None and 6.0 <= float(resolution[1]) < 7.5  # the pixel ends at 6 Å
    kept = re.search(r"(\d+) kept, (\d+) rejected", printed)
    # 180 particles are in the movies: what is rejected was picked where none is.
    assert kept is not None and 165 <= int(kept[1]) <= 185 and int(kept[2]) >= 5
    assert re.search(r"map: \(64, 64, 64\) of 3 Å", printed)
    assert "labSignal" in printed.rpartition("rlnAngleRot")[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_takes_nothing_of_the_insides(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    tree = ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))

    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    # What stands in the documentation for users: the package, and the simulator.
    assert {name for name in imported if name.startswith("cryoloom")} <= {"cryoloom", "cryoloom.simulate"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"entry", "ref", "folder", "root", "declared"}


def test_a_notebook_is_stored_without_what_it_printed() -> None:
    assert len(NOTEBOOKS) > 1
    for path in NOTEBOOKS:
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert not any(cell.outputs for cell in cells), path.name


def test_every_protocol_that_the_documents_name_exists() -> None:
    known = {kind.name for kind in all_protocols()}
    texts = [path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))]
    named = {
        word for text in texts for word in re.findall(rf"\b(?:{'|'.join(plugins())})\.[a-z0-9_]+\b", text)
    }

    unknown = {
        word
        for word in named - known
        if not word.endswith((".py", ".md", ".star", ".mrc", ".png", ".pdf", ".path", ".modules", ".mpirun"))
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
