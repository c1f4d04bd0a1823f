"""How many cores there are to work with."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def available_cores(cgroups: Path = CGROUPS) -> int:
    """Return how many cores this process may use: those it may run on, fewer where its container is lent less.

    Python tells the first only: a container that is lent two cores of a large machine sees all of them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _quota(cgroups))))


def _quota(cgroups: Path) -> float:
    """Return how many cores' time a container is lent; infinity where it is not limited.

    That is the quota divided by the period of its control group, version 2 or 1 (Linux kernel, sched-bwc.rst).
    """
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((cgroups / file).read_text() for file in files).split()
        except OSError:  # there are no control groups, or those of the other version
            continue
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    return math.inf
