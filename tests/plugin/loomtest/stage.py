"""One stage of a streaming chain: a real program for each batch, and a column that says where an item has been."""

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

WAY = "loomtestWay"
SCRIPT = """
test "$4" = 0 || sleep "$4"
cp "$1" "$2" || exit $?
test "$6" = 0 || head -c "$6"k /dev/zero > "$(dirname "$1")/kept-$$" || exit $?
test -z "$3" || echo "$(date +%s%N) $5" >> "$3"
"""


class Stage(ItemProtocol):
    """Copy a batch's table by a program, and add a letter to each item's way."""

    name = "loomtest.stage"
    label = "Stage"
    folder = "External"
    leading = "input"

    input: Micrographs = Input("Micrographs", streams=True)
    letter: str = Param("a", "Letter", help="Added to the way of each item.")
    seconds: float = Param(0, "Time of a batch", unit="s", ge=0, help="Sleep.")
    bad: str = Param("", "Fails for", help="Micrographs whose name has this in it fail.")
    mark: str = Param("", "Mark file", help="The program adds a line for each batch.")
    use_gpu: bool = Param(False, "Use GPUs?", help="One batch on each at a time.")
    gpu_ids: str = Param("", "Which GPUs", when="use_gpu", help="0,1")
    kept_kb: int = Param(0, "Size of a file that is kept", unit="kB", ge=0, help="Of each batch.")
    other_args: str = Param("", "Additional argument", help="{GPU} is the worker's.")

    micrographs: Micrographs = Output("Micrographs", "micrographs.star")

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        source = batch.input_file if batch else self.input.path
        words = (source, f"{source}.out", self.mark, f"{self.seconds:g}", self.other_args, str(self.kept_kb))
        return Command("sh", ("-c", SCRIPT, "sh", *words), gpu_ids=self.gpus())

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom import star

        rows = batch.items
        star.write(batch.job.root / batch.input_file, {"micrographs": rows})
        if not self.bad:
            return {}
        pairs = rows.select(ITEM_ID, "rlnMicrographName").iter_rows()
        return {item: f"{name}: bad" for item, name in pairs if self.bad in name}

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom import star

        rows = star.read(batch.job.root / f"{batch.input_file}.out")["micrographs"]
        assert isinstance(rows, pl.DataFrame)
        if self.bad:
            rows = rows.filter(~pl.col("rlnMicrographName").str.contains(self.bad, literal=True))
        before = pl.col(WAY) if WAY in rows.columns else pl.lit("")
        rows = rows.with_columns((before + self.letter).alias(WAY))
        return BatchResult(
            {"micrographs": rows}, frozenset(rows[ITEM_ID].to_list()), skip_files=frozenset({"*.out"})
        )
