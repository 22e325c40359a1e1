"""Whether a classification told anything apart."""

from pathlib import Path

ALL_OF_THEM = 0.98


def doubts_of_shares(model: Path) -> list[str]:
    """What the last model says against a classification whose particles all came into one class.

    From one reference RELION's classes begin as that map, each of another random part of the particles; whichever is the
    better by chance may draw all.
    """
    from cryoloom import star

    shares = star.tables_of(star.read(model, ["model_classes"]))["model_classes"][
        "rlnClassDistribution"
    ].to_list()
    largest = max(range(len(shares)), key=lambda number: float(shares[number]))
    if len(shares) < 2 or float(shares[largest]) < ALL_OF_THEM:
        return []
    return [
        f"Class {largest + 1} holds {float(shares[largest]):.1%} of the particles: either they are all alike, or one class was "
        "the better by chance and drew them all. Another --random_seed (other_args), or highres_limit=30 with the same "
        "ini_high, tells."
    ]
