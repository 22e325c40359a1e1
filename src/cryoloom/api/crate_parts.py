"""The pieces of an RO-Crate 1.1: a folder of files, and entities in JSON-LD that describe them."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.project.fingerprints import whole_digest

METADATA = "ro-crate-metadata.json"
CRATE_CONTEXT = "https://w3id.org/ro/crate/1.1/context"
# Of the terms of runs that RO-Crate itself has not.
RUN_CONTEXT = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
# STAR files are text; of MRC's no registry knows.
FORMATS = {".star": "text/plain", ".json": "application/json", ".txt": "text/plain"}
Entity = dict[str, Any]


@dataclass
class Crate:
    """Entities that are being gathered, in their order, and the folder that files come into."""

    folder: Path
    root: Path
    entities: dict[str, Entity] = field(default_factory=dict)

    @classmethod
    def begin(cls, folder: Path, root: Path) -> "Crate":
        """A crate in a new folder, of files of a project.

        Raises:
            ParameterError: the folder is not empty.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ParameterError(
                f"{folder}", found="there, and not empty", expected="a new folder, or an empty one"
            )
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, root.resolve())

    def write(self, *contexts: str | dict[str, str]) -> Path:
        """Write the description; returns its file."""
        for entity in self.entities.values():
            for name, value in entity.items():
                if name != "@type" and isinstance(value, list) and len(value) == 1:
                    entity[name] = value[0]  # as RO-Crate would have it
        content = {
            "@context": [*contexts] if len(contexts) > 1 else contexts[0],
            "@graph": [*self.entities.values()],
        }
        target = self.folder / METADATA
        target.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return target

    def add(self, identity: str, kind: str | list[str], **facts: Any) -> Entity:
        """A reference to an entity, which is described the first time."""
        if identity not in self.entities:
            known = {name: value for name, value in facts.items() if value not in ("", [], None)}
            self.entities[identity] = {"@id": identity, "@type": kind, **known}
        return {"@id": identity}

    def text(self, path: str, text: str, **facts: Any) -> Entity:
        """A file with a text."""
        (self.folder / path).write_text(text, encoding="utf-8")
        return self.add(path, facts.pop("kind", "File"), contentSize=str(len(text.encode())), **facts)

    def file(self, name: str, *, inside: bool, **facts: Any) -> Entity:
        """A file of the project: put into the crate, or named with its size and SHA-256 and left where it is."""
        path = self.root / name
        if not path.is_file():
            return self.add(f"#{name}", "CreativeWork", name=name, **facts)
        if name not in self.entities and inside:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, self.folder / name)
        size, digest = str(path.stat().st_size), whole_digest(path)
        if inside:
            format_ = FORMATS.get(path.suffix, "application/octet-stream")
            return self.add(
                name, "File", name=name, contentSize=size, sha256=digest, encodingFormat=format_, **facts
            )
        return self.add(
            f"#{name}",
            "CreativeWork",
            name=name,
            size=f"{size} bytes",
            identifier=f"sha256:{digest}",
            **facts,
        )
