"""Help on a protocol, and what was found for a word, as text."""

import textwrap
from typing import TYPE_CHECKING

from cryoloom.cli.shell import table

if TYPE_CHECKING:
    from cryoloom.api.help_search import Hits
    from cryoloom.api.protocol_help import ProtocolHelp


def as_text(kind: "ProtocolHelp") -> str:
    """Everything a user needs to know to run it."""
    lines = [f"{kind.name}: {kind.label}", "", *textwrap.wrap(kind.help, 100), ""]
    lines.append(
        f"Runs in {kind.folder}/. " + (f"Programs: {', '.join(kind.programs)}." if kind.programs else "")
    )
    if kind.inputs:
        lines += ["", "Inputs (JOB, JOB:output, an alias, or a file of the project):"]
        for spec in kind.inputs:
            facts = [
                spec.kind,
                "optional" if spec.optional else "",
                "streams" if spec.streams else "",
                "several" if spec.several else "",
            ]
            lines += _entry(spec.name, spec.label, ", ".join(filter(None, facts)), spec.help, spec.when)
    tabs: dict[str, list[str]] = {}
    for param in kind.params:
        facts = [f"default {param.default_text or 'empty'}{f' {param.unit}' if param.unit else ''}"]
        facts += [param.type if param.type != "str" else param.means, param.limits]
        facts += ["advanced" if param.level == "advanced" else "", param.flag]
        tabs.setdefault(param.tab, [])
        tabs[param.tab] += _entry(
            param.name, param.label, ", ".join(filter(None, facts)), param.help, param.when
        )
    # Shared parameters are declared before a protocol's own, but what goes in and out comes first.
    for tab in sorted(tabs, key=lambda tab: tab != "I/O"):
        lines += ["", f"{tab}:", *tabs[tab]]
    lines += ["", "Outputs:"]
    lines += [f"  {spec.name}: {spec.label} ({spec.kind})" for spec in kind.outputs]
    return "\n".join(lines)


def hits_as_text(hits: "Hits") -> str:
    """What a word was found in: protocols, their parameters, labels."""
    parts = []
    protocols = [[hit.protocol, hit.what] for hit in hits.hits if not hit.parameter]
    if protocols:
        parts.append(table(["protocol", "what it does"], protocols))
    parameters = [[hit.parameter, hit.protocol, hit.what] for hit in hits.hits if hit.parameter]
    if parameters:
        parts.append(table(["parameter", "of", "what it is"], parameters))
    if hits.labels:
        labels = [[one.label, one.unit, one.meaning] for one in hits.labels]
        parts.append(table(["label", "unit", "meaning"], labels))
    return "\n\n".join(parts)


def _entry(name: str, label: str, facts: str, text: str, when: str) -> list[str]:
    lines = [f"  {name}: {label} [{facts}]"]
    lines += textwrap.wrap(text, 96, initial_indent="      ", subsequent_indent="      ")
    if when:
        lines.append(f"      When: {when}")
    return lines
