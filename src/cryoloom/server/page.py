"""The page itself: built files, which are nobody's secret; every address of the page is the one page."""

import re
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

BUILT = Path(__file__).parent / "built"
NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".json": "application/json",
}
NOT_BUILT = """<!doctype html><html lang="en"><title>Cryoloom</title>
<body><h1>The page was not built</h1><p>Install Cryoloom again with network access to npm, or use its command line.</p>"""

router = APIRouter(include_in_schema=False)


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    """A built file; its name changes with what is in it."""
    path = BUILT / "assets" / name
    if not NAME.fullmatch(name) or path.suffix not in TYPES or not path.is_file():
        raise HTTPException(
            404, detail={"where": f"assets/{name}", "found": "not there", "expected": "", "hint": ""}
        )
    forever = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(path, media_type=TYPES[path.suffix], headers=forever)


@router.get("/")
@router.get("/machine")
@router.get("/p/{rest:path}")
def page(rest: str = "") -> Response:
    """The one page; where it lies is told by how deep its address is, so that any prefix before it works."""
    try:
        text = (BUILT / "index.html").read_text()
    except OSError:
        return HTMLResponse(NOT_BUILT, 503)
    # Of `p/rest`, whatever a proxy has taken away or left before it: one step up for each folder that it lies in.
    depth = 1 + rest.count("/") if rest else 0
    return HTMLResponse(text.replace('<base href="./"', f'<base href="{"../" * depth or "./"}"'))
