"""A learner's text is shown, never obeyed: by a terminal, a spreadsheet, an XML reader, a forge."""

import xml.etree.ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from labkit.escape import (
    csv_cell,
    markdown,
    markdown_block,
    one_line,
    printable,
    well_formed,
    xml_text,
)

ATTACKS = (
    "<script>alert(1)</script>",
    "</code></pre><img src=x onerror=alert(1)>",
    "| cell | border |",
    "@team #1 :bomb: www.example.org https://example.org",
    "`code` **bold** _thin_ [link](javascript:alert(1)) ~~gone~~",
    "line\n\n# heading\n\n- item\n---\n```\nfence",
    "&lt;script&gt; &#60;b&#62;",
    "\x1b[31m\x07\x00\u202e\u2066",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_markdown_shows_the_text_and_takes_nothing_for_markup(text):
    page = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(
            f"| a | b |\n|---|---|\n| {markdown(text)} | end |\n\n{markdown_block(text)}\n\nafter\n"
        )
    )
    allowed = {"table", "thead", "tbody", "tr", "th", "td", "code", "pre", "p"}
    tree = ET.fromstring(f"<page>{page}</page>")
    assert {node.tag for node in tree.iter()} - {"page"} <= allowed
    cells = ["".join(cell.itertext()) for cell in tree.iter("td")]
    assert cells == [one_line(text), "end"]
    (block,) = tree.iter("pre")
    assert "".join(block.itertext()).replace("\u200b", "") == printable(text)
    assert "".join(tree.findall("p")[-1].itertext()) == "after"


@pytest.mark.parametrize("text", ATTACKS)
def test_no_mention_link_or_shortcode_is_left_in_markdown(text):
    assert not set("@:#.<>|`*_[]!~") & set(
        markdown(text).removeprefix("<code>").removesuffix("</code>").replace("&#", "")
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "＝", "\n="])
def test_no_spreadsheet_takes_a_cell_for_a_formula(start):
    assert csv_cell(f"{start}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize("between", [";", "; ", ';"', ';";'])
def test_semicolon_begins_no_formula(between):
    assert csv_cell(f"an error{between}=1+1") == f"an error{between}'=1+1"


@pytest.mark.parametrize("cell", ["Ada, 3 of 4", "one; two = 2", "a;b-c"])
def test_harmless_cells_stay_as_they_are(cell):
    assert csv_cell(cell) == cell


def test_any_text_fits_into_xml():
    text = "".join(map(chr, range(0x300))) + "\ud800\ufffe\U0001f600"
    element = ET.Element("a", message=xml_text(text))
    element.text = xml_text(text)
    assert ET.fromstring(ET.tostring(element)).text.endswith("\U0001f600")


def test_terminal_gets_no_control_character_and_no_turned_text():
    assert printable("a\x1b[2J\x9b\u202eb\tc\n") == "a�[2J��b    c\n"


def test_half_of_a_surrogate_pair_can_be_written():
    assert well_formed("a\ud83d\ude00b\ud800").encode() == "a😀b\ufffd".encode()
