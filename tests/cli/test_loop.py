"""`lab rehearse --loop` in a real terminal, from the first round to the debrief, without Spark."""

import json
import re
from pathlib import Path

import interview_cards
import pexpect
import pytest
from terminals import terminals

from labkit.author.build import build
from labkit.course.labs import Lab
from labkit.learner import overview
from labkit.learner.rehearsal import loop

SOURCE = '''\
# ---
# level: mid
# minutes: 5
# needs: []
# spark: false
# datasets: []
# topics: [toy]
# ---
# %% [markdown]
# # Double a number

# %%
import labkit

lab = labkit.open("toy")


# %%
def double(number: int) -> int:
    """A number, twice."""
    # BEGIN SOLUTION: multiply
    return number * 2
    # END SOLUTION


# %%
lab.check("double")


# %%
def half(number: int) -> int:
    """A number, halved."""
    # BEGIN SOLUTION: divide
    return number // 2
    # END SOLUTION


# %%
lab.check("half")
'''
CHECKS = '''
from labkit.checks import check

HINTS = {"double": ["Twice."], "half": ["Divide."]}


@check("double")
def test_doubles(learner):
    """doubles"""
    assert learner.double(3) == 6


@check("half")
def test_halves(learner):
    """halves"""
    assert learner.half(4) == 2
'''


@pytest.fixture
def root(course):
    (course / "work").mkdir(exist_ok=True)
    (course / "solutions" / "00_toy" / "solution.py").write_text(SOURCE)
    (course / "solutions" / "00_toy" / "hidden_checks.py").write_text(
        CHECKS.replace("test_", "test_hidden_").split("HINTS")[0]
        + CHECKS.replace("test_", "test_hidden_").split('"Divide."]}')[1]
    )
    (course / "labs" / "00_toy" / "checks.py").write_text(CHECKS)
    build(Lab(0, "toy", course))
    technical = [interview_cards.card(name, practise=["toy.double"]) for name in ("one", "two")]
    people = [interview_cards.card("four", topics=["leadership"], practise=None)]
    return interview_cards.put(course, delta=technical, leadership=people)


@pytest.fixture
def terminal(root):
    """`terminal(*words)`: the command in a terminal of its own."""
    with terminals(root) as run:
        yield lambda *words: run("rehearse", "--loop", *words, "--no-jupyter")


def stopped(found) -> None:
    found.sendintr()
    found.expect("goes on from here")
    found.expect(pexpect.EOF)
    found.close()
    assert found.exitstatus == 130


def at_the_keyboard(found) -> None:
    """Until the clock of the round runs in the terminal."""
    found.expect("press Ctrl-C here")
    found.expect(r"0:29:\d\d left")


def said(found, numbers: str) -> None:
    found.expect("of 5:00")
    found.sendline("")
    found.expect("Numbers, such as")
    found.sendline(numbers)


def test_loop_from_start_to_debrief_stopped_in_every_round(terminal, root):
    found = terminal("toy.double")
    found.expect("At the keyboard: Double a number, 30 min")
    found.expect("The clock begins with the round")
    stopped(found)

    found = terminal()
    found.expect("The clock begins with the round")
    found.sendline("")
    at_the_keyboard(found)
    (made,) = loop.loops(root)
    path = made.folder / "1-keyboard" / "toy.ipynb"
    written = json.loads(path.read_text())
    assert "return number // 2" in path.read_text(), "the other task is written"
    for cell in written["cells"]:
        cell["source"] = "".join(cell["source"]).replace(
            'raise NotImplementedError("double")', "return number + number"
        )
    path.write_text(json.dumps(written))
    found.sendintr()
    found.expect("hands the notebook in")
    stopped(found)

    found = terminal()  # without a break: the clock of the round runs
    at_the_keyboard(found)
    found.sendintr()
    found.expect("hands the notebook in")
    found.sendline("b")
    at_the_keyboard(found)
    found.sendintr()
    found.expect("hands the notebook in")
    found.sendline("")
    found.expect(r"break: 0:(10:00|09:5\d) left")
    stopped(found)

    found = terminal()
    found.expect("✓ 1 At the keyboard")
    found.expect("break: ")
    found.sendline("")
    said(found, "1 2 3 4")
    found.expect("2 of 2")
    assert "A strong answer" not in found.before, "an interview tells nothing"
    found.expect("of 5:00")
    stopped(found)

    found = terminal()
    found.expect("2 of 2")
    found.expect("of 5:00")
    found.sendline("s")
    found.expect("People and decisions")
    found.expect("break: ")
    found.sendline("")
    said(found, "1")
    found.expect("Your notebooks are judged")
    found.expect(r"Debrief: (\S+loop\.html)")
    page = found.match[1]
    text = found.before
    found.expect(pexpect.EOF)
    found.close()
    assert found.exitstatus == 0
    assert re.search(r"At the keyboard: Double a number: 100 % \(2 of 2\)", text)
    assert "Technical questions: 50 % (8 of 16)" in text
    assert "People and decisions: 38 % (3 of 8)" in text
    assert "Weakest topics: leadership (38%)" in text
    assert (made.folder / "1-keyboard" / "debrief.html").is_file()
    assert "two says why" in Path(page).read_text("utf-8")
    assert made.finished and loop.current(root) is None

    found = terminal(str(made.folder))
    found.expect("is over; its debrief is")
    (line,) = overview.loop_lines(root)
    assert line.endswith("100 % · Technical questions 50 % · People and decisions 38 %")
