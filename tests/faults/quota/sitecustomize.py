"""A quota that is used up as long as a file is there: no more of the disk can be had."""

import errno
import os
from pathlib import Path

_real = os.posix_fallocate
_file = os.environ.get("CRYOLOOM_TEST_QUOTA")

if _file:
    mark = Path(_file)

    def _within_quota(handle: int, offset: int, length: int) -> None:
        if mark.exists():
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        _real(handle, offset, length)

    os.posix_fallocate = _within_quota
