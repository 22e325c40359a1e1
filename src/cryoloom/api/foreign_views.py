"""Views of any job: by its protocol, also where RELION made the job.

A job of RELION's has no `job.json`; its `job.star` holds the same parameters under the same names.
"""

from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.folder import JobEntry
from cryoloom.project.foreign import protocol_of
from cryoloom.protocol.blocks import Block


def views_of(entry: JobEntry) -> list[Block]:
    """What a job has to show; an empty list where nothing is known of its kind.

    Raises:
        CryoloomError: a file of the job cannot be read, or its plugin is broken; it is named.
    """
    try:
        protocol = protocol_of(entry)
    except CryoloomError:
        return []
    try:
        return protocol.views(entry.job_folder())
    except CryoloomError:
        raise
    except Exception as error:  # the edge to a plugin: whose fault it is, and what was looked at
        raise ProjectError(
            f"{entry.name}: views() of {protocol.name}", found=f"broken ({type(error).__name__}: {error})",
            expected="something to look at",
            hint=f"The fault is in {type(protocol).__module__}; the job's results are as they were.",
        ) from error  # fmt: skip
