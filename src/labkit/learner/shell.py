"""The IPython shell that a notebook's code runs in."""

from __future__ import annotations

from typing import Any


def shell() -> Any:
    """IPython's shell, in a notebook or a terminal of IPython; None in a program."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def on_a_page() -> bool:
    """Whether what is displayed can change later, as in a notebook; in a terminal it can't."""
    return hasattr(shell(), "kernel")
