"""Every test of STAR files runs with both readers: the compiled one and the one in Python."""

from collections.abc import Iterator

import pytest

from cryoloom.star import compiled


@pytest.fixture(scope="module", params=["compiled", "python"], autouse=True)
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "compiled" and compiled.library() is None:
        pytest.skip("the compiled reader was not built here: no C++ compiler")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "python":
            patch.setattr(compiled, "library", lambda: None)
        yield request.param
