"""What a process in the sandbox sees, may write and may use; each starts in some 0.1 s."""

import os
import subprocess
import sys

import pytest
from sandboxes import inside, python

from labkit.sandbox import sandbox
from labkit.sandbox.limits import Limits
from labkit.sandbox.sandbox import Sandbox


def test_labs_kit_and_spark_can_be_imported(tmp_path):
    assert python("import labkit, pyspark, pandas; print('yes')")["out"] == "yes\n"


def test_only_what_is_shown_exists(tmp_path):
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "a").write_text("a")
    (tmp_path / "other").write_text("b")
    code = f"import os; print(os.listdir({str(tmp_path)!r}), os.listdir('/root') if os.path.isdir('/root') else [])"
    out = python(code, read=[tmp_path / "shown"])["out"]
    assert "['shown']" in out
    assert ".cache" not in out


@pytest.mark.parametrize(
    "place", ["/usr/x", "/x", "/etc/passwd", "{shown}/x", "/proc/sys/kernel/panic"]
)
def test_nothing_but_the_scratch_folder_can_be_written(tmp_path, place):
    path = place.format(shown=tmp_path)
    found = python(f"open('mine', 'w'); open({path!r}, 'w')", read=[tmp_path])
    assert found["code"] != 0
    assert "Read-only file system" in found["err"] or "Permission denied" in found["err"]
    assert path in found["err"]


def test_there_is_no_way_out_but_loopback():
    code = (
        "import socket\n"
        "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())\n"
        "try: socket.create_connection(('192.0.2.1', 80), 3)\n"
        "except OSError as error: print(error.errno)"
    )
    assert python(code)["out"] == "101\n"  # network is unreachable


def test_closed_lines_of_a_process_that_is_gone_leave_ports_for_others():
    code = """
import socket
from pathlib import Path
from labkit.sandbox import sandbox
assert not sandbox.leave_network()
first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
listening = socket.create_server(("127.0.0.1", 0), backlog=100)
for port in range(first, last + 1):
    line = socket.socket()
    try:
        line.bind(("127.0.0.1", port))
        line.connect(listening.getsockname())
    except OSError:
        continue
    other, _ = listening.accept()
    line.close()
    other.close()
print(len([socket.create_server(("127.0.0.1", 0)) for _ in range(100)]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "100\n", done.stderr


@pytest.mark.parametrize("links", [True, False])
def test_links_lead_nowhere_in_folders_without(tmp_path, links):
    own, other = tmp_path / "own", tmp_path / "other"
    code = f"""
import os
os.symlink({str(other / "made")!r}, {str(own / "link")!r})
try:
    open({str(own / "link")!r}, "w").write("mine")
except OSError as error:
    print(error.strerror)
os.symlink({str(own / "file")!r}, {str(other / "link")!r})
open({str(other / "link")!r}, "w").write("mine")
"""
    own.mkdir()
    other.mkdir()
    for folder in (tmp_path, own, other):
        folder.chmod(0o777)
    found = python(code, write=[tmp_path], no_links=[] if links else [own])
    assert found["code"] == 0, found["err"]
    assert found["out"] == ("" if links else "Too many levels of symbolic links\n")
    assert (other / "made").exists() == links
    assert (own / "file").read_text() == "mine"


def test_its_machine_has_a_name_that_leads_to_loopback():
    code = "import socket; name = socket.gethostname(); print(name, socket.gethostbyname(name))"
    assert python(code)["out"] == "sandbox 127.0.0.1\n"


def test_processes_are_its_own_and_without_capabilities():
    code = (
        "import os\n"
        "print(os.getpid(), [p for p in os.listdir('/proc') if p.isdigit()], os.getuid())\n"
        "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('Cap')])\n"
        "os.unshare(0x10000000) if hasattr(os, 'unshare') else None"
    )
    out = python(code)["out"].splitlines()
    assert out[0] == "1 ['1'] 1000"
    assert set(eval(out[1])) == {"0" * 16}


def test_memory_of_a_closed_program_is_in_no_file_not_even_for_itself():
    code = """
import os, subprocess, threading
print(os.access(os.path.realpath("/proc/self/exe"), os.R_OK))
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
for name in ("self/mem", "thread-self/mem", f"{thread.native_id}/mem", "self/environ"):
    try:
        print(name.split("/")[1], len(open(f"/proc/{name}", "rb", 0).read(0)))
    except PermissionError as error:
        print(name.split("/")[1], error.strerror)
