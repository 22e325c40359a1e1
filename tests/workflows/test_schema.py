"""The schema that editors are given says of a field what `check` says of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cryoloom.api.workflows import schema

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = json.loads(json.dumps(schema()))
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_valid(validator: Draft202012Validator, example: Path) -> None:
    assert [error.message for error in validator.iter_errors(json.loads(example.read_text()))] == []


def class2d(**params: Any) -> dict[str, Any]:
    return {
        "jobs": [
            {"name": "a", "protocol": "relion.class2d", "params": params, "inputs": {"fn_img": "b:kept"}}
        ]
    }


@pytest.mark.parametrize(
    ("content", "is_valid"),
    [
        (class2d(nr_classes=50, do_ctf_correction="Yes", tau_fudge="2"), True),
        (class2d(nr_classes="${classes}", do_ctf_correction=False), True),
        (class2d(nr_clases=50), False),
        (class2d(nr_classes=0), False),
        (class2d(nr_classes="many"), False),
        (class2d(do_ctf_correction="perhaps"), False),
        (
            {"jobs": [{"name": "a", "protocol": "relion.class3d", "params": {"sampling": "7.5 degrees"}}]},
            True,
        ),
        ({"jobs": [{"name": "a", "protocol": "relion.class3d", "params": {"sampling": "7.5"}}]}, True),
        (
            {
                "jobs": [
                    {"name": "a", "protocol": "relion.class3d", "params": {"sampling": "about 7.5 degrees"}}
                ]
            },
            False,
        ),
        ({"jobs": [{"name": "a", "protocol": "relion.clas2d"}]}, False),
        ({"jobs": [{"protocol": "relion.class2d"}]}, False),
        (
            {
                "jobs": [
                    {"name": "a", "include": "b.json", "values": {"x": 1}, "wait_for": ["c"], "comment": "d"}
                ]
            },
            True,
        ),
        ({"jobs": [{"name": "a", "include": "b.json", "params": {}}]}, False),
        ({"jobs": [], "placeholders": {"x": {"type": "float", "min": 0, "unit": "Å", "title": "X"}}}, True),
        ({"jobs": [], "placeholders": {"x": {"type": "number"}}}, False),
        ({"jobs": [], "seed": "${seed}", "comment": "x", "format": 1}, True),
        ({"jobs": [], "titel": "x"}, False),
    ],
)
def test_what_check_would_refuse_an_editor_marks(
    validator: Draft202012Validator, content: dict[str, Any], is_valid: bool
) -> None:
    assert validator.is_valid(content) is is_valid
