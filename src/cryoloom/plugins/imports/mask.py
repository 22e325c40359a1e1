"""Import of a mask."""

from cryoloom.plugins.imports.one_map import import_map, need_file
from cryoloom.protocol import ADVANCED, JobFolder, Mask, Output, Param, SetProtocol, SetResult, View


class ImportMask(SetProtocol):
    """Bring a mask into the project: a map whose values lie within 0 and 1."""

    name = "import.mask"
    label = "Import a mask"
    folder = "Import"
    next = ("relion.refine3d", "relion.postprocess")

    fn_in_other: str = Param("", "Mask", means="file", help="An MRC file with values from 0 to 1.")
    angpix: float = Param(
        -1, "Pixel size", unit="Å", own=True, usual=(0.1, 40), help="-1: as its header says."
    )
    copy: bool = Param(False, "Copy the file?", own=True, level=ADVANCED, help="No: link it.")

    mask: Mask = Output("Mask", "mask.mrc")

    def check(self) -> None:
        super().check()
        need_file(self.name, self.fn_in_other)

    def compute(self, job: JobFolder) -> SetResult:
        return import_map(
            self.name, job, self.fn_in_other, "mask.mrc", self.angpix, copy=self.copy, is_mask=True
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("mask.mrc"), "mask")
