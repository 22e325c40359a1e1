"""What data suggest: suggest gain, suggest mask, suggest symmetry; and suggest mtf, what detectors are known to do."""

from pathlib import Path

import click

from cryoloom.cli.completion import complete_jobs
from cryoloom.cli.options import file_path, given_argument, json_option, project_option
from cryoloom.cli.shell import open_project, print_json, split_given, table


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group(
        "suggest", help="Values that data suggest, before a job is made.", no_args_is_help=True
    )
    group.add_command(gain)
    group.add_command(mask)
    group.add_command(symmetry)
    group.add_command(mtf)
    group.add_command(picking)
    group.add_command(defocus_groups)
    group.add_command(lowpass)
    app.add_command(group)


@click.command("gain")
@click.argument(
    "movies",
    metavar="JOB",
    help="A job that gives movies, not corrected by the gain.",
    shell_complete=complete_jobs,
)
@click.argument("gain_file", metavar="GAIN", type=file_path, help="The gain reference, MRC or TIFF.")
@project_option
@json_option
def gain(movies: str, gain_file: Path, project: Path | None, as_json: bool) -> None:
    """Which of eight ways a gain reference lies on the movies."""
    from cryoloom.api.suggesting import gain_of_job

    found = gain_of_job(open_project(project), movies, gain_file)
    if as_json:
        print_json(found.as_dict())
        return
    rows = [[str(one.gain_rot), str(one.gain_flip), f"{one.correlation:.3f}"] for one in found.choices]
    print(table(["gain_rot", "gain_flip", "correlation"], rows))
    best = found.choices[0]
    if found.is_clear:
        print(
            f"relion.motioncorr: gain_rot={best.gain_rot} gain_flip={best.gain_flip} fn_gain_ref={gain_file}"
        )
    else:
        print(
            "None is clear: too few frames, movies that were corrected already, or the gain of another detector."
        )


@click.command("mask")
@click.argument(
    "asked", metavar="JOB|MAP", help="A job that gives a map, or a map's file.", shell_complete=complete_jobs
)
@click.option(
    "--weight",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Of the molecule, kDa: the threshold encloses it.",
)
@project_option
@json_option
def mask(asked: str, weight: float | None, project: Path | None, as_json: bool) -> None:
    """A threshold for a mask of a map, with the volume and weight that it encloses."""
    from cryoloom.api.suggesting import mask_of

    found = mask_of(None if Path(asked).is_file() else open_project(project), asked, weight_kda=weight or 0.0)
    if as_json:
        print_json(found.as_dict())
        return
    print(
        f"Above {found.threshold:.4g} lie {found.volume_a3:,.0f} Å³, {100 * found.part_of_box:.1f} % of the box: "
        f"{found.weight_kda:,.0f} kDa of protein."
    )
    print(f"relion.maskcreate: inimask_threshold={found.threshold:.4g}")


@click.command("symmetry")
@click.argument(
    "asked", metavar="JOB|MAP", help="A job that gives a map, or a map's file.", shell_complete=complete_jobs
)
@project_option
@json_option
def symmetry(asked: str, project: Path | None, as_json: bool) -> None:
    """Which point group a map has; make it without symmetry (C1) first."""
    from cryoloom.api.suggesting import symmetry_of

    found = symmetry_of(None if Path(asked).is_file() else open_project(project), asked)
    if as_json:
        print_json(found.as_dict())
        return
    if not found.axes:
        print("C1: turned about no axis is the map like itself.")
        return
    rows = [
        [str(order), " ".join(f"{part:6.3f}" for part in direction), f"{correlation:.2f}"]
        for order, direction, correlation in found.axes
    ]
    print(table(["fold", "axis x, y, z", "correlation"], rows))
    if found.imposed:
        print(
            f"The job imposed {found.imposed} on the map, which is found again; ask of a map that was made in C1."
        )
        return
    if not found.is_clear:
        print(
            "Not clear: these are no group's axes. A map with a preferred view, or a poor one, is like itself by chance."
        )
        return
    print(f"{found.group}, if the map was made without symmetry.")
    if not found.on_relions_axes:
        print(
            f"Its axes do not lie as RELION has them: relion.symmetrise sym_name={found.group} turns the map."
        )


