"""Import of a map."""

from cryoloom.plugins.imports.one_map import import_map, need_file
from cryoloom.protocol import ADVANCED, JobFolder, Output, Param, SetProtocol, SetResult, View, Volume


class ImportVolume(SetProtocol):
    """Bring a map into the project."""

    name = "import.volume"
    label = "Import a map"
    folder = "Import"
    next = ("relion.refine3d", "relion.image_handler", "relion.maskcreate")

    fn_in_other: str = Param("", "Map", means="file", help="An MRC file.")
    angpix: float = Param(
        -1, "Pixel size", unit="Å", own=True, usual=(0.1, 40), help="-1: as its header says."
    )
    copy: bool = Param(False, "Copy the file?", own=True, level=ADVANCED, help="No: link it.")

    volume: Volume = Output("Map", "map.mrc")

    def check(self) -> None:
        super().check()
        need_file(self.name, self.fn_in_other)

    def compute(self, job: JobFolder) -> SetResult:
        return import_map(
            self.name, job, self.fn_in_other, "map.mrc", self.angpix, copy=self.copy, is_mask=False
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("map.mrc"))
