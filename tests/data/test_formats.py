import io

import pytest
from PIL import Image

from oviton.data.formats import HEADER, READ, format_of

SAVED = {
    "JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "GIF": "GIF", "BMP": "BMP", "TIFF": "TIFF or raw", "PDF": "PDF",
    "JPEG2000": "JPEG 2000", "PPM": None, "TGA": None,
}  # fmt: skip


@pytest.mark.parametrize("kind", SAVED)
def test_what_pillow_writes_is_known(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind)
    assert format_of(buffer.getvalue()[:HEADER]) == SAVED[kind]


@pytest.mark.parametrize(
    ("brand", "others", "kind"),
    [
        (b"heic", b"mif1heic", "HEIC"),
        (b"mif1", b"mif1heic", "HEIC"),
        (b"mif1", b"mif1avifmiaf", "AVIF"),
        (b"avif", b"avifmif1miaf", "AVIF"),
        (b"qt  ", b"qt  ", "video"),
        (b"isom", b"isomiso2avc1mp41", "video"),
    ],
)
def test_boxes_are_told_by_their_brands(brand, others, kind):
    box = (16 + len(others)).to_bytes(4, "big") + b"ftyp" + brand + bytes(4) + others
    # What follows the box says nothing, whatever it looks like.
    assert format_of((box + b"\0\0\0\x20avifheic" * 9)[:HEADER]) == kind


@pytest.mark.parametrize("header", [b"", b"hello", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x08ftyp"])
def test_anything_else_is_no_picture(header):
    assert format_of(header) not in READ
