"""Most files say what is usual, not the first one; the user's word counts more."""

from cryoloom.images.headers import ImageHeader
from cryoloom.plugins.imports.movies import ImportMovies
from cryoloom.plugins.imports.usual import Usual


def test_an_odd_first_file_does_not_speak_for_all() -> None:
    usual = Usual()
    for number, width in enumerate((80, 64, 64)):
        usual.meet(f"f{number}", {"width": width})

    assert usual.contradiction({"width": 80}) == "width is 80, expected 64, as most files have"
    assert not usual.contradiction({"width": 64})
    assert usual.odd_ones() == ["f0"]


def test_what_was_given_decides_against_the_majority() -> None:
    usual = Usual({"frames": 3})
    usual.meet("a", {"width": 64, "frames": 4})
    usual.meet("b", {"width": 64, "frames": 4})

    assert usual.contradiction({"width": 64, "frames": 4}) == "frames is 4, expected 3, as given"
    assert not usual.contradiction({"width": 64, "frames": 3})


def test_a_file_that_has_changed_counts_once_and_what_is_not_compared_does_not_contradict() -> None:
    usual = Usual()
    usual.meet("a", {"frames": 9})
    usual.meet("b", {"frames": 4})
    usual.meet("a", {"frames": 4})

    assert usual.contradiction({"frames": 9})
    assert not usual.contradiction({"frames": 9}, compared={})


def test_eer_movies_may_differ_in_their_frames_and_others_may_not() -> None:
    movies = ImportMovies({"fn_in_raw": "*.eer"}, {})
    files = [
        ImageHeader(kind, "", "uint8", (64, 64), frames, None, None)
        for kind in ("EER", "TIFF")
        for frames in (40, 41)
    ]

    compared = [movies.compared(header) for header in files]

    assert compared[0] == compared[1] == {"width": 64, "height": 64}
    assert compared[2] != compared[3]