os.chmod(os.path.realpath("/proc/self/exe"), 0o755)
"""
    readable = python(code)
    assert readable["out"] == "True\nmem 0\nmem 0\nmem 0\nenviron 0\n"
    closed = python(code, closed=[sys.executable])
    denied = "Permission denied\n"
    assert closed["out"] == f"False\nmem {denied}mem {denied}mem {denied}environ {denied}"
    assert "Read-only file system" in closed["err"] or "not permitted" in closed["err"]


def test_no_further_user_namespace_can_be_made():
    found = inside("unshare", "--user", "id")
    assert found["code"] != 0


@pytest.mark.parametrize(("kind", "most"), [("init1(0)", 2), ("add_watch(one, path, 2)", 1000)])
def test_little_is_watched_inside_since_the_judge_has_the_same_user(kind, most):
    code = (
        "import ctypes, os\nlibc = ctypes.CDLL(None)\none = libc.inotify_init1(0)\n"
        "paths = [os.fsencode(place) for place, _, _ in os.walk('/usr')][:1500]\n"
        f"print(sum(libc.inotify_{kind} >= 0 for path in paths))"
    )
    assert int(python(code)["out"]) == most - kind.startswith("init")


@pytest.mark.parametrize(
    ("code", "says", "limits"),
    [
        ("hoard = [bytearray(10**8) for _ in range(50)]", "MemoryError", {"memory_mb": 1000}),
        ("open('big', 'wb').write(bytes(3 * 10**6))", "File too large", {"file_mb": 2}),
        ("files = [open('f', 'w') for _ in range(200)]", "Too many open files", {"open_files": 64}),
        (
            "import os, time\nfor _ in range(50):\n    os.fork() or time.sleep(9)",
            "Resource temporarily unavailable",
            {"processes": 20},
        ),
    ],
)
def test_limits_hold_and_say_what_they_are(code, says, limits):
    found = python(code, **limits)
    assert found["code"] != 0
    assert says in found["err"]


UNCOUNTED = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
keys = [217, 218, 219] if os.uname().machine == "aarch64" else [248, 249, 250]
for call in (
    lambda: libc.memfd_create(b"mine", 0),
    lambda: libc.syscall(447, 0),
    lambda: libc.shmget(7, 4096, 0o1600),
    lambda: libc.semget(7, 1, 0o1600),
    lambda: libc.msgget(7, 0o1600),
    lambda: ctypes.CDLL("librt.so.1", use_errno=True).mq_open(b"/mine", 0o102, 0o600, None),
    lambda: libc.syscall(425, 1, ctypes.create_string_buffer(120)),
    *(lambda key=key: libc.syscall(key, b"user", b"mine", b"x", 1, -3) for key in keys),
):
    ctypes.set_errno(0)
    print(call(), errno.errorcode.get(ctypes.get_errno()))
print(os.getpid())
"""


def test_what_no_limit_counts_is_not_there():
    assert python(UNCOUNTED)["out"].splitlines() == ["-1 ENOSYS"] * 10 + ["1"]


def test_how_a_process_ended_is_told():
    assert inside("sh", "-c", "exit 7")["code"] == 7


def test_system_without_namespaces_says_so_and_goes_on_without(monkeypatch):
    def refuse(flags):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(sandbox, "_state", {})
    monkeypatch.setattr(sandbox.launcher, "unshare", refuse)
    reason = sandbox.leave_network()
    assert reason == "this system allows no namespaces here ([Errno 1] Operation not permitted)"
    with Sandbox.make(on=not reason, reason=reason) as place:
        command = place.command(
            ["sh", "-c", "pwd"], cwd=place.submissions, limits=Limits().of_kernel(sandboxed=False)
        )
        assert subprocess.run(command, capture_output=True, text=True).returncode == 0


