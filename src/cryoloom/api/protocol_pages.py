"""Pages about protocols for `docs/protocols`, made from their declarations; pictures of their views, from finished projects.

`make stubs` writes the pages, a test compares them. Pictures are drawn when they are asked for:
`python -m cryoloom.api.protocol_pages PROJECT ...`.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryoloom.api.protocol_help import InputHelp, ParamHelp, ProtocolHelp, help_of
from cryoloom.project.registry import all_protocols

FOLDER = Path(__file__).parents[3] / "docs/protocols"
PICTURES = "pictures"
OWN = "cryoloom.plugins."
WIDTH_PX = 640


def pages() -> dict[str, str]:
    """The text of each page by its file's name, an index among them."""
    kinds = [help_of(kind) for kind in all_protocols() if kind.__module__.startswith(OWN)]
    lines = [
        "# Protocols",
        "",
        "Made from the declarations by `make stubs`; `cryoloom help NAME` says the same.",
        "",
        "| protocol | what it is | programs |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| [`{kind.name}`]({kind.name}.md) | {kind.label} | {', '.join(f'`{program}`' for program in kind.programs)} |"
        for kind in kinds
    ]
    return {"README.md": "\n".join(lines) + "\n", **{f"{kind.name}.md": page_of(kind) for kind in kinds}}


def page_of(kind: ProtocolHelp) -> str:
    """The page of one protocol."""
    lines = [f"# {kind.name}: {kind.label}", "", kind.help, ""]
    programs = ", ".join(f"`{program}`" for program in kind.programs)
    lines += [f"Jobs lie in `{kind.folder}/`." + (f" Programs: {programs}." if programs else "")]
    if kind.inputs:
        lines += ["", "## Inputs", "", "| name | what | kind | |", "| --- | --- | --- | --- |"]
        lines += [_row(_code(spec.name), spec.label, _facts(spec), _meaning(spec)) for spec in kind.inputs]
    for tab in dict.fromkeys(param.tab for param in kind.params):
        lines += [
            "",
            f"## {tab}",
            "",
            "| name | what | default | flag | |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            _row(_code(param.name), param.label, _default(param), _code(param.flag), _meaning(param))
            for param in kind.params
            if param.tab == tab
        ]
    lines += ["", "## Outputs", "", "| name | what | kind |", "| --- | --- | --- |"]
    lines += [_row(_code(spec.name), spec.label, spec.kind) for spec in kind.outputs]
    shown = [*_pictures(kind.name)]
    if shown:
        lines += ["", "## What it shows", ""]
        lines += [f"`{view}`\n\n![{view}]({PICTURES}/{file})\n" for view, file in shown]
    return "\n".join(lines).rstrip() + "\n"


def _pictures(protocol: str) -> Iterator[tuple[str, str]]:
    """The views of which there is a picture, each with its file."""
    for path in sorted((FOLDER / PICTURES).glob(f"{protocol}--*.png")):
        yield path.stem.partition("--")[2], path.name


def _facts(spec: InputHelp) -> str:
    facts = (
        "optional" if spec.optional else "",
        "streams" if spec.streams else "",
        "several" if spec.several else "",
    )
    return ", ".join(filter(None, (spec.kind, *facts)))


def _default(param: ParamHelp) -> str:
    text = param.default_text or "empty"
    return f"{text} {param.unit}".strip() + (", advanced" if param.level == "advanced" else "")


def _meaning(spec: InputHelp | ParamHelp) -> str:
    limits = spec.limits if isinstance(spec, ParamHelp) else ""
    when = f"Counts where {_code(spec.when)}." if spec.when else ""
    return " ".join(filter(None, (spec.help, f"({limits})" if limits else "", when)))


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def draw(projects: Sequence[Path]) -> None:
    """Draw the views of the last succeeded job of each protocol in these projects; what has nothing to show is left out."""
    from cryoloom.api.project import Project
    from cryoloom.errors import CryoloomError

    target = FOLDER / PICTURES
    target.mkdir(parents=True, exist_ok=True)
    for folder in projects:
        project = Project(folder)
        last = {one.protocol: one.name for one in project.summaries() if one.state == "succeeded"}
        for protocol, name in last.items():
            for view in project.job(name).views():
                try:
                    seen = view.look()
                    if seen.parts:
                        file = target / f"{protocol}--{view.name}.png"
                        seen.save(file)
                        _made_small(file)
                except CryoloomError as error:
                    print(f"{name} {view.name}: {error}", file=sys.stderr)


def _made_small(file: Path) -> None:
    """Few colours and no wider than a page: a tenth of the bytes."""
    from PIL import Image

    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDTH_PX, 2 * WIDTH_PX))
    picture.quantize(64).save(file, optimize=True)


def write() -> None:
    """Write all pages; of protocols that are gone theirs go too."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    draw([Path(word) for word in sys.argv[1:]])
    write()
