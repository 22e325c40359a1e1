"""Help on a protocol, made from its declaration."""

import textwrap
from typing import Any

from cryoloom.project.jobstar import relion_text
from cryoloom.protocol.protocols import Protocol


def as_text(kind: type[Protocol]) -> str:
    """Everything a user needs to know to run it."""
    lines = [f"{kind.name}: {kind.label}", "", *textwrap.wrap(kind.__doc__ or "", 100), ""]
    lines.append(
        f"Runs in {kind.folder}/. " + (f"Programs: {', '.join(kind.programs)}." if kind.programs else "")
    )
    if kind.inputs:
        lines += ["", "Inputs (JOB, JOB:output, an alias, or a file of the project):"]
        for spec in kind.inputs.values():
            facts = [
                spec.kind.kind,
                "optional" if spec.optional else "",
                "streams" if spec.streams else "",
                "several" if spec.several else "",
            ]
            lines += _entry(spec.name, spec.label, ", ".join(filter(None, facts)), spec.help, spec.when)
    tabs: dict[str, list[str]] = {}
    for param in kind.params.values():
        facts = [f"default {relion_text(param.default) or 'empty'}{f' {param.unit}' if param.unit else ''}"]
        facts += [param.type.__name__ if param.type is not str else "", param.limits()]
        facts += ["advanced" if param.level == "advanced" else ""]
        tabs.setdefault(param.tab, [])
        tabs[param.tab] += _entry(
            param.name, param.label, ", ".join(filter(None, facts)), param.help, param.when
        )
    # Shared parameters are declared before a protocol's own, but what goes in and out comes first.
    for tab in sorted(tabs, key=lambda tab: tab != "I/O"):
        lines += ["", f"{tab}:", *tabs[tab]]
    lines += ["", "Outputs:"]
    lines += [f"  {spec.name}: {spec.label} ({spec.kind.kind})" for spec in kind.outputs_declared.values()]
    return "\n".join(lines)


def as_dict(kind: type[Protocol]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "name": kind.name,
        "label": kind.label,
        "help": kind.__doc__,
        "folder": kind.folder,
        "programs": list(kind.programs),
        "inputs": [
            {
                "name": s.name,
                "label": s.label,
                "kind": s.kind.kind,
                "optional": s.optional,
                "several": s.several,
                "help": s.help,
                "when": s.when,
            }
            for s in kind.inputs.values()
        ],
        "params": [
            {
                "name": p.name,
                "label": p.label,
                "tab": p.tab,
                "type": p.type.__name__,
                "default": p.default,
                "unit": p.unit,
                "level": p.level,
                "limits": p.limits(),
                "choices": list(p.choices),
                "when": p.when,
                "help": p.help,
                "relion": not p.own,
            }
            for p in kind.params.values()
        ],
        "outputs": [
            {"name": s.name, "label": s.label, "kind": s.kind.kind} for s in kind.outputs_declared.values()
        ],
    }


def _entry(name: str, label: str, facts: str, text: str, when: str) -> list[str]:
    lines = [f"  {name}: {label} [{facts}]"]
    lines += textwrap.wrap(text, 96, initial_indent="      ", subsequent_indent="      ")
    if when:
        lines.append(f"      When: {when}")
    return lines
