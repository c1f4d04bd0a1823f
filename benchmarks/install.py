"""On which systems and Pythons the wheels of an install exist, and how large and how slow an install is.

    pip install uv
    python benchmarks/install.py table      # asks the package index for every system
    python benchmarks/install.py measure    # installs into new environments on this machine

`uv` resolves for other systems, as pip cannot: it evaluates environment markers for them too.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
INSTALLS = {"plain": ROOT, "light": ROOT / ".ci" / "light"}
UV_COMPILE = (sys.executable, "-m", "uv", "pip", "compile", "-q", "--no-config", "--format", "pylock.toml")
MB = 1e6


@dataclass(frozen=True)
class System:
    """A system as people call it, and as uv does."""

    title: str
    platform: str
    environment: Mapping[str, str] = field(default_factory=dict)


SYSTEMS = (
    System("Linux on x86-64, glibc 2.28", "x86_64-manylinux_2_28"),
    System("Linux on Arm, glibc 2.28", "aarch64-manylinux_2_28"),
    System("Linux on x86-64, musl (Alpine)", "x86_64-unknown-linux-musl"),
    System("macOS 14 on Apple silicon", "aarch64-apple-darwin", {"MACOSX_DEPLOYMENT_TARGET": "14.0"}),
    System("macOS 13 on Intel", "x86_64-apple-darwin", {"MACOSX_DEPLOYMENT_TARGET": "13.0"}),
    System("Windows on x86-64", "x86_64-pc-windows-msvc"),
    System("Windows on Arm", "aarch64-pc-windows-msvc"),
)


def table() -> Iterator[str]:
    """Yield the rows of the table: megabytes to download, plain / light, or the package without a wheel."""
    yield "| system | " + " | ".join(f"Python {python}" for python in PYTHONS) + " |"
    yield "| --- " * (len(PYTHONS) + 1) + "|"
    for system in SYSTEMS:
        yield f"| {system.title} | " + " | ".join(_cell(system, python) for python in PYTHONS) + " |"


def _cell(system: System, python: str) -> str:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    plain = _resolved(required, system, python)
    light = _resolved([line for line in required if not line.startswith("tensorflow")], system, python)
    if isinstance(plain, str) or isinstance(light, str):
        return f"no wheel of {light if isinstance(light, str) else plain}"
    megabytes = [f"{sum(wheels.values()) / MB:,.0f}" for wheels in (plain, light)]
    return " / ".join(megabytes if "tensorflow" in plain else megabytes[1:])


def _resolved(required: list[str], system: System, python: str) -> dict[str, int] | str:
    """Return the bytes of each package's wheel, or the name of a package without one for the system."""
    options = ["--python-platform", system.platform, "--python-version", python, "--only-binary", ":all:"]
    done = subprocess.run(
        [*UV_COMPILE, *options, "-"],
        # TensorFlow first: uv takes the newest release of what it reads first, as pip does of the largest part here
        input="\n".join(sorted(required, key=lambda line: not line.startswith("tensorflow"))),
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        blamed = re.search(r"Because (?:all of:)?\s*([a-z][\w-]*)", done.stderr)
        if not blamed:
            raise SystemExit(done.stderr)
        return blamed[1]
    packages = tomllib.loads(done.stdout)["packages"]
    return {one["name"]: max(wheel["size"] for wheel in one["wheels"]) for one in packages if "wheels" in one}


def measure(name: str) -> str:
    """Install into a new environment without pip's cache, and return the row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        environment, wheels = Path(folder, "venv"), Path(folder, "wheels")
        venv.create(environment, with_pip=True)
        python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
        before = _bytes(environment)
        began = time.monotonic()
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-cache-dir", INSTALLS[name]], check=True)
        seconds = time.monotonic() - began
        disk = _bytes(environment) - before
        subprocess.run([python, "-m", "pip", "download", "-q", "-d", wheels, INSTALLS[name]], check=True)
        return f"| {name} | {_bytes(wheels) / MB:,.0f} MB | {disk / MB:,.0f} MB | {seconds:.0f} s |"


def _bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def main() -> None:
    """Print the table that is asked for."""
    if sys.argv[1:] == ["table"]:
        for row in table():
            print(row, flush=True)
    elif sys.argv[1:] == ["measure"]:
        print("| install | download | on disk | time |\n| --- | --- | --- | --- |", flush=True)
        for name in INSTALLS:
            print(measure(name), flush=True)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
