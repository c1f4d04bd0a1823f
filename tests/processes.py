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


def call(*arguments, code=0, cwd=ROOT, **environment):
    """Run `batch-eval`, which ends with this exit code, and return what it prints."""
    done = batch_eval(*arguments, cwd=cwd, **environment)

    assert code == done.returncode, done.stderr
    return done.stdout + done.stderr


def content(folder):
    """Return the bytes of all files below a folder, by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def modules_after(code):
    """Return the names of the modules that a fresh process has imported after some code."""
    script = f"import sys\n{code}\nprint(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
