"""What the page on predict and serve says of them: keys of the JSON, addresses and limits of the server."""

import json

from batch_eval.imaging.limits import MAX_MEGAPIXELS
from batch_eval.reports.predictions.json_file import SCHEMA
from batch_eval.web.connections import MAX_CONNECTIONS, WAITING_SECONDS
from batch_eval.web.security import HEADERS
from batch_eval.web.workload import MAX_BYTES, MAX_UPLOADS, PAUSE_SECONDS, READING_SECONDS, SECONDS

from .tables import code, table


def image_keys() -> str:
    """Return the keys of an image in the JSON of predictions, with their meaning."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["image"]
    return table(["key", "meaning"], [(code(key), about["description"]) for key, about in schema["properties"].items()])


def limits() -> str:
    """Return the limits of an upload."""
    rows = [
        ("bytes of an upload, counted while it arrives", f"{MAX_BYTES >> 20} MiB"),
        ("pixels of an image, read from its header", f"{MAX_MEGAPIXELS} megapixels"),
        ("uploads above 1 MiB in memory at a time; others wait", str(MAX_UPLOADS)),
        ("time for an upload to arrive", f"{SECONDS} seconds"),
        ("time for the next piece of an upload", f"{PAUSE_SECONDS} seconds"),
        ("time for reading an image", f"{READING_SECONDS} seconds"),
        ("connections; beyond, the one goes that waits longest for its client", str(MAX_CONNECTIONS)),
        ("time for the head of a request, and for the next piece of an answer", f"{WAITING_SECONDS:.0f} seconds"),
    ]
    return table(["limit", "value"], rows)


def policy() -> str:
    """Return the content security policy."""
    return f"```text\n{HEADERS['Content-Security-Policy']}\n```"
