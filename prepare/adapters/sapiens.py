"""Sapiens, body parts: RGB with its own mean and deviation."""

from __future__ import annotations

from .parsers import ParserFamily

SAPIENS = ParserFamily(
    "sapiens", "sapiens", (1024, 768), mean=(123.675, 116.28, 103.53), deviation=(58.395, 57.12, 57.375)
)
