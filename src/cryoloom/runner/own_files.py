"""Which file is made of which item: two items that would share one are told from each other before they are treated."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom.em.names import Clash
from cryoloom.project.item_ids import NAME_LABELS
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.protocols import ItemProtocol


@dataclass(slots=True)
class OwnFiles:
    """The files of the items so far, each with the name of its item."""

    _owners: dict[str, str] = field(default_factory=dict)

    def refused(self, protocol: ItemProtocol, items: pl.DataFrame) -> dict[str, str]:
        """The items that cannot have a file of their own, with the reason; the others have theirs from now on."""
        label = name_label(items)
        if label == ITEM_ID or protocol.together():
            return {}  # a unit has a file, and its items share it
        found: dict[str, str] = {}
        names = [str(name) for name in items[label].to_list()]
        for item, name in zip(items[ITEM_ID].to_list(), names, strict=True):
            file = call_plugin(protocol, "own_file", name)
            if ".." in Path(name).parts:
                # Its files would be written beside the job, or outside the project.
                found[item] = f"{name} leads out of the project; bring the file in with an import"
            elif file and (owner := self._owners.setdefault(file, name)) != name:
                found[item] = str(Clash(file, (owner, name)))
        return found

    def forget(self) -> None:
        """All items are made again."""
        self._owners.clear()


def name_label(items: pl.DataFrame) -> str:
    """The column that names the items for people."""
    return next((label for label in NAME_LABELS if label in items.columns), ITEM_ID)
