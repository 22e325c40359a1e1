"""`help` finds what a word means, and never prints an empty table."""

import pytest

from cryoloom.api.help_search import search_help
from cryoloom.cli.main import main
from cryoloom.errors import ParameterError


def shown(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.argv", ["cryoloom", "help", *words])
    assert main() == 0
    return capsys.readouterr().out


def test_a_part_of_a_name_or_a_word_finds_protocols_parameters_and_labels(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown(["motion"], monkeypatch, capsys)

    assert "relion.motioncorr" in out and "rlnAccumMotionTotal" in out
    found = search_help("nr_classes")
    assert {(hit.protocol, hit.parameter) for hit in found.hits} >= {("relion.class2d", "nr_classes")}
    assert [hit.protocol for hit in search_help("initial model").hits] == ["relion.inimodel"]
    assert all(hit.protocol.startswith("sets.") for hit in search_help("sets").hits)


def test_an_option_s_dashes_are_part_of_a_word_for_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "relion.class2d" in shown(["--tau_fudge"], monkeypatch, capsys)


def test_a_protocol_s_own_name_without_its_plugin_is_enough_and_its_like_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(["class2d"], monkeypatch, capsys).startswith("relion.class2d: 2D classification")
    out = shown(["mask"], monkeypatch, capsys)
    assert out.startswith("import.mask: ") and "Of a like name: relion.maskcreate." in out


def test_what_nothing_has_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(ParameterError, match="motioncorr"):
        search_help("motoncorr")
    with pytest.raises(ParameterError, match="lists all protocols"):
        search_help("xyzzy")


def test_a_word_within_another_word_is_looked_for_only_where_no_word_begins_so() -> None:
    assert {hit.protocol for hit in search_help("gain").hits} == {
        "import.movies", "relion.estimate_gain", "relion.motioncorr",
    }  # fmt: skip
    assert {hit.parameter for hit in search_help("tilt").hits} >= {"beamtilt_x"}


def test_a_flag_of_relion_finds_its_parameter_as_it_is_spelt() -> None:
    assert {(hit.protocol, hit.parameter) for hit in search_help("--K").hits} == {
        ("relion.class2d", "nr_classes"), ("relion.class3d", "nr_classes"), ("relion.inimodel", "nr_classes"),
    }  # fmt: skip
    assert {hit.parameter for hit in search_help("--no_parallel_disc_io").hits} == {"do_parallel_discio"}
    assert {hit.parameter for hit in search_help("--oversampling").hits} == {"sampling"}


def test_help_tells_the_flag_of_each_parameter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown(["relion.class3d"], monkeypatch, capsys)

    assert "[default 4, float, > 0, --tau2_fudge]" in out
    assert "[default Yes, bool, --skip_align for No]" in out
