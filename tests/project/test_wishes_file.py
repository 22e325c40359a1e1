"""A wish that is none is told with its file and field; nobody guesses what was meant, and no scheduler ends of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from cryoloom.errors import UnreadableError
from cryoloom.project.attempts import CONTROL, read_control, write_control


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", "x"),
        ("alone", 1),
        ("memory_gb", "8"),
        ("wanted", None),
        ("opens", []),
        ("changes", {}),
        ("fresh", True),
    ],
)
def test_a_wish_of_another_kind_is_unreadable(tmp_path: Path, name: str, value: Any) -> None:
    write_control(tmp_path, stream="stop")
    known = json.loads((tmp_path / CONTROL).read_text())
    (tmp_path / CONTROL).write_text(json.dumps({**known, name: value}))

    with pytest.raises(UnreadableError, match=rf"control\.json: {name} is "):
        read_control(tmp_path)


def test_wishes_of_a_later_version_are_kept_and_a_fraction_is_a_number(tmp_path: Path) -> None:
    write_control(tmp_path, memory_gb=1.5, later={"a": 1})
    write_control(tmp_path, priority=-2)

    assert read_control(tmp_path) | {"memory_gb": 1.5, "later": {"a": 1}, "priority": -2} == read_control(
        tmp_path
    )


def test_no_job_s_wishes_are_another_s(tmp_path: Path) -> None:
    first = read_control(tmp_path)
    first["opens"]["x"] = 1

    assert read_control(tmp_path)["opens"] == {}
