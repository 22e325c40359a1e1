"""Defocus and astigmatism of a micrograph, from the Thon rings of its power spectrum.

An exhaustive search over sectors finds the neighbourhood, so no local optimum is taken for the
answer; a fit in two dimensions, with background and envelope solved at each trial, refines it.
Conventions are RELION's and CTFFIND's: U >= V in Å, positive is underfocus; the angle is that of U,
from the x axis towards increasing rows.

Source: Rohou & Grigorieff (2015), J. Struct. Biol. 192, 216 (model, equi-phase average);
Golub & Pereyra (1973) (variable projection).
"""

from dataclasses import dataclass
from typing import Any, Required, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.ctf import wavelength
from cryoloom.errors import ImageError, ParameterError
from cryoloom.plugins.ctf.spectrum import (
    Floats,
    Spectrum,
    given_spectrum,
    in_ring,
    radial_mean,
    smooth_basis,
    tile_spectrum,
    whitened,
)

FIT_TILE, RESOLUTION_TILE = 512.0, 1024.0  # Å
BACKGROUND, ENVELOPE = 7, 4  # splines
SECTORS = 18
SEARCH_STEP = 50.0  # Å
LARGEST_OFFSET = 750.0  # Å: half of U - V in the search
SEARCH_B = 100.0  # Å²: the search trusts low frequencies more
MAX_STEP = np.pi / 2.5  # phase a pixel above which rings run together
NYQUIST_SHARE = 0.95
# Of rings: what noise reaches is in docs/ctf.md. With a phase to choose, too, noise fits better.
LEAST_SIGNIFICANCE, LEAST_WITH_PHASE = 9.0, 12.0


@dataclass(frozen=True, slots=True)
class CtfFit:
    """What was found, and the curves that show how well it fits."""

    defocus_u: float  # Å
    defocus_v: float
    angle_deg: float
    phase_shift_deg: float
    score: float  # correlation of rings and model within the fitted range
    resolution: float  # Å, where rings and model part
    significance: (
        float  # the score times the root of the number of pixels; noise stays below LEAST_SIGNIFICANCE
    )
    freq: Floats  # (n,) 1/Å of the curves
    power: Floats  # rotational average along equal phase, decay taken off
    model: Floats  # CTF²
    quality: Floats  # sliding correlation of both
    spectrum: Floats  # (n, n // 2 + 1) whitened, for pictures
    spectrum_step: float  # 1/Å a pixel

    @property
    def mean_defocus(self) -> float:
        return (self.defocus_u + self.defocus_v) / 2


@dataclass(frozen=True, slots=True)
class _Lens:
    """What turns a defocus into a phase: gamma = a dz k² - b k⁴ + c."""

    a: float
    b: float
    c: float

    def phase(self, dz: Any, k2: Floats, shift: float = 0.0) -> Any:
        return self.a * dz * k2 - self.b * k2**2 + self.c + shift


class Asked(TypedDict, total=False):
    """What a fit goes by: the first three are the microscope's, the others have the defaults of `_fit`.

    `min_res`, `max_res`: Å, the range of the fit; max_res is kept above the Nyquist limit. `min_defocus`, `max_defocus`: Å, the
    range of the search. `find_phase_shift`: for phase plates; searched from 0 to 180°.
    """

    voltage_kv: Required[float]
    cs_mm: Required[float]
    amplitude_contrast: Required[float]
    min_res: float
    max_res: float
    min_defocus: float
    max_defocus: float
    find_phase_shift: bool


def estimate_ctf(image: NDArray[Any], *, angpix: float, **asked: Unpack[Asked]) -> CtfFit:
    """Fit the CTF of one micrograph.

    Args:
        image: (y, x), in any units.
        angpix: Å/px.
        asked: see `Asked`.
    Raises:
        ImageError: constant, not finite, or too small.
        ParameterError: ranges that make no sense.
    """
    spectra = tile_spectrum(image, angpix, FIT_TILE), tile_spectrum(image, angpix, RESOLUTION_TILE)
    return _fit(*spectra, angpix, **asked)


def estimate_ctf_of_spectrum(amplitudes: NDArray[Any], *, angpix: float, **asked: Unpack[Asked]) -> CtfFit:
    """Fit the CTF of one micrograph by amplitudes that another program has summed: frames of a movie, say.

    Args:
        amplitudes: (n, n) of the Fourier transform, its origin at n // 2, as RELION's motion correction writes them.
        angpix: Å/px of an image whose transform they are, which its header says.
        asked: see `Asked`.
    Raises:
        ImageError: not square, not finite, constant, or too small.
        ParameterError: ranges that make no sense.
    """
    spectra = (
        given_spectrum(amplitudes, angpix, FIT_TILE),
        given_spectrum(amplitudes, angpix, RESOLUTION_TILE),
    )
    return _fit(*spectra, angpix, **asked)


