"""Landlock: this process and its children give up what they don't need, for good.

A Linux security module that needs no privilege and no namespace (kernel 5.13; signals 6.12):
https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
GIVE_VERSION, PATH_BENEATH = 1, 1
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
# Removing and making entries of any kind in a folder: rights 4 to 12.
ENTRIES = sum(1 << number for number in range(4, 13))
MOVE = 1 << 13
SIGNALS = 1 << 1
PR_SET_NO_NEW_PRIVS = 38
# Tells Spark's Python workers, by the environment of their JVM, the folder that they may write in.
OF_WORKERS = "LAB_WORKER_FOLDER"

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of Landlock that this kernel has; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(CREATE_RULESET, None, ctypes.c_size_t(0), GIVE_VERSION))


def write_only_in(folders: Sequence[Path]) -> int:
    """From now on this process writes, makes and removes files in these folders alone.

    Nor can it debug processes that are not bound by this, or read their memory; from version 6 on it
    can't send them signals either. Returns the version; where it is 0, nothing has changed.
    """
    found = version()
    if not found:
        return 0
    files = WRITE_FILE | (TRUNCATE if found >= 3 else 0)
    rights = files | ENTRIES | (MOVE if found >= 2 else 0)
    rules = struct.pack("QQQ", rights, 0, SIGNALS) if found >= 6 else struct.pack("Q", rights)
    ruleset = _done(_call(CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0), "a ruleset")
    for path, allowed in [*((folder, rights) for folder in folders), (Path(os.devnull), files)]:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", allowed, opened)
        _done(_call(ADD_RULE, ruleset, PATH_BENEATH, rule, 0), f"a rule for {path}")
        os.close(opened)
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _done(_call(RESTRICT_SELF, ruleset, 0), "the restriction")
    os.close(ruleset)
    return found


def _call(number: int, *arguments: object) -> int:
    return int(_libc.syscall(ctypes.c_long(number), *arguments))


def _done(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock, {what}: {os.strerror(number)}")
    return result
