"""What somebody with a read-only link is told: sentences without the folders of this machine."""

import re
from typing import Any

# A slash that begins a path, and all of it up to the last one.
_FOLDERS = re.compile(r"(?<![\w.…/])/(?:[^\s/'\",;]+/)+")


def without_paths(told: Any) -> Any:
    """The same with names of files in the places of their paths."""
    match told:
        case str():
            return _FOLDERS.sub("…/", told)
        case dict():
            return {name: without_paths(value) for name, value in told.items()}
        case list() | tuple():
            return [without_paths(value) for value in told]
        case _:
            return told
