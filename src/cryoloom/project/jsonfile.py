"""Small JSON files, written whole or not at all."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.errors import ProjectError


def write_json(path: Path, content: Mapping[str, Any], *, sync: bool = False) -> None:
    """Write beside and rename; with `sync`, not before the disk has it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
        if sync:
            file.flush()
            os.fsync(file.fileno())
    beside.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        ProjectError: it is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{path}", found="missing", expected="a JSON file") from None
    except OSError as error:
        raise ProjectError(
            f"{path}", found=f"not readable ({error.strerror})", expected="a JSON file"
        ) from None
    except ValueError as error:
        raise ProjectError(f"{path}", found=f"no JSON ({error})", expected="a JSON object") from None
    if not isinstance(content, dict):
        raise ProjectError(f"{path}", found=f"a JSON {type(content).__name__}", expected="a JSON object")
    return content


def read_json_or_none(path: Path) -> dict[str, Any] | None:
    """As `read_json`; None where the file is not there or half written."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
