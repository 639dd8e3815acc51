"""What tests of the sandbox share: a command in a fresh one, in some 0.1 s."""

import json
import os
import subprocess
import sys

import pytest

# In a process of its own: a process that left the network has left it for good.
PROGRAM = """
import json, subprocess, sys
from pathlib import Path
from labkit.sandbox import sandbox
from labkit.sandbox.limits import Limits
asked = json.loads(sys.argv[1])
reason = sandbox.leave_network()
if reason:
    print(json.dumps({"reason": reason}))
    sys.exit()
with sandbox.Sandbox.make(on=True) as place:
    scratch = place.submissions / "one"
    scratch.mkdir()
    place.give(scratch)
    read = [Path(path) for path in asked["read"]]
    limits = Limits(**asked["limits"]).of_kernel(sandboxed=True)
    more = {name: [Path(path) for path in asked[name]] for name in ("write", "closed", "no_links")}
    command = place.command(asked["argv"], cwd=scratch, read=read, limits=limits, **more)
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    print(json.dumps({"reason": "", "out": done.stdout, "err": done.stderr, "code": done.returncode}))
"""


def inside(*argv, read=(), write=(), closed=(), no_links=(), root=None, **limits):
    folders = {"read": read, "write": write, "closed": closed, "no_links": no_links}
    paths = {name: list(map(str, some)) for name, some in folders.items()}
    asked = json.dumps({"argv": argv, **paths, "limits": limits})
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, asked], capture_output=True, text=True, timeout=180,
        env={**os.environ, **({"LAB_ROOT": str(root)} if root else {})},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    if found["reason"]:
        assert sys.platform != "linux", f"{found['reason']}; see docs/troubleshooting.md"
        pytest.skip(found["reason"])
    return found


def python(code, **options):
    return inside(sys.executable, "-c", code, **options)
