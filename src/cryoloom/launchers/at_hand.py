"""The launchers of a project: this machine, and those that its settings name, each made when a job first goes there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom.launchers.asking import Asks
from cryoloom.launchers.batch import WARN_S, Batch
from cryoloom.launchers.launcher import Launcher, Standing, read_handle
from cryoloom.launchers.local import Local
from cryoloom.launchers.site import LOCAL, Site, chosen, site_of
from cryoloom.project.jsonfile import read_json_if_there
from cryoloom.project.settings import Settings


@dataclass(slots=True)
class AtHand:
    """By name; `settings`: of the project, as they were read last."""

    settings: Settings
    made: dict[str, Launcher] = field(default_factory=lambda: {LOCAL: Local()})
    sites: dict[str, Site] = field(default_factory=dict)

    @classmethod
    def only(cls, launcher: Launcher) -> "AtHand":
        """One launcher for all jobs, whatever they ask for."""
        return cls(Settings({}), {LOCAL: launcher, launcher.name: launcher})

    def renew(self, settings: Settings) -> None:
        """Go by these settings from now on; a launcher whose own have changed is made anew."""
        before, self.settings = self.settings, settings
        for name in [*self.sites]:
            if settings.under(f"launchers.{name}") != before.under(f"launchers.{name}"):
                del self.made[name], self.sites[name]

    def where(self, wish: str, protocol: str) -> str:
        """The name of the launcher that a job goes to."""
        return chosen(self.settings, wish, protocol)

    def named(self, name: str) -> Launcher:
        """A launcher.

        Raises:
            ProjectError: the settings have none of this name, or describe it wrongly.
        """
        if name not in self.made:
            self.sites[name] = site_of(self.settings, name)
            self.made[name] = Batch(self.sites[name])
        return self.made[name]

    def reap(self) -> None:
        """Let go of processes of ours that have ended."""
        for launcher in self.made.values():
            if isinstance(launcher, Local):
                launcher.reap()

    def most_of(self, name: str) -> int:
        """How many attempts a launcher takes at once; 0: no limit."""
        return self.sites[name].most_jobs if name in self.sites else 0

    def limit_s(self, name: str, asks: Asks) -> float:
        """After how long an attempt there is told that its walltime is nearly over; 0 where it has none."""
        self.named(name)
        minutes = asks.walltime_min or self.sites[name].walltime_min if name in self.sites else 0
        return max(30.0, minutes * 60 - WARN_S) if minutes else 0.0

    def of_attempt(self, attempt: Path) -> Launcher:
        """The launcher that has an attempt, or is about to get it.

        Raises:
            ProjectError: it is one that the settings have no more.
        """
        command = read_json_if_there(attempt / "command.json") or {}
        return self.named(read_handle(attempt).launcher or str(command.get("launcher", LOCAL)))

    def poll(self, asked: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Standing]:
        """What is known of attempts by launcher and id; one question to each launcher."""
        by_launcher: dict[str, list[str]] = {}
        for name, id in asked:
            by_launcher.setdefault(name, []).append(id)
        return {
            (name, id): standing
            for name, ids in by_launcher.items()
            if name in self.made
            for id, standing in self.made[name].poll(ids).items()
        }
