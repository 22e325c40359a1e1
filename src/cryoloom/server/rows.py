"""Lines of jobs as the API gives them."""

import functools

from cryoloom.api.project import Project
from cryoloom.api.protocol_help import is_source, protocols_named
from cryoloom.api.summary import JobSummary
from cryoloom.server.shapes import JobRow


def rows_of(project: Project) -> list[JobRow]:
    return [row_of(summary) for summary in project.summaries()]


def row_of(summary: JobSummary) -> JobRow:
    known = summary.as_dict()
    number = int(summary.name.rpartition("job")[2])
    return JobRow.model_validate(
        {
            **known,
            "number": number,
            "title": title_of(summary.protocol),
            "ours": summary.ours,
            "follows_stream": _follows_stream(summary),
        }
    )


def title_of(protocol: str) -> str:
    """A protocol's label; of one that nobody here knows its name."""
    return _titles().get(protocol, protocol)


@functools.cache
def _titles() -> dict[str, str]:
    return {line.name: line.label for line in protocols_named()}


def _follows_stream(summary: JobSummary) -> bool:
    return summary.ours and summary.state == "running" and is_source(summary.protocol)
