"""The edge to a plugin's code: whatever it raises is told with the plugin's name, and ends no more than it has to."""

import errno
import sys
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, DatasetError, PluginError
from cryoloom.protocol.protocols import Protocol


def call_plugin(protocol: Protocol, method: str, *args: Any) -> Any:
    """Call a method of a protocol.

    Raises:
        CryoloomError: what the protocol says of its data or parameters, as it is; a file that it could not read.
        OSError: the disk or the quota is full, which is no plugin's fault.
        PluginError: anything else, with the protocol, the method and the traceback.
    """
    try:
        return getattr(protocol, method)(*args)
    except CryoloomError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        raise DatasetError(
            str(error.filename or protocol.name), found=str(error.strerror or error)
        ) from error
    except Exception as error:
        raise fault_of(protocol, method, error) from error


def fault_within(protocol: Protocol, error: BaseException) -> PluginError | None:
    """An exception that came out of a protocol's own module, whoever called it; None where it has another origin."""
    file = getattr(sys.modules.get(type(protocol).__module__), "__file__", None)
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if file is not None and code.co_filename == file:
            return fault_of(protocol, code.co_name, error)
        trace = trace.tb_next
    return None


def fault_of(protocol: Protocol, method: str, error: BaseException) -> PluginError:
    """An exception of a plugin in words."""
    import traceback  # only faults need it

    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""

    return PluginError(
        f"{protocol.name}, {method}()", found=f"{type(error).__name__}: {error}{place}", expected="a result",
        hint="A fault in the protocol; of a job the traceback is in run.err.",
        traceback="".join(traceback.format_exception(error)),
    )  # fmt: skip
