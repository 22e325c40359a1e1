"""STAR files: read, write, append to and follow them. A library of its own; knows no label's meaning.

Tables (`loop_`) are polars frames, single-value blocks are dicts, labels stand without their
underscore (`rlnDefocusU`). Begin reading in `reading.py`; `growing.py` holds the streaming half.
"""

from cryoloom.star.growing import append, end_of_last_table, follow, open_growing
from cryoloom.star.reading import BlockInfo, Blocks, StarWarning, Value, read, scan
from cryoloom.star.vectors import vector_texts, vectors
from cryoloom.star.writing import write

__all__ = [
    "BlockInfo",
    "Blocks",
    "StarWarning",
    "Value",
    "append",
    "end_of_last_table",
    "follow",
    "open_growing",
    "read",
    "scan",
    "vector_texts",
    "vectors",
    "write",
]
