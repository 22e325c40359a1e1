"""A view in a notebook follows its job: the same cell's output is drawn anew until the job has ended."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from waiting import until

from cryoloom import Project
from cryoloom.api.live_views import looks
from cryoloom.errors import ProjectError
from cryoloom.images.mrc import write_mrc

pytestmark = pytest.mark.timeout(180)
TAKEN = re.compile(r"taken\s+(\d+)")


def micrograph(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    write_mrc(path, np.random.default_rng(1).normal(size=(32, 32)).astype(np.float32), 1.0)


@pytest.fixture
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_cell(client: BlockingKernelClient, code: str) -> list[dict[str, Any]]:
    """The messages that a notebook draws its cell from, in their order."""
    messages: list[dict[str, Any]] = []
    client.execute_interactive(code, timeout=120, output_hook=messages.append)
    errors = [message["content"]["traceback"] for message in messages if message["msg_type"] == "error"]
    assert not errors, "\n".join(errors[0])
    return messages


@pytest.mark.slow
def test_a_kernel_is_told_to_draw_one_output_anew_until_the_job_has_ended(
    kernel: BlockingKernelClient, tmp_path: Path
) -> None:
    micrograph(tmp_path / "raw/m1.mrc")
    run_cell(kernel, "import threading, time, shutil\nfrom cryoloom import Project")

    # The microscope of this test writes one more file after each drawing of the last.
    messages = run_cell(
        kernel,
        f"""
project = Project.create({str(tmp_path / "p")!r})
job = project.run("import.micrographs", fn_in_raw={str(tmp_path / "raw/*.mrc")!r}, angpix=1.0, stream=True, file_timeout=0.1)
def microscope():
    for number in (2, 3):
        while job.summary().done < number - 1:
            time.sleep(0.1)
        time.sleep(1.5)
        shutil.copy({str(tmp_path / "raw/m1.mrc")!r}, {str(tmp_path)!r} + f"/raw/m{{number}}.mrc")
    while job.summary().done < 3:
        time.sleep(0.1)
    job.stop(stream=True)
threading.Thread(target=microscope).start()
job.live("imported", every_s=0.2).state
""",
    )

    drawn = [
        message for message in messages if message["msg_type"] in ("display_data", "update_display_data")
    ]
    assert [message["msg_type"] for message in drawn[:1]] == ["display_data"]
    assert {message["msg_type"] for message in drawn[1:]} == {"update_display_data"}
    assert len({message["content"]["transient"]["display_id"] for message in drawn}) == 1
    texts = [message["content"]["data"]["text/plain"] for message in drawn]
    counts = [int(found[1]) for found in map(TAKEN.search, texts) if found]
    assert counts == sorted(counts) and {1, 2, 3} <= set(counts) and counts[-1] == 3
    assert all("text/html" in message["content"]["data"] for message in drawn)
    [result] = [message for message in messages if message["msg_type"] == "execute_result"]
    assert result["content"]["data"]["text/plain"] == "'succeeded'"


def test_a_view_of_a_job_that_has_ended_is_drawn_once(kernel: BlockingKernelClient, tmp_path: Path) -> None:
    micrograph(tmp_path / "raw/m1.mrc")
    project = Project.create(tmp_path / "p")
    project.run("import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0).wait(60)

    messages = run_cell(
        kernel, f"from cryoloom import Project\nProject({str(project.path)!r})[1].view('imported').live()"
    )

    drawn = [message["msg_type"] for message in messages if "display" in message["msg_type"]]
    assert drawn == ["display_data"]


def test_outside_of_a_notebook_each_look_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    micrograph(tmp_path / "raw/m1.mrc")
    project = Project.create(tmp_path / "p")
    job = project.run("import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0)

    assert job.live("imported", every_s=0.1).state == "succeeded"

    found = TAKEN.findall(capsys.readouterr().out)
    assert found[-1] == "1"


def test_what_is_not_there_yet_says_so_and_is_drawn_when_it_comes(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    project = Project.create(tmp_path / "p")
    job = project.run(
        "import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0, stream=True, file_timeout=0.1
    )
    seen = looks(job.entry, "micrograph", every_s=0.1)

    assert "not there yet" in str(next(seen))
    micrograph(tmp_path / "raw/m1.mrc")
    until(lambda: job.summary().done == 1)
    job.stop(stream=True)
    job.wait(60)
    assert "m1" in str([*seen][-1])


def test_a_view_that_never_comes_is_an_error_when_the_job_has_ended(tmp_path: Path) -> None:
    micrograph(tmp_path / "raw/m1.mrc")
    project = Project.create(tmp_path / "p")
    job = project.run("import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0).wait(60)

    with pytest.raises(
        ProjectError, match=r"view micrograf is unknown, expected one of .*Did you mean micrograph"
    ):
        next(looks(job.entry, "micrograf"))


def test_the_end_of_a_job_is_noticed_before_the_next_look(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    micrograph(tmp_path / "raw/m1.mrc")
    job = project.run("import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0)

    began = time.monotonic()
    texts = [str(seen) for seen in looks(job.entry, "imported", every_s=600)]

    assert time.monotonic() - began < 60 and TAKEN.search(texts[-1])
