"""Which iteration is the newest: by its number after the last continuation, never by its name."""

from pathlib import Path

import pytest

from cryoloom.project.iterations import age_of, course, final, newest


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("runs", "last"),
    [
        ({"run": range(26), "run_ct25": range(26, 51)}, "run_ct25_it050"),  # by name before run_it025
        ({"run": range(26), "run_ct10": range(11, 13)}, "run_ct10_it012"),  # by number before run_it025
        ({"run": range(26), "run_ct9": range(10, 12), "run_ct11": range(12, 14)}, "run_ct11_it013"),
        ({"run": range(998, 1002)}, "run_it1001"),
    ],
)
def test_the_newest_iteration_is_that_of_the_last_continuation(
    runs: dict[str, range], last: str, tmp_path: Path
) -> None:
    for root, numbers in runs.items():
        made(tmp_path, *(f"{root}_it{number:03d}_model.star" for number in numbers))
        made(tmp_path, *(f"{root}_it{number:03d}_half1_model.star" for number in numbers))

    assert newest(tmp_path, "model.star") == tmp_path / f"{last}_model.star"
    assert newest(tmp_path, "data.star") is None


def test_the_course_leaves_out_what_a_continuation_did_not_go_on_from(tmp_path: Path) -> None:
    made(tmp_path, *(f"run_it{number:03d}_data.star" for number in range(6)))
    made(
        tmp_path,
        "run_ct2_it003_data.star",
        "run_data.star",
        "run_it003_half1_data.star",
        "other_it009_data.star",
    )

    names = {number: path.name for number, path in course(tmp_path, "data.star").items()}

    assert names == {
        0: "run_it000_data.star",
        1: "run_it001_data.star",
        2: "run_it002_data.star",
        3: "run_ct2_it003_data.star",
    }


def test_the_end_of_an_earlier_run_is_none_while_a_continuation_goes_on(tmp_path: Path) -> None:
    made(tmp_path, "run_it005_model.star", "run_model.star", "run_it005_half1_model.star")
    assert final(tmp_path, "model.star") == tmp_path / "run_model.star"

    made(tmp_path, "run_ct5_it006_model.star")
    assert final(tmp_path, "model.star") is None

    made(tmp_path, "run_ct5_model.star")
    assert final(tmp_path, "model.star") == tmp_path / "run_ct5_model.star"


def test_names_are_sorted_by_age() -> None:
    by_age = [
        "job.star",
        "run_it002_data.star",
        "run_it010_data.star",
        "run_data.star",
        "run_ct10_it011_data.star",
    ]

    assert sorted(sorted(by_age), key=age_of) == by_age
