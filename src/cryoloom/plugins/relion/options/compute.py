"""The Compute tab of RELION's refinement programs."""

from cryoloom.protocol import ADVANCED, Param

OF_GPUS = "Kimanius2016"  # by which RELION's programs compute on GPUs: cited where they do


class Compute:
    """How images are read and weights combined; none of it changes the result."""

    do_parallel_discio: bool = Param(
        True, "Use parallel disc I/O?", tab="Compute", flag_off="--no_parallel_disc_io",
        help="Every rank reads its own images; No: the leader reads all.",
    )  # fmt: skip
    nr_pool: int = Param(
        3, "Number of pooled particles", tab="Compute", ge=1, flag="--pool",
        help="Particles read and treated together by a thread.",
    )  # fmt: skip
    do_preread_images: bool = Param(
        False, "Pre-read all particles into RAM?", tab="Compute", flag="--preread_images",
        help="Each rank holds all images: fast on slow discs.",
    )  # fmt: skip
    scratch_dir: str = Param(
        "", "Copy particles to scratch directory", tab="Compute", when="not do_preread_images", flag="--scratch_dir",
        help="A fast local disc; empty: read them in place.",
    )  # fmt: skip
    do_combine_thru_disc: bool = Param(
        False, "Combine iterations through disc?", tab="Compute", flag_off="--dont_combine_weights_via_disc",
        help="Ranks exchange their sums as files.",
    )  # fmt: skip
    use_gpu: bool = Param(
        False, "Use GPU acceleration?", tab="Compute", help="Needs a RELION that was built for it."
    )
    gpu_ids: str = Param(
        "", "Which GPUs to use", tab="Compute", when="use_gpu", flag="--gpu", written=str,
        help="RELION's own form: `:` between ranks, `,` between threads; empty: all.",
    )  # fmt: skip


class Compute3D(Compute):
    """For programs that work with three-dimensional references."""

    do_pad1: bool = Param(
        False, "Skip padding", tab="Compute", level=ADVANCED, flag="--pad 1", flag_off="--pad 2",
        help="Less memory; artefacts at the box's edge.",
    )  # fmt: skip
    skip_gridding: bool = Param(
        True, "Skip gridding", tab="Compute", level=ADVANCED, flag="--skip_gridding",
        help="Leave out the gridding correction; faster.",
    )  # fmt: skip
