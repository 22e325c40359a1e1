"""Views as data: blocks that a page, a report, a notebook or a PNG file can show alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite declaration with its data, drawn wherever it is looked at."""

    name: str
    title: str
    spec: Mapping[str, object]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image, as PNG."""

    name: str
    title: str
    png: bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Images with labels, as one PNG sheet."""

    name: str
    title: str
    png: bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures that say how it went: (what, value with its unit)."""

    name: str
    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table of texts."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    name: str
    title: str
    text: str


Block: TypeAlias = Chart | Picture | Gallery | Metrics | TableBlock | Text
