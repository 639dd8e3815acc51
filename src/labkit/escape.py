"""Make text that came from a learner harmless where it is shown: terminal, CSV, XML, Markdown."""

from __future__ import annotations

import re

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COLOURS = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NEXT_CELL = re.compile(r"(;[ \"]*)(?=[=+@＝＋－＠-])")
SIGNS = re.compile(r"[^\w\s,;()?%-]|_")  # what may be markup, a mention, a link or a shortcode


def without_colours(value: str) -> str:
    """`value` without a terminal's codes for colours, in which chispa and IPython write."""
    return COLOURS.sub("", value)


def printable(value: str) -> str:
    """`value` without control characters: it can't drive a terminal or turn the reading direction."""
    text = value.expandtabs(4)
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def one_line(value: str, most: int = 200) -> str:
    """`value` printable, on one line of at most `most` characters."""
    text = " ".join(printable(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def csv_cell(value: object) -> str:
    """The text of a cell that no spreadsheet takes for a formula.

    Where a comma is in decimal numbers, Excel parts cells by semicolons, also amid this one.
    """
    text = NEXT_CELL.sub(r"\1'", printable(str(value)).replace("\n", " "))
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def xml_text(value: str) -> str:
    """`value` without the characters that XML 1.0 can't hold; the writer escapes the rest."""
    return NOT_XML.sub("�", value)


def markdown(value: str, most: int = 200, *, code: bool = True) -> str:
    """`value` on one line that holds no markup, link or cell border; as code, no mention either.

    A sign is a numeric entity: CommonMark shows it and never takes it for structure.
    """
    plain = SIGNS.sub(lambda match: f"&#{ord(match[0])};", one_line(value, most))
    return f"<code>{plain}</code>" if code and plain else plain


def markdown_block(value: str, most: int = 1_500) -> str:
    """`value` as a block of preformatted lines, escaped like `markdown`."""
    text = printable(value.strip("\n"))
    text = text if len(text) <= most else text[: most - 1] + "…"
    lines = (SIGNS.sub(lambda m: f"&#{ord(m[0])};", line) for line in text.split("\n"))
    # A blank line would end the HTML block.
    return "<pre>" + "\n".join(line if line.strip() else "&#8203;" for line in lines) + "</pre>"


def well_formed(value: str) -> str:
    """`value` as UTF-8 can hold it: halves of surrogate pairs become U+FFFD."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
