"""What users write for files: patterns, several with blanks between them, and names that have blanks themselves.

A path is a pattern only where it has to be: folders that exist under their own name (`lab [2026]`) mean themselves.
"""

import glob
import os
import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.project.paths import straight

WILD = frozenset("*?[")
MOST_WORDS = 12  # of a text whose blanks may belong to names: each way to read them is tried


def patterns_of(text: str, root: Path, where: str = "pattern") -> list[str]:
    """The patterns in a text, each absolute, with what exists under its own name taken literally.

    Blanks separate patterns. Quotes and backslashes protect them, as in a shell; and where a pattern would begin in
    a folder that does not exist, while the words read together name one that does, the blank belongs to the name.

    Args:
        text: as users write it; `~` is their home, relative ones are of the project.
        root: the project.
        where: for messages.
    Raises:
        ParameterError: a quote that is not closed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ParameterError(
            where, found=f"{text} ({str(error).lower()})", expected="patterns with blanks between them"
        ) from None
    if len(words) > 1 and shlex.quote(text) == f"'{text}'" and "\\" not in text:
        # Nothing was quoted.
        words = _read_together(words, root)
    return [_literal_first(straight(root / Path(word).expanduser())) for word in words]


def said_patterns(text: str) -> list[str]:
    """The patterns in a text as they are written, for a command that is shown; a text that cannot be parted is one."""
    try:
        return shlex.split(text) or [text]
    except ValueError:
        return [text]


def fixed_part(pattern: str) -> Path:
    """The folder of a pattern before its first wildcard: `/data/*/a_*.mrc` → `/data`."""
    parts = Path(pattern).parts
    fixed = []
    for part in parts[:-1]:
        if _is_wild(part):
            break
        fixed.append(_plain(part))
    return Path(*fixed) if fixed else Path()


def common_folder(patterns: Sequence[str]) -> Path:
    """The folder below which all that the patterns match lies."""
    return Path(os.path.commonpath([fixed_part(pattern) for pattern in patterns]))


def matching(patterns: Sequence[str], known: Collection[str] = ()) -> Iterator[Path]:
    """Files that match one of the patterns, each once, sorted pattern by pattern.

    Args:
        patterns: from `patterns_of`.
        known: files that are of no interest any more, for which nothing is asked of the disk.
    """
    seen = set()
    for pattern in patterns:
        # A pattern may be absolute, which Path.glob refuses.
        for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207
            if name in known or name in seen:
                continue
            seen.add(name)
            path = Path(name)
            # A name that begins with a dot is a file in the making.
            if not path.name.startswith(".") and not path.is_dir():
                yield path


def watchable(patterns: Sequence[str]) -> list[Path]:
    """The folders in which a new file or folder can be the first to match; none where one pattern has `**`."""
    found: list[Path] = []
    for pattern in patterns:
        whole = Path(pattern)
        if "**" in whole.parts:
            return []
        folders = [fixed_part(pattern)]
        found += folders
        for part in whole.parts[len(folders[0].parts) : -1]:
            folders = [path for folder in folders for path in sorted(folder.glob(part)) if path.is_dir()]
            found += folders
    return list(dict.fromkeys(found))


def why_nothing(text: str, patterns: Sequence[str]) -> str:
    """What may be wrong with patterns that match nothing."""
    for pattern in patterns:
        plain = Path(_plain(pattern))
        if plain.is_dir():
            return f"{plain} is a folder: say which of its files, for instance {plain}/*.tiff."
        folder = fixed_part(pattern)
        if not folder.is_dir():
            blanks = " A blank that belongs to a name stands between quotes." if " " in text.strip() else ""
            return f"There is no folder {folder}.{blanks}"
    return "Nothing matches the pattern."


def _read_together(words: list[str], root: Path) -> list[str]:
    """The words as patterns: as few of them put together as make all begin in folders that exist."""
    if all(_may_be(word, root) for word in words) or len(words) > MOST_WORDS:
        return words
    ways = _ways(words, root)
    return max(ways, key=len) if ways else words


def _ways(words: list[str], root: Path) -> list[list[str]]:
    """Each way to put neighbouring words together so that every pattern may be one."""
    if not words:
        return [[]]
    found = []
    for count in range(1, len(words) + 1):
        together = " ".join(words[:count])
        if _may_be(together, root):
            found += [[together, *rest] for rest in _ways(words[count:], root)]
    return found


def _may_be(word: str, root: Path) -> bool:
    path = root / Path(word).expanduser()
    if not _is_wild(word):
        return path.is_file()  # a folder has to be followed by something
    # Behind a wildcard nothing can be looked up: a blank there separates.
    return " " not in str(path.relative_to(fixed_part(str(path)))) and fixed_part(str(path)).is_dir()


def _literal_first(path: Path) -> str:
    """The pattern with each folder that exists under its own name escaped."""
    base = Path(path.anchor or "/")
    parts = []
    exists = True
    for part in path.parts[1:]:
        exists = exists and (not _is_wild(part) or os.path.lexists(base / part))
        parts.append(glob.escape(part) if exists and _is_wild(part) else part)
        base = base / part
    return os.path.join("/", *parts)  # noqa: PTH118  Path would be as good, but glob wants text


def _is_wild(text: str) -> bool:
    return bool(WILD & set(_unescaped(text)))


def _unescaped(text: str) -> str:
    """The text without what is escaped in it."""
    for wild in WILD:
        text = text.replace(f"[{wild}]", "")
    return text


def _plain(text: str) -> str:
    """The text with what is escaped in it as it is meant."""
    for wild in sorted(WILD):
        text = text.replace(f"[{wild}]", wild)
    return text
