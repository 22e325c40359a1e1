"""Names of point groups, as RELION takes them and a molecule can have them; their rotations are in `symmetry.py`.

RELION knows groups with mirrors too (`Td`, `C2v`, `Ih`): a molecule has a hand, and none of these.
"""

import re

from cryoloom.errors import ParameterError

EXAMPLES = "C1, C4, D2, T, O, I, or I1 to I4"
# RELION reads two digits; it takes C0 without a word.
_NAMES = re.compile(r"[CD][1-9][0-9]?|T|O|I[1-4]?")


def check_point_group(name: str, where: str = "The point group") -> None:
    """That there is a point group of this name, upper or lower case.

    Raises:
        ParameterError: there is none; examples are given.
    """
    if not _NAMES.fullmatch(name.strip().upper()):
        raise ParameterError(
            where, found=repr(name), expected=f"a point group by RELION's name, such as {EXAMPLES}",
            hint="C1 is no symmetry. Groups with mirrors (Td, C2v, Ih) are no molecule's.",
        )  # fmt: skip
