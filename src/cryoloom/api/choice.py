"""A choice of items: a rule, and what was changed by hand after it. As a condition it is what `sets.filter` takes.

By hand means by identity: an item that was chosen is chosen wherever it stands in a file. A value that is no number holds no
condition, so that an item whose value is missing is kept by hand or not at all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryoloom.errors import ParameterError
from cryoloom.protocol.jobs import ITEM_ID

MOST_BY_HAND = 2000  # a condition that names more is no longer read by anybody; a rule says it shorter
MOST_CORNERS = 200
ALL, NONE = "", "false"
_IDS = re.compile(r"'((?:[^']|'')*)'")
_LIST = r"\((?:'(?:[^']|'')*'(?:, )?)+\)"
_ADDED = re.compile(rf"(?s)\A\((?P<rule>.*)\) or {ITEM_ID} in (?P<ids>{_LIST})\Z")
_REMOVED = re.compile(rf"(?s)\A\((?P<rest>.*)\) and {ITEM_ID} not in (?P<ids>{_LIST})\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items are kept.

    Attributes:
        rule: a condition over labels; "" keeps all.
        added: ids of items that are kept though the rule leaves them out.
        removed: ids of items that are not kept though the rule does.
    """

    rule: str = ALL
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """All of it in one condition, as `sets.filter` takes it; "" keeps all.

        Raises:
            ParameterError: more by hand than a condition may name.
        """
        if max(len(self.added), len(self.removed)) > MOST_BY_HAND:
            raise ParameterError(
                "a choice by hand", found=f"{max(len(self.added), len(self.removed))} items",
                expected=f"at most {MOST_BY_HAND}", hint="Say it by a rule, or by a brush over a plot.",
            )  # fmt: skip
        text = self.rule.strip()
        if self.added and text:
            text = f"({text}) or {ITEM_ID} in {_listed(self.added)}"
        if self.removed:
            text = f"({text or 'true'}) and {ITEM_ID} not in {_listed(self.removed)}"
        return text

    @classmethod
    def of(cls, condition: str) -> "Choice":
        """The rule and what was changed by hand, of a condition that `condition` made; of any other all is rule."""
        rule = condition.strip()
        removed: tuple[str, ...] = ()
        added: tuple[str, ...] = ()
        if match := _REMOVED.match(rule):
            rule, removed = match["rest"], _ids(match["ids"])
        if match := _ADDED.match(rule):
            rule, added = match["rule"], _ids(match["ids"])
        found = cls(ALL if rule == "true" else rule, added, removed)
        return found if found.condition == condition.strip() else cls(condition.strip())


def within(x: str, y: str, corners: Sequence[tuple[float, float]]) -> str:
    """The condition that a point lies inside a polygon: a lasso as a rule, which later items are judged by too.

    Args:
        x: the label along the abscissa.
        y: the other one.
        corners: (x, y), at least three; the last is joined to the first.
    Raises:
        ParameterError: fewer corners, too many, or labels that are none.
    """
    if not 3 <= len(corners) <= MOST_CORNERS:
        raise ParameterError("a lasso", found=f"{len(corners)} corners", expected=f"3 to {MOST_CORNERS}")
    for label in (x, y):
        if not label.isidentifier():
            raise ParameterError("a lasso", found=repr(label), expected="a label")
    # A ray to the right crosses the border an odd number of times from inside. Horizontal edges are never crossed.
    crossed = []
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y1 == y2:
            continue
        low, high = sorted((y1, y2))
        slope = (x2 - x1) / (y2 - y1)
        crossed.append(
            f"case when {y} >= {_number(low)} and {y} < {_number(high)} "
            f"and {x} < {_number(x1)} + {_number(slope)} * ({y} - {_number(y1)}) then 1 else 0 end"
        )
    if not crossed:
        raise ParameterError("a lasso", found="a line", expected="an area")
    # The bounds are said first: they leave out items without a value, and tell whoever reads it where it lies.
    bounds = [
        f"{label} between {_number(min(values))} and {_number(max(values))}"
        for label, values in ((x, [one[0] for one in corners]), (y, [one[1] for one in corners]))
    ]
    return f"{' and '.join(bounds)} and ({' + '.join(crossed)}) % 2 = 1"


def _number(value: float) -> str:
    text = f"{value:.7g}"
    return f"({text})" if text.startswith("-") else text


def _listed(ids: Sequence[str]) -> str:
    return "(" + ", ".join("'" + one.replace("'", "''") + "'" for one in ids) + ")"


def _ids(text: str) -> tuple[str, ...]:
    return tuple(one.replace("''", "'") for one in _IDS.findall(text))
