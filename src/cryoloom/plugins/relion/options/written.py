"""How values stand on RELION's command lines where that is not as they are given."""

from collections.abc import Callable, Sequence

from cryoloom.plugins.relion.options.running import number


def positive(value: float) -> str | None:
    """A number that stands for nothing, -1 or 0, unless it is positive."""
    return number(value) if value > 0 else None


def sigma_of_range(degrees: float) -> str:
    """The deviation of a prior for a search range of ± so many degrees: a third of it, as RELION's form has it."""
    return f"{min(max(degrees, 0.0), 90.0) / 3:g}"


def third(value: float) -> str:
    """A third: what is a range in RELION's form is three deviations of a prior."""
    return f"{value / 3:g}"


def positive_third(value: float) -> str | None:
    return third(value) if value > 0 else None


def fraction(percent: float) -> str:
    return f"{percent / 100:g}"


def above_one(count: int) -> str | None:
    """A count that changes nothing when it is one."""
    return number(count) if count > 1 else None


def place_in(menu: Sequence[str], first: int = 0) -> Callable[[str], str]:
    """Of a choice the number that it has in RELION's menu, counted from `first`."""
    return lambda choice: str(menu.index(choice) + first)


def handed_on(words: str) -> str | None:
    """Arguments for another program, as one word: the blank keeps RELION from taking the first for an option of its own."""
    return f" {words} " if words else None
