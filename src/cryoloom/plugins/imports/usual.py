"""What is usual among the files of an import: width, height and frames as most of them have.

One file must not speak for all, the first no more than any other: it may be the odd one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Usual:
    """Counts what the files say, each file's word once; what the user has given decides."""

    given: Mapping[str, int] = field(default_factory=dict)
    _facts: dict[str, Mapping[str, int]] = field(default_factory=dict)  # by file
    _counts: dict[str, Counter[int]] = field(default_factory=dict)  # by what is compared

    @property
    def knows_any(self) -> bool:
        """Whether any file was met."""
        return bool(self._facts)

    def meet(self, file: str, facts: Mapping[str, int]) -> None:
        """Count a file; one that was met before and has changed counts as it is now."""
        for what, value in self._facts.pop(file, {}).items():
            self._counts[what][value] -= 1
        self._facts[file] = facts
        for what, value in facts.items():
            self._counts.setdefault(what, Counter())[value] += 1

    def contradiction(self, facts: Mapping[str, int], compared: Mapping[str, int] | None = None) -> str:
        """How a file differs from what was given or is usual, "" where it does not.

        Args:
            facts: what it says.
            compared: what of it should be as in most files; all of it where nothing else is said.
        """
        for what, value in facts.items():
            is_given = what in self.given
            most = self.given[what] if is_given else self._usual(what)
            is_compared = is_given or what in (facts if compared is None else compared)
            if is_compared and most is not None and value != most:
                whose = "as given" if is_given else "as most files have"
                return f"{what} is {value}, expected {most}, {whose}"
        return ""

    def odd_ones(self) -> list[str]:
        """Files that differ from what has become usual since they were met."""
        return [file for file, facts in self._facts.items() if self.contradiction(facts)]

    def _usual(self, what: str) -> int | None:
        """As most have; of equally many the one that was met first."""
        counts = self._counts.get(what)
        return max(counts, key=lambda value: counts[value]) if counts else None