def _fit(
    spectrum: Spectrum, fine: Spectrum, angpix: float, *, voltage_kv: float, cs_mm: float, amplitude_contrast: float,
    min_res: float = 30.0, max_res: float = 5.0, min_defocus: float = 5000.0, max_defocus: float = 50000.0,
    find_phase_shift: bool = False,
) -> CtfFit:  # fmt: skip
    """By a spectrum to search in, and one with finer steps."""
    span = (min_defocus, max_defocus)
    low, high = 1.0 / min_res, min(1.0 / max_res, NYQUIST_SHARE * 0.5 / angpix)
    if low >= high or min_defocus >= max_defocus:
        raise ParameterError(
            "the range of the CTF fit", found=f"{min_res:g} to {max_res:g} Å, {min_defocus:g} to {max_defocus:g} Å",
            expected="a beginning before its end", hint=f"The pixel size of {angpix:g} Å bounds the resolution.",
        )  # fmt: skip
    wave = wavelength(voltage_kv)
    lens = _Lens(np.pi * wave, np.pi / 2 * cs_mm * 1e7 * wave**3, float(np.arcsin(amplitude_contrast)))
    start, shift = _search(spectrum, lens, low, high, span, find_phase_shift)
    if lens.a * start[0] * 2 * high * spectrum.step > MAX_STEP and fine.step < spectrum.step:
        spectrum = fine
        start, shift = _search(spectrum, lens, low, high, span, find_phase_shift)
    (z, ax, ay), shift = _refine(spectrum, lens, low, high, span, start, shift, find_phase_shift)
    # A power spectrum does not tell a phase from one that is 180° away, which turns the CTF's sign: of the two the one
    # within the range of the search is meant.
    shift = shift % np.pi if find_phase_shift else 0.0
    half = float(np.hypot(ax, ay))
    angle = float(np.degrees(np.arctan2(ay, ax)) / 2)
    angle = angle if angle > -90 else angle + 180
    curves = _curves(fine, lens, low, (z, ax, ay), shift, NYQUIST_SHARE * 0.5 / angpix)
    resolution = _resolution(curves, low, lens, z, fine.step)
    score = _score(spectrum, lens, low, high, (z, ax, ay), shift)
    significance = score * float(np.sqrt(in_ring(spectrum, low, high).sum()))
    return CtfFit(
        z + half, z - half, angle, float(np.degrees(shift)), score, resolution, significance, *curves,
        _picture(fine), fine.step,
    )  # fmt: skip


def check_fit(fit: CtfFit, *, min_defocus: float, max_defocus: float, find_phase_shift: bool = False) -> None:
    """That what was found is a CTF, and not the best of nothing.

    Args:
        min_defocus, max_defocus: Å, the range of the search.
    Raises:
        ImageError: no rings above noise, a defocus at the end of the range or beyond it, or numbers that are none.
    """
    hint = f"Where the defocus may lie outside {min_defocus:g} to {max_defocus:g} Å, widen dfmin and dfmax."
    numbers = (
        *(fit.defocus_u, fit.defocus_v, fit.angle_deg, fit.phase_shift_deg),
        *(fit.score, fit.resolution, fit.significance),
    )
    if not np.isfinite(numbers).all():
        raise ImageError("no CTF fit", found="a result that is no number", expected="Thon rings")
    least = LEAST_WITH_PHASE if find_phase_shift else LEAST_SIGNIFICANCE
    if fit.significance < least:
        raise ImageError(
            "no CTF fit", found=f"a significance of {fit.significance:.1f}",
            expected=f"rings of at least {least:g}, which noise does not reach", hint=hint,
        )  # fmt: skip
    # The search's first and last steps are the ends of the range: the best lies behind them, most likely.
    at_end = min(fit.mean_defocus - min_defocus, max_defocus - fit.mean_defocus) < SEARCH_STEP / 2
    if at_end or fit.defocus_v < min_defocus or fit.defocus_u > max_defocus:
        raise ImageError(
            "no CTF fit", found=f"a defocus of {fit.defocus_u:.0f} and {fit.defocus_v:.0f} Å",
            expected=f"one within {min_defocus:g} to {max_defocus:g} Å", hint=hint,
        )  # fmt: skip


