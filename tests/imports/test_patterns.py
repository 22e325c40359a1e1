"""What users write for files means the files that they have in mind, whatever their folders are called."""

from pathlib import Path

import pytest

from cryoloom.errors import ParameterError
from cryoloom.plugins.imports.linking import link_or_copy, link_text
from cryoloom.plugins.imports.patterns import common_folder, fixed_part, matching, patterns_of, why_nothing


def touched(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(text: str, root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in matching(patterns_of(text, root))]


@pytest.mark.parametrize(
    "text",
    ["Grid 1/*.mrc", r"Grid\ 1/*.mrc", "'Grid 1/*.mrc'", "Grid?1/*.mrc", '"Grid 1"/*.mrc', "Grid 1/a.mrc"],
)
def test_a_folder_with_a_blank_can_be_given(tmp_path: Path, text: str) -> None:
    touched(tmp_path, "Grid 1/a.mrc", "Grid/b.mrc", "1/c.mrc2")

    assert found(text, tmp_path) == ["Grid 1/a.mrc"]


def test_blanks_separate_patterns_that_begin_in_folders_that_exist(tmp_path: Path) -> None:
    touched(tmp_path, "a/1.mrc", "b c/2.mrc", "d/3.mrc")

    assert found("a/*.mrc b c/*.mrc d/*.mrc", tmp_path) == ["a/1.mrc", "b c/2.mrc", "d/3.mrc"]


def test_brackets_of_a_folder_that_exists_mean_themselves_and_others_are_a_pattern(tmp_path: Path) -> None:
    root = tmp_path / "lab [2026]"
    touched(root, "raw/a1.mrc", "raw/a2.mrc", "raw/a3.mrc")

    assert found("raw/*.mrc", root) == ["raw/a1.mrc", "raw/a2.mrc", "raw/a3.mrc"]
    assert found(f"'{root}/raw/a[12].mrc'", root) == ["raw/a1.mrc", "raw/a2.mrc"]
    assert fixed_part(patterns_of("raw/*.mrc", root)[0]) == root / "raw"


def test_what_two_patterns_match_lies_below_their_common_folder(tmp_path: Path) -> None:
    touched(tmp_path, "grids/A/1.mrc", "grids/B/1.mrc")

    assert common_folder(patterns_of("grids/A/*.mrc grids/B/*.mrc", tmp_path)) == tmp_path / "grids"


def test_a_quote_that_is_not_closed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="quotation"):
        patterns_of("'a/*.mrc", tmp_path)


def test_nothing_found_says_what_may_be_wrong(tmp_path: Path) -> None:
    touched(tmp_path, "raw/a.mrc")

    def why(text: str) -> str:
        return why_nothing(text, patterns_of(text, tmp_path))

    assert f"There is no folder {tmp_path}/rae" in why("rae/*.mrc")
    assert "is a folder" in why("raw")
    assert why("raw/*.tiff") == "Nothing matches the pattern."


def test_a_link_out_of_the_project_is_absolute_and_one_within_it_is_relative(tmp_path: Path) -> None:
    project = tmp_path / "p"
    touched(project, "default_pipeline.star", "raw/in.mrc")
    touched(tmp_path, "data/out.mrc")
    target = project / "Movies/job001/x.mrc"

    assert link_text(project / "../data/out.mrc", target) == str(tmp_path / "data/out.mrc")
    assert link_text(project / "raw/in.mrc", target) == "../../raw/in.mrc"
    link_or_copy(project / "../data/out.mrc", target, copy=False)
    link_or_copy(project / "raw/in.mrc", target, copy=False)  # the name is another file's now
    assert target.resolve() == project / "raw/in.mrc"
