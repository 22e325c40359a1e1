"""Values that RELION would take for other numbers are found, each with its row; what it reads rightly is not."""

from pathlib import Path

import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.numbers import check_numbers, no_numbers
from cryoloom.errors import DatasetError


def test_each_value_that_is_no_number_is_found_and_no_other() -> None:
    table = pl.DataFrame(
        {
            "rlnDefocusU": ["1e4", "10000,75", "<NA>", "", "-2.5E+3"],
            "rlnDefocusV": [1.0, float("nan"), 2.0, float("inf"), None],
            "rlnClassNumber": ["0001", "12", "None", "3", "1.5x"],
            "rlnRandomSubset": [1.0, 2.0, 1.5, 2.0, 1.0],
            "rlnEvenZernike": ["[0,1]", "None", "[nan,1]", "[]", "0 1"],
            "rlnMicrographName": ["nan", "", "<NA>", "a,b", "inf"],
            "otherLabel": ["nan"] * 5,
        }
    )

    assert [(one.row, one.label) for one in no_numbers(table)] == [
        (1, "rlnDefocusU"), (1, "rlnDefocusV"),
        (2, "rlnDefocusU"), (2, "rlnClassNumber"), (2, "rlnRandomSubset"), (2, "rlnEvenZernike"),
        (3, "rlnDefocusU"), (3, "rlnDefocusV"),
        (4, "rlnDefocusV"), (4, "rlnClassNumber"), (4, "rlnEvenZernike"),
    ]  # fmt: skip


TEXT = """# a file

data_optics
_rlnOpticsGroup 1
_rlnVoltage     300,0

data_particles

loop_
_rlnImageName #1
_rlnDefocusU #2
# a remark between
1@a.mrcs 10000

2@a.mrcs nan
"""


def test_the_line_of_a_value_is_told_in_tables_and_in_single_values(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text(TEXT)
    tables = star.tables_of(star.read(path))

    with pytest.raises(DatasetError, match=r"line 5: rlnVoltage in data_optics is '300,0'"):
        check_numbers(tables["optics"], path, "optics")
    with pytest.raises(DatasetError, match=r"line 15: rlnDefocusU in data_particles is 'nan'"):
        check_numbers(tables["particles"], path, "particles")
    assert tables["optics"].height == 1
