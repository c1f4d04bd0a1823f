"""The number of cores to work with."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def available_cores(cgroups: Path = CGROUPS) -> int:
    """Return how many cores this process may use, at least 1.

    That is its CPU affinity, or the cgroup quota where that is lower. Python knows the affinity only. A container
    limited to two cores of a large machine sees all cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _quota(cgroups))))


def _quota(cgroups: Path) -> float:
    """Return the cgroup CPU quota in cores; infinity if unlimited.

    The quota is CPU time per period, in cgroup version 2 or 1. Source: Linux kernel, scheduler/sched-bwc.rst.
    """
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((cgroups / file).read_text() for file in files).split()
        except OSError:  # no cgroups, or the other version
            continue
        # version 2 says `max` for no limit, version 1 says -1; `200000 100000` means two cores
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    return math.inf
