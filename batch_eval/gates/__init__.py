"""Gates: limits that an evaluation must meet, so that a CI job can decide."""

from batch_eval.gates.checks import GateResult, check, gates_line
from batch_eval.gates.limits import ClassLimit, Limits, SliceLimit, parse_limits

__all__ = ["ClassLimit", "GateResult", "Limits", "SliceLimit", "check", "gates_line", "parse_limits"]
