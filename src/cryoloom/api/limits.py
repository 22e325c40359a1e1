"""Limits of a filter as numbers: what of its condition a line in a chart can show, and the condition with other ones.

`sets.filter` has them in `ranges` (`rlnCtfMaxResolution: ..5.2`) or as comparisons in `expression`; one that is moved is in
`ranges` afterwards. Whatever else a condition says is left as it stands.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryoloom.errors import ParameterError

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_COMPARED = re.compile(rf"(?P<label>[A-Za-z]\w*)\s*(?P<how><=|<|>=|>)\s*(?P<value>{_NUMBER})")
_BETWEEN = re.compile(
    rf"(?P<label>[A-Za-z]\w*)\s+between\s+(?P<low>{_NUMBER})\s+and\s+(?P<high>{_NUMBER})", re.IGNORECASE
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """From where to where a value may lie; None: no limit on that side."""

    low: float | None = None
    high: float | None = None

    @property
    def text(self) -> str:
        return f"{_shown(self.low)}..{_shown(self.high)}"

    def within(self, other: "Limit") -> "Limit":
        """What both allow."""
        lows = [one for one in (self.low, other.low) if one is not None]
        highs = [one for one in (self.high, other.high) if one is not None]
        return Limit(max(lows, default=None), min(highs, default=None))


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression; `label` is "" of one that is no comparison with a number."""

    text: str
    label: str = ""
    limit: Limit = Limit()


@dataclass(frozen=True, slots=True)
class Condition:
    """What a filter asks: the terms of its expression, all of which must hold, and its ranges by label."""

    terms: tuple[Term, ...]
    ranges: Mapping[str, Limit]

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits of each label that has some."""
        found = dict(self.ranges)
        for term in self.terms:
            if term.label:
                found[term.label] = found.get(term.label, Limit()).within(term.limit)
        return {label: limit for label, limit in found.items() if limit != Limit()}

    @property
    def rest(self) -> str:
        """What of the expression is no limit."""
        return " and ".join(term.text for term in self.terms if not term.label)

    def moved(self, limits: Mapping[str, Limit]) -> "Condition":
        """With other limits for some labels. A side that is as it was keeps its words: `< 5` does not become `<= 5`."""
        known, terms, ranges = self.limits, self.terms, dict(self.ranges)
        for label, limit in limits.items():
            before = known.get(label, Limit())
            is_low, is_high = limit.low != before.low, limit.high != before.high
            taken = [term for term in terms if term.label == label and _says(term.limit, is_low, is_high)]
            terms = tuple(term for term in terms if term not in taken)
            kept = ranges.get(label, Limit())
            for term in taken:  # the other side of a `between`, which is no less and no more
                kept = kept.within(term.limit)
            ranges[label] = Limit(limit.low if is_low else kept.low, limit.high if is_high else kept.high)
        return Condition(terms, {label: one for label, one in ranges.items() if one != Limit()})

    @property
    def values(self) -> dict[str, str]:
        """As parameters of `sets.filter`."""
        expression = " and ".join(term.text for term in self.terms)
        ranges = ", ".join(f"{label}: {limit.text}" for label, limit in sorted(self.ranges.items()))
        return {"expression": expression, "ranges": ranges}

    @property
    def sql(self) -> str:
        """As one condition; "" where everything is kept."""
        terms = [f"({term.text})" for term in self.terms]
        for label, limit in sorted(self.ranges.items()):
            terms += [f"{label} >= {_shown(limit.low)}"] if limit.low is not None else []
            terms += [f"{label} <= {_shown(limit.high)}"] if limit.high is not None else []
        return " and ".join(terms)


def condition_of(expression: str, ranges: str = "") -> Condition:
    """Read the parameters of a filter."""
    found: dict[str, Limit] = {}
    for part in filter(None, (word.strip() for word in ranges.split(","))):
        label, _, text = (word.strip() for word in part.partition(":"))
        low, _, high = (word.strip() for word in text.partition(".."))
        found[label] = found.get(label, Limit()).within(Limit(_number(low), _number(high)))
    return Condition(tuple(_term(text) for text in _terms(expression)), found)


def checked(limits: Mapping[str, Limit]) -> Mapping[str, Limit]:
    """That something can lie within each.

    Raises:
        ParameterError: a limit that is no number, or a lower one above the upper one.
    """
    for label, limit in limits.items():
        ends = [one for one in (limit.low, limit.high) if one is not None]
        if not all(math.isfinite(one) for one in ends) or ends != sorted(ends):
            raise ParameterError(
                f"limit of {label}",
                found=limit.text,
                expected="LOW..HIGH, the lower one first",
                hint="Either may be left out.",
            )
    return limits


def _terms(expression: str) -> list[str]:
    """The parts that must all hold; one where they are not told apart with certainty."""
    text = expression.strip()
    if not text:
        return []
    if re.search(r"[()'\"]|\b(or|not|case)\b", text, re.IGNORECASE):
        return [text if not re.search(r"\bor\b", text, re.IGNORECASE) else f"({text})"]
    terms: list[str] = []
    words = _AND.split(text)
    while words:
        word = words.pop(0)
        if re.search(r"\bbetween\b", word, re.IGNORECASE) and words:
            word = f"{word} and {words.pop(0)}"
        terms.append(word.strip())
    return terms


def _term(text: str) -> Term:
    if match := _BETWEEN.fullmatch(text):
        return Term(text, match["label"], Limit(float(match["low"]), float(match["high"])))
    if match := _COMPARED.fullmatch(text):
        value = float(match["value"])
        return Term(text, match["label"], Limit(high=value) if "<" in match["how"] else Limit(low=value))
    return Term(text)


def _says(limit: Limit, low: bool, high: bool) -> bool:
    return (low and limit.low is not None) or (high and limit.high is not None)


def _number(word: str) -> float | None:
    return float(word) if word else None


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"
