"""Where the real data lie."""

import os
from pathlib import Path

DATA = Path(os.environ.get("CRYOLOOM_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
