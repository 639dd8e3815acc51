"""The programs beside Python that labs and tests run: Chromium, a Kafka broker, the parts of labs."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable

from labkit import home
from labkit.cli.finding import Finding
from labkit.cli.parts import who_need
from labkit.course.labs import find_labs
from labkit.home import LabError
from labkit.parts import kafka
from labkit.parts.environment import Part

# As Linux distributions call them; tests that look at pages start them.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CHROMEDRIVER = "chromedriver"
GET_CHROMIUM = "Debian, Ubuntu: `apt install chromium chromium-driver`"


def chromium() -> Finding:
    """The browser of some tests, and the program that drives it: both of one version."""
    if not (home.root() / "tests").is_dir():
        return Finding("Chromium", True, "not needed: only tests of pages use it, and none is here")
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    driver = shutil.which(CHROMEDRIVER)
    leave_out = '`./lab test tests -m "not browser"` leaves these tests out'
    if browser is None or driver is None:
        missing = [CHROMIUM[0]] * (browser is None) + [CHROMEDRIVER] * (driver is None)
        return Finding(
            "Chromium",
            None,
            f"no {' and no '.join(missing)} on PATH; some tests of `./lab test` need it",
            f"{GET_CHROMIUM}; {leave_out}",
        )
    versions = _version_of(browser), _version_of(driver)
    major, other = (version.split(".")[0] for version in versions)
    if not major or major != other:
        return Finding(
            "Chromium",
            None,
            f"{browser} is {versions[0] or 'broken'}, {driver} is {versions[1] or 'broken'}",
            f"install both from one place ({GET_CHROMIUM}); {leave_out}",
        )
    return Finding("Chromium", True, f"{versions[0]} in {browser}")


def _version_of(program: str) -> str:
    """`128.0.1` of "Chromium 128.0.1 built on ..."; empty when the program does not run."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((word for word in said.stdout.split() if word[0].isdigit()), "")


def looks_at(part: Part) -> Callable[[], Finding]:
    """A look at one part: worth knowing when a lab needs it and it is not there."""

    def look() -> Finding:
        reason, _, remedy = part.missing().partition("; ")
        if not reason:
            return Finding(part.title, True, f"installed, {part.size()} MB in {part.folder}")
        labs = who_need(part.name, find_labs())
        if not labs:
            return Finding(part.title, True, "no lab here needs it, and it is not installed")
        return Finding(
            part.title,
            None,
            f"{reason}; {', '.join(labs)} needs it",
            remedy or f"take {part.lock.name} afresh from the repository",
        )

    look.__name__ = part.name
    return look


def kafka_quickly() -> Finding:
    """The broker that is to be used, if there is one; a lab's own starts when it is needed."""
    return _broker_of_others() or Finding(
        "Kafka", True, "included; a notebook or check that needs a broker starts its own"
    )


def kafka_broker() -> Finding:
    """As a lab would find it: a broker that takes connections, one of its own if there is none."""
    if found := _broker_of_others():
        return found
    if not who_need("kafka", find_labs()):
        return Finding("Kafka", True, "included, and no lab here needs it")
    started = time.monotonic()
    try:
        broker = kafka.start()
    except LabError as error:
        return Finding(
            "Kafka",
            None,
            f"{error}; {', '.join(who_need('kafka', find_labs()))} needs it",
            "mend what is wrong with Java, jars or memory above, then run ./lab doctor again; or set "
            f"{kafka.ADDRESS} to the address of another broker",
        )
    try:
        heard = kafka.listens(broker.bootstrap)
    finally:
        broker.stop()
    if not heard:
        return Finding(
            "Kafka",
            None,
            f"a broker started, and nobody answers at {broker.bootstrap}",
            "allow loopback connections in your firewall",
        )
    return Finding("Kafka", True, f"a broker started in {time.monotonic() - started:.0f} s")


def _broker_of_others() -> Finding | None:
    """That of LAB_KAFKA or of `lab kafka start`, which labs use in place of their own."""
    if not (given := os.environ.get(kafka.ADDRESS)):
        shared = kafka.running()
        return Finding("Kafka", True, f"listens on {shared.bootstrap}") if shared else None
    try:
        if any(kafka.listens(address) for address in given.split(",")):
            return Finding("Kafka", True, f"{kafka.ADDRESS} is {given}, and it listens")
        trouble = f"{kafka.ADDRESS} is {given}, where nobody listens"
    except ValueError:
        trouble = f"{kafka.ADDRESS} is {given}, which is no host:port"
    return Finding(
        "Kafka",
        False,
        trouble,
        f"start that broker, or unset {kafka.ADDRESS}: labs then start one of their own",
    )
