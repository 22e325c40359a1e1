"""The shepherd of one attempt: claims it, starts the job's process, ends its whole tree, says how it ended.

Run by its path with `python -I -S`; standard library only, nothing of Cryoloom, so that no bug,
memory hunger or crash of a library can take it away. Usage: shepherd.py ATTEMPT_FOLDER

Writes `claim`, `heartbeat` and `exit.json` in the attempt's folder; reads `command.json` and
watches for `cancel`. SIGUSR1 says that the time limit is near; SIGTERM ends all.
"""

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HEARTBEAT_S = 5.0
LOOK_S = 0.2
GRACE_S = 3.0
AGAIN_S = 1.0  # after this the last words are tried again where there was no room for them
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(attempt: str) -> int:
    for number in (signal.SIGCHLD, signal.SIGPIPE):
        # An ignored SIGCHLD is inherited and would make every killed child look like a success.
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    stop: list[str] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.append("signal"))
    # The batch system's word that the time limit is near: the job ends with the item in hand.
    near_end: list[bool] = []
    signal.signal(signal.SIGUSR1, lambda *_: near_end.append(True))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open(os.path.join(attempt, "command.json"), encoding="utf-8") as file:
        command = json.load(file)
    if not claim(attempt, command["token"], os.getsid(0)) or os.path.exists(
        os.path.join(attempt, "exit.json")
    ):
        return 0  # another has it, or it was given up before we came
    me = os.getpid()

    def die_with_me() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != me:
            os._exit(127)

    scratch = ""
    try:
        # On a node the job counts what it holds in a place of its own, which goes with us.
        if "of_host" in command:
            scratch = tempfile.mkdtemp(prefix="cryoloom-")
        log = open(os.path.join(attempt, "log"), "ab")  # noqa: SIM115  lives as long as the child
        child = subprocess.Popen(
            command["argv"],
            cwd=command["cwd"],
            env={**environment(command, scratch), "CRYOLOOM_ATTEMPT": command["token"]},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_me,
        )
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        finish(attempt, {"ended_by": "spawn", "code": None, "why": str(error)})
        return 1
    try:
        ends = os.pidfd_open(child.pid)  # readable when it has ended
    except OSError:
        ends = None
    ended_by = ""
    count, last_beat, told = 0, 0.0, False
    limit_s = command.get("limit_s") or float("inf")
    began = time.monotonic()
    while child.poll() is None:
        if stop or os.path.exists(os.path.join(attempt, "cancel")):
            ended_by = "signal" if stop else "cancel"
            break
        if time.monotonic() - began > limit_s and not near_end:
            near_end.append(True)
        if near_end and not told:
            told = True
            os.kill(child.pid, signal.SIGUSR1)
        if time.monotonic() - last_beat > HEARTBEAT_S:
            count, last_beat = count + 1, time.monotonic()
            beat(attempt, count)
        if ends is None:
            time.sleep(LOOK_S)
        else:
            select.select([ends], [], [], LOOK_S)
    end_tree(me)
    code = child.wait()
    shutil.rmtree(scratch, ignore_errors=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if near_end and ended_by != "cancel":
        ended_by = "walltime"
    elif not ended_by:
        ended_by = "exit" if code >= 0 else "killed"
    why = ""
    if ended_by == "walltime":
        why = "its time limit came before it had got anything done"
    elif ended_by == "killed":
        why = f"its process was killed by signal {-code}, perhaps for want of memory"
    finish(
        attempt,
        {
            "ended_by": ended_by,
            "code": code,
            "why": why,
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
            "peak_mb": round(usage.ru_maxrss / 1024, 1),
        },
    )
    return 0


def environment(command: "dict[str, object]", scratch: str) -> "dict[str, str]":
    """The job's variables: the same whoever starts us, and however often; in a batch job the host's words come before them.

    An mpirun of the site's script around us would take the job's own mpirun for one of its ranks.
    """
    own: dict[str, str] = dict(command["env"])  # type: ignore[call-overload]
    if "of_host" not in command:
        return own
    ranks = (
        "OMPI_COMM_",
        "OMPI_UNIVERSE",
        "OMPI_APP",
        "OMPI_FILE",
        "OMPI_FIRST",
        "OMPI_NUM_APP",
        "PMIX_",
        "PMI_",
        "HYDI_",
    )
    host = {name: text for name, text in os.environ.items() if not name.startswith(ranks)}
    kept = {name: text for name, text in own.items() if name not in command["of_host"] or name not in host}  # type: ignore[operator]
    return {**host, **kept, "CRYOLOOM_LEDGER_DIR": scratch, "CRYOLOOM_ALLOCATION": "1"}


def claim(attempt: str, token: str, session: "int | None") -> bool:
    """Take the attempt; of several shepherds `link` lets one through.

    `session`: all of whose processes may be ended when we are gone; None where it has others than the attempt's.
    """
    with open("/proc/self/stat", encoding="utf-8") as file:
        stat = file.read()
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
        boot = file.read().strip()
    content = {
        "host": os.uname().nodename,
        "boot": f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}",
        "pid": os.getpid(),
        "start": int(stat[stat.rindex(")") + 2 :].split()[19]),
        "session": session,
        "token": token,
    }
    mine = os.path.join(attempt, f"claim.{os.uname().nodename}.{os.getpid()}.tmp")
    write(mine, content)
    try:
        os.link(mine, os.path.join(attempt, "claim"))
    except FileExistsError:
        return False
    finally:
        os.unlink(mine)
    return True


def beat(attempt: str, count: int) -> None:
    """Say that we live; a counter, since clocks of hosts differ."""
    mine = os.path.join(attempt, ".heartbeat.tmp")
    try:
        with open(mine, "w", encoding="utf-8") as file:
            json.dump({"count": count}, file)
        os.replace(mine, os.path.join(attempt, "heartbeat"))
    except OSError:
        pass  # a full disk or a server that is away must not cost us our program: the next beat will do


def finish(attempt: str, content: dict[str, object]) -> None:
    """Write `exit.json`, unless the scheduler has given us up for lost already; where there is no room, when there is."""
    mine = os.path.join(attempt, ".exit.tmp")
    while True:
        try:
            write(mine, content)
            os.link(mine, os.path.join(attempt, "exit.json"))
        except FileExistsError:
            pass
        except OSError:
            if not os.path.isdir(attempt):
                return  # the job was deleted meanwhile
            # The job keeps some room aside for last words.
            try:
                os.unlink(os.path.join(attempt, "..", "..", "reserve"))
            except OSError:
                time.sleep(AGAIN_S)
            continue
        try:
            os.unlink(mine)
        except OSError:
            pass
        return


def write(path: str, content: dict[str, object]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())


def descendants(pid: int) -> list[int]:
    """All processes below one; MPI ranks too, which have process groups of their own."""
    found: list[int] = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as file:
                children = [int(word) for word in file.read().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def end_tree(me: int) -> None:
    """End everything below us: politely to all at once, then by force until nothing is left."""
    deadline = time.monotonic() + GRACE_S
    number = signal.SIGTERM
    told: set[int] = set()
    while True:
        living = [pid for pid in descendants(me) if not is_zombie(pid)]
        if not living:
            return
        if time.monotonic() > deadline:
            number = signal.SIGKILL
            told.clear()
        for pid in living:
            if pid not in told:
                told.add(pid)
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        time.sleep(0.02)


def is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            stat = file.read()
    except OSError:
        return True
    return stat[stat.rindex(")") + 2] in "ZX"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
