"""A block of a script or notebook as a recorded job; `project.external(...)` in Python makes it."""

from cryoloom.errors import ParameterError
from cryoloom.protocol import JobFolder, Param, View
from cryoloom.protocol.external import ExternalCode


class ExternalBlock(ExternalCode):
    """A block of a script or notebook, `with project.external(...) as job:`, whose code and environment are recorded."""

    name = "external.block"
    label = "Block of a script or notebook"

    source: str = Param(
        "",
        "Where the code stands",
        own=True,
        help="The script, or the notebook's cell; its text is kept in code/.",
    )

    def check(self) -> None:
        if not self.source:
            raise ParameterError(
                f"{self.name}", found="asked for as a protocol", expected="with project.external(...) as job: in Python",
                hint="external.command runs a program as a job.",
            )  # fmt: skip
        super().check()

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views.outputs import views_of_outputs

        return views_of_outputs(job.root, self.output_files(job))

    def once(self) -> str:
        return (
            "it is a block of a script or notebook, which nobody but you can run: its code is kept in the job's folder, in "
            "code/; run it again there, which makes a new job"
        )