@click.command("mtf")
@click.argument(
    "detector", required=False, help="Its name: K2, Falcon4EC, ...; all that are known without one."
)
@click.option("--kv", type=float, default=300.0, help="Voltage, kV.")
@click.option("-o", "--output", type=file_path, help="Where to write the curve; for fn_mtf.")
@json_option
def mtf(detector: str | None, kv: float, output: Path | None, as_json: bool) -> None:
    """The MTF of a detector that is known by name, as the file that fn_mtf takes."""
    from cryoloom.api.detectors import known_curves, write_curve

    if detector is None:
        curves = known_curves()
        if as_json:
            print_json([curve.as_dict() for curve in curves])
            return
        print(table(["detector", "kV", "MTF at 1/4 and 1/2 px", "source"], [curve.row() for curve in curves]))
        return
    written = write_curve(detector, kv, output)
    if as_json:
        print_json(written.as_dict())
        return
    print(f"{written.file}: {written.detector}, {written.kv} kV, {written.source}.")
    print(
        f"relion.postprocess: fn_mtf={written.file} mtf_angpix=(the detector's physical pixel on the specimen, Å)"
    )


@click.command("picking")
@click.argument(
    "asked",
    metavar="JOB",
    help="A job of relion.autopick, or one that gives micrographs.",
    shell_complete=complete_jobs,
)
@given_argument(
    "Parameters and inputs of relion.autopick; of a threshold several values with commas between."
)
@click.option(
    "--item",
    default="",
    help="The micrograph: its name or a part of it (0004), or its number (4).",
    show_default=False,
)
@click.option("-o", "--output", type=file_path, help="Draw the picks of each trial: .png, .pdf or .html.")
@project_option
@json_option
def picking(
    asked: str, given: tuple[str, ...], item: str, output: Path | None, project: Path | None, as_json: bool
) -> None:
    """Thresholds of picking, tried on one micrograph: what takes time is computed once.

    Those of templates are threshold_autopick, mindist_autopick, maxstddevnoise_autopick and minavgnoise_autopick,
    those of blobs log_adjust_thr and log_upper_thr.
    """
    from cryoloom.api.picking_trial import try_picking

    found = try_picking(open_project(project), asked, split_given(given), item=item)
    if output is not None:
        found.look().save(output)
    if as_json:
        print_json(found.as_dict())
        return
    names = [*found.trials[0].values]
    rows = [[*(f"{trial.values[name]:g}" for name in names), str(trial.picks)] for trial in found.trials]
    print(table([*names, "picks"], rows))
    source = (
        "from maps of an earlier trial" if found.is_from_maps else "the next trial will need a moment only"
    )
    print(f"{found.micrograph}; {source}." + (f" Drawn: {output}" if output is not None else ""))


@click.command("defocus-groups")
@click.argument(
    "asked", metavar="JOB", help="A job that gives particles with CTFs.", shell_complete=complete_jobs
)
@click.option(
    "--range", "defocus_range", type=float, default=1000.0, help="A group ends where it would span more, Å."
)
@click.option("--minimum", type=int, default=10, help="A group that has fewer particles goes on.")
@click.option("-o", "--output", type=file_path, help="Draw a bar for each group.")
@project_option
@json_option
def defocus_groups(
    asked: str, defocus_range: float, minimum: int, output: Path | None, project: Path | None, as_json: bool
) -> None:
    """Groups of particles of like defocus, as sets.defocus_groups would make them."""
    from cryoloom.api.defocus_groups import defocus_groups_of

    found = defocus_groups_of(
        open_project(project), asked, defocus_range=defocus_range, min_particles=minimum
    )
    if output is not None:
        found.look().save(output)
    if as_json:
        print_json(found.as_dict())
        return
    rows = [[one.name, str(one.particles), f"{one.lowest:.0f}", f"{one.highest:.0f}"] for one in found.groups]
    print(table(["rlnGroupName", "particles", "rlnDefocusU from", "to, Å"], rows))
    print(f"sets.defocus_groups: defocus_range={defocus_range:g} min_particles={minimum}")


@click.command("lowpass")
@click.argument(
    "asked", metavar="JOB|MAP", help="A job that gives a map, or a map's file.", shell_complete=complete_jobs
)
@click.option("--at", default="", help="Resolutions in Å with commas between: 20,10,8.", show_default=False)
@click.option("-o", "--output", type=file_path, help="Draw the central slices at each: .png, .pdf or .html.")
@project_option
@json_option
def lowpass(asked: str, at: str, output: Path | None, project: Path | None, as_json: bool) -> None:
    """A map as a reference or a mask would begin with it, low-pass filtered to each resolution."""
    from cryoloom.api.lowpass_preview import lowpass_preview, resolutions

    found = lowpass_preview(None if Path(asked).is_file() else open_project(project), asked, resolutions(at))
    if output is not None:
        found.look().save(output)
    if as_json:
        print_json(found.as_dict())
        return
    rows = [
        [
            f"{one.resolution:g}" if one.resolution else "as it is",
            f"{100 * one.variance_left:.1f}",
            f"{one.highest:.4g}",
        ]
        for one in found.filtered
    ]
    print(table(["Å", "% of its variance", "highest value"], rows))
    print("relion.refine3d, relion.class3d: ini_high=Å; relion.maskcreate: lowpass_filter=Å")
