"""RELION's programs that go micrograph by micrograph: each reads a STAR file of them, a batch's own in its turn."""

from typing import ClassVar

from cryoloom.plugins.relion.options.running import Mpi, call
from cryoloom.protocol import Batch, Command, ItemProtocol, JobFolder, words_of


class MicrographProgram(Mpi, ItemProtocol):
    """The one program of `programs`: its options are declared flags, its input the rows of `leading`.

    A subclass declares options; says by `further_words` what no single option says; and reads by `collect` what the
    program wrote.
    """

    writes: ClassVar[str] = "--o"  # the program's option for the job's folder

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        # What is read is said by `files`, since a batch has another file than the job.
        said = {*self.inputs, *self.params} - {self.leading_input()}
        words = [*self.files(job, batch), *words_of(self, said), *self.further_words()]
        return call(self, self.programs[0], words, job)

    def files(self, job: JobFolder, batch: Batch | None) -> list[str]:
        """What is read and where results go: of a batch, or of the whole job."""
        return ["--i", batch.input_file if batch else self.given[self.leading].path, self.writes, job.name]

    def further_words(self) -> list[str]:
        """Words that several options say together."""
        return []

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion.per_micrograph import write_batch

        write_batch(batch, "micrographs", batch.items, batch.optics)
        return {}
