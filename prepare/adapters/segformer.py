"""SegFormers of clothes: RGB, ImageNet's mean and deviation, logits of stride 4."""

from __future__ import annotations

from .parsers import ParserFamily

SEGFORMER_CLOTHES = ParserFamily("segformer-clothes", "atr", (512, 512), frame=(768, 512))
"""It was trained on ATR's photographs, two thirds as wide as high, made square; so is the crop."""

FASHN = ParserFamily("fashn", "fashn", (576, 384))
