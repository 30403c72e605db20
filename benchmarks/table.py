"""Tables of text, which pages, Markdown and the terminal show alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table; false when it has no rows.

    Parameters
    ----------
    columns
        Their titles.
    rows
        As many cells each.
    words
        How many of the first columns are words; the others are numbers. 1 by default.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def __bool__(self) -> bool:
        """Return whether there are rows."""
        return bool(self.rows)

    def markdown(self) -> str:
        """Return it as Markdown; nothing without rows."""
        if not self.rows:
            return ""
        rule = "|---" * len(self.columns) + "|"
        head, *lines = (
            f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (self.columns, *self.rows)
        )
        return "\n".join([head, rule, *lines])
