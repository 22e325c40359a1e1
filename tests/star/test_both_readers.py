"""The compiled reader and writer do what those in Python do: on any bytes, and in the last digit."""

import math
import warnings
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoloom import star
from cryoloom.errors import StarError
from cryoloom.star import compiled
from cryoloom.star.growing import MANY_ROWS
from cryoloom.star.writing import table_lines

words = st.sampled_from([
    "1", "-2", "0", "-0", "00", "007", "1.0", "1.", ".5", "+5", "-", ".", "1e5", "1e400", "1E-400", "1e", "nan", "-nan",
    "NaN", "inf", "+Inf", "-INF", "Nan", "123456789012345678", "1234567890123456789", "9007199254740993",
    "+9007199254740993", "100000000000000000", "0.1234567890123456789", "12345.678901", "000001@a/b.mrcs",
    "'a b'", '"a  b"', '"', "''", '""', "'x", "x'y z'", "[1,2,3]", "#", "#c", "_label", "loop_", "data_", "data_x",
    "\x1c", "\xa0", "é", "None", "a_longer_text_than_twelve", "a_longer_text_than_twelve",
])  # fmt: skip
gaps = st.sampled_from([" ", "  ", "\n", "\n\n", "\t", "\r\n", " \n", "\v", "\n# x\n", "\n1 2\n", "\n1 x\n"])
heads = st.sampled_from(["", "data_\n", "data_x\nloop_\n_a #1\n_b #2\n", "\n# v\n\ndata_t\n\nloop_ \n_one\n"])
files = st.builds(
    lambda head, pairs: head.encode() + b"".join((word + gap).encode() for word, gap in pairs),
    heads,
    st.lists(st.tuples(words, gaps), max_size=30),
)


