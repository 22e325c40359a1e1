"""A program that does what programs should not, when it comes to a certain micrograph."""

from cryoloom.protocol import (
    Batch,
    BatchResult,
    Command,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
)
from cryoloom.protocol.jobs import ITEM_ID

# Arguments: input, output, the micrograph that is trouble, the fault, a file of marks.
SCRIPT = """
echo $$ >> "$5"
if grep -q "$3" "$1"; then
  case "$4" in
    hang) sleep 1000;;
    half) head -c 120 "$1" > "$2"; echo "cannot go on" >&2; exit 1;;
    crash) kill -SEGV $$;;
    silent) exit 0;;
    quota) if test -e "$CRYOLOOM_TEST_QUOTA"; then echo "cannot write" >&2; exit 1; fi;;
    wiped) env -i sh -c 'sleep 1000 & sleep 1000' & sleep 1000;;
    stubborn) trap '' TERM; setsid sh -c 'trap "" TERM; sleep 1000' & sleep 1000; sleep 1000;;
  esac
fi
cp "$1" "$2"
"""


class Faulty(ItemProtocol):
    """Copy a batch's table, but for one micrograph."""

    name = "loomtest.faulty"
    label = "Faulty"
    folder = "External"
    leading = "input"

    input: Micrographs = Input("Micrographs", streams=True)
    trouble: str = Param("", "Trouble with", help="Part of a micrograph's name.")
    fault: str = Param("", "Fault", help="hang, half, crash, silent, stubborn, wiped, quota")
    mark: str = Param("/dev/null", "Mark file", help="Each program adds its process id.")

    micrographs: Micrographs = Output("Micrographs", "micrographs.star")

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        source = batch.input_file if batch else self.input.path
        words = (source, f"{source}.out", self.trouble, self.fault, self.mark)
        return Command("sh", ("-c", SCRIPT, "sh", *words))

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom import star

        star.write(batch.job.root / batch.input_file, {"micrographs": batch.items})
        return {}

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom import star

        rows = star.read(batch.job.root / f"{batch.input_file}.out")["micrographs"]
        assert isinstance(rows, pl.DataFrame)
        return BatchResult(
            {"micrographs": rows}, frozenset(rows[ITEM_ID].to_list()), skip_files=frozenset({"*.out"})
        )
