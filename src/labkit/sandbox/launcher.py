"""Start a command with limits and, where told, in namespaces: `python -I -S launcher.py SPEC COMMAND`."""

# Run as a script, by path: nothing but the standard library, so that a start costs some 30 ms.
from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

NEWNS, NEWUTS, NEWIPC = 0x00020000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC = 2, 4, 8, 0x1000, 0x4000
MS_PRIVATE, MS_SLAVE = 0x40000, 0x80000
ATTR_READ_ONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NO_LINKS = 1, 2, 4, 0x200000
MNT_DETACH = 2
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, 155)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 36, 24, 38
LAST_CAPABILITY = 63
INSIDE = 1000  # user and group of everything in the sandbox, as it sees itself
IN_MEMORY = "mode=1777,nr_inodes=50k"  # an empty file takes a kilobyte that no size counts
NAME = "sandbox"  # of the machine, as programs inside see it
CLOSED_LINES = 1000  # there are 28,000 ports for lines
OF_USER = {
    **{"user_namespaces": 0, "inotify_instances": 2, "inotify_watches": 1000},
    **{"fanotify_groups": 2, "fanotify_marks": 1000},
}
# What no limit counts, or what outlives its process: memory in files without a place, System V's and
# POSIX's memory, messages and semaphores, files that a ring holds, and keys, which a process has from
# its parent. By the number that each kind of machine has for: memfd_create, memfd_secret, shmget,
# semget, msgget, mq_open, io_uring_setup, add_key, request_key, keyctl.
UNCOUNTED = {
    "x86_64": (0xC000003E, 317, (319, 447, 29, 64, 68, 240, 425, 248, 249, 250)),
    "aarch64": (0xC00000B7, 277, (279, 447, 194, 190, 186, 180, 425, 217, 218, 219)),
}
DEVICES = ("null", "zero", "full", "random", "urandom")
ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone"),
    *("nsswitch.conf", "protocols", "services", "mime.types", "fonts", "locale.alias"),
)

_libc = ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Moves this process (its later children, for processes) into new namespaces."""
    _done(_libc.unshare(ctypes.c_int(flags)), "unshare")


def prctl(option: int, value: int = 0) -> None:
    unsigned = ctypes.c_ulong
    _libc.prctl(ctypes.c_int(option), unsigned(value), unsigned(0), unsigned(0), unsigned(0))


def loopback_up() -> None:
    """Brings up `lo` in the network namespace of this thread: ioctl SIOCSIFFLAGS with IFF_UP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, 0x8914, struct.pack("16sh14x", b"lo", 1))


def forget_closed_lines() -> None:
    """Few lines of the network namespace keep their port once they are closed, as each does for a
    minute elsewhere: a process that is gone can have taken them all.
    """
    with contextlib.suppress(OSError):  # /proc/sys can be read-only
        _write("/proc/sys/net/ipv4/tcp_max_tw_buckets", str(CLOSED_LINES))


def map_user(pid: int | str, lines: str, groups: str) -> None:
    """Writes who is who in the user namespace of `pid`."""
    if os.geteuid() != 0:
        _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", lines)
    _write(f"/proc/{pid}/gid_map", groups)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    options = None if data is None else data.encode()
    _done(_libc.mount(*texts, ctypes.c_ulong(flags), options), f"mount {source} at {target}")


