"""A page as a PDF: by a browser that is installed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from cryoloom.errors import ProgramError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINTING_S = 120.0


def print_pdf(page: str, target: Path) -> None:
    """Print a page of HTML that needs nothing else.

    Raises:
        ProgramError: no browser is installed, or it made no file.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise ProgramError(
            "a browser", found="not installed", expected=f"one of {', '.join(BROWSERS)} for a PDF",
            hint="apt-get install chromium; or write an .html file.",
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cryoloom-print-") as folder:
        source, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        # Its own profile: one that runs already would take the call over and end at once. The page is ours, and as root
        # it has no sandbox.
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
             "--no-pdf-header-footer", f"--print-to-pdf={made}", source.as_uri()],
            capture_output=True, text=True, timeout=PRINTING_S, check=False,
        )  # fmt: skip
        if not made.exists():
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise ProgramError(
                browser, found=f"no PDF; it said: {said}", expected=f"{target}", hint="Write an .html file."
            )
        shutil.copyfile(made, target)
