"""What was used is cited: the references of protocols, as BibTeX."""

import functools
import re
from collections.abc import Iterable
from importlib import resources

_ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?^\}\n", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"(\w+) = \{((?:[^{}]|\{[^{}]*\})*)\}")


def bibtex_of(keys: Iterable[str]) -> str:
    """The entries of references, in the order of their keys; of one that only its plugin knows a bare one."""
    known = _known()
    return "\n".join(
        known.get(key, f"@misc{{{key},\n  note = {{named by a plugin without more}}\n}}\n")
        for key in sorted(set(keys))
    )


def reference(key: str) -> str:
    """A reference as a line of text: authors, year, title, journal, DOI; its key where only a plugin knows it."""
    entry = _known().get(key)
    if entry is None:
        return key
    found = {name: re.sub(r"[{}$\\\"]", "", text) for name, text in _FIELD.findall(entry)}
    authors = [name.partition(",")[0] for name in found["author"].split(" and ")]
    who = (
        authors[0]
        if len(authors) == 1
        else " & ".join(authors)
        if len(authors) == 2
        else f"{authors[0]} et al."
    )
    where = found.get("journal") or found.get("booktitle", "")
    return (
        f"{who} ({found['year']}). {found['title']}. {where} {found['volume']}, {found['pages'].replace('--', '–')}. "
        f"doi:{found['doi']}"
    )


@functools.cache
def _known() -> dict[str, str]:
    text = resources.files("cryoloom.api").joinpath("references.bib").read_text(encoding="utf-8")
    return {match.group(1): match.group(0) for match in _ENTRY.finditer(text)}
