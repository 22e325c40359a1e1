"""Views of any job: by its protocol, also where RELION made the job.

A job of RELION's has no `job.json`; its `job.star` holds the same parameters under the same names.
"""

from cryoloom.errors import CryoloomError
from cryoloom.project.folder import JobEntry
from cryoloom.project.foreign import protocol_of
from cryoloom.protocol.blocks import Block


def views_of(entry: JobEntry) -> list[Block]:
    """What a job has to show; an empty list where nothing is known of its kind."""
    try:
        protocol = protocol_of(entry)
    except CryoloomError:
        return []
    return protocol.views(entry.job_folder())
