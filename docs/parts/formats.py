"""The report formats: their files, schemas and samples, from the committed example's evaluation."""

import inspect
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batch_eval.evaluation import Outcome
from batch_eval.evaluation.saved import SCHEMA, load_evaluation
from batch_eval.reports.comparison import json_file as comparison
from batch_eval.reports.inspection import json_file as inspection
from batch_eval.reports.json_files import METRICS_SCHEMA
from batch_eval.reports.ranking import json_file as ranking
from batch_eval.reports.registry import DEFAULT_FORMATS, Kind, format_names, reporter
from batch_eval.reports.stress import json_file as stress

from .tables import code, table

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "reports" / "example"
VALIDATORS = {
    "text": "a golden file; no control characters, whatever the names",
    "csv": "Python's `csv`; no cell that a spreadsheet would run as a formula",
    "json": "`jsonschema` and the schemas below, which follow JSON Schema 2020-12",
    "html": "Chromium and axe-core; a strict content security policy",
    "markdown": "`markdown-it-py`, with tables as on GitHub",
    "junit": "`xmlschema` and [`tests/schemas/junit.xsd`](../tests/schemas/junit.xsd)",
    "github": "every line parsed as GitHub's toolkit writes it",
    "sarif": "`pydantic-sarif`, generated from OASIS' schema of SARIF 2.1.0",
    "parquet": "`pyarrow`, with probabilities exact to the bit",
    "latex": "golden files; characters that LaTeX takes for commands are escaped",
    "xlsx": "`openpyxl`; no cell is a formula",
    "plots": "OpenCV for PNG, an XML parser for SVG, the header and end of PDF",
}


def overview() -> str:
    """Return each format with its files and how it is tested."""
    evaluation = load_evaluation(EXAMPLE / "evaluation.json")
    rows = []
    for name in format_names(Kind.RUN):
        module = reporter(name)
        files = dict.fromkeys(path.split("/")[0] for path, _ in module.files(evaluation))
        default = " (default)" if name in DEFAULT_FORMATS else ""
        rows.append((code(name) + default, _purpose(module), ", ".join(map(_linked, files)), VALIDATORS[name]))
    return table(["format", "what it is", "files", "tested with"], rows)


def _purpose(module: Any) -> str:
    text = (inspect.getdoc(sys.modules[module.__name__]) or "").split("\n\n")[0]
    _, _, after = text.replace("``", "`").partition(": ")
    return after or text


def _linked(file: str) -> str:
    return f"[{file}](../reports/example/{file})" if (EXAMPLE / file).exists() else code(file)


def outcomes() -> str:
    """Return the outcomes and whether they count."""
    rows = [(code(o.value), o.meaning, "yes" if o.scored else "no") for o in Outcome]
    return table(["outcome", "meaning", "scored"], rows)


def metrics_sample() -> str:
    """Return the example's metrics.json."""
    return _fenced((EXAMPLE / "metrics.json").read_text(encoding="utf-8"))


def evaluation_sample() -> str:
    """Return the example's evaluation.json with two rows of each column."""
    content = json.loads((EXAMPLE / "evaluation.json").read_text(encoding="utf-8"))
    text = json.dumps(_shortened(content), indent=2, ensure_ascii=False)
    return _fenced(re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list) and len(value) > 2 and not isinstance(value[0], list):
        return [*map(_shortened, value[:2]), f"… {len(value) - 2} more"]
    return value if not isinstance(value, str) or len(value) < 100 else f"{value[:16]}…"


def _fenced(text: str) -> str:
    return f"```json\n{text.strip()}\n```"


def metrics_keys() -> str:
    """Return the keys of metrics.json."""
    return _keys(METRICS_SCHEMA)


def evaluation_keys() -> str:
    """Return the keys of evaluation.json."""
    return _keys(SCHEMA)


def comparison_keys() -> str:
    """Return the keys of comparison.json, and those of its pairs."""
    schema = json.loads(comparison.SCHEMA.read_text(encoding="utf-8"))
    pairs = _table(schema["$defs"]["pair"])
    return f"{_keys(comparison.SCHEMA)}\n\nEach of the `pairs`:\n\n{pairs}"


def inspection_keys() -> str:
    """Return the keys of inspection.json."""
    return _keys(inspection.SCHEMA)


def leaderboard_keys() -> str:
    """Return the keys of leaderboard.json, and those of its models."""
    schema = json.loads(ranking.SCHEMA.read_text(encoding="utf-8"))
    return f"{_keys(ranking.SCHEMA)}\n\nEach of the `models`:\n\n{_table(schema['$defs']['model'])}"


def stress_keys() -> str:
    """Return the keys of stress.json, those of its distortions and of their levels."""
    schema = json.loads(stress.SCHEMA.read_text(encoding="utf-8"))
    parts = [f"Each of the `{name}s`:\n\n{_table(schema['$defs'][name])}" for name in ("distortion", "level")]
    return "\n\n".join([_keys(stress.SCHEMA), *parts])


def _keys(path: Path) -> str:
    link = f"[{path.name}](../{path.relative_to(ROOT).as_posix()})"
    return f"Schema: {link}\n\n{_table(json.loads(path.read_text(encoding='utf-8')))}"


def _table(schema: Mapping[str, Any]) -> str:
    always = schema["required"]
    rows = [
        (code(key), "yes" if key in always else "no", about.get("description", ""))
        for key, about in schema["properties"].items()
    ]
    return table(["key", "always", "meaning"], rows)


def columns() -> str:
    """Return the columns of predictions.csv as the example has them."""
    header = (EXAMPLE / "predictions.csv").read_text(encoding="utf-8").splitlines()[0]
    return ", ".join(map(code, header.split(",")))
