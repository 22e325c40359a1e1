"""The table of labels knows what RELION knows, by RELION's own account, and what real files hold."""

import re
import subprocess
from pathlib import Path

import pytest

from cryoloom.em.labels import all_labels, label, printed_by_relion, title


@pytest.mark.relion
def test_every_label_of_relion_is_known_with_its_type() -> None:
    text = subprocess.run(
        ["relion_refine", "--print_metadata_labels"], capture_output=True, text=True, timeout=60
    ).stdout

    printed = printed_by_relion(text)

    assert len(printed) == 431
    known = {one.name: one.type for one in all_labels().values() if one.since == "3.1"}
    assert known == printed


def test_a_label_says_its_unit_and_what_it_means() -> None:
    defocus = label("_rlnDefocusU")

    assert defocus is not None
    assert (defocus.type, defocus.unit, defocus.since) == ("float", "Å", "3.1")
    assert "underfocus" in defocus.meaning
    assert title("rlnDefocusU") == "rlnDefocusU (Å)"
    assert title("rlnClassNumber") == "rlnClassNumber" and title("wrpSomething") == "wrpSomething"


def test_every_label_has_a_meaning_and_its_unit_is_one_that_we_use() -> None:
    units = {
        "",
        "Å",
        "Å²",
        "1/Å",
        "1/Å²",
        "1/px",
        "px",
        "°",
        "mrad",
        "kV",
        "eV",
        "mm",
        "μm",
        "ppm",
        "GB",
        "kDa",
        "e/Å²",
    }

    assert [one.name for one in all_labels().values() if not one.meaning or one.unit not in units] == []
    assert all(label(one.name) is one for one in all_labels().values())


@pytest.mark.shared
def test_every_rln_label_of_the_real_files_is_known(shared_data: Path) -> None:
    met: dict[str, Path] = {}
    for path in shared_data.rglob("*.star"):
        for name in re.findall(rb"^_(rln\w+)", path.read_bytes(), re.MULTILINE):
            met.setdefault(name.decode(), path)

    assert len(met) > 300
    assert {name: str(path) for name, path in met.items() if label(name) is None} == {}


def test_a_model_s_resolution_is_in_angstrom_as_relion_writes_it() -> None:
    found = label("rlnCurrentResolution")

    assert found is not None and found.unit == "Å"
