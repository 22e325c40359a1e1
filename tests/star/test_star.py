"""What is read is what was written; what grows is never read by halves; what is broken says where."""

import re
import resource
import subprocess
import warnings
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoloom import star
from cryoloom.errors import StarError
from cryoloom.star.tokens import number_or_text, typed

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12
).filter(lambda text: not ('"' in text and "'" in text) and text == text.strip("\xa0") and not text.isspace())
columns = st.one_of(
    st.lists(st.integers(-(10**17), 10**17), min_size=3, max_size=3),
    st.lists(st.floats(allow_nan=False, width=64), min_size=3, max_size=3),
    st.lists(texts.filter(lambda t: t.isascii()), min_size=3, max_size=3),
)


def read_quietly(path: Path) -> star.Blocks:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", star.StarWarning)
        return star.read(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(columns, min_size=1, max_size=5))
def test_a_table_reads_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[object]]
) -> None:
    path = tmp_path_factory.mktemp("s") / "x.star"
    frame = pl.DataFrame({f"label{n}": column for n, column in enumerate(values)})

    star.write(path, {"t": frame})
    again = star.read(path)["t"]

    assert isinstance(again, pl.DataFrame)
    for name in frame.columns:
        assert [str(v) for v in again[name].cast(frame[name].dtype).to_list()] == [
            str(v) for v in frame[name].to_list()
        ]


@pytest.mark.shared
def test_every_real_file_reads_and_its_copy_reads_equal(shared_data: Path, tmp_path: Path) -> None:
    read = 0
    for path in sorted(shared_data.rglob("*.star")):
        if path.name in ("relion3.1_empty_coords_suffix.star", "handmade_pipeline_no_rows.star"):
            continue
        blocks = read_quietly(path)
        star.write(tmp_path / "copy.star", blocks)
        copy = star.read(tmp_path / "copy.star")
        assert list(copy) == list(blocks), path.name
        for name, block in blocks.items():
            same = block.equals(copy[name]) if isinstance(block, pl.DataFrame) else block == copy[name]
            assert same, f"{path.name}: {name}"
        read += 1
    assert read > 50


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no star at all\n", "'no star at all'"),
        ("data_x\n\nloop_\n_a #1\n_b #2\n1 2\n3\n", "is 1 (nothing for b), expected 2"),
        ("", "without any block"),
        ("data_x\n\n_label\n", "expected a label and a value"),
    ],
)
def test_a_broken_file_is_reported_with_its_line(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "x.star").write_text(text)

    with pytest.raises(StarError, match=re.escape(found)):
        star.read(tmp_path / "x.star")


@pytest.mark.parametrize("make", ["missing", "folder", "gzip", "mrc"])
def test_what_is_no_star_file_is_said_so(tmp_path: Path, make: str) -> None:
    path = tmp_path / "x.star"
    if make == "folder":
        path.mkdir()
    elif make == "gzip":
        path.write_bytes(b"\x1f\x8b\x08abc")
    elif make == "mrc":
        path.write_bytes(bytes(1024))

    with pytest.raises(StarError, match="expected a STAR file"):
        star.read(path)


def test_irregularities_that_relion_writes_are_read_around_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "job.star").write_text("data_x\n\nloop_\n_a #1\n_b #2\none two\tthree \nfour five \n")
    (tmp_path / "prose.star").write_text("data_x\nloop_\n_a\n_b\n1 2\n\n####\nTo unsubscribe, click\n")

    with pytest.warns(star.StarWarning, match="TAB"):
        tab = star.read(tmp_path / "job.star")["x"]
    with pytest.warns(star.StarWarning, match="To unsubscribe"):
        prose = star.read(tmp_path / "prose.star")["x"]

    assert isinstance(tab, pl.DataFrame) and tab["b"].to_list() == ["two\tthree", "five"]
    assert isinstance(prose, pl.DataFrame) and prose.height == 1


def test_types_come_from_all_rows_and_identifiers_stay_text(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_text("data_\nloop_\n_n\n_f\n_id\n_bool\n1 1 0000123 i00\n2 1.5 0000124 1e5\n")

    table = star.read(tmp_path / "x.star")[""]

    assert isinstance(table, pl.DataFrame)
    assert [str(kind) for kind in table.dtypes] == ["Int64", "Float64", "String", "String"]
    assert table["id"].to_list() == ["0000123", "0000124"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), max_size=4), min_size=1, max_size=6), st.integers(0, 400))
def test_a_growing_file_is_followed_row_by_row_and_never_beyond_its_end(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], torn: int
) -> None:
    path = tmp_path_factory.mktemp("g") / "x.star"
    start = end = star.open_growing(path, {"optics": pl.DataFrame({"a": [1]})}, "items", ["n"])
    for batch in batches:
        end = star.append(path, pl.DataFrame({"n": batch}, schema={"n": pl.Int64}))
    with path.open("ab") as file:
        file.write(b"  77 \n 8"[: torn % 9])

    committed, offset = star.follow(path, start, labels=["n"], end=end)

    assert offset == end
    assert committed["n"].to_list() == [value for batch in batches for value in batch]
    whole = star.read(path)["items"]
    assert isinstance(whole, pl.DataFrame)


def test_types_of_a_growing_table_only_widen_from_look_to_look(tmp_path: Path) -> None:
    labels = ["n", "f", "id"]
    offset = star.open_growing(tmp_path / "x.star", {}, "items", labels)
    with (tmp_path / "x.star").open("a") as file:
        file.write("1 0.5 a\n")
    first, offset = star.follow(tmp_path / "x.star", offset, labels=labels)
    with (tmp_path / "x.star").open("a") as file:
        file.write("2.5 7 1.0\n")

    second, end = star.follow(tmp_path / "x.star", offset, labels=labels, schema=first.schema)
    nothing, _ = star.follow(tmp_path / "x.star", end, labels=labels, schema=second.schema)

    assert second.dtypes == nothing.dtypes == [pl.Float64, pl.Float64, pl.String]
    assert second.rows() == [(2.5, 7.0, "1.0")]
    assert nothing.height == 0


