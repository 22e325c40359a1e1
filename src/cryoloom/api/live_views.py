"""A view that is drawn anew while its job runs, in a notebook.

The cell stays until the job has ended, as `cryoloom ls --watch` does; interrupting it ends the looking and not the job.
A thread that draws on would leave the notebook's later cells to run on half a result, and its errors to nobody.
"""

import time
from collections.abc import Iterator

from cryoloom.api.looking import Seen, view_of
from cryoloom.errors import CryoloomError
from cryoloom.project.entry import JobEntry
from cryoloom.protocol.views import Text

NOTICE_S = 0.2  # that a job has ended is looked for more often than at its pictures


def looks(
    entry: JobEntry, name: str, *, item: str = "", iteration: int | None = None, every_s: float = 2.0
) -> Iterator[Seen]:
    """What is seen of a job, again whenever it has changed; the last look is behind the job's end.

    Args:
        entry: the job; it need not have begun.
        name: of the view; "" for the first that there is.
        item, iteration: as of `JobView.look`.
        every_s: seconds between two looks.
    Raises:
        CryoloomError: what is asked for cannot be shown, and the job has ended: nothing more will come.
    """
    last: Seen | None = None
    picture: Seen | None = None
    while True:
        # Asked before the look: what is written at the very end is seen.
        has_ended = entry.look().has_ended
        try:
            # Declared anew each time: views come, and their iterations grow, with the job's files.
            view = view_of(entry, name)
            name = view.name  # the first that there was stays the one that is looked at
            seen = picture = view.look(item=item, iteration=iteration)
        except CryoloomError as error:
            if has_ended:
                raise
            # A view, item or iteration that is still to come; or a file that is being written, while the last picture stays.
            seen = picture or Seen((Text(f"{entry.name}: not there yet", str(error)),))
        if seen != last:
            last = seen
            yield seen
        if has_ended:
            return
        looked = time.monotonic()
        while time.monotonic() - looked < every_s and not entry.look().has_ended:
            time.sleep(min(NOTICE_S, every_s))


def draw_live(seen: Iterator[Seen]) -> None:
    """Show what is seen in the notebook's cell, each look in the place of the one before; elsewhere print each as text."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        is_notebook = False
    else:
        is_notebook = get_ipython() is not None
    if not is_notebook:
        for one in seen:
            print(one, flush=True)
        return
    handle = display(next(seen), display_id=True)  # type: ignore[no-untyped-call]
    for one in seen:
        handle.update(one)
