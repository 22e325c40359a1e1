"""The `cryoloom` command. Begin reading in `main.py`; a file a group of commands."""

from cryoloom.cli.main import main

__all__ = ["main"]
