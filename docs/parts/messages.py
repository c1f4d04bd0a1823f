"""The messages of errors, read from the source: everywhere that one is raised."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import batch_eval
from batch_eval import errors

from .tables import code

PACKAGE = Path(batch_eval.__file__).parent


def classes() -> list[type[errors.BatchEvalError]]:
    """Return the errors that people see, in the order of their definition."""
    found = vars(errors).values()
    return [one for one in found if isinstance(one, type) and issubclass(one, errors.BatchEvalError)][1:]


def reference() -> str:
    """Return every kind of error with its messages."""
    texts = messages()
    return "\n".join(_section(kind, texts.get(kind.__name__, [])) for kind in classes())


def _section(kind: type, texts: list[str]) -> str:
    lines = [f"- {code(text)}" for text in texts]
    return "\n".join([f"\n### {kind.__name__}\n\n{inspect.getdoc(kind)}\n", *lines]).rstrip() + "\n"


def messages() -> dict[str, list[str]]:
    """Return the messages of each error by its name; what they fill in is `…`."""
    found: dict[str, dict[str, None]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for name, text in _raised(tree):
            found.setdefault(name, {})[text] = None
    return {name: list(texts) for name, texts in found.items()}


def _raised(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name and the message of each error that a module raises or makes."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
            for argument in node.args[:1]:
                yield from ((node.func.id, text) for text in _texts(argument, functions))


def _texts(value: ast.expr, functions: dict[str, ast.FunctionDef]) -> list[str]:
    """Return a message, or those that a function of the module may return."""
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    if isinstance(value, ast.JoinedStr):
        return ["".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in value.values)]
    if isinstance(value, ast.BinOp):
        return _texts(value.left, functions)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in functions:
        returned = [node.value for node in ast.walk(functions[value.func.id]) if isinstance(node, ast.Return)]
        return [text for one in returned if one for text in _texts(one, {})]
    return []
