"""When a parameter or input counts: the small language of `when=`."""

import re
from collections.abc import Mapping
from typing import Any


def holds(condition: str, values: Mapping[str, Any]) -> bool:
    """Whether a parameter's `when` is true for these values ("" is always true).

    The language: `a`, `not a`, `a == text`, `a and b`, `a or b` (and binds tighter).
    """
    if not condition:
        return True
    return any(
        all(_term(term.strip(), values) for term in re.split(r"\band\b", part))
        for part in re.split(r"\bor\b", condition)
    )


def condition_names(condition: str) -> set[str]:
    """The parameters and inputs that a condition asks for."""
    terms = [term.strip() for part in re.split(r"\bor\b", condition) for term in re.split(r"\band\b", part)]
    words = [re.sub(r"^(?:not\s+)+", "", term).partition("==")[0].strip() for term in terms]
    return {word for word in words if word}


def _term(term: str, values: Mapping[str, Any]) -> bool:
    if term.startswith("not "):
        return not _term(term[4:].strip(), values)
    if "==" in term:
        name, wanted = (part.strip() for part in term.split("==", 1))
        return str(values.get(name)) == wanted.strip("'\"")
    return bool(values.get(term))