def test_a_checkout_or_home_is_never_shown_whole(tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert str(tmp_path) not in sandbox.visible()


def test_the_folder_a_command_was_called_in_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert str(tmp_path) not in sandbox.visible()


def test_secrets_of_a_checkout_are_hidden_where_a_folder_around_it_is_shown(tmp_path):
    root = tmp_path / "course"
    for name in ("solutions/01_x/solution.py", "labs/01_x/checks.py", "labs/01_x/lab.ipynb"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("told")
    (root / "lab").touch()
    tmp_path.chmod(0o755)
    code = (
        "from pathlib import Path; "
        f"print(sorted(p.read_text() + p.name for p in Path({str(root)!r}).rglob('*.*')))"
    )
    found = python(code, read=[tmp_path], root=root)
    assert found["out"] == "['checks.py', 'toldlab.ipynb']\n", found["err"]


@pytest.mark.parametrize("kind", ["file", "link", "pipe", "locked", "deep"])
def test_whatever_a_submission_left_can_be_removed(tmp_path, kind):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    left = tmp_path / "left"
    if kind == "file":
        left.touch()
    elif kind == "link":
        left.symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(left)
    else:
        (left / "a").mkdir(parents=True)
        (left / "a" / "b").touch()
        if kind == "locked":
            (left / "a").chmod(0)
        else:
            here = os.open(left, os.O_DIRECTORY)
            for _ in range(1_500):
                os.mkdir("d", dir_fd=here)
                deeper = os.open("d", os.O_DIRECTORY, dir_fd=here)
                os.close(here)
                here = deeper
            os.close(here)
    assert sandbox.remove(left)
    assert not os.path.lexists(left)
    assert (outside / "kept").exists()


@pytest.mark.parametrize(("folder", "most"), [("/tmp", 64), ("/dev/shm", 256)])
def test_folders_in_memory_have_an_end(folder, most):
    code = (
        f"import os\nfile = open({folder + '/mine'!r}, 'wb', buffering=0)\n"
        "try:\n    while file.write(bytes(1 << 20)) == 1 << 20: pass\n"
        "except OSError as error: print(error.strerror)\n"
        "print(file.tell() >> 20)"
    )
    out = python(code)["out"].split()
    assert int(out[-1]) <= most


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_files_in_memory_are_counted(folder):
    code = (
        f"import os\nfor number in range(60_000):\n    open(f'{folder}/{{number}}', 'w').close()\n"
    )
    assert "No space left on device" in python(code)["err"]


LINKED = """
import os, subprocess, sys
from pathlib import Path
from labkit.sandbox import sandbox

outside = Path(sys.argv[1])
sandbox.leave_network()
with sandbox.Sandbox.make(on=True) as place:
    folder = place.checks / "one"
    folder.mkdir()
    folder.chmod(0o1777)
    links = [("file", outside / "file"), ("new", outside / "new"), ("folder", outside)]
    code = "import os, sys\\nfor n in range(1, len(sys.argv), 2): os.symlink(*sys.argv[n:n + 2])\\n"
    code += f"os.chdir({str(folder)!r}); os.symlink('here', 'mine'); open('mine', 'w').close()\\n"
    code += "print(os.path.exists('here'))"
    links = [str(part) for name, to in links for part in (to, folder / name)]
    command = place.command(
        [sys.executable, "-c", code, *links], cwd=place.submissions, write=[place.checks]
    )
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout or done.stderr)
    for call in (
        lambda: (folder / "file").read_text(),
        lambda: (folder / "file").chmod(0o666),
        lambda: (folder / "new").write_text("x"),
        lambda: os.listdir(folder / "folder"),
    ):
        try:
            print(call())
        except OSError as error:
            print(error.errno)
print(place.place.exists())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts are a thing of Linux")
def test_judge_follows_no_link_in_the_folder_of_checks(tmp_path):
    (tmp_path / "file").write_text("secret")
    command = [sys.executable, "-c", LINKED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    # Who is inside follows its own links; the judge gets "too many levels of symbolic links".
    assert done.stdout.split() == ["True", "40", "40", "40", "40", "False"], done
    assert not (tmp_path / "new").exists()


BOUNDED = """
import sys
from labkit.sandbox import limits, sandbox

limits.limit_own_memory()
child = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY)"
with sandbox.Sandbox.make(on=False) as place:
    command = place.command([sys.executable, "-c", child], cwd=place.submissions)
    print(__import__("subprocess").run(command, capture_output=True, text=True).stdout)
try:
    bytearray(5 * 10**9)
except MemoryError:
    print("bounded")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts memory so")
def test_judge_bounds_its_own_memory_and_not_that_of_what_it_launches():
    done = subprocess.run([sys.executable, "-c", BOUNDED], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "bounded"], done.stderr
