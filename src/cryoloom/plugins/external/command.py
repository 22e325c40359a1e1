"""A user's program as a recorded job."""

from cryoloom.protocol import JobFolder, View
from cryoloom.protocol.external import ExternalProgram


class ExternalCommand(ExternalProgram):
    """Run any program as a job: its inputs and outputs are typed and checked, its code and environment are recorded."""

    name = "external.command"
    label = "External command"

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views.outputs import views_of_outputs

        return views_of_outputs(job.root, self.output_files(job))
