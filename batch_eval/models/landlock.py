"""Deny a process files and the network, with Landlock: https://docs.kernel.org/userspace-api/landlock.html.

Linux has it since 5.13, if it is switched on. It needs no privileges, and a process cannot undo it. Each version (ABI)
of Landlock controls more; what the kernel does not know is left out.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls; the numbers are the same on all processors but Alpha."""
_VERSION = 1
"""Flag that asks for the version."""
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_RIGHTS = _EXECUTE | _READ_FILE | 1 << 1 | 1 << 14 | 1 << 15
"""The rights that apply to a file rather than a folder: execute, read, write, truncate, ioctl."""
# version -> number of rights on files, on the network, and of scopes
_RIGHTS = {1: (13, 0, 0), 2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 2, 0), 5: (16, 2, 0), 6: (16, 2, 2)}


def version() -> int:
    """Return the version of Landlock; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION)))


def restrict(read: Iterable[str], write: Iterable[str]) -> bool:
    """Deny this thread, and those it will start, everything but some paths; return whether Landlock is there.

    Args:
        read: Files and folders that may still be read.
        write: Files and folders that may be read and written.

    Raises:
        OSError: Landlock is there, but refused.

    """
    found = version()
    if not found:
        return False
    files, network, scopes = ((1 << bits) - 1 for bits in _RIGHTS[min(found, max(_RIGHTS))])
    attributes = struct.pack("<QQQ", files, network, scopes)[: 8 if found < 4 else 16 if found < 6 else 24]
    ruleset = _checked(_libc().syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for paths, rights in ((read, _READ), (write, files)):
            for path in paths:
                _allow(ruleset, path, rights & files)
        _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_libc().syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there needs no right
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        # struct landlock_path_beneath_attr is packed: a u64 and an s32
        _checked(_libc().syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("<Qi", rights, descriptor), 0))
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