def _set_attributes(
    path: str, attributes: int, *, cleared: int = 0, recursive: bool = True
) -> None:
    wanted = struct.pack("QQQQ", attributes, cleared, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    _done(
        _libc.syscall(
            ctypes.c_long(SYS_MOUNT_SETATTR), ctypes.c_int(AT_FDCWD), path.encode(),
            ctypes.c_uint(flags), wanted, ctypes.c_size_t(len(wanted)),
        ),
        f"mount_setattr {path}",
    )  # fmt: skip


def keep_mounts() -> None:
    """What this process mounts in its own namespace, others don't see."""
    _mount("none", "/", None, MS_REC | MS_SLAVE)


def follow_no_links(path: str) -> bool:
    """From now on no link in `path` leads anywhere, for this process; False before Linux 5.14."""
    with contextlib.suppress(OSError):
        _mount(path, path, None, MS_BIND)
        _set_attributes(path, ATTR_NO_LINKS)
        return True
    return False


def unmount(path: str) -> None:
    """Takes away what this process has mounted at `path`, if anything."""
    _libc.umount2(path.encode(), ctypes.c_int(MNT_DETACH))


def _show(base: str, path: str, attributes: int) -> None:
    """Binds `path` at the same place under `base`; a link stays a link."""
    target = base + path
    if os.path.lexists(target) and not os.path.isdir(target):
        return
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if os.path.islink(path):
        if not os.path.lexists(target):
            os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, mode=0o755, exist_ok=True)
    else:
        with open(target, "w"):
            pass
    _mount(path, target, None, MS_BIND | MS_REC)
    _set_attributes(target, attributes)
    with contextlib.suppress(OSError):  # that was for the judge; Linux before 5.14 doesn't know it
        _set_attributes(target, 0, cleared=ATTR_NO_LINKS)