def outcome(path: Path, strict: bool = True) -> object:
    """What reading gives: values with their types and warnings, or the error's words."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            blocks = star.read(path, strict=strict)
        except StarError as error:
            return str(error)
    shown = {
        name: [(c.name, c.dtype, [repr(v) for v in c]) for c in block.get_columns()]
        if isinstance(block, pl.DataFrame)
        else {label: repr(value) for label, value in block.items()}
        for name, block in blocks.items()
    }
    return shown, [str(warning.message) for warning in said]


def both(path: Path, strict: bool = True) -> tuple[object, object]:
    fast = outcome(path, strict)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", lambda: None)
        return fast, outcome(path, strict)


@settings(max_examples=600, deadline=None)
@given(content=st.one_of(files, st.binary(max_size=80)))
def test_any_bytes_read_alike_or_give_the_same_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.star"
    path.write_bytes(content)

    fast, slow = both(path)
    assert fast == slow
    fast, slow = both(path, strict=False)
    assert fast == slow


def test_a_table_of_many_pieces_reads_alike(tmp_path: Path, reader: str) -> None:
    """Columns that change their type late, lines across the pieces' borders, a line longer than a piece."""
    rows = 30_000
    with (tmp_path / "x.star").open("w") as file:
        file.write("data_x\nloop_\n_n\n_f\n_late\n_name\n")
        for n in range(rows):
            late = "text" if n == rows - 5 else f"{n:d}" if n < rows // 2 else f"{n}.25"
            file.write(f"{n} {n / 7:.6f} {late} {n:06d}@Extract/job007/a_long_name_{n // 100}.mrcs\n")
        file.write(f"0 1 2 {'long' * 200_000}\n# a comment\n1 2 3 last")

    table = star.read(tmp_path / "x.star")["x"]

    assert isinstance(table, pl.DataFrame)
    assert table.height == rows + 2
    assert [str(kind) for kind in table.dtypes] == ["Int64", "Float64", "String", "String"]
    assert (
        table["late"][1] == "1" and table["late"][rows - 1] == f"{rows - 1}.25" and table["late"][-1] == "3"
    )
    assert table["name"][-3:].to_list() == [
        f"{rows - 1:06d}@Extract/job007/a_long_name_{(rows - 1) // 100}.mrcs", "long" * 200_000, "last",
    ]  # fmt: skip
    assert table["f"][12345] == float(f"{12345 / 7:.6f}")
    assert [info.rows for info in star.scan(tmp_path / "x.star")] == [rows + 2]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.one_of(st.floats(), st.floats(-1e6, 1e6).map(lambda x: round(x, 6))), min_size=1, max_size=40)
)
def test_numbers_are_written_alike_and_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    frame = pl.DataFrame({"f": values, "i": [hash(v) for v in values], "b": [v > 0 for v in values]})
    path = tmp_path_factory.getbasetemp() / "numbers.star"

    fast = table_lines(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", lambda: None)
        assert fast == table_lines(frame)

    star.write(path, {"": frame.select("f")})
    again = star.read(path)[""]
    assert isinstance(again, pl.DataFrame)
    for was, now in zip(values, again["f"].cast(pl.Float64), strict=True):
        assert was == now or (math.isnan(was) and math.isnan(now))


texts = st.text(st.sampled_from("ab\"' \t\n#_é\x1c"), max_size=6)


@settings(max_examples=400, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
def test_texts_are_written_alike_and_read_back_but_for_line_breaks(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    def lines() -> bytes | str:
        try:
            return table_lines(frame)
        except StarError as error:
            return str(error)

    frame = pl.DataFrame({"t": values, "n": [1] * len(values)})
    path = tmp_path_factory.getbasetemp() / "texts.star"
    fast = lines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", lambda: None)
        assert fast == lines()
    if isinstance(fast, str):
        assert "both kinds of quotes" in fast
        return

    star.write(path, {"x": frame})
    again = star.read(path)["x"]
    assert isinstance(again, pl.DataFrame)
    assert again["t"].to_list() == [text.replace("\n", " ") for text in values]


def test_columns_of_every_type_are_written(tmp_path: Path) -> None:
    frame = pl.DataFrame({
        "small": pl.Series([-7, None, 120], dtype=pl.Int8),
        "large": pl.Series([2**64 - 1, 0, 1], dtype=pl.UInt64),
        "single": pl.Series([0.5, None, -1e-8], dtype=pl.Float32),
        "truth": [True, None, False],
        "kind": pl.Series(["a", None, "b"], dtype=pl.Categorical),
        "none": pl.Series([None, None, None], dtype=pl.Null),
    })  # fmt: skip

    cells = [line.split() for line in table_lines(frame[::-1][::-1]).decode().splitlines()]

    assert cells[0] == ["-7", "18446744073709551615", "0.500000", "1", "a", "None"]
    assert cells[1] == ["nan", "0", "nan", "nan", "None", "None"]
    assert float(cells[2][2]) == frame["single"][2]
    assert table_lines(frame.slice(1, 1)).decode().split() == cells[1]


def test_many_rows_appended_in_one_go_are_read_again(tmp_path: Path) -> None:
    rows = MANY_ROWS + 3
    frame = pl.DataFrame({"rlnA": range(rows), "rlnB": [f"m{n} b" for n in range(rows)]})
    start = star.open_growing(tmp_path / "a.star", {}, "x", frame.columns)
    end = star.append(tmp_path / "a.star", frame)
    again, stop = star.follow(tmp_path / "a.star", start, labels=frame.columns)

    assert stop == end == (tmp_path / "a.star").stat().st_size
    assert again.equals(frame)


def test_a_value_that_cannot_be_written_is_named_by_its_row_among_many(tmp_path: Path) -> None:
    rows = MANY_ROWS + 3
    texts = ["a" * 200] * rows
    texts[-2] = "' \" x"
    frame = pl.DataFrame({"rlnA": texts})
    star.open_growing(tmp_path / "a.star", {}, "x", frame.columns)
    before = (tmp_path / "a.star").read_bytes()

    with pytest.raises(StarError, match=f"row {rows - 1} of"):
        star.append(tmp_path / "a.star", frame)
    assert (tmp_path / "a.star").read_bytes() == before
