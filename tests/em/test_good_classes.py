"""Which classes are good by rule."""

from cryoloom.em.good_classes import good_classes

SHARES, RESOLUTIONS = [0.1, 0.4, 0.02, 0.3, 0.18], [8.0, 9.0, 5.0, 20.0, 8.5]


def test_small_classes_and_coarse_ones_are_no_good() -> None:
    assert good_classes(SHARES, RESOLUTIONS, min_fraction=0.05, max_resolution_ratio=1.5) == {1, 2, 5}


def test_of_the_good_ones_only_the_largest_are_kept() -> None:
    for largest, kept in ((0, {1, 2, 5}), (1, {2}), (2, {2, 5}), (9, {1, 2, 5})):
        found = good_classes(
            SHARES, RESOLUTIONS, min_fraction=0.05, max_resolution_ratio=1.5, largest=largest
        )
        assert found == kept


def test_of_equal_shares_the_first_stands_for_the_largest() -> None:
    assert good_classes([0.5, 0.5], [8.0, 8.0], min_fraction=0.05, max_resolution_ratio=1.5, largest=1) == {1}
