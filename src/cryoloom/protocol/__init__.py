"""What a plugin's author imports: protocols, parameters, inputs, outputs, commands, batches, views.

A protocol is declared once; command line, form, validation, `job.star`, workflows and help are all
made from that declaration. Nothing here touches the disk. Begin reading in `declare.py`.
"""

from cryoloom.protocol.blocks import Block, Chart, Gallery, Metrics, Picture, TableBlock, Text
from cryoloom.protocol.cleaning import Rule
from cryoloom.protocol.command import Command
from cryoloom.protocol.datasets import (
    KINDS,
    ClassAverages,
    Coordinates,
    Dataset,
    HalfMaps,
    Mask,
    Micrographs,
    Model,
    Movies,
    Optimiser,
    Particles,
    PlainFile,
    Postprocess,
    Report,
    Table,
    Volume,
)
from cryoloom.protocol.declare import ADVANCED, AUTO, NORMAL, Input, Output, Param
from cryoloom.protocol.jobs import (
    Batch,
    BatchResult,
    Found,
    JobFolder,
    Part,
    Progress,
    RowBatch,
    RowResult,
    SetResult,
    Written,
)
from cryoloom.protocol.protocols import (
    ItemProtocol,
    ProgramProtocol,
    Protocol,
    RowProtocol,
    SetProtocol,
    SourceProtocol,
)

__all__ = [
    "ADVANCED",
    "AUTO",
    "KINDS",
    "NORMAL",
    "Batch",
    "BatchResult",
    "Block",
    "Chart",
    "ClassAverages",
    "Command",
    "Coordinates",
    "Dataset",
    "Found",
    "Gallery",
    "HalfMaps",
    "Input",
    "ItemProtocol",
    "JobFolder",
    "Mask",
    "Metrics",
    "Micrographs",
    "Model",
    "Movies",
    "Optimiser",
    "Output",
    "Param",
    "Part",
    "Particles",
    "Picture",
    "PlainFile",
    "Postprocess",
    "ProgramProtocol",
    "Progress",
    "Protocol",
    "Report",
    "RowBatch",
    "RowProtocol",
    "RowResult",
    "Rule",
    "SetProtocol",
    "SetResult",
    "SourceProtocol",
    "Table",
    "TableBlock",
    "Text",
    "Volume",
    "Written",
]
