"""Of two values for what takes one, none is dropped in silence."""

import pytest

from cryoloom.api.summary import JobSummary
from cryoloom.cli.live import untold
from cryoloom.cli.main import main


@pytest.mark.parametrize(
    "words",
    [
        ["plot", "3", "fsc", "--with", "1", "--with", "2"],
        ["plot", "3", "fsc", "--item", "a", "--item=b"],
        ["star", "show", "a.star", "--block", "x", "--block", "y"],
        ["ls", "-p", "here", "--project", "there"],
    ],
)
def test_an_option_given_twice_is_refused_by_name(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cryoloom", *words])

    assert main() == 2
    assert "is given 2 times, and takes one value" in capsys.readouterr().err


def test_what_takes_several_takes_several(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "sets.filter", "--wait-for", "1", "--wait-for", "2", "-p", "/nowhere", "--json", "--json"]
    monkeypatch.setattr("sys.argv", ["cryoloom", *words])

    assert main() == 2
    assert "no folder" in capsys.readouterr().out


def test_a_doubt_that_stands_in_the_line_of_state_is_no_note_again() -> None:
    doubt = "The FSC falls at once."
    summary = JobSummary(
        "PostProcess/job001", "", "", "relion.postprocess", "succeeded", f"doubtful: {doubt}", 0, 0, None, {}, "", None,
        None, "", ours=True,
    )  # fmt: skip

    assert untold([doubt, "Something else.", doubt], summary) == ["Something else."]
