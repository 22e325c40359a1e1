"""What nobody looks at travels as it is written, byte for byte, and is still the same table."""

import random
import warnings
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_both_readers import files

from cryoloom import star
from cryoloom.errors import StarError
from cryoloom.star import compiled

HEAD = "data_x\nloop_\n_id\n_a\n_b\n_c\n"
LABELS = ["id", "a", "b", "c"]
# Numbers in forms that we would not write, quotes, a tab between words, a carriage return.
ROWS = ["i1   1.50  'a  b'  +7", 'i2\t1e3 "" 007', "  i3 -0 x#y 1.  \r"]


def chosen(looked_at: set[str], changed: set[str] = frozenset()) -> star.Choice:  # type: ignore[assignment]
    def choose(block: str, labels: Sequence[str]) -> star.Columns:
        return star.Columns(frozenset(looked_at | changed), frozenset(labels) - changed)

    return choose


def table(path: Path, choose: star.Choice | None = None) -> pl.DataFrame:
    found = star.read(path, columns=choose)["x"]
    assert isinstance(found, pl.DataFrame)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.star"
    path.write_text(HEAD + "\n".join(ROWS) + "\n")
    return path


def rows_of(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.strip().startswith("i")]


def test_chosen_rows_are_written_byte_for_byte(path: Path) -> None:
    frame = table(path, chosen({"id", "a"}))

    assert star.labels_of(frame) == LABELS
    assert frame["a"].to_list() == [1.5, 1000.0, 0.0]
    star.write(path.with_name("y.star"), {"x": frame.filter(pl.col("a") != 1000)})
    assert rows_of(path.with_name("y.star")) == [ROWS[0] + " ", ROWS[2].rstrip() + " "]


def test_a_changed_column_is_written_anew_between_bytes_that_stay(path: Path) -> None:
    frame = table(path, chosen({"id"}, {"b"}))

    changed = frame.with_columns(b=pl.lit(5), new=pl.lit("n"))
    star.write(path.with_name("y.star"), {"x": changed})
    assert [line.split() for line in rows_of(path.with_name("y.star"))] == [
        ["i1", "1.50", "5", "+7", "n"], ["i2", "1e3", "5", "007", "n"], ["i3", "-0", "5", "1.", "n"],
    ]  # fmt: skip
    assert rows_of(path.with_name("y.star"))[0].startswith("i1   1.50 ")


def test_rows_in_any_order_find_their_lines(tmp_path: Path) -> None:
    """More lines than are read ahead, and neighbours far apart."""
    lines = [f"i{n} {n}.00 {'x' * (n % 200)}_ {n:07d}" for n in range(20_000)]
    (tmp_path / "x.star").write_text(HEAD + "\n".join(lines) + "\n")
    frame = table(tmp_path / "x.star", chosen({"a"}))
    order = random.Random(1).sample(range(20_000), 20_000)

    star.write(tmp_path / "y.star", {"x": frame[order]})
    assert rows_of(tmp_path / "y.star") == [lines[n] + " " for n in order]


def test_what_is_held_as_written_can_still_become_columns(path: Path) -> None:
    whole = table(path)

    assert star.parsed(table(path, chosen({"id"}))).equals(whole)
    assert star.parsed(table(path, chosen({"id"}, {"a"}))).equals(whole)
    assert star.parsed(table(path, chosen(set())).clear()).columns == LABELS


def test_a_growing_table_is_followed_with_its_lines_as_they_are(path: Path) -> None:
    start = path.read_bytes().index(b"i1")
    grown = path.with_name("y.star")
    columns = star.Columns(frozenset({"id"}), frozenset(LABELS))
    star.open_growing(grown, {}, "x", LABELS)

    first, offset = star.follow(path, start, labels=LABELS, end=start + len(ROWS[0]) + 1, columns=columns)
    star.append(grown, first)
    rest, _ = star.follow(path, offset, labels=LABELS, columns=columns)
    star.append(grown, rest)

    assert rest["id"].to_list() == ["i2", "i3"]
    assert rows_of(grown) == [row.rstrip() + " " for row in ROWS]


@pytest.mark.parametrize("odd", ["_b 1 2 3", "data_b 1 2 3", "#b 1 2 3"])
def test_a_word_that_must_not_begin_a_line_never_does(tmp_path: Path, odd: str) -> None:
    word = odd.split()[0]
    (tmp_path / "x.star").write_text(HEAD + f"i1 {odd.removesuffix(' 3')}\n")
    frame = table(tmp_path / "x.star", chosen(set(), {"id"}))

    star.write(tmp_path / "y.star", {"x": frame.drop("id")})
    assert table(tmp_path / "y.star").row(0) == (word, 1, 2)


def test_a_file_that_was_changed_meanwhile_is_an_error_and_no_garbage(path: Path, reader: str) -> None:
    frame = table(path, chosen({"id"}))
    path.write_text(HEAD + "i9 9 9 9\n")

    if reader == "python":
        star.write(path.with_name("y.star"), {"x": frame})  # it holds the lines themselves
        return
    with pytest.raises(StarError, match="changed since they were read"):
        star.write(path.with_name("y.star"), {"x": frame})
    assert not path.with_name("y.star").exists()


def test_files_are_kept_open_no_longer_than_asked_for(path: Path, reader: str) -> None:
    library = compiled.library()
    if library is None:
        pytest.skip("the reader in Python keeps no file open")
    before = library.cryoloom_star_kept()

    with star.kept_lines():
        frame = table(path, chosen({"id"}))
        assert library.cryoloom_star_kept() == before + 1
    assert library.cryoloom_star_kept() == before
    with pytest.raises(StarError, match="changed"):
        star.write(path.with_name("y.star"), {"x": frame})


@settings(max_examples=300, deadline=None)
@given(content=files, every=st.integers(1, 3))
def test_any_table_written_from_its_lines_reads_as_before(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, every: int
) -> None:
    """Whatever is looked at, changed or neither."""

    def choose(block: str, labels: Sequence[str]) -> star.Columns:
        return star.Columns(frozenset(labels[::2]), frozenset(labels) - frozenset(labels[every::4]))

    path = tmp_path_factory.getbasetemp() / "any.star"
    path.write_bytes(content)
    with warnings.catch_warnings(), star.kept_lines():
        warnings.simplefilter("ignore")
        try:
            whole = star.read(path)
        except StarError:
            return
        for name, block in star.read(path, columns=choose).items():
            was = whole[name]
            if not isinstance(block, pl.DataFrame) or not isinstance(was, pl.DataFrame) or not was.height:
                continue
            kept = [label for label in was.columns if label in star.labels_of(block)]
            assert star.parsed(block).equals(was.select(kept), null_equal=True)