def _search(
    spectrum: Spectrum, lens: _Lens, low: float, high: float, span: tuple[float, float], phase_plate: bool
) -> tuple[tuple[float, float, float], float]:
    """Best (z, ax, ay) and phase shift over the whole grid."""
    ring = in_ring(spectrum, low, high)
    k, angle, values = spectrum.k[ring], spectrum.angle[ring], spectrum.power[ring]
    bins = np.round((k - low) / spectrum.step).astype(np.int64)
    count = int(bins.max()) + 1
    flat = whitened(values, k, bins, count, BACKGROUND)
    sectors = ((angle % np.pi) / np.pi * SECTORS).astype(np.int64) % SECTORS
    k_of_bin: Floats = np.asarray(low + spectrum.step * np.arange(count), np.float64)
    weight = np.exp(-SEARCH_B * k_of_bin**2 / 2)
    numbers = np.bincount(sectors * count + bins, minlength=SECTORS * count).reshape(SECTORS, count)
    sums = np.bincount(sectors * count + bins, weights=flat, minlength=SECTORS * count).reshape(
        SECTORS, count
    )
    # Weighted by the number of pixels: sums, not means.
    data = sums * weight
    pixels = numbers.sum(axis=0) / SECTORS * weight**2
    smooth = smooth_basis(k_of_bin, BACKGROUND)
    normal = np.linalg.pinv((smooth * pixels[:, None]).T @ smooth)
    grid = np.arange(span[0], span[1] + SEARCH_STEP, SEARCH_STEP)
    shifts = np.radians(np.arange(0, 180, 10)) if phase_plate else np.zeros(1)
    best: tuple[float, tuple[float, float, float], float] = (-np.inf, (grid[0], 0.0, 0.0), 0.0)
    centres = (np.arange(SECTORS) + 0.5) * np.pi / SECTORS
    for shift in shifts:
        model = np.sin(lens.phase(grid[:, None], k_of_bin[None, :] ** 2, shift)) ** 2
        model -= ((model * pixels) @ smooth @ normal) @ smooth.T
        norm = np.sqrt(np.maximum((model**2 * pixels).sum(axis=1), 1e-12))
        scores = (model * weight / norm[:, None]) @ data.T  # (z, sector)
        for half in np.arange(0.0, LARGEST_OFFSET + 1, 150.0):
            for axis in np.arange(0, np.pi, np.pi / 12) if half else [0.0]:
                offsets = np.round(half * np.cos(2 * (centres - axis)) / SEARCH_STEP).astype(int)
                total = np.zeros(len(grid))
                for sector, offset in enumerate(offsets):
                    total += scores[np.clip(np.arange(len(grid)) + offset, 0, len(grid) - 1), sector]
                place = int(np.argmax(total))
                if total[place] > best[0]:
                    turned = (grid[place], half * np.cos(2 * axis), half * np.sin(2 * axis))
                    best = (float(total[place]), turned, float(shift))
    return best[1], best[2]


def _refine(
    spectrum: Spectrum,
    lens: _Lens,
    low: float,
    high: float,
    span: tuple[float, float],
    start: tuple[float, float, float],
    shift: float,
    phase_plate: bool,
) -> tuple[tuple[float, float, float], float]:
    """Least squares over the pixels; background and envelope are linear and solved at each trial."""
    ring = in_ring(spectrum, low, high)
    k, angle = spectrum.k[ring], spectrum.angle[ring]
    bins = np.round((k - low) / spectrum.step).astype(np.int64)
    count = int(bins.max()) + 1
    data = whitened(spectrum.power[ring], k, bins, count, BACKGROUND)
    k2, cos2, sin2 = k**2, np.cos(2 * angle), np.sin(2 * angle)
    centres: Floats = np.asarray(low + spectrum.step * np.arange(count), np.float64)
    background, envelope = smooth_basis(centres, BACKGROUND), smooth_basis(centres, ENVELOPE)
    numbers = np.bincount(bins, minlength=count).astype(float)
    data_sum = np.bincount(bins, weights=data, minlength=count)
    data_square = float(data @ data)

    def misfit(p: NDArray[np.float64]) -> float:
        outside = max(span[0] - p[0], p[0] - span[1])
        if outside > 0:
            return float(data_square * (1.0 + outside))  # worse than no model at all
        trial = float(p[3]) if phase_plate else shift
        model = np.sin(lens.phase(p[0] + p[1] * cos2 + p[2] * sin2, k2, trial)) ** 2
        # All sums over pixels are sums over radii, since background and envelope are radial.
        m1 = np.bincount(bins, weights=model, minlength=count)
        m2 = np.bincount(bins, weights=model * model, minlength=count)
        md = np.bincount(bins, weights=model * data, minlength=count)
        bb = (background * numbers[:, None]).T @ background
        be = (background * m1[:, None]).T @ envelope
        ee = (envelope * m2[:, None]).T @ envelope
        matrix = np.block([[bb, be], [be.T, ee]])
        right = np.concatenate([background.T @ data_sum, envelope.T @ md])
        matrix[np.diag_indices_from(matrix)] += 1e-9 * np.trace(matrix)
        solution = np.linalg.solve(matrix, right)
        wrong_sign = np.minimum(envelope @ solution[BACKGROUND:], 0.0)
        return data_square - float(right @ solution) + float((wrong_sign**2 * m2).sum())

    from scipy import optimize  # a list of all protocols imports this module, and fits nothing

    first = np.array([*start, shift] if phase_plate else start)
    steps = np.array([60.0, 80.0, 80.0, 0.1][: len(first)])
    best = first
    for _ in range(2):
        simplex = np.vstack(
            [best, *(best + step * row for step, row in zip(steps, np.eye(len(best)), strict=True))]
        )
        found = optimize.minimize(
            misfit,
            best,
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "xatol": 0.5, "fatol": 1e-6},
        )
        best, steps = found.x, steps / 4
    z, ax, ay = (float(value) for value in best[:3])
    return (z, ax, ay), float(best[3]) if phase_plate else shift


