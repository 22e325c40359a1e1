"""Whether a refinement began with noise that no image has, in shells by which it then compared them."""

from collections.abc import Sequence
from pathlib import Path

# Of the median over shells; real noise differs by a hundred times at most.
NONE_AT_ALL = 1e-6


def doubts_of_noise(models: Sequence[Path]) -> list[str]:
    """What the models of iteration 0 say against their own estimate of the noise.

    RELION 3.1.3 estimates it as each group's power less that of the average image; where this is negative, as it happens
    with few particles of high contrast, it puts the shell before there. In images whose mean is 0 exactly, which polishing
    makes, shell 0 has nothing: then shell 1 has next to nothing too, and the first iterations look at it alone. A first one by
    correlation does not help.
    """
    from cryoloom import star

    spoilt = groups = 0
    for model in models:
        tables = star.tables_of(star.read(model)) if model.exists() else {}
        for table in tables.values():
            if "rlnSigma2Noise" not in table.columns or table.height < 3:
                continue
            noise = table["rlnSigma2Noise"][1:]
            groups += 1
            middle = noise.filter(noise > 0).median()
            spoilt += middle is not None and bool((noise < NONE_AT_ALL * float(middle)).any())  # type: ignore[arg-type]
    if not spoilt:
        return []
    return [
        f"RELION began with no noise at all in a coarse shell of {spoilt} of {groups} groups, and compared images by that "
        "shell alone: orientations that were good were lost. Polished images are such where groups are small: normalise "
        "them first (relion.preprocess do_norm=Yes), or give fewer, larger groups."
    ]