def test_broken_blocks_are_left_out_and_reported_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_text(
        "data_a\n_x 1\n\ndata_b\nloop_\n_p\n_q\n1 2\n3\n4 5\n\ndata_c\nloop_\n_r\n7\n"
    )

    with pytest.warns(star.StarWarning, match=r"line 9.*data_b"):
        blocks = star.read(tmp_path / "x.star", strict=False)

    assert list(blocks) == ["a", "c"]


def test_a_label_that_stands_twice_in_a_loop_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_text("data_a\nloop_\n_x\n_x\n1 2\n")

    with pytest.raises(StarError, match="line 4 is label x once more"):
        star.read(tmp_path / "x.star")


def test_marks_and_line_ends_of_other_systems_are_taken(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_bytes(b"\xef\xbb\xbfdata_a\r\nloop_\r\n_x\r\n_y\r\n1 u\r\n\r\n2 v")

    table = star.read(tmp_path / "x.star")["a"]

    assert isinstance(table, pl.DataFrame)
    assert table.rows() == [(1, "u"), (2, "v")]


def test_a_second_block_of_one_name_is_kept_and_written_under_that_name(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_text("data_a\n_x 1\ndata_a\n_x 2\n")

    blocks = star.read(tmp_path / "x.star")
    star.write(tmp_path / "y.star", blocks)

    assert blocks == {"a": {"x": 1}, "a#2": {"x": 2}} == star.read(tmp_path / "y.star")


def test_a_batch_that_does_not_fit_the_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    size = star.open_growing(path, {}, "items", ["n"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            star.append(path, pl.DataFrame({"n": [1, 2, 3]}))
        with pytest.raises(OSError, match="File too large"):
            star.write(path, {"items": pl.DataFrame({"n": [1] * 100})})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert path.stat().st_size == size
    assert list(tmp_path.iterdir()) == [path]


def test_importing_the_library_loads_nothing_else_of_cryoloom() -> None:
    import subprocess
    import sys

    code = "import sys, cryoloom.star; print([m for m in sys.modules if m.startswith('cryoloom.') ])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    rooms = {name.split(".")[1] for name in names_in(out)}
    assert rooms <= {"star", "errors", "_version"}


def names_in(text: str) -> list[str]:
    import ast

    return list(ast.literal_eval(text))


def test_comments_and_version_lines_survive_and_a_file_of_3_0_stays_one(tmp_path: Path) -> None:
    text = "# made by hand\n\n# version 50001\ndata_a\n\n_x 1\n\ndata_b\n\nloop_\n_y #1\n1\n\n# last\n\ndata_c\n_z 2\n"
    (tmp_path / "x.star").write_text(text)

    blocks = star.read(tmp_path / "x.star")
    star.write(tmp_path / "y.star", blocks)

    assert blocks.comments == {"a": ("# made by hand", "# version 50001"), "b": (), "c": ("# last",)}
    assert star.read(tmp_path / "y.star").comments == blocks.comments
    assert "version 30001" not in (tmp_path / "y.star").read_text()
    star.write(tmp_path / "z.star", dict(blocks))
    assert (tmp_path / "z.star").read_text().count("# version 30001") == 3


def test_a_long_comment_before_a_block_survives_whole(tmp_path: Path) -> None:
    lines = [f"# line {number} " + "x" * 70 for number in range(200)]
    (tmp_path / "x.star").write_text("data_a\n_x 1\n\n" + "\n".join(lines) + "\n\ndata_b\n_y 2\n")

    assert star.read(tmp_path / "x.star").comments["b"] == tuple(lines)


@pytest.mark.relion
@pytest.mark.shared
def test_relion_makes_the_same_of_our_copy_as_of_the_original(shared_data: Path, tmp_path: Path) -> None:
    compared = 0
    for path in sorted(shared_data.rglob("*.star")):
        if path.name in ("relion3.1_empty_coords_suffix.star", "handmade_pipeline_no_rows.star"):
            continue
        blocks = read_quietly(path)
        labels = {
            label for block in blocks.values() if isinstance(block, pl.DataFrame) for label in block.columns
        }
        if not labels & {"rlnImageName", "rlnMicrographName", "rlnMicrographMovieName"}:
            continue
        star.write(tmp_path / "copy.star", blocks)
        made = []
        for source in (path, tmp_path / "copy.star"):
            out = tmp_path / "out.star"
            out.unlink(missing_ok=True)
            command = [
                "relion_star_handler",
                "--i",
                str(source),
                "--o",
                str(out),
                "--remove_column",
                "rlnRandomSubset",
            ]
            subprocess.run(command, capture_output=True, timeout=60, cwd=tmp_path)
            made.append(read_quietly(out) if out.exists() and out.stat().st_size else {})
        assert list(made[0]) == list(made[1]), path.name
        for name, block in made[0].items():
            assert isinstance(block, pl.DataFrame) and block.equals(made[1][name]), f"{path.name}: {name}"
        compared += bool(made[0])
    assert compared >= 10


@settings(max_examples=500)
@given(
    st.one_of(
        st.text("0123456789+-.eE", min_size=1, max_size=22), st.sampled_from(["nan", "inf", "NaN", "x", "-0"])
    )
)
def test_one_word_has_the_type_that_it_has_as_a_column(word: str) -> None:
    single, column = number_or_text(word), typed([word], "a").item()

    assert type(single) is type(column)
    assert single == column or (single != single and column != column)
