"""STAR files read whole: what is irregular or broken in each."""

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom import star
from cryoloom.em.numbers import no_numbers
from cryoloom.errors import StarError

MOST_NAMED = 20  # values of a table that are no numbers


@dataclass(frozen=True, slots=True)
class StarCheck:
    """What was found in one file."""

    file: str
    blocks: int
    rows: int
    lost: int  # blocks that are broken
    remarks: tuple[str, ...]  # what is irregular, in sentences
    healthy: bool
    fault: str = ""  # why it could not be read at all

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def check_star(file: Path) -> StarCheck:
    """Read a file whole; nothing is raised for what it holds."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", star.StarWarning)
        try:
            blocks = star.read(file, strict=False)
        except StarError as error:
            return StarCheck(str(file), 0, 0, 0, (), False, str(error))
    rows = sum(1 if isinstance(block, dict) else block.height for block in blocks.values())
    lost = len(star.scan(file, strict=False)) - len(blocks)
    remarks = [str(warning.message) for warning in said]
    numbers = True
    for name, content in star.tables_of(blocks).items():
        bad = no_numbers(content)
        numbers &= not bad
        for one in bad[:MOST_NAMED]:
            line = star.line_of(file, name, one.row, one.label)
            remarks.append(f"{file}, line {line}: {one}, which is no number; RELION would read another one")
        if len(bad) > MOST_NAMED:
            remarks.append(f"and {len(bad) - MOST_NAMED} more values in data_{name} that are no numbers")
    return StarCheck(str(file), len(blocks), rows, lost, tuple(remarks), numbers and not lost)
