"""What a program that treats micrographs one by one leaves behind when it is killed: files cut short.

With `--only_do_unfinished` RELION takes a micrograph for done whose files are there, whole or not.
"""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.project.iterations import has_end

IMAGES = (".mrc", ".mrcs")


def torn_files(folder: Path) -> Sequence[str]:
    """Files of single micrographs that are shorter than they promise.

    Args:
        folder: a job's; those of micrographs lie below it, as the movies do below theirs.
    Returns:
        Their names from there.
    """
    files = [path for path in sorted(folder.glob("[!.]*/**/*")) if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if _is_torn(path)]


def _is_torn(path: Path) -> bool:
    from cryoloom.errors import CryoloomError
    from cryoloom.images.headers import read_header

    if path.suffix == ".star":
        return not has_end(path)
    if path.suffix not in IMAGES:
        return False
    try:
        read_header(path)  # says so when it is shorter than it promises
    except CryoloomError:
        return True
    return False
