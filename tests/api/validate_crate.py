"""Validate RO-Crates without a network: run by the Python of a virtual environment of its own, which has roc-validator.

Usage: python validate_crate.py PROFILE FOLDER. Prints what is wrong, one finding a line; ends with 1 where that
is more than advice.
"""

import json
import sys
import tempfile
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import models, services
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Packaged(HTTPAdapter):
    """Answers with RO-Crate's context, as the package `rocrate` brings it."""

    def send(self, request: PreparedRequest, **_: Any) -> Response:
        newest = resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        # It is that of 1.3, which has moved Bioschemas' terms; 1.1 has them where the profiles look for them.
        content = newest.replace(b"https://bioschemas.org/terms/", b"https://bioschemas.org/")
        headers = {"content-type": "application/ld+json"}
        return self.build_response(
            request,
            HTTPResponse(
                BytesIO(content), headers, status=200, preload_content=False, request_url=request.url
            ),
        )


def seed_cache(path: Path) -> None:
    """Put the context where the validator looks instead of the network."""
    session = CachedSession(str(path), backend="sqlite", expire_after=-1)
    session.mount("https://", Packaged())
    session.get(CONTEXT)


def main() -> int:
    profile, folder = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as cache:
        seed_cache(Path(cache) / "http")
        settings = services.ValidationSettings(
            rocrate_uri=models.URI(folder), profile_identifier=profile, offline=True, cache_path=Path(cache) / "http",
            requirement_severity=models.Severity.RECOMMENDED,
        )  # fmt: skip
        result = services.validate(settings)
    required = 0
    for issue in result.get_issues():
        severity = issue.check.severity
        required += severity == models.Severity.REQUIRED
        print(json.dumps([severity.name, issue.check.identifier, issue.message, str(issue.violatingEntity)]))
    return 1 if required else 0


if __name__ == "__main__":
    sys.exit(main())
