"""RELION 3.1's form: its types of jobs and their folders, and the options that only count when a switch is on.

The later forms name a type by a word, which is 3.1's folder in small letters behind `relion.`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.datasets import Dataset

FOLDERS = {
    0: "Import",
    1: "MotionCorr",
    2: "CtfFind",
    3: "ManualPick",
    4: "AutoPick",
    5: "Extract",
    7: "Select",
    8: "Class2D",
    9: "Class3D",
    10: "Refine3D",
    12: "MaskCreate",
    13: "JoinStar",
    14: "Subtract",
    15: "PostProcess",
    16: "LocalRes",
    18: "InitialModel",
    19: "MultiBody",
    20: "Polish",
    21: "CtfRefine",
    99: "External",
}
# Of files that jobs hand on, by the kind of dataset; a kind that is not here is no node.
NODE_TYPES: Mapping[type[Dataset], int] = {
    kinds.Movies: 0,
    kinds.Micrographs: 1,
    kinds.Coordinates: 2,
    kinds.Particles: 3,
    kinds.ClassAverages: 5,
    kinds.Volume: 6,
    kinds.Mask: 7,
    kinds.Model: 8,
    kinds.Optimiser: 9,
    kinds.HalfMaps: 10,
    kinds.FinalMap: 11,
    kinds.LocalResolution: 12,
    kinds.Report: 13,
    kinds.Postprocess: 14,
    kinds.PolishingParameters: 15,
}
_KINDS = {number: kind for kind, number in NODE_TYPES.items()}
TYPES = {folder: number for number, folder in FOLDERS.items()}
EXTERNAL = TYPES["External"]
# Words that are not the folder's name in small letters.
_TYPE_LABELS = {18: "relion.inimodel"}

# What RELION's forms ask for a queue, and more arguments, which every form has.
EVERY_FORM = {
    "do_queue": "No",
    "min_dedicated": "1",
    "qsub": "qsub",
    "qsubscript": "",
    "queuename": "openmpi",
    "other_args": "",
}


def nodes_of(datasets: Iterable[Dataset]) -> list[tuple[str, int]]:
    """The nodes that datasets are in a pipeline: file and type; those that RELION has no type for are left out."""
    return [(one.path, number) for one in datasets if (number := _node_type(type(one))) is not None]


def _node_type(kind: type[Dataset]) -> int | None:
    """The type of a kind, or of the one that it is a kind of."""
    return next((NODE_TYPES[owner] for owner in kind.__mro__ if owner in NODE_TYPES), None)


def kind_of_node(number: int) -> type[Dataset]:
    """The kind of dataset that a node's type means; a plain file where it is none of ours."""
    return _KINDS.get(number, kinds.PlainFile)


@dataclass(frozen=True, slots=True)
class Switch:
    """An option of RELION's that, as long as it has its usual value, leaves others without a meaning."""

    option: str
    usual: str
    governs: frozenset[str] = field(default_factory=frozenset)


# Options that RELION's forms have and our protocols have not, with RELION's own defaults.
SWITCHES: Mapping[int, tuple[Switch, ...]] = {
    0: (Switch("do_other", "No", frozenset({"fn_in_other", "node_type", "optics_group_particles"})),),
    # Of the first 3.1 only: the pixel size that a movie without one was given.
    5: (Switch("do_set_angpix", "No", frozenset({"angpix"})),),
}


def label_of_type(number: int) -> str:
    """RELION's word for a job's type."""
    folder = FOLDERS.get(number)
    return _TYPE_LABELS.get(number, f"relion.{folder.lower()}" if folder else "relion.unknown")


def type_of_label(label: str) -> int:
    """RELION 3.1's number for the word of a later one; that of External for what 3.1 does not have."""
    words = ".".join(label.split(".")[:2])
    if words == "relion.initialmodel":
        return TYPES["InitialModel"]
    return next((number for number in FOLDERS if label_of_type(number) == words), EXTERNAL)


def unknown_options(
    number: int, options: Mapping[str, str], known: Mapping[str, str | None]
) -> dict[str, str]:
    """Options of a job that do something, and that a protocol of ours does not have.

    Args:
        number: RELION's type of the job.
        options: all of its `job.star`.
        known: those of the protocol; with a value where the protocol stands for that one only.
    """
    nothing = meaningless(number, options)
    usual = {switch.option: switch.usual for switch in SWITCHES.get(number, ())}
    found = {}
    for name, value in options.items():
        if name in nothing or usual.get(name) == value:
            continue
        if name in EVERY_FORM or not value:
            continue
        if name not in known and value == "No":
            continue  # a switch that is off adds nothing to a command (`do_mtf` of the first 3.1)
        wanted = known.get(name, "")
        if name in known and (wanted is None or wanted == value):
            continue
        found[name] = value
    return found


def meaningless(number: int, options: Mapping[str, str]) -> set[str]:
    """Options of a job that count for nothing, since the switch is off that governs them."""
    return {
        name
        for switch in SWITCHES.get(number, ())
        if options.get(switch.option, switch.usual) == switch.usual
        for name in switch.governs
    }


def lost_options(file: Path, protocol: str, lost: Mapping[str, str], hint: str) -> ProjectError:
    """The error of a job with options that its protocol does not have; `hint`: what to do instead."""
    return ProjectError(
        f"{file}", found="with options that Cryoloom does not know: "
        + ", ".join(f"{name}={value}" for name, value in lost.items()),
        expected=f"only those that `cryoloom help {protocol}` lists", hint=hint,
    )  # fmt: skip
