"""STAR files: read, write, append to and follow them. A library of its own; knows no label's meaning.

Tables (`loop_`) are polars frames, single-value blocks are dicts, labels stand without their
underscore (`rlnDefocusU`). Begin reading in `reading.py`; `growing.py` holds the streaming half.
"""

from cryoloom.star.compiled import kept_lines
from cryoloom.star.growing import append, end_of_last_table, follow, has_head, open_growing, parsed
from cryoloom.star.reading import BlockInfo, Blocks, StarWarning, Value, read, scan
from cryoloom.star.tables import as_table, heads, line_of, tables_of
from cryoloom.star.tokens import typed
from cryoloom.star.vectors import vector_texts, vectors
from cryoloom.star.verbatim import ALL, Choice, Columns, is_run, labels_of
from cryoloom.star.writing import write

__all__ = [
    "ALL",
    "BlockInfo",
    "Blocks",
    "Choice",
    "Columns",
    "StarWarning",
    "Value",
    "append",
    "as_table",
    "end_of_last_table",
    "follow",
    "has_head",
    "heads",
    "is_run",
    "kept_lines",
    "labels_of",
    "line_of",
    "open_growing",
    "parsed",
    "read",
    "scan",
    "tables_of",
    "typed",
    "vector_texts",
    "vectors",
    "write",
]
