"""What a notebook asks for, sentence by sentence, and which mistakes break each of them."""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from labkit.author.known_answers import Variant
from labkit.course import source
from labkit.course.labs import Lab

CELL = re.compile(r"^# %%(.*)$")
HEADING = re.compile(r"^#+ ")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
RULE = re.compile(r"^\|[-:| ]+\|$")
# No sentence ends inside code, a link or an address.
SOLID = re.compile(r"(`+).+?\1|\[[^\]]*\]\([^)]*\)|https?://[^\s)]+")
SENTENCE_END = re.compile(r"""[.!?][)"'*_\]]*(?=\s+[^a-z\s])""")
ABBREVIATIONS = ("e.g.", "i.e.", "vs.", "cf.", "approx.", "incl.")


@dataclass(frozen=True)
class Sentence:
    """A sentence, list item or table row, and where it stands in the text of its section."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Section:
    """What the notebook says of a task, or of several under one heading: prose and docstrings."""

    title: str
    tasks: tuple[str, ...]
    text: str
    sentences: tuple[Sentence, ...] = field(repr=False)

    def broken_by(self, quote: str) -> set[Sentence]:
        """The sentences that a quote touches."""
        found = re.finditer(re.escape(normal(quote)), self.text)
        return {
            sentence
            for match in found
            for sentence in self.sentences
            if match.start() < sentence.end and sentence.start < match.end()
        }


def normal(text: str) -> str:
    """The text without `#` at the beginning of lines, each white space as one blank."""
    return " ".join(" ".join(_bare(line) for line in text.splitlines()).split())


def _bare(line: str) -> str:
    return re.sub(r"^\s*# ?", "", line)


def quote_problem(lab: Lab, variant: Variant) -> str:
    """Why the quote of an answer is none; nothing when the learner's notebook has it."""
    text, sentences = _notebook(lab.solution, lab.solution.stat().st_mtime_ns)
    quote = normal(variant.breaks)
    if re.search(r"\w", quote) and quote in text:
        return ""
    near = difflib.get_close_matches(quote, sentences, n=1, cutoff=0)
    return (
        f"{variant.where}: {variant.name} breaks a sentence that the notebook doesn't have: "
        f"`{variant.breaks}`; the closest one is `{near[0]}`"
    )


@lru_cache(maxsize=4)
def _notebook(path: Path, changed: int) -> tuple[str, list[str]]:
    """All that a learner reads in a notebook, and the sentences of its prose and docstrings."""
    notebook = source.read(path)
    shown = [(kind, lines) for kind, lines in _cells(notebook) if kind != "solution"]
    prose = ["\n".join(map(_bare, lines)) for kind, lines in shown if kind == "markdown"]
    texts = [*prose, *_docstrings(notebook).values()]
    sentences = [sentence.text for text in texts for sentence in _sentences(text)]
    return normal("\n".join(line for _, lines in shown for line in lines)), sentences


def sections(lab: Lab) -> list[Section]:
    """The sections of the notebook that have tasks; a task above all of them has its docstring."""
    text = source.read(lab.solution)
    docstrings = _docstrings(text)
    drafts: list[tuple[str, list[str], list[str]]] = [("", [], [])]  # title, prose, tasks
    for kind, lines in _cells(text):
        if kind == "markdown":
            for line in map(_bare, lines):
                if line.startswith("## "):
                    drafts.append((line.removeprefix("## "), [], []))
                elif drafts[-1][0]:
                    drafts[-1][1].append(line)
            drafts[-1][1].append("")
        elif kind == "code":
            defined = re.findall(r"^def (\w+)", "\n".join(lines), re.MULTILINE)
            drafts[-1][2].extend(task for task in text.tasks if task in defined)
    found = []
    for title, prose, tasks in drafts:
        if tasks:
            blocks = "\n".join([*prose, *(f"\n{docstrings.get(task, '')}\n" for task in tasks)])
            said = tuple(_sentences(blocks))
            found.append(Section(title, tuple(tasks), " ".join(blocks.split()), said))
    return found


def _cells(text: source.Source) -> Iterator[tuple[str, list[str]]]:
    """The starter's cells: code, markdown, or solution (only the solved notebook has these)."""
    lines = text.starter_text.splitlines()
    starts = [number for number, line in enumerate(lines) if CELL.match(line)]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        if '"solution"' in lines[start]:
            kind = "solution"
        else:
            kind = "markdown" if "[markdown]" in lines[start] else "code"
        yield kind, lines[start + 1 : end]


def _docstrings(text: source.Source) -> dict[str, str]:
    return {
        node.name: ast.get_docstring(node) or ""
        for node in ast.parse(text.starter_text).body
        if isinstance(node, ast.FunctionDef) and node.name in text.tasks
    }


def _sentences(markdown: str) -> Iterator[Sentence]:
    """The sentences of a text, placed in the text with each white space as one blank."""
    text = " ".join(markdown.split())
    at = 0
    for block in _blocks(markdown):
        for sentence in split(block):
            start = text.index(sentence, at)
            at = start + len(sentence)
            yield Sentence(sentence, start)


def _blocks(markdown: str) -> Iterator[str]:
    """Paragraphs, list items and table rows; neither headings nor fenced code."""
    block: list[str] = []
    fenced = False
    for line in [*markdown.splitlines(), ""]:
        bare = line.strip()
        fence = bare.startswith("```")
        alone = fence or fenced or bare.startswith("|") or bool(HEADING.match(line))
        item = ITEM.match(line)
        if not bare or alone or item:
            if block:
                yield " ".join(" ".join(block).split())
            block = []
        if bare.startswith("|") and not fenced and not RULE.match(bare):
            yield " ".join(bare.split())
        elif bare and not alone:
            block.append(line[item.end() :] if item else line)
        fenced ^= fence


def split(block: str) -> list[str]:
    """The sentences of a paragraph or a list item."""
    hidden = SOLID.sub(lambda match: "X" * len(match[0]), block)
    parts, start = [], 0
    for match in SENTENCE_END.finditer(hidden):
        if not hidden[: match.end()].endswith(ABBREVIATIONS):
            parts.append(block[start : match.end()].strip())
            start = match.end()
    return [part for part in [*parts, block[start:].strip()] if part]


def counts(lab: Lab, mistakes: Sequence[Variant]) -> list[tuple[Section, dict[Sentence, int]]]:
    """How many mistakes break each sentence of each section.

    A quote that the section of the mistake's task has counts there, others wherever they stand.
    """
    found = sections(lab)
    counted = [(section, dict.fromkeys(section.sentences, 0)) for section in found]
    for mistake in mistakes:
        own = [each for each in counted if mistake.task in each[0].tasks]
        for pairs in (own, counted):
            broken = [
                (numbers, sentence)
                for section, numbers in pairs
                for sentence in section.broken_by(mistake.breaks)
            ]
            for numbers, sentence in broken:
                numbers[sentence] += 1
            if broken:
                break
    return counted
