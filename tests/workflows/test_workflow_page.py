"""The files that docs/workflows.md shows are right as they stand there."""

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from cryoloom.api.workflows import check_for_new_project, schema

PAGE = Path(__file__).parents[2] / "docs/workflows.md"


def shown() -> list[Any]:
    blocks = re.findall(r"(?ms)^```text\n(\{.*?)^```$", PAGE.read_text())
    return [json.loads(block) for block in blocks]


def test_the_workflow_of_the_page_passes_check_and_the_schema(tmp_path: Path) -> None:
    whole, include = shown()
    (tmp_path / "w.json").write_text(json.dumps(whole))

    checked = check_for_new_project(tmp_path / "w.json", {})

    assert checked.faults == () and [one.name for one in checked.to_be_given] == ["movies"]
    validator = Draft202012Validator(schema())
    assert [one.message for one in validator.iter_errors({**whole, "jobs": [*whole["jobs"], include]})] == []


def test_each_key_of_a_job_has_its_row(tmp_path: Path) -> None:
    from cryoloom.project.workflows.file import JOB_KEYS

    rows = " ".join(re.findall(r"(?m)^\| (`[^|]*) \|", PAGE.read_text()))
    assert {f"`{key}`" for key in JOB_KEYS} <= set(re.findall(r"`\w+`", rows))
