"""Start attempts through a site's batch system: its script, its commands, its answers.

Questions are asked in the background and at most every few seconds, one for all jobs, so that a batch system that is slow or
away holds up nothing. What it says is believed only as far as it says something: no answer changes nothing.
"""

import getpass
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cryoloom.errors import LaunchError
from cryoloom.launchers.asking import Asks, asks_of_command
from cryoloom.launchers.launcher import Silent, Standing
from cryoloom.launchers.local import SHEPHERD
from cryoloom.launchers.site import Site
from cryoloom.launchers.surroundings import for_batch_system
from cryoloom.launchers.systems import Report
from cryoloom.launchers.templates import Filling, filled
from cryoloom.project.jsonfile import read_json_if_there, write_json

SCRIPT, MARK = "submit.sh", "submitting.json"
SUBMIT_S, ASK_S = 60.0, 30.0
CANCEL_EVERY_S = 5.0
# So long before its time is over an attempt is told, where the system itself does not.
WARN_S = 120.0


@dataclass(slots=True)
class Question:
    """A command whose answer is waited for elsewhere."""

    process: "subprocess.Popen[str]"
    out: IO[str]
    err: IO[str]
    began: float


@dataclass(slots=True)
class Batch:
    """One site's batch system as a launcher; its ids are the system's own."""

    site: Site
    reports: dict[str, Report] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of batch jobs → id
    heard: dict[str, float] = field(default_factory=dict)  # id → when it was submitted or last named
    cancelled: dict[str, float] = field(default_factory=dict)  # id → when this was asked last
    trouble: str = ""  # what it says instead of an answer
    question: Question | None = None
    asked: float = float("-inf")
    cost_s: float = 0.0  # of the last answer

    comes_late = True

    @property
    def name(self) -> str:
        return self.site.name

    def submit(self, attempt: Path) -> str:
        """Write the script beside the attempt and hand it over.

        A submission whose answer was never read is looked for by its name, so that none is in the queue twice.

        Raises:
            LaunchError: it is refused: what the system says.
            Silent: it does not answer; nothing is known.
        """
        script, name = write_script(self.site, attempt)
        if read_json_if_there(attempt / MARK) is not None:
            self._ask_and_wait()
            if name in self.names:
                return self.names[name]
        write_json(attempt / MARK, {"name": name}, sync=True)
        done = self._hand_over(script, attempt)
        id = self.site.system.id_of(done.stdout) if done.returncode == 0 else ""
        said = " ".join((done.stderr.strip() or done.stdout.strip() or "nothing").split())
        if not id and done.returncode == 0:
            # It says that it took it: a second one must not follow only since the answer is of another form.
            self._ask_and_wait()
            id = self.names.get(name, "")
        if not id:
            if _is_silence(said):
                raise Silent(f"{self.name}: {said}")
            (attempt / MARK).unlink(missing_ok=True)
            raise LaunchError(
                f"the answer of {self.name}", found=said, expected="a job that is taken, with its id"
            )
        self.reports[id], self.heard[id] = Report("queued"), time.monotonic()
        return id

    def _hand_over(self, script: Path, attempt: Path) -> "subprocess.CompletedProcess[str]":
        text, own = script.read_text(encoding="utf-8"), [*self.site.submit]
        if self.site.system.reads_script:
            return _run(own or self.site.system.submit(str(script)), SUBMIT_S, cwd=attempt, given=text)
        command = [*own, str(script)] if own else self.site.system.submit(str(script))
        return _run(command, SUBMIT_S, cwd=attempt)

    def poll(self, ids: Collection[str]) -> Mapping[str, Standing]:
        """As the last answer had them; what was submitted and not named yet is in the queue."""
        now = time.monotonic()
        for id in ids:
            # Of one that an earlier scheduler submitted nothing is known yet: it may have ended and been forgotten long ago.
            self.heard.setdefault(id, now)
        self._collect(now)
        # A system that is slow is asked less often.
        pause = max(self.site.poll_s, 10 * self.cost_s)
        if self.question is None and now - self.asked > pause:
            self._begin(now)
        return {id: self.reports[id].standing if id in self.reports else "queued" for id in ids}

    def cancel(self, id: str) -> None:
        """Ask for its end; again after a while, where it is still there."""
        now = time.monotonic()
        if now - self.cancelled.get(id, float("-inf")) < CANCEL_EVERY_S:
            return
        self.cancelled[id] = now
        command = [*self.site.cancel, id] if self.site.cancel else self.site.system.cancel([id])
        try:
            _run(command, ASK_S)
        except (Silent, LaunchError) as error:
            print(
                f"{time.strftime('%F %T')} {id} of {self.name} cannot be cancelled: {error}", file=sys.stderr
            )

    def said_of(self, id: str) -> str:
        """A sentence about an attempt: what keeps it in the queue, or where it runs."""
        report = self.reports.get(id)
        silent = f", which does not answer: {self.trouble}" if self.trouble else ""
        if report is None or not report.word:
            return f"in the queue of {self.name} as {id}{silent}"
        if report.standing == "running":
            return f"on {report.node or 'a node'} ({self.name} {id}){silent}"
        return f"in the queue of {self.name} as {id}: {report.reason or report.word.lower()}{silent}"

    def _ask_and_wait(self) -> None:
        """Raises: Silent: it does not answer."""
        done = _run(self._asking(), ASK_S)
        if done.returncode != 0:
            raise Silent(" ".join(done.stderr.split()))
        self._learn(done.stdout, time.monotonic())

    def _asking(self) -> list[str]:
        return [*self.site.ask] if self.site.ask else self.site.system.ask(getpass.getuser())

    def _begin(self, now: float) -> None:
        out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115  read when it has ended
        self.asked = now
        try:
            process = subprocess.Popen(
                self._asking(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                env=for_batch_system(os.environ),
            )
        except OSError as error:
            self.trouble = str(error)
            return
        self.question = Question(process, out, err, now)

    def _collect(self, now: float) -> None:
        question = self.question
        if question is None:
            return
        if question.process.poll() is None:
            if now - question.began < ASK_S:
                return
            question.process.kill()
            question.process.wait()
            self.trouble = f"no answer within {ASK_S:.0f} s"
        elif question.process.returncode != 0:
            question.err.seek(0)
            self.trouble = " ".join(question.err.read().split()) or f"ends with {question.process.returncode}"
        else:
            question.out.seek(0)
            self.cost_s = now - question.began
            self._learn(question.out.read(), now)
        question.out.close()
        question.err.close()
        self.question = None

    def _learn(self, said: str, now: float) -> None:
        self.trouble = ""
        for id, (name, report) in self.site.system.told(said).items():
            self.reports[id], self.names[name], self.heard[id] = report, id, now
        for id, heard in self.heard.items():
            if now - heard > self.site.grace_s:
                self.reports[id] = Report("over", reason="the batch system knows it no more")


def write_script(site: Site, attempt: Path) -> tuple[Path, str]:
    """The script of an attempt, and the name of its batch job, which no other has.

    Raises:
        LaunchError: the template asks for what is not known.
    """
    command = read_json_if_there(attempt / "command.json") or {}
    token, asks = str(command["token"]), asks_of_command(command)
    job = attempt.parents[2]
    name = f"{job.name}.{token[:7]}"
    text = filled(
        site.template, filling_of(site, asks, attempt, name), site.template_file or f"launcher {site.name}"
    )
    script = attempt / SCRIPT
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    return script, name


def filling_of(site: Site, asks: Asks, attempt: Path, name: str) -> Filling:
    """What a job's script says: what the job asks for, else what the site has for such jobs."""
    job, project = attempt.parents[2], attempt.parents[4]
    memory = asks.memory_mb or int(site.memory_gb * 1024)
    return Filling(
        (sys.executable, "-I", "-S", str(SHEPHERD), str(attempt)), name, f"{job.parent.name}/{job.name}", str(project),
        str(attempt / "batch.out"), str(attempt / "batch.err"),
        ranks=asks.ranks or site.ranks, threads=asks.threads or site.threads, nodes=max(1, site.nodes), memory_mb=memory,
        gpus=site.gpus if asks.gpus is None else asks.gpus, queue=asks.queue or site.queue,
        walltime_min=asks.walltime_min or site.walltime_min, user=getpass.getuser(), extra={**site.extra, **asks.extra},
    )  # fmt: skip


def _run(
    command: list[str], limit_s: float, cwd: Path | None = None, given: str = ""
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=limit_s,
            cwd=cwd,
            env=for_batch_system(os.environ),
        )
    except subprocess.TimeoutExpired:
        raise Silent(f"{command[0]}: no answer within {limit_s:.0f} s") from None
    except OSError as error:
        raise LaunchError(
            command[0],
            found=f"{error.strerror}",
            expected="the batch system's command",
            hint="Is it in PATH?",
        ) from None


def _is_silence(said: str) -> bool:
    """Whether a refusal is one of the system's own troubles, and not of the job's."""
    words = (
        "unable to contact", "connection refused", "socket timed out", "connection timed out", "communication",
        "cannot connect",
    )  # fmt: skip
    return any(word in said.lower() for word in words)
