"""Keep TensorFlow's log lines about CUDA and oneDNN from the user.

TensorFlow 2.21 writes them from C++ straight to file descriptor 2 during its import, whatever
``TF_CPP_MIN_LOG_LEVEL`` says.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_LOG_LINE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} \d\d:?\d\d"  # absl: severity, month and day, or zeros and seconds
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "  # TensorFlow before 2.17
    rb"|To enable the following instructions:"  # the second line of a message about the processor
)


@contextmanager
def without_log_lines() -> Iterator[None]:
    """Hold back what is written to stderr, and then write it without TensorFlow's log lines."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without stderr
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not _LOG_LINE.match(line):
                    os.write(2, line)
