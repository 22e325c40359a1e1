"""The other half map's name, by RELION's rule."""

import pytest

from cryoloom.protocol import HalfMaps


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("Refine3D/job017/run_half1_class001_unfil.mrc", "run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc"),
        ("half1_test/run_half2.mrc", "run_half1.mrc", "run_half2.mrc"),
        ("run_half1.mrc", "run_half1.mrc", "run_half2.mrc"),
    ],
)  # fmt: skip
def test_the_word_counts_in_the_files_name_and_in_no_folders(path: str, first: str, second: str) -> None:
    folder = path.rpartition("/")[0]
    halves = [HalfMaps(path).half(number) for number in (1, 2)]

    assert halves == [f"{folder}/{name}".lstrip("/") for name in (first, second)]
    assert HalfMaps(path).has_other


def test_a_name_without_the_word_tells_no_other() -> None:
    assert not HalfMaps("half1_test/map.mrc").has_other
