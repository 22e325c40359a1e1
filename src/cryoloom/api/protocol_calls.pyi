"""The protocols as `project.run` takes them, for type checkers and editors. Made by `make stubs`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, overload

import polars as pl

from cryoloom.api.dataset import Dataset
from cryoloom.api.job import Job

class PandasFrame(Protocol):
    """Whatever speaks the interchange protocol of data frames."""

    def __dataframe__(self, nan_as_null: bool = ..., allow_copy: bool = ...) -> Any: ...

Frame: TypeAlias = pl.DataFrame | pl.LazyFrame | PandasFrame
# A job stands for its first output of a fitting kind; text is a job, `job:output`, or a file of the project. A frame is a set,
# two are its optics groups and its items.
Given: TypeAlias = Job | Dataset | Path | str | Frame | tuple[Frame, Frame]

class ProtocolCalls:
    """What a project can run."""

    @overload
    def run(
        self,
        protocol: Literal["ctf.estimate"],
        /,
        *,
        input_star_mics: Given,
        use_noDW: bool = False,
        use_given_ps: bool = False,
        resmin: float = 30,
        resmax: float = 5,
        dfmin: float = 5000,
        dfmax: float = 50000,
        do_phaseshift: bool = False,
        batch_size: int = 1,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Fit defocus and astigmatism of each micrograph; needs no other program.

        Args:
            input_star_mics: Input micrographs.
            use_noDW: Use micrograph without dose-weighting?
            use_given_ps: Use power spectra from motion correction?
            resmin: Minimum resolution (Å).
            resmax: Maximum resolution (Å).
            dfmin: Minimum defocus value (Å).
            dfmax: Maximum defocus value (Å).
            do_phaseshift: Estimate phase shifts?
            batch_size: Micrographs in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["export.coordinates"],
        /,
        *,
        input: Given,
        format: Literal["star", "box", "txt"] = "star",
        box_size: int = 0,
        do_recenter: bool = True,
        angpix: float = -1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Write particles' coordinates, one file for each micrograph.

        Args:
            input: Particles.
            format: Format.
            box_size: Box (px).
            do_recenter: With the refined shifts?
            angpix: Pixel size of the micrographs (Å).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["export.ctfs"],
        /,
        *,
        input: Given,
        how: Literal["links", "copies", "none"] = "links",
        keep_ids: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Put micrographs with their CTFs into a folder that can be taken elsewhere.

        Args:
            input: Micrographs.
            how: Micrographs are.
            keep_ids: Keep Cryoloom's ids?
        """

    @overload
    def run(
        self,
        protocol: Literal["export.particles"],
        /,
        *,
        input: Given,
        how: Literal["copies", "links"] = "copies",
        keep_ids: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Put particles with their images into a folder that can be taken elsewhere.

        Args:
            input: Particles.
            how: Images are.
            keep_ids: Keep Cryoloom's ids?
        """

    @overload
    def run(
        self,
        protocol: Literal["external.block"],
        /,
        *,
        input: Given | Sequence[Given] | None = None,
        outputs: str | Mapping[str, str] = "",
        source: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """A block of a script or notebook, `with project.external(...) as job:`, whose code and environment are recorded.

        Args:
            input: Inputs.
            outputs: Outputs.
            source: Where the code stands.
        """

    @overload
    def run(
        self,
        protocol: Literal["external.command"],
        /,
        *,
        input: Given | Sequence[Given] | None = None,
        outputs: str | Mapping[str, str] = "",
        command_line: str | Sequence[str] = "",
        nr_threads: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Run any program as a job: its inputs and outputs are typed and checked, its code and environment are recorded.

        Args:
            input: Inputs.
            outputs: Outputs.
            command_line: Program and arguments.
            nr_threads: Number of threads.
        """

    @overload
    def run(
        self,
        protocol: Literal["import.coordinates"],
        /,
        *,
        star_mics: Given,
        fn_in_other: str = "",
        scale: float = 1,
        names_match: Literal["exact", "within"] = "exact",
        batch_size: int = 20,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Bring picks of other programs to the micrographs of this project, matched by file name.

        Args:
            star_mics: Micrographs.
            fn_in_other: Coordinate files.
            scale: Multiply coordinates by.
            names_match: Names of micrographs are.
            batch_size: Items in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
        """

    @overload
    def run(
        self,
        protocol: Literal["import.mask"],
        /,
        *,
        fn_in_other: str | Path = "",
        angpix: float = -1,
        copy: bool = False,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Bring a mask into the project: a map whose values lie within 0 and 1.

        Args:
            fn_in_other: Mask.
            angpix: Pixel size (Å).
            copy: Copy the file?
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["import.micrographs"],
        /,
        *,
        fn_in_raw: str = "",
        angpix: float = 1.4,
        kV: float = 300,
        Cs: float = 2.7,
        Q0: float = 0.1,
        beamtilt_x: float = 0,
        beamtilt_y: float = 0,
        fn_mtf: str | Path = "",
        optics_group_name: str = "opticsGroup1",
        optics_groups: str = "",
        copy: bool = False,
        width: int = 0,
        height: int = 0,
        frames: int = 0,
        stream: bool = False,
        timeout: float = 43200,
        file_timeout: float = 2,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Bring micrographs (aligned sums) into the project.

        Args:
            fn_in_raw: Raw input files.
            angpix: Pixel size (Å).
            kV: Voltage (kV).
            Cs: Spherical aberration (mm).
            Q0: Amplitude contrast.
            beamtilt_x: Beamtilt in X (mrad).
            beamtilt_y: Beamtilt in Y (mrad).
            fn_mtf: MTF of the detector.
            optics_group_name: Optics group name.
            optics_groups: Optics groups by file name.
            copy: Copy the files?
            width: Expected width (px).
            height: Expected height (px).
            frames: Expected frames.
            stream: Data come while we process?
            timeout: Stop when nothing new comes for (s).
            file_timeout: A file is whole when unchanged for (s).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["import.movies"],
        /,
        *,
        fn_in_raw: str = "",
        angpix: float = 1.4,
        kV: float = 300,
        Cs: float = 2.7,
        Q0: float = 0.1,
        beamtilt_x: float = 0,
        beamtilt_y: float = 0,
        fn_mtf: str | Path = "",
        optics_group_name: str = "opticsGroup1",
        optics_groups: str = "",
        copy: bool = False,
        width: int = 0,
        height: int = 0,
        frames: int = 0,
        fn_gain_ref: str | Path = "",
        gain_rot: int = 0,
        gain_flip: int = 0,
        fn_defect: str | Path = "",
        dose_per_frame: float = 1.0,
        stream: bool = False,
        timeout: float = 43200,
        file_timeout: float = 2,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Bring movies into the project, while the microscope writes them if it does.

        Args:
            fn_in_raw: Raw input files.
            angpix: Pixel size (Å).
            kV: Voltage (kV).
            Cs: Spherical aberration (mm).
            Q0: Amplitude contrast.
            beamtilt_x: Beamtilt in X (mrad).
            beamtilt_y: Beamtilt in Y (mrad).
            fn_mtf: MTF of the detector.
            optics_group_name: Optics group name.
            optics_groups: Optics groups by file name.
            copy: Copy the files?
            width: Expected width (px).
            height: Expected height (px).
            frames: Expected frames.
            fn_gain_ref: Gain reference.
            gain_rot: Gain rotation.
            gain_flip: Gain flip.
            fn_defect: Defect file.
            dose_per_frame: Dose per frame (e/Å²).
            stream: Data come while we process?
            timeout: Stop when nothing new comes for (s).
            file_timeout: A file is whole when unchanged for (s).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["import.particles"],
        /,
        *,
        fn_in_other: str | Path = "",
        stacks_below: str | Path = "",
        micrograph_angpix: float = -1,
        optics_group_particles: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Bring particles into the project; 3.0 files get an optics table, stacks are linked.

        Args:
            fn_in_other: Particles STAR file.
            stacks_below: Folder of the image stacks.
            micrograph_angpix: Pixel size of the micrographs (Å).
            optics_group_particles: Rename optics group.
        """

    @overload
    def run(
        self,
        protocol: Literal["import.volume"],
        /,
        *,
        fn_in_other: str | Path = "",
        angpix: float = -1,
        copy: bool = False,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Bring a map into the project.

        Args:
            fn_in_other: Map.
            angpix: Pixel size (Å).
            copy: Copy the file?
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["maps.centre_averages"],
        /,
        *,
        averages: Given,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Centre class averages, so that what is picked by them has its particle in the middle.

        Args:
            averages: Class averages.
        """

    @overload
    def run(
        self,
        protocol: Literal["maps.fsc"],
        /,
        *,
        first: Given | None = None,
        second: Given | None = None,
        half_maps: Given | None = None,
        mask: Given | None = None,
        angpix: float = -1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Compare two maps shell by shell in Fourier space, within a mask or whole.

        Args:
            first: Map.
            second: Other map.
            half_maps: OR half maps.
            mask: Mask.
            angpix: Pixel size (Å).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["optics.assign"],
        /,
        *,
        input: Given,
        how: Literal["form", "table", "file name", "EPU beam shifts", "file", "EPU"] = "form",
        group_name: str = "",
        kv: float = -1,
        cs: float = -1,
        q0: float = -1,
        beamtilt_x: float = 0,
        beamtilt_y: float = 0,
        table: str | Path = "",
        pattern: str = "",
        xml_folder: str | Path = "",
        nr_groups: int = 0,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Give items their optics groups anew; what no group is found for is kept apart.

        Args:
            input: Items.
            how: Groups come from.
            group_name: Name of the group.
            kv: Voltage (kV).
            cs: Spherical aberration (mm).
            q0: Amplitude contrast.
            beamtilt_x: Beam tilt X (mrad).
            beamtilt_y: Beam tilt Y (mrad).
            table: STAR file.
            pattern: Regular expression.
            xml_folder: Folder of EPU's XML files.
            nr_groups: Number of groups.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["optics.calibrate"],
        /,
        *,
        input: Given | Sequence[Given],
        angpix: float = 0,
        factor: float = 1,
        do_defocus: bool = True,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Give particles, micrographs and maps another pixel size, with all that was measured by the old one.

        Args:
            input: What is calibrated.
            angpix: True pixel size (Å).
            factor: True size / size so far.
            do_defocus: Change the defocus too?
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.autopick"],
        /,
        *,
        fn_input_autopick: Given,
        fn_refs_autopick: Given | None = None,
        fn_ref3d_autopick: Given | None = None,
        do_ref3d: bool = False,
        do_log: bool = False,
        angpix: float = -1,
        ref3d_symmetry: str = "C1",
        ref3d_sampling: Literal["30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees", "30", "15", "7.5", "3.7", "1.8"] = "30 degrees",
        log_diam_min: float | Literal["auto"] = 200,
        log_diam_max: float | Literal["auto"] = 250,
        log_invert: bool = False,
        log_maxres: float = 20,
        log_adjust_thr: float = 0,
        log_upper_thr: float = 999,
        lowpass: float = 20,
        highpass: float = -1,
        angpix_ref: float = -1,
        particle_diameter: float = -1,
        psi_sampling_autopick: float = 5,
        do_invert_refs: bool = True,
        do_ctf_autopick: bool = True,
        do_ignore_first_ctfpeak_autopick: bool = False,
        threshold_autopick: float = 0.05,
        mindist_autopick: float = 100,
        maxstddevnoise_autopick: float = 1.1,
        minavgnoise_autopick: float = -999,
        shrink: float = 0,
        do_write_fom_maps: bool = False,
        do_read_fom_maps: bool = False,
        use_gpu: bool = False,
        gpu_ids: str = "",
        do_pick_helical_segments: bool = False,
        do_amyloid: bool = False,
        helical_tube_outer_diameter: float = 200,
        helical_nr_asu: int = 1,
        helical_rise: float = -1,
        helical_tube_kappa_max: float = 0.1,
        helical_tube_length_min: float = -1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        batch_size: int = 10,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Find particles on micrographs.

        Args:
            fn_input_autopick: Input micrographs for autopick.
            fn_refs_autopick: 2D references.
            fn_ref3d_autopick: 3D reference.
            do_ref3d: OR: provide a 3D reference?
            do_log: OR: use Laplacian-of-Gaussian?
            angpix: Pixel size in micrographs (Å).
            ref3d_symmetry: Symmetry.
            ref3d_sampling: 3D angular sampling.
            log_diam_min: Min. diameter for LoG filter (Å).
            log_diam_max: Max. diameter for LoG filter (Å).
            log_invert: Are the particles white?
            log_maxres: Maximum resolution to consider (Å).
            log_adjust_thr: Adjust default threshold (σ).
            log_upper_thr: Upper threshold (σ).
            lowpass: Lowpass filter references (Å).
            highpass: Highpass filter (Å).
            angpix_ref: Pixel size in references (Å).
            particle_diameter: Mask diameter (Å).
            psi_sampling_autopick: In-plane angular sampling (°).
            do_invert_refs: References have inverted contrast?
            do_ctf_autopick: Are References CTF corrected?
            do_ignore_first_ctfpeak_autopick: Ignore CTFs until first peak?
            threshold_autopick: Picking threshold.
            mindist_autopick: Minimum inter-particle distance (Å).
            maxstddevnoise_autopick: Maximum stddev noise.
            minavgnoise_autopick: Minimum avg noise.
            shrink: Shrink factor.
            do_write_fom_maps: Write FOM maps?
            do_read_fom_maps: Read FOM maps?
            use_gpu: Use GPU acceleration?
            gpu_ids: Which GPUs to use.
            do_pick_helical_segments: Pick 2D helical segments?
            do_amyloid: Pick amyloid segments?
            helical_tube_outer_diameter: Tube diameter (Å).
            helical_nr_asu: Number of unique asymmetrical units.
            helical_rise: Helical rise (Å).
            helical_tube_kappa_max: Maximum curvature (kappa).
            helical_tube_length_min: Minimum length (Å).
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            batch_size: Micrographs in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.bodies"],
        /,
        *,
        fn_mask: Given | Sequence[Given],
        rotate_relative_to: str | Literal["auto"] = "auto",
        sigma_angles: str = "10",
        sigma_offset: str = "3",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Say which masks are the bodies of a multi-body refinement, and how far each may move.

        Args:
            fn_mask: Masks of the bodies.
            rotate_relative_to: Each turns relative to body.
            sigma_angles: Standard deviation of angles (°).
            sigma_offset: Standard deviation of offsets (Å).
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.class2d"],
        /,
        *,
        fn_img: Given,
        fn_cont: Given | None = None,
        do_ctf_correction: bool = True,
        ctf_intact_first_peak: bool = False,
        particle_diameter: float | Literal["auto"] = 200,
        do_zero_mask: bool = True,
        nr_classes: int = 1,
        tau_fudge: float = 2,
        nr_iter: int = 25,
        do_fast_subsets: bool = False,
        highres_limit: float = -1,
        dont_skip_align: bool = True,
        offset_range: float = 5,
        offset_step: float = 1,
        allow_coarser: bool = False,
        psi_sampling: float = 6,
        do_helix: bool = False,
        helical_tube_outer_diameter: float = 200,
        do_bimodal_psi: bool = True,
        range_psi: float = 6,
        do_restrict_xoff: bool = True,
        helical_rise: float = 4.75,
        do_parallel_discio: bool = True,
        nr_pool: int = 3,
        do_preread_images: bool = False,
        scratch_dir: str = "",
        do_combine_thru_disc: bool = False,
        use_gpu: bool = False,
        gpu_ids: str = "",
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        nr_threads: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Sort particle images into 2D classes and average each class.

        Args:
            fn_img: Input images.
            fn_cont: Continue from here.
            do_ctf_correction: Do CTF-correction?
            ctf_intact_first_peak: Ignore CTFs until first peak?
            particle_diameter: Mask diameter (Å).
            do_zero_mask: Mask individual particles with zeros?
            nr_classes: Number of classes.
            tau_fudge: Regularisation parameter T.
            nr_iter: Number of iterations.
            do_fast_subsets: Use fast subsets (for large data sets)?
            highres_limit: Limit resolution E-step to (Å).
            dont_skip_align: Perform image alignment?
            offset_range: Offset search range (px).
            offset_step: Offset search step (px).
            allow_coarser: Allow coarser sampling?
            psi_sampling: In-plane angular sampling (°).
            do_helix: Classify 2D helical segments?
            helical_tube_outer_diameter: Tube diameter (Å).
            do_bimodal_psi: Do bimodal angular searches?
            range_psi: Angular search range - psi (°).
            do_restrict_xoff: Restrict helical offsets to rise?
            helical_rise: Helical rise (Å).
            do_parallel_discio: Use parallel disc I/O?
            nr_pool: Number of pooled particles.
            do_preread_images: Pre-read all particles into RAM?
            scratch_dir: Copy particles to scratch directory.
            do_combine_thru_disc: Combine iterations through disc?
            use_gpu: Use GPU acceleration?
            gpu_ids: Which GPUs to use.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.class3d"],
        /,
        *,
        fn_img: Given,
        fn_cont: Given | None = None,
        fn_ref: Given,
        fn_mask: Given | None = None,
        ref_correct_greyscale: bool = False,
        ini_high: float = 60,
        sym_name: str = "C1",
        do_ctf_correction: bool = True,
        ctf_intact_first_peak: bool = False,
        ctf_corrected_ref: bool = False,
        particle_diameter: float | Literal["auto"] = 200,
        do_zero_mask: bool = True,
        nr_classes: int = 1,
        tau_fudge: float = 4,
        nr_iter: int = 25,
        do_fast_subsets: bool = False,
        highres_limit: float = -1,
        dont_skip_align: bool = True,
        offset_range: float = 5,
        offset_step: float = 1,
        allow_coarser: bool = False,
        sampling: Literal["30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees", "0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees", "30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"] = "7.5 degrees",
        do_local_ang_searches: bool = False,
        sigma_angles: float = 5,
        relax_sym: str = "",
        do_helix: bool = False,
        helical_tube_inner_diameter: float = -1,
        helical_tube_outer_diameter: float = -1,
        range_rot: float = -1,
        range_tilt: float = 15,
        range_psi: float = 10,
        do_apply_helical_symmetry: bool = True,
        helical_nr_asu: int = 1,
        helical_twist_initial: float = 0,
        helical_rise_initial: float = 0,
        helical_z_percentage: float = 30,
        do_local_search_helical_symmetry: bool = False,
        helical_twist_min: float = 0,
        helical_twist_max: float = 0,
        helical_twist_inistep: float = 0,
        helical_rise_min: float = 0,
        helical_rise_max: float = 0,
        helical_rise_inistep: float = 0,
        helical_range_distance: float = -1,
        keep_tilt_prior_fixed: bool = True,
        do_parallel_discio: bool = True,
        nr_pool: int = 3,
        do_preread_images: bool = False,
        scratch_dir: str = "",
        do_combine_thru_disc: bool = False,
        use_gpu: bool = False,
        gpu_ids: str = "",
        do_pad1: bool = False,
        skip_gridding: bool = True,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        nr_threads: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Sort particles into 3D classes, with or without aligning them.

        Args:
            fn_img: Input images.
            fn_cont: Continue from here.
            fn_ref: Reference map.
            fn_mask: Reference mask (optional).
            ref_correct_greyscale: Ref. map is on absolute greyscale?
            ini_high: Initial low-pass filter (Å).
            sym_name: Symmetry.
            do_ctf_correction: Do CTF-correction?
            ctf_intact_first_peak: Ignore CTFs until first peak?
            ctf_corrected_ref: Has reference been CTF-corrected?
            particle_diameter: Mask diameter (Å).
            do_zero_mask: Mask individual particles with zeros?
            nr_classes: Number of classes.
            tau_fudge: Regularisation parameter T.
            nr_iter: Number of iterations.
            do_fast_subsets: Use fast subsets (for large data sets)?
            highres_limit: Limit resolution E-step to (Å).
            dont_skip_align: Perform image alignment?
            offset_range: Offset search range (px).
            offset_step: Offset search step (px).
            allow_coarser: Allow coarser sampling?
            sampling: Angular sampling interval.
            do_local_ang_searches: Perform local angular searches?
            sigma_angles: Local angular search range (°).
            relax_sym: Relax symmetry.
            do_helix: Do helical reconstruction?
            helical_tube_inner_diameter: Tube diameter - inner (Å).
            helical_tube_outer_diameter: Tube diameter - outer (Å).
            range_rot: Angular search range - rot (°).
            range_tilt: Angular search range - tilt (°).
            range_psi: Angular search range - psi (°).
            do_apply_helical_symmetry: Apply helical symmetry?
            helical_nr_asu: Number of unique asymmetrical units.
            helical_twist_initial: Initial helical twist (°).
            helical_rise_initial: Initial helical rise (Å).
            helical_z_percentage: Central Z length (%).
            do_local_search_helical_symmetry: Do local searches of symmetry?
            helical_twist_min: Helical twist search - Min (°).
            helical_twist_max: Helical twist search - Max (°).
            helical_twist_inistep: Helical twist search - Step (°).
            helical_rise_min: Helical rise search - Min (Å).
            helical_rise_max: Helical rise search - Max (Å).
            helical_rise_inistep: Helical rise search - Step (Å).
            helical_range_distance: Range factor of local averaging.
            keep_tilt_prior_fixed: Keep tilt-prior fixed.
            do_parallel_discio: Use parallel disc I/O?
            nr_pool: Number of pooled particles.
            do_preread_images: Pre-read all particles into RAM?
            scratch_dir: Copy particles to scratch directory.
            do_combine_thru_disc: Combine iterations through disc?
            use_gpu: Use GPU acceleration?
            gpu_ids: Which GPUs to use.
            do_pad1: Skip padding.
            skip_gridding: Skip gridding.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.compress_movies"],
        /,
        *,
        input: Given,
        compression: Literal["auto", "none", "deflate", "lzw"] | Literal["auto"] = "auto",
        deflate_level: int = 6,
        other_args: str = "",
        nr_threads: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Write integer movies as compressed TIFF: the same counts in a third of the room.

        Args:
            input: Movies.
            compression: Compression.
            deflate_level: Deflate level.
            other_args: Additional arguments.
            nr_threads: Number of threads.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.ctffind"],
        /,
        *,
        input_star_mics: Given,
        use_noDW: bool = False,
        do_phaseshift: bool = False,
        phase_min: float = 0,
        phase_max: float = 180,
        phase_step: float = 10,
        dast: float = 100,
        use_ctffind4: bool = True,
        fn_ctffind_exe: str = "ctffind",
        use_given_ps: bool = False,
        slow_search: bool = False,
        ctf_win: int = -1,
        box: int = 512,
        resmin: float = 30,
        resmax: float = 5,
        dfmin: float = 5000,
        dfmax: float = 50000,
        dfstep: float = 500,
        use_gctf: bool = False,
        fn_gctf_exe: str = "Gctf",
        do_ignore_ctffind_params: bool = True,
        do_EPA: bool = False,
        other_gctf_args: str = "",
        gpu_ids: str = "",
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        batch_size: int = 20,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Fit the CTF of each micrograph with CTFFIND 4.1 or Gctf, which you have to have.

        Args:
            input_star_mics: Input micrographs STAR file.
            use_noDW: Use micrograph without dose-weighting?
            do_phaseshift: Estimate phase shifts?
            phase_min: Phase shift minimum (°).
            phase_max: Phase shift maximum (°).
            phase_step: Phase shift step (°).
            dast: Amount of astigmatism (Å).
            use_ctffind4: Use CTFFIND-4.1?
            fn_ctffind_exe: CTFFIND-4.1 executable.
            use_given_ps: Use power spectra from MotionCorr job?
            slow_search: Use exhaustive search?
            ctf_win: Estimate CTF on window size (px).
            box: FFT box size (px).
            resmin: Minimum resolution (Å).
            resmax: Maximum resolution (Å).
            dfmin: Minimum defocus value (Å).
            dfmax: Maximum defocus value (Å).
            dfstep: Defocus step size (Å).
            use_gctf: Use Gctf instead?
            fn_gctf_exe: Gctf executable.
            do_ignore_ctffind_params: Ignore 'Searches' parameters?
            do_EPA: Perform equi-phase averaging?
            other_gctf_args: Other Gctf options.
            gpu_ids: Which GPUs to use.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            batch_size: Items in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.ctfrefine"],
        /,
        *,
        fn_data: Given,
        fn_post: Given,
        minres: float = 30,
        do_aniso_mag: bool = False,
        do_ctf: bool = True,
        do_defocus: Literal["No", "Per-micrograph", "Per-particle"] = "No",
        do_astig: Literal["No", "Per-micrograph", "Per-particle"] = "No",
        do_bfactor: Literal["No", "Per-micrograph", "Per-particle"] = "No",
        do_phase: Literal["No", "Per-micrograph", "Per-particle"] = "No",
        do_tilt: bool = False,
        do_trefoil: bool = False,
        do_4thorder: bool = False,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        nr_threads: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Refine CTF parameters against the half maps: magnification first and alone, then defocus, then aberrations.

        Args:
            fn_data: Particles (from Refine3D or CtfRefine).
            fn_post: Postprocess STAR file (from PostProcess).
            minres: Minimum resolution for fits (Å).
            do_aniso_mag: Estimate (anisotropic) magnification?
            do_ctf: Perform CTF parameter fitting?
            do_defocus: Fit defocus?
            do_astig: Fit astigmatism?
            do_bfactor: Fit B-factor?
            do_phase: Fit phase-shift?
            do_tilt: Estimate beamtilt?
            do_trefoil: Also estimate trefoil?
            do_4thorder: Estimate 4th order aberrations?
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.estimate_gain"],
        /,
        *,
        input: Given,
        max_frames: int = -1,
        do_random: bool = False,
        dont_invert: bool = False,
        other_args: str = "",
        nr_threads: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Average the frames of many movies: what is left of the picture is the detector.

        Args:
            input: Movies.
            max_frames: Frames.
            do_random: Movies in random order?
            dont_invert: Write the sum itself?
            other_args: Additional arguments.
            nr_threads: Number of threads.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.extract"],
        /,
        *,
        star_mics: Given,
        coords_suffix: Given | None = None,
        fndata_reextract: Given | None = None,
        do_reextract: bool = False,
        do_reset_offsets: bool = False,
        do_recenter: bool = False,
        recenter_x: float = 0,
        recenter_y: float = 0,
        recenter_z: float = 0,
        extract_size: int | Literal["auto"] = 128,
        do_invert: bool = True,
        do_norm: bool = True,
        bg_diameter: float = -1,
        white_dust: float = -1,
        black_dust: float = -1,
        do_rescale: bool = False,
        rescale: int = 128,
        do_extract_helix: bool = False,
        helical_tube_outer_diameter: float = 200,
        helical_bimodal_angular_priors: bool = True,
        do_extract_helical_tubes: bool = True,
        do_cut_into_segments: bool = True,
        helical_nr_asu: int = 1,
        helical_rise: float = 1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        batch_size: int = 20,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Cut particle images out of micrographs, normalise and bin them.

        Args:
            star_mics: Micrograph STAR file.
            coords_suffix: Input coordinates.
            fndata_reextract: Refined particles STAR file.
            do_reextract: OR re-extract refined particles?
            do_reset_offsets: Reset the refined offsets to zero?
            do_recenter: OR: re-center refined coordinates?
            recenter_x: Recenter on X (px).
            recenter_y: Recenter on Y (px).
            recenter_z: Recenter on Z (px).
            extract_size: Particle box size (px).
            do_invert: Invert contrast?
            do_norm: Normalize particles?
            bg_diameter: Diameter background circle (px).
            white_dust: Stddev for white dust removal.
            black_dust: Stddev for black dust removal.
            do_rescale: Rescale particles?
            rescale: Re-scaled size (px).
            do_extract_helix: Extract helical segments?
            helical_tube_outer_diameter: Tube diameter (Å).
            helical_bimodal_angular_priors: Use bimodal angular priors?
            do_extract_helical_tubes: Coordinates are start-end only?
            do_cut_into_segments: Cut helical tubes into segments?
            helical_nr_asu: Number of unique asymmetrical units.
            helical_rise: Helical rise (Å).
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            batch_size: Items in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.flip_hand"],
        /,
        *,
        fn_in: Given,
        particles_in: Given | None = None,
        half_maps_in: Given | None = None,
        mask_in: Given | None = None,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Mirror a map and all that goes with it, so that work goes on with the right hand.

        Args:
            fn_in: Map.
            particles_in: Particles.
            half_maps_in: Half maps.
            mask_in: Mask.
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.helix_impose"],
        /,
        *,
        fn_in: Given,
        found: Given | None = None,
        half_maps_in: Given | None = None,
        angpix: float | Literal["auto"] = "auto",
        cyl_outer_diameter: float = 200,
        cyl_inner_diameter: float = -1,
        z_percentage: float = 30,
        rise: float | Literal["auto"] = "auto",
        twist: float | Literal["auto"] = "auto",
        sphere_percentage: float = 90,
        width: float = 5,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Average a map along its helix, from the good middle of the box to its ends.

        Args:
            fn_in: Map.
            found: Rise and twist.
            half_maps_in: Half maps.
            angpix: Pixel size (Å).
            cyl_outer_diameter: Tube diameter - outer (Å).
            cyl_inner_diameter: Tube diameter - inner (Å).
            z_percentage: Central Z length (%).
            rise: Rise (Å).
            twist: Twist (°).
            sphere_percentage: Diameter of the sphere (%).
            width: Soft edge (px).
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.helix_reference"],
        /,
        *,
        boxdim: int = 300,
        angpix: float = 1,
        cyl_outer_diameter: float = 200,
        cyl_inner_diameter: float = -1,
        sphere_percentage: float = 90,
        width: float = 5,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Make a featureless cylinder along Z, to begin a helical classification or refinement with.

        Args:
            boxdim: Box size (px).
            angpix: Pixel size (Å).
            cyl_outer_diameter: Tube diameter - outer (Å).
            cyl_inner_diameter: Tube diameter - inner (Å).
            sphere_percentage: Diameter of the sphere (%).
            width: Soft edge (px).
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.helix_search"],
        /,
        *,
        fn_in: Given,
        angpix: float | Literal["auto"] = "auto",
        cyl_outer_diameter: float = 200,
        cyl_inner_diameter: float = -1,
        z_percentage: float = 30,
        rise_min: float = 0.0,
        rise_max: float = 0,
        rise_inistep: float = -1,
        twist_min: float = 0,
        twist_max: float = 0,
        twist_inistep: float = -1,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Search rise and twist within ranges: where a map is most like itself along the helix.

        Args:
            fn_in: Map.
            angpix: Pixel size (Å).
            cyl_outer_diameter: Tube diameter - outer (Å).
            cyl_inner_diameter: Tube diameter - inner (Å).
            z_percentage: Central Z length (%).
            rise_min: Rise, at least (Å).
            rise_max: Rise, at most (Å).
            rise_inistep: First step of rise (Å).
            twist_min: Twist, at least (°).
            twist_max: Twist, at most (°).
            twist_inistep: First step of twist (°).
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.image_handler"],
        /,
        *,
        fn_in: Given,
        angpix: float = -1,
        rescale_angpix: float = -1,
        new_box: int = -1,
        lowpass: float = -1,
        highpass: float = -1,
        invert_hand: bool = False,
        sym: str = "",
        shift_com: bool = False,
        multiply_constant: float = 1,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Change a map: pixel size, box, resolution, hand, symmetry.

        Args:
            fn_in: Input map.
            angpix: Pixel size of the input (Å).
            rescale_angpix: New pixel size (Å).
            new_box: New box size (px).
            lowpass: Low-pass filter (Å).
            highpass: High-pass filter (Å).
            invert_hand: Invert the hand?
            sym: Symmetrise.
            shift_com: Shift the centre of mass to the centre?
            multiply_constant: Multiply by.
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.inimodel"],
        /,
        *,
        fn_img: Given,
        fn_cont: Given | None = None,
        do_ctf_correction: bool = True,
        ctf_intact_first_peak: bool = False,
        particle_diameter: float | Literal["auto"] = 200,
        nr_classes: int = 1,
        do_solvent: bool = True,
        sym_name: str = "C1",
        sampling: Literal["30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees", "0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees", "30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"] = "15 degrees",
        offset_range: float = 6,
        offset_step: float = 2,
        sgd_ini_iter: int = 50,
        sgd_inbetween_iter: int = 200,
        sgd_fin_iter: int = 50,
        sgd_ini_resol: float = 35,
        sgd_fin_resol: float = 15,
        sgd_ini_subset_size: int = 100,
        sgd_fin_subset_size: int = 500,
        sgd_write_iter: int = 10,
        do_parallel_discio: bool = True,
        nr_pool: int = 3,
        do_preread_images: bool = False,
        scratch_dir: str = "",
        do_combine_thru_disc: bool = False,
        use_gpu: bool = False,
        gpu_ids: str = "",
        do_pad1: bool = False,
        skip_gridding: bool = True,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        nr_threads: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Find a first 3D map from particles alone, by stochastic gradient descent.

        Args:
            fn_img: Input images.
            fn_cont: Continue from here.
            do_ctf_correction: Do CTF-correction?
            ctf_intact_first_peak: Ignore CTFs until first peak?
            particle_diameter: Mask diameter (Å).
            nr_classes: Number of classes.
            do_solvent: Flatten and enforce non-negative solvent?
            sym_name: Symmetry.
            sampling: Initial angular sampling.
            offset_range: Offset search range (px).
            offset_step: Offset search step (px).
            sgd_ini_iter: Number of initial iterations.
            sgd_inbetween_iter: Number of in-between iterations.
            sgd_fin_iter: Number of final iterations.
            sgd_ini_resol: Initial resolution (Å).
            sgd_fin_resol: Final resolution (Å).
            sgd_ini_subset_size: Initial mini-batch size.
            sgd_fin_subset_size: Final mini-batch size.
            sgd_write_iter: Write-out frequency (iterations).
            do_parallel_discio: Use parallel disc I/O?
            nr_pool: Number of pooled particles.
            do_preread_images: Pre-read all particles into RAM?
            scratch_dir: Copy particles to scratch directory.
            do_combine_thru_disc: Combine iterations through disc?
            use_gpu: Use GPU acceleration?
            gpu_ids: Which GPUs to use.
            do_pad1: Skip padding.
            skip_gridding: Skip gridding.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.joinstar"],
        /,
        *,
        fn_part1: Given | None = None,
        fn_part2: Given | None = None,
        fn_part3: Given | None = None,
        fn_part4: Given | None = None,
        fn_mic1: Given | None = None,
        fn_mic2: Given | None = None,
        fn_mic3: Given | None = None,
        fn_mic4: Given | None = None,
        fn_mov1: Given | None = None,
        fn_mov2: Given | None = None,
        fn_mov3: Given | None = None,
        fn_mov4: Given | None = None,
        do_part: bool = False,
        do_mic: bool = False,
        do_mov: bool = False,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Join tables of one kind by RELION's program; for more than four, or while they grow: sets.join.

        Args:
            fn_part1: Particle STAR file 1.
            fn_part2: Particle STAR file 2.
            fn_part3: Particle STAR file 3.
            fn_part4: Particle STAR file 4.
            fn_mic1: Micrograph STAR file 1.
            fn_mic2: Micrograph STAR file 2.
            fn_mic3: Micrograph STAR file 3.
            fn_mic4: Micrograph STAR file 4.
            fn_mov1: Movie STAR file 1.
            fn_mov2: Movie STAR file 2.
            fn_mov3: Movie STAR file 3.
            fn_mov4: Movie STAR file 4.
            do_part: Combine particle STAR files?
            do_mic: Combine micrograph STAR files?
            do_mov: Combine movie STAR files?
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.localres"],
        /,
        *,
        fn_in: Given,
        fn_mask: Given | None = None,
        angpix: float = -1,
        do_relion_locres: bool = True,
        adhoc_bfac: float = -100,
        fn_mtf: str | Path = "",
        mtf_angpix: float = -1,
        do_resmap_locres: bool = False,
        fn_resmap: str | Path = "",
        pval: float = 0.05,
        minres: float = 0,
        maxres: float = 0,
        stepres: float = 1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Estimate the resolution in each part of a map, and filter the map by it.

        Args:
            fn_in: One of the 2 unfiltered half-maps.
            fn_mask: User-provided solvent mask.
            angpix: Calibrated pixel size (Å).
            do_relion_locres: Use Relion?
            adhoc_bfac: User-provided B-factor (Å²).
            fn_mtf: MTF of the detector.
            mtf_angpix: Original detector pixel size (Å).
            do_resmap_locres: Use ResMap?
            fn_resmap: ResMap executable.
            pval: P-value.
            minres: Highest resolution (Å).
            maxres: Lowest resolution (Å).
            stepres: Resolution step size (Å).
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.localsym"],
        /,
        *,
        fn_in: Given,
        masks: Given | Sequence[Given],
        half_maps_in: Given | None = None,
        angpix: float | Literal["auto"] = "auto",
        operators: str = "",
        do_local_search: bool = True,
        ang_step: float = 15,
        offset_range: float = 6,
        offset_step: float = 3,
        binning: float = 2,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Find how copies of one unit lie in a map, and average them there.

        Args:
            fn_in: Map.
            masks: Masks.
            half_maps_in: Half maps.
            angpix: Pixel size (Å).
            operators: Operators that are known.
            do_local_search: Refine the operators?
            ang_step: Angular step (°).
            offset_range: Offset range (Å).
            offset_step: Offset step (Å).
            binning: Binning of the first search.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.manualpick"],
        /,
        *,
        fn_in: Given,
        begin_with: Given | None = None,
        diameter: float = 100,
        micscale: float = 0.2,
        sigma_contrast: float = 3,
        white_val: float = 0,
        black_val: float = 0,
        lowpass: float = 20,
        highpass: float = -1,
        angpix: float = -1,
        do_startend: bool = False,
        ctfscale: float = 1,
        do_color: bool = False,
        color_label: str = "rlnParticleSelectZScore",
        fn_color: str | Path = "",
        blue_value: float = 0,
        red_value: float = 2,
        other_args: str = "",
        batch_size: int = 100,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Pick particles by hand: `cryoloom picks` and RELION's window edit what this job holds.

        Args:
            fn_in: Input micrographs.
            begin_with: Begin with the picks of.
            diameter: Particle diameter (Å).
            micscale: Scale for micrographs.
            sigma_contrast: Sigma contrast (σ).
            white_val: White value.
            black_val: Black value.
            lowpass: Lowpass filter (Å).
            highpass: Highpass filter (Å).
            angpix: Pixel size (Å).
            do_startend: Pick start-end coordinates helices?
            ctfscale: Scale for CTF image.
            do_color: Blue<>red color particles?
            color_label: MetaDataLabel for color.
            fn_color: STAR file with color label.
            blue_value: Blue value.
            red_value: Red value.
            other_args: Additional arguments.
            batch_size: Micrographs in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.maskcreate"],
        /,
        *,
        fn_in: Given,
        lowpass_filter: float = 15,
        angpix: float = -1,
        inimask_threshold: float | Literal["auto"] = "auto",
        extend_inimask: int = 3,
        width_mask_edge: int = 3,
        do_helix: bool = False,
        helical_z_percentage: float = 30,
        other_args: str = "",
        nr_threads: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Make a mask with a soft edge from a map.

        Args:
            fn_in: Input 3D map.
            lowpass_filter: Lowpass filter map (Å).
            angpix: Pixel size (Å).
            inimask_threshold: Initial binarisation threshold.
            extend_inimask: Extend binary map this many pixels (px).
            width_mask_edge: Add a soft-edge of this many pixels (px).
            do_helix: Mask a 3D helix?
            helical_z_percentage: Central Z length (%).
            other_args: Additional arguments.
            nr_threads: Number of threads.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.motioncorr"],
        /,
        *,
        input_star_mics: Given,
        first_frame_sum: int = 1,
        last_frame_sum: int = -1,
        dose_per_frame: float | Literal["auto"] = "auto",
        pre_exposure: float = 0,
        eer_grouping: int = 32,
        do_dose_weighting: bool = True,
        do_save_noDW: bool = False,
        do_save_ps: bool = False,
        group_for_ps: float = 4,
        bfactor: float = 150,
        patch_x: int | Literal["auto"] = 1,
        patch_y: int | Literal["auto"] = 1,
        group_frames: int = 1,
        bin_factor: float = 1,
        fn_gain_ref: str | Path | Literal["auto"] = "auto",
        gain_rot: Literal["No rotation (0)", "90 degrees (1)", "180 degrees (2)", "270 degrees (3)", "0", "1", "2", "3"] | Literal["auto"] = "auto",
        gain_flip: Literal["No flipping (0)", "Flip upside down (1)", "Flip left to right (2)", "0", "1", "2"] | Literal["auto"] = "auto",
        fn_defect: str | Path | Literal["auto"] = "auto",
        do_own_motioncor: bool = True,
        fn_motioncor2_exe: str = "MotionCor2",
        gpu_ids: str = "0",
        other_motioncor2_args: str = "",
        nr_threads: int | Literal["auto"] = 1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        batch_size: int = 1,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Align the frames of each movie and add them up, weighted by dose.

        Args:
            input_star_mics: Input movies STAR file.
            first_frame_sum: First frame for corrected sum.
            last_frame_sum: Last frame for corrected sum.
            dose_per_frame: Dose per frame (e/Å²).
            pre_exposure: Pre-exposure (e/Å²).
            eer_grouping: EER fractionation.
            do_dose_weighting: Do dose-weighting?
            do_save_noDW: Save non-dose weighted as well?
            do_save_ps: Save sum of power spectra?
            group_for_ps: Sum power spectra every (e/Å²).
            bfactor: Bfactor (Å²).
            patch_x: Number of patches X.
            patch_y: Number of patches Y.
            group_frames: Group frames.
            bin_factor: Binning factor.
            fn_gain_ref: Gain-reference image.
            gain_rot: Gain rotation.
            gain_flip: Gain flip.
            fn_defect: Defect file.
            do_own_motioncor: Use RELION's own implementation?
            fn_motioncor2_exe: MOTIONCOR2 executable.
            gpu_ids: Which GPUs to use.
            other_motioncor2_args: Other MOTIONCOR2 arguments.
            nr_threads: Number of threads.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            batch_size: Movies in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.multibody"],
        /,
        *,
        fn_in: Given,
        fn_cont: Given | None = None,
        fn_bodies: Given,
        nr_bodies: int = 2,
        do_subtracted_bodies: bool = True,
        sampling: Literal["30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees", "0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees", "30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"] = "1.8 degrees",
        offset_range: float = 3,
        offset_step: float = 0.75,
        do_analyse: bool = True,
        nr_movies: int = 3,
        do_select: bool = False,
        select_eigenval: int = 1,
        eigenval_min: float = -999,
        eigenval_max: float = 999,
        do_parallel_discio: bool = True,
        nr_pool: int = 3,
        do_preread_images: bool = False,
        scratch_dir: str = "",
        do_combine_thru_disc: bool = False,
        use_gpu: bool = False,
        gpu_ids: str = "",
        do_pad1: bool = False,
        skip_gridding: bool = True,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 3,
        nr_threads: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Refine the parts of a molecule against each other, and analyse how particles differ in them.

        Args:
            fn_in: Consensus refinement optimiser.star.
            fn_cont: Continue from here.
            fn_bodies: Body STAR file.
            nr_bodies: Number of bodies.
            do_subtracted_bodies: Reconstruct subtracted bodies?
            sampling: Initial angular sampling.
            offset_range: Initial offset range (px).
            offset_step: Initial offset step (px).
            do_analyse: Run flexibility analysis?
            nr_movies: Number of eigenvector movies.
            do_select: Select particles based on eigenvalues?
            select_eigenval: Select on eigenvalue.
            eigenval_min: Minimum eigenvalue.
            eigenval_max: Maximum eigenvalue.
            do_parallel_discio: Use parallel disc I/O?
            nr_pool: Number of pooled particles.
            do_preread_images: Pre-read all particles into RAM?
            scratch_dir: Copy particles to scratch directory.
            do_combine_thru_disc: Combine iterations through disc?
            use_gpu: Use GPU acceleration?
            gpu_ids: Which GPUs to use.
            do_pad1: Skip padding.
            skip_gridding: Skip gridding.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.polish"],
        /,
        *,
        fn_data: Given,
        fn_post: Given,
        fn_mic: Given,
        opt_params: Given | None = None,
        first_frame: int = 1,
        last_frame: int = -1,
        extract_size: int = -1,
        rescale: int = -1,
        do_param_optim: bool = False,
        eval_frac: float = 0.5,
        optim_min_part: int = 10000,
        do_polish: bool = True,
        do_own_params: bool = False,
        sigma_vel: float = 0.2,
        sigma_div: float = 5000,
        sigma_acc: float = 2,
        minres: float = 20,
        maxres: float = -1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        nr_threads: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Follow the motion of each particle through its movie and add its frames up anew: train first, polish then.

        Args:
            fn_data: Particles (from Refine3D or CtfRefine).
            fn_post: Postprocess STAR file (from PostProcess).
            fn_mic: Micrographs (from MotionCorr).
            opt_params: Optimised parameter file.
            first_frame: First movie frame.
            last_frame: Last movie frame.
            extract_size: Extraction size (px).
            rescale: Re-scaled size (px).
            do_param_optim: Train optimal parameters?
            eval_frac: Fraction of Fourier pixels for testing.
            optim_min_part: Use this many particles.
            do_polish: Perform particle polishing?
            do_own_params: OR use your own parameters?
            sigma_vel: Sigma for velocity (Å/dose).
            sigma_div: Sigma for divergence (Å).
            sigma_acc: Sigma for acceleration (Å/dose).
            minres: Minimum resolution for B-factor fit (Å).
            maxres: Maximum resolution for B-factor fit (Å).
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.postprocess"],
        /,
        *,
        fn_in: Given,
        fn_mask: Given,
        angpix: float = -1,
        do_auto_bfac: bool = True,
        autob_lowres: float = 10,
        do_adhoc_bfac: bool = False,
        adhoc_bfac: float = -1000,
        do_skip_fsc_weighting: bool = False,
        low_pass: float = 5,
        fn_mtf: str | Path = "",
        mtf_angpix: float = 1,
        other_args: str = "",
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Estimate the resolution within a mask and sharpen the map.

        Args:
            fn_in: One of the 2 unfiltered half-maps.
            fn_mask: Solvent mask.
            angpix: Calibrated pixel size (Å).
            do_auto_bfac: Estimate B-factor automatically?
            autob_lowres: Lowest resolution for auto-B fit (Å).
            do_adhoc_bfac: Use your own B-factor?
            adhoc_bfac: User-provided B-factor (Å²).
            do_skip_fsc_weighting: Skip FSC-weighting?
            low_pass: Ad-hoc low-pass filter (Å).
            fn_mtf: MTF of the detector.
            mtf_angpix: Original detector pixel size (Å).
            other_args: Additional arguments.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.preprocess"],
        /,
        *,
        input: Given,
        scale: int = -1,
        window: int = -1,
        do_norm: bool = False,
        bg_diameter: float = -1,
        white_dust: float = -1,
        black_dust: float = -1,
        do_invert: bool = False,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Normalise, scale, cut or invert particles' images; all else of them stays.

        Args:
            input: Particles.
            scale: Re-scale to (px).
            window: Cut or pad to (px).
            do_norm: Normalise?
            bg_diameter: Diameter background circle (px).
            white_dust: Sigma for white dust removal.
            black_dust: Sigma for black dust removal.
            do_invert: Invert contrast?
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.reconstruct"],
        /,
        *,
        input: Given,
        sym_name: str = "C1",
        do_halves: bool = False,
        of_class: int = -1,
        maxres: float = -1,
        do_ctf_correction: bool = True,
        ctf_intact_first_peak: bool = False,
        do_ewald: bool = False,
        mask_diameter: float = -1,
        reverse_curvature: bool = False,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        do_pad1: bool = False,
        do_skip_gridding: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Make a map of particles as they are oriented now.

        Args:
            input: Particles.
            sym_name: Symmetry.
            do_halves: Both half maps?
            of_class: Only this class.
            maxres: Maximum resolution (Å).
            do_ctf_correction: Do CTF-correction?
            ctf_intact_first_peak: Ignore CTFs until first peak?
            do_ewald: Correct for Ewald-sphere curvature?
            mask_diameter: Mask diameter (Å).
            reverse_curvature: Reverse the curvature?
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            do_pad1: Skip padding.
            do_skip_gridding: Skip gridding.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.refine3d"],
        /,
        *,
        fn_img: Given,
        fn_cont: Given | None = None,
        fn_ref: Given,
        fn_mask: Given | None = None,
        ref_correct_greyscale: bool = False,
        ini_high: float = 60,
        sym_name: str = "C1",
        do_ctf_correction: bool = True,
        ctf_intact_first_peak: bool = False,
        ctf_corrected_ref: bool = False,
        particle_diameter: float | Literal["auto"] = 200,
        do_zero_mask: bool = True,
        do_solvent_fsc: bool = False,
        sampling: Literal["30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees", "0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees", "30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"] = "7.5 degrees",
        offset_range: float = 5,
        offset_step: float = 1,
        auto_local_sampling: Literal["30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees", "0.9 degrees", "0.5 degrees", "0.2 degrees", "0.1 degrees", "30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"] = "1.8 degrees",
        relax_sym: str = "",
        auto_faster: bool = False,
        do_helix: bool = False,
        helical_tube_inner_diameter: float = -1,
        helical_tube_outer_diameter: float = -1,
        range_rot: float = -1,
        range_tilt: float = 15,
        range_psi: float = 10,
        do_apply_helical_symmetry: bool = True,
        helical_nr_asu: int = 1,
        helical_twist_initial: float = 0,
        helical_rise_initial: float = 0,
        helical_z_percentage: float = 30,
        do_local_search_helical_symmetry: bool = False,
        helical_twist_min: float = 0,
        helical_twist_max: float = 0,
        helical_twist_inistep: float = 0,
        helical_rise_min: float = 0,
        helical_rise_max: float = 0,
        helical_rise_inistep: float = 0,
        helical_range_distance: float = -1,
        keep_tilt_prior_fixed: bool = True,
        do_parallel_discio: bool = True,
        nr_pool: int = 3,
        do_preread_images: bool = False,
        scratch_dir: str = "",
        do_combine_thru_disc: bool = False,
        use_gpu: bool = False,
        gpu_ids: str = "",
        do_pad1: bool = False,
        skip_gridding: bool = True,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 3,
        nr_threads: int | Literal["auto"] = 1,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Refine orientations and map, two independent halves, until nothing improves.

        Args:
            fn_img: Input images.
            fn_cont: Continue from here.
            fn_ref: Reference map.
            fn_mask: Reference mask (optional).
            ref_correct_greyscale: Ref. map is on absolute greyscale?
            ini_high: Initial low-pass filter (Å).
            sym_name: Symmetry.
            do_ctf_correction: Do CTF-correction?
            ctf_intact_first_peak: Ignore CTFs until first peak?
            ctf_corrected_ref: Has reference been CTF-corrected?
            particle_diameter: Mask diameter (Å).
            do_zero_mask: Mask individual particles with zeros?
            do_solvent_fsc: Use solvent-flattened FSCs?
            sampling: Initial angular sampling.
            offset_range: Initial offset range (px).
            offset_step: Initial offset step (px).
            auto_local_sampling: Local searches from auto-sampling.
            relax_sym: Relax symmetry.
            auto_faster: Use finer angular sampling faster?
            do_helix: Do helical reconstruction?
            helical_tube_inner_diameter: Tube diameter - inner (Å).
            helical_tube_outer_diameter: Tube diameter - outer (Å).
            range_rot: Angular search range - rot (°).
            range_tilt: Angular search range - tilt (°).
            range_psi: Angular search range - psi (°).
            do_apply_helical_symmetry: Apply helical symmetry?
            helical_nr_asu: Number of unique asymmetrical units.
            helical_twist_initial: Initial helical twist (°).
            helical_rise_initial: Initial helical rise (Å).
            helical_z_percentage: Central Z length (%).
            do_local_search_helical_symmetry: Do local searches of symmetry?
            helical_twist_min: Helical twist search - Min (°).
            helical_twist_max: Helical twist search - Max (°).
            helical_twist_inistep: Helical twist search - Step (°).
            helical_rise_min: Helical rise search - Min (Å).
            helical_rise_max: Helical rise search - Max (Å).
            helical_rise_inistep: Helical rise search - Step (Å).
            helical_range_distance: Range factor of local averaging.
            keep_tilt_prior_fixed: Keep tilt-prior fixed.
            do_parallel_discio: Use parallel disc I/O?
            nr_pool: Number of pooled particles.
            do_preread_images: Pre-read all particles into RAM?
            scratch_dir: Copy particles to scratch directory.
            do_combine_thru_disc: Combine iterations through disc?
            use_gpu: Use GPU acceleration?
            gpu_ids: Which GPUs to use.
            do_pad1: Skip padding.
            skip_gridding: Skip gridding.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            nr_threads: Number of threads.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.reposition"],
        /,
        *,
        micrographs_in: Given,
        fn_opt: Given,
        do_invert: bool = True,
        do_ctf: bool = True,
        do_subtract: bool = False,
        norm_radius: float = -1,
        background: float = 0.1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        batch_size: int = 20,
        batch_wait: float = 0,
        workers: int = 0,
        item_limit: float = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Put the references of a classification or refinement back into the micrographs, or subtract them there.

        Args:
            micrographs_in: Micrographs.
            fn_opt: Optimiser.
            do_invert: Particles are black in the micrographs?
            do_ctf: Apply each particle's CTF?
            do_subtract: Subtract them from the micrographs?
            norm_radius: Background radius (px).
            background: Background noise.
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
            batch_size: Items in a batch.
            batch_wait: Wait for a full batch (s).
            workers: Batches at the same time.
            item_limit: Time limit of an item (s).
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.select"],
        /,
        *,
        fn_model: Given | None = None,
        fn_mic: Given | None = None,
        fn_data: Given | None = None,
        fn_coords: Given | None = None,
        do_recenter: bool = True,
        do_regroup: bool = False,
        nr_groups: int = 1,
        do_select_values: bool = False,
        select_label: str = "rlnCtfMaxResolution",
        select_minval: float = -9999,
        select_maxval: float = 9999,
        do_discard: bool = False,
        discard_label: str = "rlnImageName",
        discard_sigma: float = 4,
        do_split: bool = False,
        do_random: bool = False,
        split_size: int = -1,
        nr_split: int = -1,
        do_remove_duplicates: bool = False,
        duplicate_threshold: float = 30,
        image_angpix: float = -1,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Choose particles or micrographs by RELION's program; sets.filter, sets.split and sets.unique stream.

        Args:
            fn_model: OR select classes from model.star.
            fn_mic: OR select from micrographs.star.
            fn_data: OR select from particles.star.
            fn_coords: OR select from picked coords.
            do_recenter: Re-center the class averages?
            do_regroup: Regroup the particles?
            nr_groups: Approximate nr of groups.
            do_select_values: Select based on metadata values?
            select_label: Metadata label for subset selection.
            select_minval: Minimum metadata value.
            select_maxval: Maximum metadata value.
            do_discard: OR: select on image statistics?
            discard_label: Metadata label for images.
            discard_sigma: Sigma-value for discarding images.
            do_split: OR: split into subsets?
            do_random: Randomise order before making subsets?
            split_size: Subset size.
            nr_split: OR: number of subsets.
            do_remove_duplicates: OR: remove duplicates?
            duplicate_threshold: Minimum inter-particle distance (Å).
            image_angpix: Pixel size before extraction (Å).
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.subtract"],
        /,
        *,
        fn_opt: Given | None = None,
        fn_mask: Given | None = None,
        fn_data: Given | None = None,
        fn_fliplabel: Given | None = None,
        do_data: bool = False,
        do_fliplabel: bool = False,
        do_center_mask: bool = True,
        do_center_xyz: bool = False,
        center_x: float = 0,
        center_y: float = 0,
        center_z: float = 0,
        new_box: int = -1,
        other_args: str = "",
        nr_mpi: int | Literal["auto"] = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Subtract the projections of all that a mask leaves out from the particles' images.

        Args:
            fn_opt: Input optimiser.star.
            fn_mask: Mask of the signal to keep.
            fn_data: Input particle star file.
            fn_fliplabel: revert this particle star file.
            do_data: Use different particles?
            do_fliplabel: OR revert to original particles?
            do_center_mask: Do center subtracted images on mask?
            do_center_xyz: Do center on my coordinates?
            center_x: Center coordinate X (px).
            center_y: Center coordinate Y (px).
            center_z: Center coordinate Z (px).
            new_box: New box size (px).
            other_args: Additional arguments.
            nr_mpi: Number of MPI procs.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.symmetrise"],
        /,
        *,
        fn_in: Given,
        sym_name: str = "C2",
        do_apply: bool = True,
        box_size: int = 64,
        nr_uniform: int = 400,
        maxres: float = -1,
        keep_centre: bool = False,
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Find the symmetry axes of a map, turn it onto RELION's, and average it.

        Args:
            fn_in: Map.
            sym_name: Symmetry.
            do_apply: Average over the symmetry?
            box_size: Working box (px).
            nr_uniform: Orientations tried.
            maxres: Maximum resolution (Å).
            keep_centre: Keep the centre?
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["relion.symmetry_expand"],
        /,
        *,
        input: Given,
        sym: str = "C2",
        other_args: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Repeat particles in all orientations that their symmetry makes equal.

        Args:
            input: Refined particles.
            sym: Symmetry.
            other_args: Additional arguments.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.assign"],
        /,
        *,
        input: Given,
        source: Given,
        what: Literal["CTF", "angles", "shifts", "angles and shifts", "optics groups", "class", "columns", "optics"] = "CTF",
        columns: str = "",
        by: Literal["id", "micrograph", "position"] = "id",
        distance: float = 20,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Give items what another set says of them; items that it does not know are kept apart.

        Args:
            input: Items.
            source: From.
            what: What to assign.
            columns: Columns.
            by: Partners have the same.
            distance: Same place within (Å).
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.classes"],
        /,
        *,
        fn_model: Given,
        classes: str = "",
        min_fraction: float = 0.03,
        max_resolution_ratio: float = 1.4,
        max_resolution: float = -1,
        largest: int = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Keep the particles of good classes; the others are kept apart.

        Args:
            fn_model: Classes.
            classes: Classes by number.
            min_fraction: Smallest share of particles.
            max_resolution_ratio: Worst resolution, times the best.
            max_resolution: Worst resolution (Å).
            largest: Only so many, the largest.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.coordinates"],
        /,
        *,
        input: Given,
        micrographs: Given,
        apply_shifts: bool = True,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Positions of particles as coordinates that can be extracted again, in any box or binning.

        Args:
            input: Particles.
            micrographs: Micrographs.
            apply_shifts: Apply refined shifts?
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.defocus_groups"],
        /,
        *,
        input: Given,
        defocus_range: float = 1000,
        min_particles: int = 10,
        accept_unusual: bool = False,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Group particles by their defocus instead of their micrographs, for noise and scale in RELION's refinements.

        Args:
            input: Particles.
            defocus_range: Range of a group (Å).
            min_particles: At least in a group.
            accept_unusual: Accept unusual values?
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.edit"],
        /,
        *,
        input: Given,
        set: str = "",
        where: str = "",
        drop: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Set columns by SQL expressions; nothing else is evaluated.

        Args:
            input: Items.
            set: Set.
            where: Only where.
            drop: Take away columns.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.filter"],
        /,
        *,
        input: Given,
        other: Given | None = None,
        expression: str = "",
        ranges: str = "",
        rank_by: str = "",
        rank_keep: str = "10%",
        rank_order: Literal["highest", "lowest"] = "highest",
        edge_distance: float = 0,
        min_distance: float = 0,
        other_distance: float = 100,
        other_keep: Literal["near", "far"] = "far",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Split a set by conditions that must all hold: kept and rejected.

        Args:
            input: Items.
            other: Other items.
            expression: Keep items where.
            ranges: Ranges.
            rank_by: Rank by.
            rank_keep: Keep the best.
            rank_order: The best are the.
            edge_distance: Distance from the micrograph's edge (Å).
            min_distance: Distance between items (Å).
            other_distance: Distance from other items (Å).
            other_keep: Keep what is.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.group"],
        /,
        *,
        input: Given,
        by: str = "rlnMicrographName",
        aggregates: str = "count(*) as cryoloomCount",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """One row a group, with counts, means, sums or extremes of its items.

        Args:
            input: Items.
            by: Group by.
            aggregates: Values of a group.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.intersect"],
        /,
        *,
        input: Given,
        others: Given | Sequence[Given],
        by: Literal["id", "position", "micrograph", "columns"] = "id",
        distance: float = 20,
        columns: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Keep the items of a set that are in every other set too; the rows are those of the first.

        Args:
            input: Items.
            others: In all of these sets.
            by: Compare by.
            distance: Same place within (Å).
            columns: Columns to compare.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.join"],
        /,
        *,
        input: Given | Sequence[Given],
        labels_of: Literal["union", "common"] = "union",
        fill: str = "",
        merge_groups: bool = False,
        by: Literal["id", "position", "micrograph", "columns"] = "id",
        distance: float = 20,
        columns: str = "",
        keep: Literal["first", "best", "none", "all"] = "first",
        best_by: str = "rlnMaxValueProbDistribution",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Put any number of sets of one kind together; what is in several of them stays once.

        Args:
            input: Sets.
            labels_of: Columns of the result.
            fill: Where a set lacks a column, write.
            merge_groups: Merge optics groups of other names?
            by: Compare by.
            distance: Same place within (Å).
            columns: Columns to compare.
            keep: Of duplicates keep.
            best_by: The best has the highest.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.overlap"],
        /,
        *,
        input: Given | Sequence[Given],
        by: Literal["id", "position", "micrograph", "columns"] = "id",
        distance: float = 20,
        columns: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Count the items of several sets by the sets that they are in.

        Args:
            input: Sets.
            by: Compare by.
            distance: Same place within (Å).
            columns: Columns to compare.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.remove_views"],
        /,
        *,
        input: Given,
        sym: str = "C1",
        spacing: float = 7.5,
        ratio: float = 2,
        keep: Literal["random", "best"] = "random",
        best_by: str = "rlnMaxValueProbDistribution",
        seed: int = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Keep at most so many particles a viewing direction, so that no view outweighs the others.

        Args:
            input: Particles.
            sym: Symmetry.
            spacing: Angle between directions (°).
            ratio: At most, times the median view.
            keep: Keep of a view.
            best_by: The best has the highest.
            seed: Random seed.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.sample"],
        /,
        *,
        input: Given,
        take: str = "10%",
        seed: int = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Take items at random; the others are kept apart.

        Args:
            input: Items.
            take: Take.
            seed: Random seed.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.sort"],
        /,
        *,
        input: Given,
        by: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Order a set by one or more columns.

        Args:
            input: Items.
            by: Sort by.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.split"],
        /,
        *,
        input: Given,
        nr_parts: int = 2,
        split_by: Literal["order", "random", "optics group", "micrograph", "class", "optics"] = "order",
        seed: int = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Divide a set into parts; each item is in one of them.

        Args:
            input: Items.
            nr_parts: Number of parts.
            split_by: Divide.
            seed: Random seed.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.subtract"],
        /,
        *,
        input: Given,
        others: Given | Sequence[Given],
        by: Literal["id", "position", "micrograph", "columns"] = "id",
        distance: float = 20,
        columns: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Take away from a set what is in any of other sets; what is taken away is kept apart.

        Args:
            input: Items.
            others: In none of these sets.
            by: Compare by.
            distance: Same place within (Å).
            columns: Columns to compare.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.trigger"],
        /,
        *,
        input: Given,
        first: int = 5000,
        every: int = 0,
        nr_sets: int = 1,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Cut a stream into sets that do not change; each is there for other jobs as soon as it is full.

        Args:
            input: Items.
            first: Items of the first set.
            every: Items of each further set.
            nr_sets: Number of sets.
        """

    @overload
    def run(
        self,
        protocol: Literal["sets.unique"],
        /,
        *,
        input: Given,
        keep: Literal["first", "best", "none"] = "first",
        best_by: str = "rlnMaxValueProbDistribution",
        by: Literal["id", "position", "micrograph", "columns"] = "id",
        distance: float = 20,
        columns: str = "",
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Keep one of each group of equal items, and the others apart.

        Args:
            input: Items.
            keep: Of duplicates keep.
            best_by: The best has the highest.
            by: Compare by.
            distance: Same place within (Å).
            columns: Columns to compare.
        """

    @overload
    def run(
        self,
        protocol: Literal["simulate.movies"],
        /,
        *,
        out: str = "microscope",
        preset: Literal["tiny", "demo", "late", "urease", "large"] = "demo",
        seed: int = 1,
        session: int = 1,
        rate: float = 0,
        wait_for: Sequence[str | Job] = ...,
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = ...,
    ) -> Job:
        """Write movies with known truth, as a microscope would.

        Args:
            out: Folder.
            preset: Preset.
            seed: Seed.
            session: Session.
            rate: Movies a second.
        """
