"""What came of another program's workflow, and what did not come along."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

# lost: it had an effect, and there is no counterpart. changed: the same is done in another way. open: whoever runs it has to
# say it. idle: it had no effect, or is the other program's own business.
Fate = Literal["lost", "changed", "open", "idle"]


@dataclass(frozen=True, slots=True)
class Remark:
    """A box, or a parameter of one, that did not come along as it was."""

    box: str  # as it is called there, with its number
    param: str  # "" of the box as a whole
    value: str
    fate: Fate
    why: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        what = f"{self.box}: {self.param}={self.value}" if self.param else self.box
        return f"{self.fate}: {what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Converted:
    """A workflow of ours, made of another one."""

    content: Mapping[str, Any]
    remarks: tuple[Remark, ...]
    boxes: int  # of the other one

    @property
    def without(self) -> tuple[str, ...]:
        """The boxes of the other one that no job stands for."""
        lost = (one for one in self.remarks if one.fate == "lost")
        return tuple(dict.fromkeys(one.box for one in lost if not one.param and not one.value))


def left_out(remarks: Iterable[Remark]) -> dict[str, str]:
    """What did not come along, for the workflow itself: by box and parameter, without paths of the author's machine."""
    found: dict[str, str] = {}
    for one in remarks:
        if one.fate not in ("lost", "changed"):
            continue
        key = f"{one.box}: {one.param}" if one.param else one.box
        why = one.why if not one.value or "/" in one.value else f"{one.value}: {one.why}"
        found[key] = f"{found[key]}; {why}" if key in found else why
    return found
