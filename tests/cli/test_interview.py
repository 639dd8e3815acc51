"""`lab interview` in a real terminal: a round, stopped by Ctrl-C at every prompt, and resumed."""

import json
import re

import interview_cards
import pexpect
import pytest
from terminals import terminals
from typer.testing import CliRunner

from labkit.cli.main import app
from labkit.home import LabError
from labkit.interview import schedule

COLOURS = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[78])")


@pytest.fixture
def root(course):
    (course / "work").mkdir(exist_ok=True)
    cards = [interview_cards.card("one"), interview_cards.card("two", topics=["cost"])]
    return interview_cards.put(course, delta=cards)


@pytest.fixture
def editor(tmp_path):
    """An editor that writes a line, and does not end by itself if asked to wait."""
    path = tmp_path / "editor"
    path.write_text(
        '#!/bin/sh\necho "I would measure first." > "$1"; echo written\n[ -z "$WAIT" ] || cat\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def terminal(root, editor):
    """`terminal(*words)`: the command in a terminal of its own."""
    with terminals(root, EDITOR=str(editor), VISUAL="") as run:
        yield lambda *words, **more: run("interview", *words, **more)


def ended(found) -> int:
    found.expect(pexpect.EOF)
    found.close()
    return found.exitstatus


def kept(root) -> dict:
    return json.loads(schedule.path(root).read_text())


def test_ctrl_c_at_every_prompt_loses_nothing(terminal, root):
    found = terminal("--count", "2")
    found.expect("1 of 2")
    found.expect("0:01 of 5:00")  # the clock runs while nobody types
    found.sendintr()
    found.expect("goes on with this question")
    assert ended(found) == 130
    assert kept(root)["round"]["seconds"] >= 1

    found = terminal(WAIT="1")
    found.expect("of 5:00")
    found.sendline("e")
    typed = root / "work" / "interview-answer.md"
    found.expect("written")
    assert typed.read_text() == "I would measure first.\n"
    found.sendintr()
    assert ended(found) == 130

    found = terminal()
    found.expect("of 5:00")
    found.sendline("")
    found.expect("I would measure first")
    found.expect("Numbers")
    found.sendline("9")
    found.expect("Numbers from 1 to 4")
    found.sendintr()
    assert ended(found) == 130
    assert not typed.exists()

    found = terminal()
    found.expect("I would measure first")
    found.sendline("1 2, 3")
    found.expect("Left out")
    found.expect("one says when not")
    found.expect("Grade, Enter for good")
    found.sendintr()
    assert ended(found) == 130

    found = terminal()
    found.expect("88% of the points")
    found.sendline("x")
    found.expect("a, h, g or e")
    found.sendline("h")
    found.expect("Asked again on 20")
    found.expect("2 of 2")
    found.expect("of 5:00")
    found.sendline("s")
    found.expect("1 answered: 1 hard")
    assert ended(found) == 0
    assert set(kept(root)) == {"version", "cards"}
    assert kept(root)["cards"]["one"]["grades"] == ["hard"]
    assert kept(root)["cards"]["one"]["answer"] == "I would measure first."


def test_q_stops_and_editor_that_fails_is_told(terminal, root):
    found = terminal("two", EDITOR="/no/such/editor")
    found.expect("1 of 1")
    found.expect("of 5:00")
    found.sendline("e")
    found.expect("The editor failed")
    found.sendline("q")
    found.expect("Kept")
    assert ended(found) == 0
    assert kept(root)["round"]["ids"] == ["two"]


@pytest.fixture
def lab(root, monkeypatch):
    """`lab(*words, given)`: the command without a terminal, with these lines as its input."""
    monkeypatch.setenv("LAB_ROOT", str(root))

    def run(*words, given="") -> str:
        done = CliRunner().invoke(app, ["interview", *map(str, words)], input=given)
        if isinstance(done.exception, LabError):
            raise done.exception
        assert done.exit_code == (0 if given or "--" in str(words) else 130), done.output
        return COLOURS.sub("", done.output)

    return run


def test_round_without_a_terminal_and_progress_after_it(lab, root):
    said = lab("--topic", "cost", given="\n1 2 3 4\n\n")
    assert "Why would you choose two?" in said
    assert "100% of the points" in said
    assert "1 answered: 1 easy" in said
    said = CliRunner().invoke(app, ["progress"]).output
    rows = {row.split()[0]: row.split() for row in said.splitlines() if row.strip()}
    assert rows["cost"] == ["cost", "0", "of", "1", "-", "0", "0", "1"]
    assert rows["delta"][-3:] == ["1", "0", "0"]


def test_cards_of_a_lab_and_words_that_are_unknown(lab):
    assert "1 of 2" in lab("--lab", "toy", given="q\n")
    for words, says in (
        (("--topic", "lakes"), "no topic `lakes`"),
        (("tow",), "did you mean `two`"),
        (("--lab", "none"), "there is no lab `none`"),
    ):
        with pytest.raises(LabError, match=says):
            lab(*words)


def test_sheet_and_page_are_written_and_a_bad_place_is_told(lab, root):
    lab("--sheet", root / "out" / "sheet.html", "--minutes", "45")
    lab("--page", root / "out" / "page.html")
    assert "Why would you choose two?" in (root / "out" / "sheet.html").read_text()
    assert "Why would you choose two?" in (root / "out" / "page.html").read_text()
    with pytest.raises(LabError, match="no question fits into 12 minutes"):
        lab("--sheet", root / "sheet.html", "--minutes", "12")
    with pytest.raises(LabError, match="can't be written"):
        lab("--page", root / "work")


def test_export_of_the_page_is_taken_over(lab, root):
    file = root / "interview.json"
    facts = schedule.graded(None, "good", schedule.now())
    file.write_text(json.dumps({"version": 1, "cards": {"one": facts, "gone": facts}}))
    assert "2 of 2 cards" in lab("--import", file)
    assert "0 of 2 cards" in lab("--import", file)
    assert kept(root)["cards"]["one"]["grades"] == ["good"]
    file.write_text('{"cards": {"one": {}}}')
    with pytest.raises(LabError, match="press Export there again"):
        lab("--import", file)
    with pytest.raises(LabError, match="can't be read"):
        lab("--import", root / "none.json")
