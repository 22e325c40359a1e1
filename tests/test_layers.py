"""The rooms know only what stands below them."""

import subprocess
import sys
from pathlib import Path


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(lint)], cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout
