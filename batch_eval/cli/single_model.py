"""A command that takes one model, and says what to do with several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand

from batch_eval.errors import ConfigError

_NAMES = ("--model", "-m")


class SingleModelCommand(TyperCommand):
    """A command that refuses a second --model.

    By default the last one would win without a word.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments as Typer does. Raises ConfigError when several models are named."""
        models = list(_models(args))
        if len(models) > 1:
            raise ConfigError(
                f"--model was given {len(models)} times ({', '.join(models)}), but {ctx.info_name} takes one model. "
                f"To rank several on the same images: batch-eval compare FOLDER {' '.join(models)}"
            )
        return super().parse_args(ctx, args)


def _models(args: Sequence[str]) -> Iterator[str]:
    """Yield the values of --model in all its spellings."""
    # `--model X`, `--model=X`, `-m X` and `-mX`
    for i, arg in enumerate(args):
        if arg in _NAMES and i + 1 < len(args):
            yield args[i + 1]
        elif arg.startswith("--model="):
            yield arg.removeprefix("--model=")
        elif arg.startswith("-m") and len(arg) > 2:
            yield arg.removeprefix("-m")
