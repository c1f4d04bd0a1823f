"""What the light install requires: all of the plain one but TensorFlow."""

import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PLAIN = Path(__file__).parents[2] / "pyproject.toml"


class LightRequirements(MetadataHookInterface):
    """Take requirements, extras and commands from the plain project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the fields that pyproject.toml beside it calls dynamic."""
        plain = tomllib.loads(PLAIN.read_text(encoding="utf-8"))["project"]
        metadata["dependencies"] = [line for line in plain["dependencies"] if not line.startswith("tensorflow")]
        metadata["optional-dependencies"] = plain["optional-dependencies"]
        metadata["scripts"] = plain["scripts"]
