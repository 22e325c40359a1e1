"""Restarting jobs: results to `Trash/`, then from the beginning in the same folder under the same number.

`job.json` stays: id, parameters and inputs are those of before. `note.txt` stays too, since it tells
the job's life and may hold the user's words. Journal and attempts go with the results. Classes that
somebody chose by number mean nothing of a classification that is made again: such a job is cleared and waits for its user.
What somebody picked by hand stays: nothing makes it again.
"""

import os
from collections.abc import Sequence

from cryoloom.errors import ProjectError
from cryoloom.project.attempts import attempts_folder, write_control
from cryoloom.project.checking import check_repeats
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.jobspec import FILE as SPEC_FILE
from cryoloom.project.lineage import dependents_of, refuse_running
from cryoloom.project.pick_edits import FILE as EDITS
from cryoloom.project.trash import files_to_trash

STAYS = (SPEC_FILE, "job.star", "job_pipeline.star", "note.txt")
# Below `.cryoloom`: the wishes, and the lock of whoever writes one.
OURS = ("control.json", "control.lock", "edits.lock")


def restart_jobs(project: ProjectFolder, job: str, *, dependents: bool | None = None) -> dict[str, str]:
    """Clear a job, and those that need it; they are scheduled again when this returns.

    Args:
        project: whose job.
        job: name, number or alias.
        dependents: clear and run them too, or leave them as they are; None: refuse where there are any.
    Returns:
        Where the results of each lie now; "" of a job that had none.
    Raises:
        ProjectError: it runs, or one that reads from it does; it is RELION's; dependents without a word on them.
    """
    project.check_form()
    entries = project.entries()
    first = project.entry(job)
    others = dependents_of(entries, [first.name])
    if others and dependents is None:
        raise ProjectError(
            f"{first.name}", found=f"needed by {', '.join(others)}", expected="to be told what becomes of them",
            hint="--dependents clears and runs them too, --no-dependents leaves them (in Python dependents=True or False).",
        )  # fmt: skip
    # Also those that are left alone must not read while their input is taken away.
    refuse_running(entries, [first.name, *others])
    cleared = [first.name, *(others if dependents else [])]
    chosen = [entry for entry in entries if entry.name in cleared]
    for entry in chosen:
        if entry.spec is None:
            raise ProjectError(
                f"{entry.name}", found="a job of RELION's", expected="one that Cryoloom made",
                hint=f"{entry.how_to_run()}"
                + ("; --no-dependents leaves it as it is." if entry.name != first.name else "."),
            )  # fmt: skip
        check_repeats(entry.make_protocol(), entry.name)
    for entry in chosen:
        # While its files move, the scheduler must not begin it.
        write_control(entry.folder, wanted="stop")
    moved = {entry.name: _clear(entry) for entry in chosen}
    project.set_statuses(dict.fromkeys(moved, pipe.SCHEDULED))
    # The first one last: until then none of them can begin, and the command could be given again.
    for entry in sorted(chosen, key=lambda entry: entry.name == first.name):
        asks = _to_choose_again(entry, cleared)
        write_control(entry.folder, wanted="stop" if asks else "run", stream="open", fresh=0, asks=asks)
    return moved


def _to_choose_again(entry: JobEntry, cleared: Sequence[str]) -> str:
    """What a job asks whose classes were chosen by number on a classification that is made again; "" for nothing."""
    protocol = entry.make_protocol()
    for name, spec in protocol.params.items():
        if spec.means == "classes" and protocol.values[name] and protocol.given[spec.of].job in cleared:
            of = protocol.given[spec.of].job
            return (
                f"{name}={protocol.values[name]} was chosen on {of} before that was made again: choose again when it has "
                f"ended, by `cryoloom change {entry.name} {name}=...` and then `cryoloom resume {entry.name}`"
            )
    return ""


def _clear(entry: JobEntry) -> str:
    protocol = entry.make_protocol()
    files = _files(entry)
    target = files_to_trash(entry.root, entry.name, files) if files else ""
    attempts_folder(entry.folder).mkdir(parents=True, exist_ok=True)
    # What was `auto` is asked for again.
    (entry.folder / "job.star").write_text(job_star_of(protocol))
    return target


def _files(entry: JobEntry) -> Sequence[str]:
    found = [name for name in os.listdir(entry.folder) if name not in (*STAYS, ".cryoloom")]
    if entry.make_protocol().by_hand:
        # Hours of somebody's work, which no program makes again.
        found = [name for name in found if name != EDITS and not (entry.folder / name).is_dir()]
    inside = entry.folder / ".cryoloom"
    own = [] if not inside.is_dir() else [name for name in os.listdir(inside) if name not in OURS]
    if own == ["attempts"] and not os.listdir(attempts_folder(entry.folder)):
        own = []  # it never ran
    return sorted([*found, *(f".cryoloom/{name}" for name in own)])
