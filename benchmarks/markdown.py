"""The report as Markdown tables."""

from __future__ import annotations

from . import content
from .report import BenchReport

TABLES = (
    content.headline_table,
    content.engine_table,
    content.file_table,
    content.floor_table,
    content.slope_table,
    content.server_table,
    content.start_table,
    content.skipped_table,
)


def render(report: BenchReport) -> str:
    """Return headlines, engines, floors, growth and what was not measured as Markdown."""
    parts = [content.machine_line(report), *(table(report).markdown() for table in TABLES)]
    return "\n\n".join(part for part in parts if part) + "\n"
