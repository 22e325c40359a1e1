"""Optics groups: how many items each has, and all that its row says."""

from collections.abc import Sequence
from typing import Any

from cryoloom.em.labels import title
from cryoloom.protocol.views import Block, Look, Rows, TableBlock, View
from cryoloom.views.tables import GROUP, frame_of, table_of

_ZERNIKE = ("rlnOddZernike", "rlnEvenZernike")
# What stands first; the others follow in the order of the file.
_FIRST = ("rlnOpticsGroup", "rlnOpticsGroupName")


def optics_view(file: str, table: str) -> View:
    """The optics groups of a set of movies, micrographs or particles.

    Args:
        file: the STAR file.
        table: its block of items.
    """
    return View(
        "optics", "Optics groups",
        "Pixel size, voltage and aberrations that its items share. A group without items, or one that nobody meant, is a "
        "join or an import to be looked at.",
        (file,), lambda look: _groups(look, file, table),
    )  # fmt: skip


def _groups(look: Look, file: str, table: str) -> Sequence[Block]:
    optics = table_of(look.root / file, "optics")
    if not optics.height or GROUP not in optics.columns:
        return []
    items = frame_of(look.root, Rows(file, table, (GROUP,)))
    counts = dict(items[GROUP].value_counts().iter_rows()) if items.height else {}
    labels = [label for label in _FIRST if label in optics.columns]
    labels += [label for label in optics.columns if label not in labels]
    rows = [["items", *(str(counts.get(group, 0)) for group in optics[GROUP].to_list())]]
    for label in labels[1:]:
        values = optics[label].to_list()
        rows += _coefficients(label, values) if label in _ZERNIKE else [[title(label), *map(_words, values)]]
    return [TableBlock("Optics groups", ["group", *map(str, optics[GROUP].to_list())], rows)]


def _coefficients(label: str, values: Sequence[Any]) -> list[list[str]]:
    """Zernike coefficients one below another, each as Z(m, n), without those that are 0 in all groups: a line of them is wider
    than any terminal."""
    from cryoloom.em.aberrations import even_index, odd_index

    index = odd_index if label == _ZERNIKE[0] else even_index
    groups = [_vector(value) for value in values]
    rows = []
    for place in range(max(map(len, groups), default=0)):
        found = [group[place] if place < len(group) else 0.0 for group in groups]
        if any(found):
            m, n = index(place)
            rows.append([f"{label} Z({m}, {n})", *(f"{value:.4g}" for value in found)])
    return rows or [[label, *("0" for _ in groups)]]


def _vector(value: Any) -> list[float]:
    """The numbers of `[1,2,3]`; none of what is no such list, such as RELION's `None`."""
    text = str(value or "")
    return [float(part) for part in text.strip("[] ").split(",") if part] if text.startswith("[") else []


def _words(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
