"""The Compute tab of RELION's refinement programs."""

from cryoloom.protocol import ADVANCED, Param


class Compute:
    """How images are read and weights combined; none of it changes the result."""

    do_parallel_discio: bool = Param(
        True,
        "Use parallel disc I/O?",
        tab="Compute",
        help="Every rank reads its own images; No: the leader reads all.",
    )
    nr_pool: int = Param(
        3,
        "Number of pooled particles",
        tab="Compute",
        ge=1,
        help="Particles read and treated together by a thread.",
    )
    do_preread_images: bool = Param(
        False,
        "Pre-read all particles into RAM?",
        tab="Compute",
        help="Each rank holds all images: fast on slow discs.",
    )
    scratch_dir: str = Param(
        "",
        "Copy particles to scratch directory",
        tab="Compute",
        help="A fast local disc; empty: read them in place.",
    )
    do_combine_thru_disc: bool = Param(
        False, "Combine iterations through disc?", tab="Compute", help="Ranks exchange their sums as files."
    )
    use_gpu: bool = Param(
        False, "Use GPU acceleration?", tab="Compute", help="Needs a RELION that was built for it."
    )
    gpu_ids: str = Param(
        "",
        "Which GPUs to use",
        tab="Compute",
        when="use_gpu",
        help="RELION's own form: `:` between ranks, `,` between threads; empty: all.",
    )


class Compute3D(Compute):
    """For programs that work with three-dimensional references."""

    do_pad1: bool = Param(
        False, "Skip padding", tab="Compute", level=ADVANCED, help="Less memory; artefacts at the box's edge."
    )
    skip_gridding: bool = Param(
        True,
        "Skip gridding",
        tab="Compute",
        level=ADVANCED,
        help="Leave out the gridding correction; faster.",
    )


def disc_args(values: Compute) -> list[str]:
    """Arguments of reading and combining."""
    args = []
    if not values.do_combine_thru_disc:
        args.append("--dont_combine_weights_via_disc")
    if not values.do_parallel_discio:
        args.append("--no_parallel_disc_io")
    if values.do_preread_images:
        args.append("--preread_images")
    elif values.scratch_dir:
        args += ["--scratch_dir", values.scratch_dir]
    return [*args, "--pool", str(values.nr_pool)]


def padding_args(values: Compute3D) -> list[str]:
    """Arguments of padding and gridding."""
    args = ["--pad", "1" if values.do_pad1 else "2"]
    return [*args, "--skip_gridding"] if values.skip_gridding else args


def gpu_args(values: Compute) -> list[str]:
    return ["--gpu", values.gpu_ids] if values.use_gpu else []
