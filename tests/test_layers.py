"""The rooms know only what stands below them."""

import ast
import subprocess
import sys
from pathlib import Path

import cryoloom


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(lint)], cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout


def test_the_command_line_takes_nothing_of_a_project_s_insides() -> None:
    """What import-linter cannot see: `job.entry` and `project.folder` lead below the API."""
    inside = {"entry", "ref"}
    found = [
        f"{path.name}:{node.lineno} {ast.unparse(node)}"
        for path in (Path(cryoloom.__file__).parent / "cli").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and (
            node.attr in inside
            or (node.attr == "folder" and ast.unparse(node.value) in ("opened", "project"))
        )
    ]

    assert found == []
