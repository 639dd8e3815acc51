"""The text of a task by sentences, and how many mistakes break each."""

import pytest

from labkit.author import clauses
from labkit.author.known_answers import read_mistakes

PROSE = """\
# %% [markdown]
# ## Task 1: double
#
# Write `double(numbers)`: every number
# and its double. Null stays null, e.g. in `n`. `n` comes first.
#
# | given | wanted |
# |---|---|
# | 1.5 | 3.0 |
#
# - Equal numbers stay. They are
#   not removed.
# - See [`select`](https://example.org/a.html) for more. (It may help.)
#
# ```python
# not.prose. At all.
# ```

# %%
def double"""
QUOTES = ["and its double. Null stays null", "They are not removed.", "stay. They"]
MISTAKE = """\
# %% mistake_{number}
# task: double
# fails: test_doubles
# because: it is wrong
# breaks: {quote}
def double(numbers):
    return numbers

"""


@pytest.fixture
def told(toy):
    """The toy lab with a section of prose about its first task."""
    text = toy.solution.read_text().replace("\n\n# %%\ndef double", "\n\n" + PROSE)
    toy.solution.write_text(text)
    toy.mistakes.write_text(
        "".join(MISTAKE.format(number=n, quote=quote) for n, quote in enumerate(QUOTES))
    )
    return toy


@pytest.mark.parametrize(
    "sentences",
    [
        ["One.", "Two!", "Three?", "Four"],
        ["Read `a. B` and `c.D`.", "`x` follows."],
        ["It is 1.5 long, i.e. `short`, e.g. Like this.", "(So it is.)", '"Or not."', "**Bold.**"],
        ["See [the guide. Part 2](https://example.org/a. B) first.", "[Then](b.html) go on."],
        ["It ends etc. and goes on with a small letter."],
        ["The rows:"],
    ],
)
def test_a_paragraph_is_split_where_sentences_end(sentences):
    assert clauses.split(" ".join(sentences)) == sentences


def test_sentences_of_a_task_and_how_many_mistakes_break_them(told):
    ((section, numbers),) = clauses.counts(told, read_mistakes(told))
    assert (section.title, section.tasks) == ("Task 1: double", ("double", "store"))
    assert [(number, sentence.text) for sentence, number in numbers.items()] == [
        (1, "Write `double(numbers)`: every number and its double."),
        (1, "Null stays null, e.g. in `n`."),
        (0, "`n` comes first."),
        (0, "| given | wanted |"),
        (0, "| 1.5 | 3.0 |"),
        (1, "Equal numbers stay."),
        (2, "They are not removed."),
        (0, "See [`select`](https://example.org/a.html) for more."),
        (0, "(It may help.)"),
        (0, "n, twice: every number and its double."),
        (0, "Writes the doubled numbers to a Delta table."),
    ]


def test_a_task_without_a_heading_has_its_docstring(toy):
    (section,) = clauses.sections(toy)
    assert (section.title, section.tasks) == ("", ("double", "store"))
    assert [sentence.text for sentence in section.sentences] == [
        "n, twice: every number and its double.",
        "Writes the doubled numbers to a Delta table.",
    ]
