"""Which classes of a classification are good enough by rule: large, and nearly as sharp as the best of the large ones."""

from collections.abc import Sequence


def good_classes(
    shares: Sequence[float],
    resolutions: Sequence[float],
    *,
    min_fraction: float,
    max_resolution_ratio: float,
    max_resolution: float = -1,
    largest: int = 0,
) -> set[int]:
    """The numbers of the classes, from 1; none where no class is large enough.

    Args:
        shares: of all particles, one a class.
        resolutions: Å, one a class.
        min_fraction: a class must hold more.
        max_resolution_ratio: the worst resolution, as a multiple of the best among classes that are large enough.
        max_resolution: Å, besides; not above 0: none.
        largest: of those that are good at most so many, the largest; 0: all.
    """
    large = {n for n, share in enumerate(shares, start=1) if share > min_fraction}
    if not large:
        return set()
    worst = max_resolution_ratio * min(resolutions[n - 1] for n in large)
    if max_resolution > 0:
        worst = min(worst, max_resolution)
    good = sorted((n for n in large if resolutions[n - 1] <= worst), key=lambda n: (-shares[n - 1], n))
    return {*(good[:largest] if largest else good)}
