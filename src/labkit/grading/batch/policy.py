"""What an instructor decides about a batch: which attempt counts, when it was due, comments."""

from __future__ import annotations

from dataclasses import dataclass, replace

from labkit.grading.batch.attempts import Rule, by_learner, counted
from labkit.grading.batch.deadline import Deadline
from labkit.grading.batch.reports import commented
from labkit.grading.batch.results import Batch


@dataclass(frozen=True)
class Policy:
    """Rules for the summaries of a batch; the results of all submissions stay as they are."""

    attempts: Rule | None = None
    deadline: Deadline | None = None

    def applied(self, batch: Batch) -> Batch:
        """The batch with comments and dates; all of its rows are still there."""
        rows, notes = [], list(batch.notes)
        for row in batch.rows:
            told, said = commented(row)
            rows.append(told)
            notes += said
        found = self.deadline.judged(rows) if self.deadline else tuple(rows)
        return replace(batch, rows=found, notes=tuple(notes))

    def counted(self, batch: Batch) -> Batch:
        """The batch with the rows that count."""
        if self.attempts is not None:
            return replace(batch, rows=counted(batch.rows, self.attempts))
        several = sum(len(group) > 1 for group in by_learner(batch.rows))
        if not several:
            return batch
        who = f"{several} learners have" if several > 1 else "1 learner has"
        note = f"{who} several attempts; --attempts best or --attempts last counts one of each"
        return replace(batch, notes=(*batch.notes, note))
