"""Half sets that particles bring along, and how many each optics group has, looked at before a program goes by them."""

from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.protocol import Protocol

HALF, GROUP, NAME = "rlnRandomSubset", "rlnOpticsGroup", "rlnOpticsGroupName"
BALANCE = 0.8  # of the smaller half to the larger one
FEWEST = 50  # of a group, for what is fitted to all of its images together


def check_half_sets(protocol: Protocol, particles: Path) -> None:
    """That particles which have half sets have two of about one size. RELION takes those that are there.

    Raises:
        ParameterError: one is empty or there is a third; or they differ, and the user does not stand by it.
    """
    from cryoloom import star

    if not any(HALF in labels for labels in star.heads(particles).values()):
        return
    table = star.tables_of(star.read(particles, ["particles"]))["particles"]
    counts = {int(half): int(count) for half, count in table[HALF].value_counts().iter_rows()}
    said = ", ".join(f"{counts[half]} in half {half}" for half in sorted(counts))
    where, hint = (
        f"{protocol.name}: particles",
        "Without the column RELION makes halves anew: sets.edit removes it.",
    )
    if {*counts} != {1, 2}:
        raise ParameterError(where, found=f"with {said}", expected="two half sets, 1 and 2", hint=hint)
    if min(counts.values()) < BALANCE * max(counts.values()) and not protocol.values.get("accept_unusual"):
        raise ParameterError(
            where,
            found=f"with {said}",
            expected="halves of about one size",
            hint=f"{hint} Or accept_unusual=Yes.",
        )


def check_groups_have_enough(protocol: Protocol, particles: Path, *, what: str) -> None:
    """That each optics group has enough particles for what is fitted to all of them.

    Raises:
        ParameterError: one has few, and the user does not stand by it.
    """
    from cryoloom import star

    if protocol.values.get("accept_unusual"):
        return
    tables = star.tables_of(star.read(particles))
    if "optics" not in tables:
        return
    counts = dict(tables["particles"][GROUP].value_counts().iter_rows())
    for number, name in tables["optics"].select(GROUP, NAME).iter_rows():
        if 0 < counts.get(number, 0) < FEWEST:
            raise ParameterError(
                f"{protocol.name}: particles", found=f"{counts[number]} in optics group {name}",
                expected=f"{FEWEST} at least, for {what}",
                hint="Put groups of one beam together (optics.assign). If it is meant, add accept_unusual=Yes.",
            )  # fmt: skip