def _hide(base: str, path: str) -> None:
    """Puts nothing in the place of what is shown at `path`, if it is."""
    if os.path.isdir(base + path):
        _mount("tmpfs", base + path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4k")
        _set_attributes(base + path, ATTR_READ_ONLY)
    elif os.path.exists(base + path):
        _mount("/dev/null", base + path, None, MS_BIND)


def _close_memory(base: str, path: str) -> None:
    """Puts in the place of a program a copy that can be run and not read.

    The system then keeps the memory of a process that runs it from all others, and from files of
    /proc that the process itself opens: Spark reads any path that somebody names.
    """
    target = base + os.path.realpath(path)
    with open(target, "rb") as source:
        program = source.read()
    if not program.startswith(b"\x7fELF"):  # a script, which its interpreter has to read
        return
    copy = f"{base}/.programs/{os.path.basename(path)}"
    os.makedirs(os.path.dirname(copy), mode=0o755, exist_ok=True)
    with open(copy, "xb") as out:
        out.write(program)
    os.chmod(copy, 0o111)
    _mount(copy, target, None, MS_BIND)
    _set_attributes(target, ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV)


def _build(spec: dict[str, Any]) -> None:
    """The file system of the sandbox, from nothing; then there is no other."""
    base: str = spec["base"]
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m")
    for name in ("proc", "dev", "dev/shm", "tmp", "etc", ".old"):
        os.mkdir(f"{base}/{name}", 0o755)
    _mount("tmpfs", f"{base}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"{IN_MEMORY},size=64m")
    _mount("tmpfs", f"{base}/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"{IN_MEMORY},size=256m")
    _mount("proc", f"{base}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in DEVICES:
        _show(base, f"/dev/{name}", ATTR_NOSUID)
    os.symlink("/proc/self/fd", f"{base}/dev/fd")
    java = [name for name in os.listdir("/etc") if name.startswith("java")]
    for name in (*ETC, *java):
        if os.path.exists(f"/etc/{name}"):
            _show(base, f"/etc/{name}", ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV)
    user = f"lab:x:{INSIDE}:{INSIDE}::/tmp:/bin/sh\n"
    _write(f"{base}/etc/passwd", user)
    _write(f"{base}/etc/group", f"lab:x:{INSIDE}:\n")
    # Some programs look up the name of their machine: Flink's JVM does before each job.
    socket.sethostname(NAME)
    _write(f"{base}/etc/hosts", f"127.0.0.1 localhost {NAME}\n::1 localhost\n")
    for path in spec["read"]:
        _show(base, path, ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV)
    for path in spec["write"]:
        _show(base, path, ATTR_NOSUID | ATTR_NODEV)
    for path in spec["no_links"]:
        _show(base, path, ATTR_NOSUID | ATTR_NODEV)
        with contextlib.suppress(OSError):  # Linux before 5.14 doesn't know it
            _set_attributes(base + path, ATTR_NO_LINKS)
    for path in spec["hide"]:
        _hide(base, path)
    for path in spec["closed"]:
        _close_memory(base, path)
    os.chdir(base)
    _done(_libc.syscall(ctypes.c_long(SYS_PIVOT_ROOT), b".", b".old"), "pivot_root")
    os.chdir("/")
    _done(_libc.umount2(b"/.old", ctypes.c_int(MNT_DETACH)), "umount")
    os.rmdir("/.old")
    _set_attributes("/", ATTR_READ_ONLY, recursive=False)
    # Nobody in here makes a further user namespace, in which it would have capabilities again. What
    # is watched in here counts among what the judge's user may watch: 128 times, on most systems.
    for name, most in OF_USER.items():
        with contextlib.suppress(FileNotFoundError):  # a system that has none of them
            _write(f"/proc/sys/user/max_{name}", str(most))


def _drop() -> None:
    """No capability is left, and none can be had again."""
    for capability in range(LAST_CAPABILITY + 1):
        prctl(PR_CAPBSET_DROP, capability)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(INSIDE, INSIDE, INSIDE)
        os.setresuid(INSIDE, INSIDE, INSIDE)
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def _refuse_uncounted() -> None:
    """From now on the calls of `UNCOUNTED` are none that this system has, nor are those of another
    kind of machine, which have other numbers: a program of seccomp's.
    """
    if os.uname().machine not in UNCOUNTED:
        return
    machine, seccomp, refused = UNCOUNTED[os.uname().machine]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    count = len(refused)
    steps = [
        (load, 0, 0, 4),  # the kind of machine
        (equal, 0, count + 3, machine),
        (load, 0, 0, 0),  # the number of the call
        (at_least, count + 1, 0, 0x40000000),  # x32, on x86
        *((equal, count - place, 0, number) for place, number in enumerate(refused)),
        (answer, 0, 0, 0x7FFF0000),  # it may
        (answer, 0, 0, 0x00050000 | errno.ENOSYS),
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    told = struct.pack("HP", len(steps), ctypes.addressof(program))
    set_filter, no_slower = ctypes.c_uint(1), ctypes.c_uint(4)
    # A system that was built without it goes on.
    _libc.syscall(ctypes.c_long(seccomp), set_filter, no_slower, told)


def _limit(limits: dict[str, int]) -> None:
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))  # a judge has bounded its own
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (most, most))


def _in_namespaces(spec: dict[str, Any], command: list[str]) -> NoReturn:
    """The command as process 1 of its own world; this process waits for it and ends as it ended."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    outside = spec["user"]
    for path in spec["give"]:
        os.chown(path, outside, outside)
    asked, answered = os.pipe(), os.pipe()
    me = os.getpid()
    scribe = os.fork()
    if scribe == 0:  # stays outside, to say who is who inside
        os.read(asked[0], 1)
        own = "0 0 1\n" if os.geteuid() == 0 else ""
        text = f"{own}{INSIDE} {outside} 1\n"
        groups = text if own else f"{INSIDE} {os.getegid()} 1\n"
        map_user(me, text, groups)
        os.write(answered[1], b"x")
        os._exit(0)
    os.close(answered[1])  # an end of file, if the scribe fails
    unshare(NEWUSER | NEWNS | NEWPID | NEWIPC | NEWUTS)
    os.write(asked[1], b"x")
    if not os.read(answered[0], 1):
        raise OSError("the user map can't be written")
    os.waitpid(scribe, 0)
    child = os.fork()
    if child == 0:
        _build(spec)
        _drop()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _limit(spec["limits"])
        _refuse_uncounted()
        os.chdir(spec["cwd"])
        os.execvp(command[0], command)
    for descriptor in (0, *asked, answered[0]):
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches the whole process group
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def main() -> None:
    """Reads the spec and becomes, or waits for, the command."""
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    command = sys.argv[2:]
    if spec["base"]:
        _in_namespaces(spec, command)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _limit(spec["limits"])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
