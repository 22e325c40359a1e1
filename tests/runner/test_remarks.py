"""What is said of many items alike is said once, with their number."""

from types import SimpleNamespace
from typing import Any

from cryoloom.project.history import JobHistory
from cryoloom.runner.remarks import Remarks


def test_failures_alike_are_one_line_of_the_log_and_one_with_their_number() -> None:
    lines: list[str] = []
    run: Any = SimpleNamespace(
        log=lambda text, **_: lines.append(text),
        say_once=lines.append,
        journal=SimpleNamespace(history=JobHistory()),
    )
    remarks = Remarks(run)

    for number in range(3):
        remarks.failed(f"Movies/m_{number}.mrc", f"m_{number}.mrc is cut short: {number} of 10 frames")
    remarks.failed("Movies/x.mrc", "x.mrc is missing")
    remarks.end()

    assert [line for line in lines if "cut short" in line] == [
        "Failed: Movies/m_0.mrc: m_0.mrc is cut short: 0 of 10 frames",
        "Failed alike: 3: it is cut short: # of # frames",
    ]
    assert sum("missing" in line for line in lines) == 1
