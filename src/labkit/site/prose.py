"""Prose and code of a notebook as HTML, by the packages that Jupyter's own converter uses."""

from __future__ import annotations

from typing import Any

import mistune
from markupsafe import Markup, escape
from mistune.plugins import table
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from labkit.escape import printable

_FORMATTER = HtmlFormatter(nowrap=True)


class _Html(mistune.HTMLRenderer):
    """HTML in a notebook stays text, a table scrolls by itself on a phone, Python has colours."""

    def block_code(self, code: str, info: str | None = None) -> str:
        return python(code) if info == "python" else _block(escape(code))

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return str(
            Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(
                self.sanitize_url(url), Markup(text)
            )
        )


def _table(_renderer: Any, text: str) -> str:
    return f'<div class="scroll" tabindex="0"><table>\n{text}</table></div>\n'


def _cell(_renderer: Any, text: str, align: str | None = None, head: bool = False) -> str:
    side = f' class="{align}"' if align else ""
    return f'<th scope="col"{side}>{text}</th>' if head else f"<td{side}>{text}</td>"


def _tables(md: mistune.Markdown) -> None:
    table.table(md)
    assert md.renderer is not None
    md.renderer.register("table", _table)
    md.renderer.register("table_cell", _cell)


_markdown = mistune.Markdown(_Html(), plugins=[_tables])


def markdown(text: str) -> Markup:
    """Markdown as HTML; what is HTML in it is shown, not obeyed."""
    return Markup(_markdown(printable(text)))


def inline(text: str) -> Markup:
    """One line of Markdown, without the paragraph around it."""
    return Markup(str(markdown(text)).strip().removeprefix("<p>").removesuffix("</p>"))


def plain(text: str) -> str:
    """The words of Markdown, for a search."""
    return " ".join(markdown(text).striptags().split())


def python(code: str) -> Markup:
    """A block of Python in colours, for which the page's style has names."""
    return _block(Markup(highlight(printable(code), PythonLexer(), _FORMATTER)))


def _block(code: Markup) -> Markup:
    return Markup('<pre class="code"><code>{}</code></pre>\n').format(code)
