"""What is known of jobs and of the machine when the scheduler judges. Time is a field of the facts."""

from dataclasses import dataclass

from cryoloom.schedule.slots import Machine, Request, Use
from cryoloom.schedule.state import AttemptFacts, JobState, State

# So long an attempt that its launcher calls over may be silent before it is called lost.
SILENT_S = 90.0


@dataclass(frozen=True, slots=True)
class Need:
    """An input that another job makes."""

    job: str
    output: str
    streams: bool  # may be taken as soon as it is open
    early: bool = False  # nothing of it is needed to start: the job itself waits for the first item


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is known of one job."""

    name: str
    state: State
    why: str = ""
    needs: tuple[Need, ...] = ()
    wait_for: tuple[str, ...] = ()
    open_outputs: frozenset[str] = frozenset()
    closed_outputs: frozenset[str] = frozenset()  # complete, though the job may go on
    gives_early: bool = False  # its outputs grow with its items, and do not come at its end
    wants_stop: bool = False
    wants_anew: bool = False  # its attempt is to be ended, and another to follow: it tries again what failed
    opens: tuple[str, ...] = ()  # jobs that are to be opened again now that this one is
    attempt: int = 0
    attempt_ended: bool = True
    claimed: bool = True
    launched_s: float | None = None  # since its attempt was launched, while that goes on here or may
    lives: bool | None = True  # None: on another host
    seen_unclaimed_s: float = 0.0  # how long the attempt has had no claim
    lost_in_a_row: int = 0
    since_end_s: float = 1e9
    foreign: bool = False  # RELION's own job, or one that no installed plugin knows: not ours to run
    blocked: str = ""  # what keeps it from writing to its folder: a disk that is full, or read-only
    request: Request | None = None  # what it takes as a whole; None where its batches take their own
    priority: int = 0
    pool: str = "local"  # where it runs
    pool_most: int = 0  # so many at once there; 0: no limit
    said: str = ""  # by its launcher, of an attempt that is in a queue or runs where we cannot look


@dataclass(frozen=True, slots=True)
class Outputs:
    """What of a job can be read, by the names of its outputs."""

    open: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    grow: bool = False  # with the job's items; else they come at its end


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds, by the clock of who looks."""

    since_launch_s: float = 0.0
    unclaimed_s: float = 0.0  # 0: claimed, or seen for the first time
    since_end_s: float = 0.0
    silent_s: float = 0.0  # its launcher calls it over, and nothing has been heard of it


@dataclass(frozen=True, slots=True)
class Asked:
    """What does not change with a job's state."""

    needs: tuple[Need, ...] = ()
    wait_for: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    request: Request | None = None
    priority: int = 0
    pool: str = "local"
    pool_most: int = 0


def facts_of(
    name: str, known: JobState, asked: Asked, outputs: Outputs, ages: Ages, blocked: str = "", said: str = ""
) -> JobFacts:
    """One of our jobs as the scheduler sees it.

    Args:
        name: the job's.
        known: its state.
        asked: of it.
        outputs: as its journal has them.
        ages: of its newest attempt.
        blocked: what keeps it from writing to its folder, where that was asked.
        said: by its launcher, of an attempt that is in a queue or runs where we cannot look.
    """
    newest = known.attempt
    claimed = newest is None or newest.claimed
    # Until a new attempt says so itself, the outputs of a job that is opened again still look closed.
    seen = Outputs() if known.reopening else outputs
    return JobFacts(
        name,
        known.state,
        known.why,
        asked.needs,
        asked.wait_for,
        seen.open,
        seen.closed,
        seen.grow,
        wants_stop=known.wants_stop,
        wants_anew=known.wants_anew,
        opens=asked.opens,
        attempt=newest.number if newest else 0,
        attempt_ended=newest is None or newest.ended,
        claimed=claimed,
        launched_s=ages.since_launch_s if _goes_on_here(newest) else None,
        lives=_lives(newest, ages) if newest is not None and claimed else True,
        seen_unclaimed_s=0.0 if claimed else ages.unclaimed_s,
        lost_in_a_row=known.lost_in_a_row,
        since_end_s=ages.since_end_s,
        blocked=blocked,
        request=asked.request,
        priority=asked.priority,
        pool=asked.pool,
        pool_most=asked.pool_most,
        said=said,
    )


def _goes_on_here(newest: AttemptFacts | None) -> bool:
    return newest is not None and not newest.ended and (not newest.claimed or newest.lives is True)


def _lives(newest: AttemptFacts, ages: Ages) -> bool | None:
    """Where its processes cannot be seen, its launcher is believed; not at once, since files come late over a network."""
    return False if newest.lives is None and ages.silent_s > SILENT_S else newest.lives


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """Who holds what of this machine, and who waits for it."""

    machine: Machine
    uses: tuple[Use, ...] = ()
    waiting: tuple[Request, ...] = ()
    now: float = 0.0  # of the machine's monotonic clock
