"""The batch systems that are known by name."""

from cryoloom.launchers.systems.lsf import Lsf
from cryoloom.launchers.systems.pbs import Pbs
from cryoloom.launchers.systems.sge import Sge
from cryoloom.launchers.systems.slurm import Slurm
from cryoloom.launchers.systems.system import Report, System

SYSTEMS: dict[str, type[System]] = {"slurm": Slurm, "pbs": Pbs, "sge": Sge, "lsf": Lsf}

__all__ = ["SYSTEMS", "Report", "System"]
