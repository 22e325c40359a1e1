"""Every route answers whatever it is asked, as its description says: no failure of ours, no answer that is not described."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cryoloom import Project
from cryoloom.api.recent import key_of
from cryoloom.server.access import Access
from cryoloom.server.app import build
from cryoloom.server.description import description

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
HEADERS = {"authorization": "Bearer t0ken", "host": "127.0.0.1:7654"}
STRANGE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    project = Project.create(tmp_path_factory.mktemp("d") / "p")
    project.run("import.movies", fn_in_raw="/data/*.tiff", angpix=1, label=STRANGE, start=False)
    project.run("loomtest.nothing", start=False)
    return build(Access.of("test", "t0ken"), project.path), key_of(project.path)


@pytest.fixture(scope="module")
def described(served: tuple[Any, str]) -> Any:
    app, _ = served
    return schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HEADERS)


OPERATIONS = [(path, method) for path, methods in description()["paths"].items() for method in methods]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_asked_is_answered_as_described(
    path: str, method: str, described: Any, served: tuple[Any, str]
) -> None:
    key, seen = served[1], list[int]()

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(case=described[path][method].as_strategy())
    def answered(case: Any) -> None:
        # A key at random is no project's: half of the time the one there is is asked for, and one of its jobs.
        if case.path_parameters.get("key", "9") < "8":
            case.path_parameters["key"] = key
            if "number" in case.path_parameters:
                case.path_parameters["number"] = case.path_parameters["number"] % 2 + 1
        if isinstance(case.body, dict) and "protocol" in case.body:
            # Of a protocol that there is, with any values for fields that it has.
            case.body["protocol"] = "relion.maskcreate"
            values = [*case.body.get("given", {}).values(), "", ""]
            case.body["given"] = {"fn_in": values[0], "inimask_threshold": values[1]}
        seen.append(case.call_and_validate(headers=HEADERS, checks=CHECKS).status_code)

    answered()
    assert seen
