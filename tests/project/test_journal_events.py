"""Journals of other versions stay readable, ours are written as documented, and each kind is told of."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from cryoloom.errors import ProjectError
from cryoloom.project.events import (
    KINDS,
    AttemptStarted,
    CommandEnded,
    Event,
    ItemsDone,
    JobSuspended,
    Note,
    OutputOpened,
    Stamp,
    needed_keys,
    read_event,
    record_of,
)
from cryoloom.project.journal import FILE, JournalWriter, read_history

DOCS = Path(__file__).parents[2] / "docs" / "events.md"


def journal(folder: Path, *lines: str) -> Path:
    (folder / FILE).write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_kinds_and_keys_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    journal(
        tmp_path,
        '{"seq": 0, "t": 1.0, "attempt": 1, "kind": "attempt.started", "colour": "red"}',
        '{"seq": 1, "kind": "moon.rose", "height": 3}',
        '{"seq": 2, "t": 2.0, "attempt": 1, "kind": "items.done", "items": ["a"], "mood": "good"}',
    )

    history = read_history(tmp_path)

    assert (history.seq, history.attempts, [*history.done]) == (2, 1, ["a"])


@pytest.mark.parametrize(
    "line",
    [
        '{"seq": 1, "t": 1.0, "attempt": 1, "kind": "input.revised", "input": "a"}',
        '{"seq": 1, "kind": "note", "text": "a"},{"seq": 2, "kind": "note", "text": "b"}',
        '{"seq": 1, "t": 1.0, "kind": "no',
        "[1, 2]",
        '"note"',
        '{"kind": "note", "text": "a"}',
    ],
)
def test_a_line_that_is_no_event_is_damage_and_named_with_its_place(tmp_path: Path, line: str) -> None:
    journal(
        tmp_path,
        '{"seq": 0, "t": 1.0, "attempt": 1, "kind": "note", "text": "good"}',
        line,
        '{"seq": 3, "kind": "x"}',
    )

    with pytest.raises(ProjectError, match="behind event 0") as error:
        read_history(tmp_path)

    assert line[:20] in str(error.value)


def test_a_journal_of_many_lines_is_read_as_each_of_them(tmp_path: Path) -> None:
    lines = [
        json.dumps({"seq": n, "t": n, "attempt": 1, "kind": "items.done", "items": [f"i{n}"]})
        for n in range(1234)
    ]

    assert [*read_history(journal(tmp_path, *lines)).done] == [f"i{n}" for n in range(1234)]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            AttemptStarted(1, "u", 7, "h", []),
            {"kind": "attempt.started", "format": 1, "id": "u", "pid": 7, "host": "h", "reopens": []},
        ),
        (ItemsDone(["a"], failed=[]), {"kind": "items.done", "items": ["a"], "failed": [], "outputs": {}}),
        (
            ItemsDone([], rows=3, failed=[], version=2),
            {"kind": "items.done", "items": [], "rows": 3, "failed": [], "outputs": {}, "version": 2},
        ),
        (JobSuspended("b"), {"kind": "job.suspended", "why": "b"}),
        (
            JobSuspended("b", "disk", 9),
            {"kind": "job.suspended", "why": "b", "cause": "disk", "needs_free": 9},
        ),
        (
            CommandEnded("run", 1, 2.0, 1.5, 30.0),
            {"kind": "command.ended", "step": "run", "code": 1, "wall_s": 2.0, "cpu_s": 1.5, "peak_mb": 30.0},
        ),
        (
            OutputOpened("o", "o.star", "t", ["a"], 1, 5, 5),
            {
                "kind": "output.opened", "output": "o", "file": "o.star", "table": "t", "labels": ["a"], "generation": 1,
                "start": 5, "end": 5, "revision": 0,
            },
        ),
    ],
)  # fmt: skip
def test_a_line_is_written_with_the_keys_that_it_always_had(event: Event, line: dict[str, object]) -> None:
    written = record_of(Stamp(3, 1.5, 2), event)

    assert written == {"seq": 3, "t": 1.5, "attempt": 2, **line}
    assert read_event(json.loads(json.dumps(written)))[0] == Stamp(3, 1.5, 2)


def test_what_is_written_is_what_is_read_again(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 1)
    for event in (AttemptStarted(host="h"), Note("Å"), ItemsDone(["a"]), JobSuspended("c", "quota", 5)):
        writer.write(event)
    writer.close()

    again = read_history(tmp_path)
    again.head = writer.history.head  # the writer began before there was one

    assert again == writer.history


def test_every_kind_is_registered_once() -> None:
    def below(kind: type[Event]) -> set[str]:
        return {name for one in kind.__subclasses__() for name in (one.__name__, *below(one))}

    assert {kind.__name__ for kind in KINDS} == below(Event)
    assert len({kind.kind for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_documentation_has_each_kind_with_its_keys(kind: type[Event]) -> None:
    assert row(kind) in DOCS.read_text().splitlines()


def row(kind: type[Event]) -> str:
    """The line of `docs/events.md` about a kind; keys that may be missing in brackets."""
    needed = needed_keys(kind)
    keys = [f"`{key.name}`" if key.name in needed else f"[`{key.name}`]" for key in fields(kind)]
    says = " ".join((kind.__doc__ or "").split()).rstrip(".")
    return f"| `{kind.kind}` | {says} | {' '.join(keys)} |"
