"""What a plugin's author imports: protocols, parameters, inputs, outputs, commands, batches, views.

A protocol is declared once; command line, form, validation, `job.star`, workflows and help are all
made from that declaration. Nothing here touches the disk. Begin reading in `declare.py`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryoloom.protocol.cleaning import Rule
    from cryoloom.protocol.command import Command
    from cryoloom.protocol.datasets import (
        KINDS,
        Box,
        ClassAverages,
        Coordinates,
        Dataset,
        FinalMap,
        HalfMaps,
        LocalResolution,
        Mask,
        Micrographs,
        Model,
        Movies,
        Optimiser,
        Particles,
        PlainFile,
        PolishingParameters,
        Postprocess,
        Report,
        Table,
        Volume,
    )
    from cryoloom.protocol.declare import ADVANCED, AUTO, NORMAL, Input, Output, Param, Varied
    from cryoloom.protocol.flags import words_of
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
    from cryoloom.protocol.views import (
        Axis,
        Block,
        Chart,
        Compare,
        Drawing,
        Field,
        Gallery,
        Items,
        Look,
        Metrics,
        Micrograph,
        Overlay,
        Rows,
        TableBlock,
        Text,
        Track,
        Values,
        View,
        VolumeBlock,
    )
    from cryoloom.protocol.wizards import (
        Advice,
        BoxSize,
        Form,
        GainOrientation,
        GroupsOfDefocus,
        LowPass,
        MaskDiameter,
        MaskThreshold,
        OwnWizard,
        PickingTrial,
        Proposal,
        Slider,
        SymmetryOfMap,
    )

__all__ = [
    "ADVANCED",
    "AUTO",
    "KINDS",
    "NORMAL",
    "Advice",
    "Axis",
    "Batch",
    "BatchResult",
    "Block",
    "Box",
    "BoxSize",
    "Chart",
    "ClassAverages",
    "Command",
    "Compare",
    "Coordinates",
    "Dataset",
    "Drawing",
    "Field",
    "FinalMap",
    "Form",
    "Found",
    "GainOrientation",
    "Gallery",
    "GroupsOfDefocus",
    "HalfMaps",
    "Input",
    "ItemProtocol",
    "Items",
    "JobFolder",
    "LocalResolution",
    "Look",
    "LowPass",
    "Mask",
    "MaskDiameter",
    "MaskThreshold",
    "Metrics",
    "Micrograph",
    "Micrographs",
    "Model",
    "Movies",
    "Optimiser",
    "Output",
    "Overlay",
    "OwnWizard",
    "Param",
    "Part",
    "Particles",
    "PickingTrial",
    "PlainFile",
    "PolishingParameters",
    "Postprocess",
    "ProgramProtocol",
    "Progress",
    "Proposal",
    "Protocol",
    "Report",
    "RowBatch",
    "RowProtocol",
    "RowResult",
    "Rows",
    "Rule",
    "SetProtocol",
    "SetResult",
    "Slider",
    "SourceProtocol",
    "SymmetryOfMap",
    "Table",
    "TableBlock",
    "Text",
    "Track",
    "Values",
    "Varied",
    "View",
    "Volume",
    "VolumeBlock",
    "Written",
    "words_of",
]

# Those of which a command that only looks at jobs needs something come first, so that it loads no others.
_MODULES = ("datasets", "declare", "protocols", "command", "flags", "cleaning", "jobs", "views", "wizards")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            found = importlib.import_module(f"{__name__}.{module}")
            if hasattr(found, name):
                return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
