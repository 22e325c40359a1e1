"""The built page stays small: what is loaded first, and each tool when it is needed."""

import gzip

import pytest

from cryoloom.server.page import BUILT

FIRST_KB, TOOL_KB = 250, 250


def kilobytes(name: str) -> float:
    return sum(len(gzip.compress(file.read_bytes())) for file in (BUILT / "assets").glob(name)) / 1000


@pytest.mark.skipif(not BUILT.is_dir(), reason="the page is not built")
def test_the_first_screen_and_each_tool_keep_to_their_weight() -> None:
    first = kilobytes("index-*")
    assert 20 < first <= FIRST_KB

    tools = {file.name for file in (BUILT / "assets").glob("*.js")} - {
        file.name for file in (BUILT / "assets").glob("index-*.js")
    }
    assert tools
    assert {name: kilobytes(name) for name in tools if kilobytes(name) > TOOL_KB} == {}
