"""Processes that tests start: the command as a person or a script runs it, and a fresh Python."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def batch_eval(*arguments, cwd=ROOT, **environment):
    """Run `batch-eval` in a process of its own, without a terminal."""
    command = [sys.executable, "-m", "batch_eval", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def modules_after(code):
    """Return the names of the modules that a fresh process has imported after some code."""
    script = f"import sys\n{code}\nprint(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
