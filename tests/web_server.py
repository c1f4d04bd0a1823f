"""A running `batch-eval serve`, for tests that ask it as browsers do."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import ROOT

from batch_eval.models import DEFAULT_MODEL


@dataclass(frozen=True)
class Served:
    """Where it listens, where it collects, and its process."""

    url: str
    collected: Path
    process: subprocess.Popen[str]


@contextmanager
def served(folder, *options):
    """Serve with two models, images to try, and a folder to collect into; ends the process afterwards."""
    model = Path(shutil.copy(DEFAULT_MODEL, folder / "mine.keras"))
    collected = folder / "my digits"
    command = [sys.executable, "-m", "batch_eval", "serve", "--port", "0", "--model", str(model)]
    command += ["--folder", str(ROOT / "sample_images"), "--collect", str(collected), *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=env, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            first = process.stdout.readline()
            yield Served(re.search(r"http://\S+", first)[0], collected, process)
        finally:
            process.kill()
