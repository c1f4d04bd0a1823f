"""Which command adds an optional package, from where this package came from.

The name ``batch_eval`` on the public index is not ours. So no command may take it from there. The source of an
installation is recorded in ``direct_url.json`` (PEP 610): a checkout, wheel or URL.

Many modules import this one, and few runs lack a package. So what takes long to import comes late: ``urllib.request``
alone takes a tenth of a run's start.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from packaging.requirements import Requirement

NAME = "batch_eval"
PROJECT = Path(__file__).parents[1] / "pyproject.toml"
"""The project file of the checkout that runs.

It is missing where the package was copied into an environment."""
PYTHONS = range(11, 30)
"""Minor versions of Python 3 that are tried when a package does not support this one."""


def missing(package: str, extra: str) -> str:
    """Say that a package is not installed, and how to install it: two sentences.

    Where the extra leaves the package out on this system, say with which versions of Python it can be had.
    """
    if requirements(extra):
        return f"{package} is not installed. Install it with: {install_command(extra)}"
    versions = [f"3.{minor}" for minor in PYTHONS if requirements(extra, python=f"3.{minor}")]
    if not versions:
        return f"{package} is not to be had for {platform.system()} on {platform.machine()}. Use another computer."
    here = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"{package} is not to be had for {here} here. Use Python {versions[0]} to {versions[-1]}."


@cache
def install_command(extra: str) -> str:
    """Return the command that adds an extra such as ``web`` to this environment.

    It names the checkout, wheel or URL that this package came from. From an index, ``batch_eval`` may be anybody's
    package: then the command names what the extra requires.
    """
    words = _origin(extra) or [_without_marker(requirement) for requirement in requirements(extra)]
    return " ".join([*_installer(), *(_quoted(word) for word in words)])


def requirements(extra: str, *, python: str | None = None) -> list[Requirement]:
    """Return what an extra requires on this system.

    ``python`` names another Python than this one, such as "3.13".
    """
    there = {"extra": extra} | ({"python_version": python} if python else {})
    return [one for one in _of_extra(extra) if one.marker is None or one.marker.evaluate(there)]


def _of_extra(extra: str) -> list[Requirement]:
    """Return what an extra requires on any system."""
    import tomllib

    from packaging.requirements import Requirement

    if PROJECT.is_file():
        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        return [Requirement(line) for line in project["optional-dependencies"][extra]]
    installed = _installed()
    every = [Requirement(line) for line in (installed and installed.requires) or ()]
    return [one for one in every if f'extra == "{extra}"' in str(one.marker)]


def _installed() -> Distribution | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(NAME)
    except PackageNotFoundError:
        return None


def _origin(extra: str) -> list[str]:
    """Return the words that name an extra of what was installed.

    There are none where it came from an index.
    """
    if PROJECT.is_file():
        return ["-e", f"{PROJECT.parent}[{extra}]"]  # the environment goes on running the checkout itself
    installed = _installed()
    origin = json.loads((installed and installed.read_text("direct_url.json")) or "{}")
    if not origin:
        return []
    if not origin["url"].startswith("file:"):
        return [f"{NAME}[{extra}] @ {_url(origin)}"]
    if "vcs_info" in origin:  # pip 23.2 takes no `NAME[EXTRA] @ git+file:…`
        return []
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    path = Path(url2pathname(urlsplit(origin["url"]).path))
    return [f"{path}[{extra}]"] if path.exists() else []


def _url(origin: dict[str, Any]) -> str:
    """Return the URL that pip takes, of an origin as PEP 610 records it."""
    folder = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
    vcs = origin.get("vcs_info")
    if vcs is None:
        return f"{origin['url']}{folder}"
    revision = f"@{vcs['requested_revision']}" if "requested_revision" in vcs else ""
    return f"{vcs['vcs']}+{origin['url']}{revision}{folder}"


def _installer() -> list[str]:
    """Return the words that install into this environment."""
    # `pip` alone will do where it is the first on the path and belongs to this Python; what uv installed, uv extends
    installed = _installed()
    if installed and (installed.read_text("INSTALLER") or "").strip() == "uv":
        active = os.environ.get("VIRTUAL_ENV") == sys.prefix
        return ["uv", "pip", "install", *([] if active else ["--python", sys.executable])]
    pip = shutil.which("pip")
    if pip and Path(pip).parent == Path(sys.executable).parent:
        return ["pip", "install"]
    return [sys.executable, "-m", "pip", "install"]


def _quoted(word: str) -> str:
    """Return a word as the shell takes it."""
    # on Windows, cmd and PowerShell both know double quotes
    if os.name == "nt":
        return f'"{word}"' if set(word) & set(" <>|&^[];=") else word
    return shlex.quote(word)


def _without_marker(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"
