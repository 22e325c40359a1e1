"""A job's use of GPUs is what nvidia-smi says of its cards; a card that does not tell makes no figure."""

import pytest

from cryoloom.runner.gpu_use import GpuMeter


def test_load_times_time_is_gpu_seconds_and_memory_is_the_largest_sum() -> None:
    meter = GpuMeter(("0", "1"))

    meter.take("90, 10240\n10, 512\n")
    meter.take("100, 9000\n100, 900\n")

    assert meter.gpu_s(60.0) == pytest.approx(60 * 1.5)
    assert meter.peak_mb == 10752


@pytest.mark.parametrize(
    "answer", ["", "[N/A], [N/A]\n", "No devices were found\n", "NVIDIA-SMI has failed, because\n"]
)
def test_an_answer_without_figures_is_passed_over(answer: str) -> None:
    meter = GpuMeter(("0",))

    meter.take(answer)

    assert (meter.gpu_s(60.0), meter.peak_mb) == (0.0, 0.0)


def test_without_a_driver_nothing_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    meter = GpuMeter(("0",))

    meter.look()

    assert meter.gpus == ()
    meter.end()
