"""A function as text, with what it uses of the notebook or module around it."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any


@dataclass(frozen=True)
class Text:
    """Source text, whose first line is line `line` of `place`; `told`, whether traces show it."""

    place: str
    line: int
    text: str
    told: bool


def described(functions: Iterable[Callable[..., Any]], *, told: bool) -> list[dict[str, Any]]:
    """Names and texts of functions, as a part's own Python defines them: a group for each module.

    With imports, constants and functions around them that they use. What has no text (an object that
    was made, a class of a notebook) is left out: the function raises NameError there, and says so.
    A function that is given is never imported from its module, which a part may not have.
    """
    groups: dict[int, tuple[list[str], dict[str, Text]]] = {}
    asked = [(function, inspect.unwrap(function)) for function in functions]
    given = {id(found) for _, found in asked}
    for function, found in asked:
        if not isinstance(found, FunctionType):
            name = getattr(function, "__name__", repr(function))
            raise TypeError(f"`{name}` is not defined, or no function that was written in Python")
        names, texts = groups.setdefault(id(found.__globals__), ([], {}))
        names.append(found.__name__)
        if found.__name__ not in texts:
            _take(found, texts, told, given)
    return [
        {"names": names, "texts": [asdict(text) for text in texts.values()]}
        for names, texts in groups.values()
    ]


def _take(function: FunctionType, texts: dict[str, Text], told: bool, given: set[int]) -> None:
    """Adds what `function` uses and then itself, by name; an empty text marks one under way."""
    place, around = function.__code__.co_filename, function.__globals__
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise TypeError(f"the text of `{function.__name__}` can't be found") from None
    text = textwrap.dedent("".join(lines))
    texts[function.__name__] = Text(place, first, "", told)
    for name in _used(function.__code__, text):
        if name in texts or name not in around:
            continue
        value = around[name]
        whole = inspect.unwrap(value) if callable(value) else value
        if isinstance(whole, FunctionType) and whole.__globals__ is around:
            _take(whole, texts, told, given)
        elif id(whole) not in given and (statement := _as_text(name, value)):
            texts[name] = Text("<labkit>", 1, statement, False)
    del texts[function.__name__]
    texts[function.__name__] = Text(place, first, text, told)


def _used(code: CodeType, text: str) -> Iterator[str]:
    """Names that running a function, and defining it, may look up; annotations are not evaluated."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _used(constant, "")
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            defaults = [each for each in node.args.kw_defaults if each is not None]
            for part in (*node.decorator_list, *node.args.defaults, *defaults):
                yield from (each.id for each in ast.walk(part) if isinstance(each, ast.Name))


def _as_text(name: str, value: Any) -> str:
    """A statement that binds `name` to `value`; nothing when there is none."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}"
    module, of = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if isinstance(module, str) and module != "__main__" and of.isidentifier():
        if getattr(builtins, of, None) is value:
            return f"{name} = {of}"
        try:
            if getattr(importlib.import_module(module), of, None) is value:
                return f"from {module} import {of} as {name}"
        except ImportError:
            return ""
    text = repr(value)
    try:
        return f"{name} = {text}" if ast.literal_eval(text) == value else ""
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