def _curves(
    spectrum: Spectrum, lens: _Lens, low: float, pose: tuple[float, float, float], shift: float, high: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """The average along equal phase, the model and their sliding correlation, up to the edge."""
    ring = in_ring(spectrum, low, high)
    k, angle = spectrum.k[ring], spectrum.angle[ring]
    z, ax, ay = pose
    dz = z + ax * np.cos(2 * angle) + ay * np.sin(2 * angle)
    # The radius at which the mean defocus has this pixel's phase (Cs matters little for the difference).
    even = np.clip(k * np.sqrt(np.maximum(dz / z, 0.1)), low, high)
    bins = np.round((even - low) / spectrum.step).astype(np.int64)
    count = int(bins.max()) + 1
    centres: Floats = np.asarray(low + spectrum.step * np.arange(count), np.float64)
    flat = whitened(spectrum.power[ring], even, bins, count, 10)
    power = radial_mean(flat, bins, count)
    model = np.sin(lens.phase(z, centres**2, shift)) ** 2
    quality = np.zeros(count)
    for i in range(count):
        # One and a half rings: the ring's width at this frequency is 1 / (lambda z k) / 2.
        width = 1.5 * np.pi / max(1e-12, 2 * lens.a * z * centres[i])
        reach = max(5, round(width / spectrum.step / 2))
        part = slice(max(0, i - reach), min(count, i + reach + 1))
        quality[i] = _correlation(_straightened(power[part]), _straightened(model[part]))
    return np.asarray(centres), power, np.asarray(model), quality


def _straightened(values: Floats) -> Floats:
    """Values without their parabola."""
    x = np.linspace(-1, 1, len(values))
    return (
        np.asarray(values - np.polyval(np.polyfit(x, values, 2), x))
        if len(values) > 4
        else values - values.mean()
    )


def _correlation(a: Floats, b: Floats) -> float:
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0


def _resolution(
    curves: tuple[Floats, Floats, Floats, Floats], low: float, lens: _Lens, z: float, step: float
) -> float:
    """Å, at the first of three radii in a row where rings and model no longer agree."""
    freq, _, _, quality = curves
    aliased = MAX_STEP * 1.25 / (2 * lens.a * max(z, 1.0) * step)
    start = int(np.argmax(quality > 0.5)) if (quality > 0.5).any() else 0
    bad = quality[start:] < 0.5
    three = bad[:-2] & bad[1:-1] & bad[2:]
    last = start + int(np.argmax(three)) if three.any() else len(freq) - 1
    return float(1.0 / min(max(freq[last], low), aliased))


def _score(
    spectrum: Spectrum, lens: _Lens, low: float, high: float, pose: tuple[float, float, float], shift: float
) -> float:
    """Correlation of the spectrum's amplitude, its background taken off, with |CTF|."""
    ring = in_ring(spectrum, low, high)
    k, angle = spectrum.k[ring], spectrum.angle[ring]
    bins = np.round((k - low) / spectrum.step).astype(np.int64)
    flat = whitened(np.sqrt(spectrum.power[ring]), k, bins, int(bins.max()) + 1, BACKGROUND)
    z, ax, ay = pose
    model = np.abs(np.sin(lens.phase(z + ax * np.cos(2 * angle) + ay * np.sin(2 * angle), k**2, shift)))
    return _correlation(flat - flat.mean(), model - model.mean())


def _picture(spectrum: Spectrum) -> Floats:
    """The spectrum without its decay, for diagnostic images."""
    k = spectrum.k
    bins = np.round(k / spectrum.step).astype(np.int64)
    count = int(bins.max()) + 1
    power = np.maximum(spectrum.power, np.finfo(float).tiny)
    means = radial_mean(power.ravel(), bins.ravel(), count)
    width = max(3, count // 12) | 1
    padded = np.pad(np.log(means), width // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    return np.asarray(np.sqrt(power / np.exp(smooth[bins])) - 1.0)
