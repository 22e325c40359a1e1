"""Small JSON files of ours: written whole or not at all; absent, unreadable and of a newer version are told apart."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.project.sharing import as_folder_says, as_it_was

# Every file of ours names its format; one without a number is of the first.
FORMAT = "format"


def write_json(path: Path, content: Mapping[str, Any], *, sync: bool = False) -> None:
    """Write beside and rename; with `sync`, not before the disk has it. Who might use it may use it still."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        try:
            as_it_was(file.fileno(), path.stat())
        except FileNotFoundError:
            as_folder_says(file.fileno(), path.parent)
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
        if sync:
            file.flush()
            os.fsync(file.fileno())
    beside.replace(path)


def read_json(path: Path, newest: int = 1) -> dict[str, Any]:
    """The object in a file.

    Args:
        path: the file.
        newest: the newest format that the caller understands.
    Raises:
        UnreadableError: it cannot be read now, or is of a newer format.
        ProjectError: it is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{path}", found="missing", expected="a JSON file") from None
    except OSError as error:
        raise UnreadableError(
            f"{path}", found=f"not readable ({error.strerror})", expected="a JSON file"
        ) from None
    except ValueError as error:
        raise ProjectError(f"{path}", found=f"no JSON ({error})", expected="a JSON object") from None
    if not isinstance(content, dict):
        raise ProjectError(f"{path}", found=f"a JSON {type(content).__name__}", expected="a JSON object")
    check_format(f"{path}", content.get(FORMAT, 1), newest)
    return content


def read_json_if_there(path: Path, newest: int = 1) -> dict[str, Any] | None:
    """As `read_json`; None where there is no such file, and only there.

    Raises:
        UnreadableError: it is there, and what it says cannot be known.
    """
    try:
        return read_json(path, newest)
    except UnreadableError:
        raise
    except ProjectError as error:
        if error.found == "missing":
            return None
        raise UnreadableError(
            error.where, found=error.found, expected=error.expected,
            hint="Put it back from a copy; without it all is as at the beginning.",
        ) from None  # fmt: skip


def check_format(where: str, found: object, newest: int) -> None:
    """That a file is not of a version that this one does not know.

    Raises:
        UnreadableError: it is.
    """
    if not isinstance(found, int) or isinstance(found, bool):
        kind = {str: "text", float: "a number with a point"}.get(type(found), "no number")
        raise UnreadableError(
            f"{where}: {FORMAT}", found=f"{json.dumps(found)}, {kind}",
            expected=f"a whole number, {newest}" + (" or less" if newest > 1 else ""),
            hint=f'Write it without quotes: "{FORMAT}": {newest}' if isinstance(found, str) else "",
        )  # fmt: skip
    if found > newest:
        raise UnreadableError(
            where, found=f"of format {found!r}", expected=f"format {newest} or older",
            hint="A newer Cryoloom wrote it: use that one, or update this one.",
        )  # fmt: skip
