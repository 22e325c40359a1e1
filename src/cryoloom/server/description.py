"""The API's description on standard output: the page's types are made of it (`make page`), and a test compares them."""

import json
from typing import Any

from cryoloom.server.access import Access
from cryoloom.server.app import described


def description() -> dict[str, Any]:
    """In OpenAPI's words."""
    return described(Access.of("description", "none"))


if __name__ == "__main__":
    print(json.dumps(description(), indent=1, ensure_ascii=False))
