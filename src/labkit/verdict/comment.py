"""An instructor's own words on a submission and on its tasks, out of a file that they edit."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

HEADING = re.compile(r"#+[ \t]*`?(\w+)`?[ \t]*")


@dataclass(frozen=True)
class Comment:
    """What is said of the submission as a whole, and of tasks by name."""

    text: str = ""
    tasks: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.text or self.tasks)

    def __str__(self) -> str:
        """All of it; a line with the name stands before what is said of a task."""
        parts = [self.text, *(f"{task}:\n{text}" for task, text in self.tasks.items())]
        return "\n\n".join(part for part in parts if part)


def read_comment(text: str, tasks: Collection[str]) -> tuple[Comment, list[str]]:
    """The comment in a text, and a note on each heading that names no task.

    What follows a line `## flatten` is about that task, if the lab has it; what stands before the
    first such line is about the submission. Any other line is part of a comment.
    """
    found: dict[str, list[str]] = {"": []}
    notes = []
    about = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = HEADING.fullmatch(line)
        if heading and heading[1] in tasks:
            about = heading[1]
            found.setdefault(about, [])
            continue
        if heading:
            notes.append(
                f"line {number}: there is no task {heading[1]}; it is shown as part of the comment "
                f"before it. The tasks are {', '.join(tasks) or 'not known'}"
            )
        found[about].append(line)
    said = {about: "\n".join(lines).strip() for about, lines in found.items()}
    whole = said.pop("")
    return Comment(whole, {task: text for task, text in said.items() if text}), notes
