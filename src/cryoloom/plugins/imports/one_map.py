"""A map or mask: checked, then linked, or written anew where its pixel size is corrected."""

from pathlib import Path

from cryoloom.errors import ImageError, ParameterError
from cryoloom.plugins.imports.linking import link_or_copy
from cryoloom.protocol import JobFolder, SetResult


def need_file(owner: str, given: str) -> None:
    """That a file is named at all.

    Raises:
        ParameterError: none is.
    """
    if not given.strip():
        raise ParameterError(
            f"{owner}: parameter fn_in_other", found="empty", expected="a file", hint="Give it as fn_in_other=FILE.",
        )  # fmt: skip


def import_map(
    owner: str, job: JobFolder, source: str, name: str, angpix: float, *, copy: bool, is_mask: bool
) -> SetResult:
    """Bring one map into the job's folder.

    Raises:
        ParameterError: no file given, or none there.
        ImageError: no map, no cube, without a pixel size, or a mask beyond 0 to 1.
    """
    import numpy as np

    from cryoloom.images.headers import read_header
    from cryoloom.images.misread import convert_for_relion, range_of
    from cryoloom.images.mrc import read_mrc, write_mrc

    path = job.root / Path(source).expanduser()
    if not path.is_file():
        raise ParameterError(
            f"{owner}: parameter fn_in_other", found=f"{source}, which is missing", expected="a file"
        )
    header = read_header(path)
    if header.format != "MRC":
        raise ImageError(f"{path}", found=f"a {header.format} file", expected="a map, an MRC file")
    shape = (header.frames, header.size[1], header.size[0])
    if len(set(shape)) != 1:
        raise ImageError(f"{path}", found=f"{shape[2]} x {shape[1]} x {shape[0]}", expected="a cube")
    if angpix <= 0 and not header.angpix:
        raise ImageError(
            f"{path}", found="without a pixel size", expected="one", hint="Give it with angpix=."
        )
    target = job.path / name
    note = convert_for_relion(path, target, is_map=True)
    mended = target if note else path
    low, high = range_of(mended)
    if low == high:
        raise ImageError(
            f"{path}", found=f"{low:g} in each voxel" + (", which encloses nothing" if is_mask and not high else ""),
            expected="a mask" if is_mask else "a map",
        )  # fmt: skip
    if is_mask and (low < -1e-4 or high > 1 + 1e-4):
        raise ImageError(
            f"{path}", found=f"a map from {low:.3g} to {high:.3g}", expected="a mask, from 0 to 1"
        )
    if angpix > 0 and (not header.angpix or abs(angpix / header.angpix - 1) > 1e-4):
        write_mrc(target, np.asarray(read_mrc(mended), dtype=np.float32), angpix, is_volume=True)
        was = f"{header.angpix:.4g}" if header.angpix else "missing"
        note = f"{note}. " if note else ""
        note += f"The pixel size in the header was {was} and is {angpix:g} Å now, in a copy."
    elif mended == path:
        link_or_copy(path.resolve(), target, copy=copy)
    return SetResult({}, {"map": 1}, note)
