"""When a parameter or input counts: the small language of `when=`."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple


class Term(NamedTuple):
    """`a`, `not a`, or `a == text`."""

    name: str
    wanted: str | None  # the text that it is compared with
    is_true: bool  # whether the term holds where the comparison does


def holds(condition: str, values: Mapping[str, Any]) -> bool:
    """Whether a parameter's `when` is true for these values ("" is always true).

    The language: `a`, `not a`, `a == text`, `a and b`, `a or b` (and binds tighter).
    """
    if not condition:
        return True
    return any(all(_is_met(term, values) for term in terms) for terms in _parsed(condition))


def condition_names(condition: str) -> set[str]:
    """The parameters and inputs that a condition asks for."""
    return {term.name for terms in _parsed(condition) for term in terms if term.name}


# A command is built for every batch of a stream, and asks for the condition of each of its options.
@cache
def _parsed(condition: str) -> tuple[tuple[Term, ...], ...]:
    """Alternatives, each of terms that hold together."""
    return tuple(
        tuple(_term(term.strip()) for term in re.split(r"\band\b", part))
        for part in re.split(r"\bor\b", condition)
    )


def _term(text: str) -> Term:
    if text.startswith("not "):
        inner = _term(text[4:].strip())
        return inner._replace(is_true=not inner.is_true)
    name, equals, wanted = (part.strip() for part in text.partition("=="))
    return Term(name, wanted.strip("'\"") if equals else None, True)


def _is_met(term: Term, values: Mapping[str, Any]) -> bool:
    value = values.get(term.name)
    return (bool(value) if term.wanted is None else str(value) == term.wanted) is term.is_true
