"""Profiles are made here, and the colours that they mean are worked out from their definitions."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from oviton.data.colour import srgb_profile, to_srgb
from oviton.data.errors import InputError

# Primaries of the profiles, adapted to D50, and of sRGB: columns are the XYZ of red, green and blue.
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
WHITE = (0.96420, 1.0, 0.82491)
ADOBE_GAMMA = 563 / 256


def numbers(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


def profile(space, tags, kind=b"mntr", pcs=b"XYZ "):
    """Return an ICC profile of version 2."""
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">2I", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02100000, kind, space, pcs)
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + numbers(*WHITE)[8:]
    return head.ljust(128, b"\0") + table + data


def rgb_profile(primaries, exponent):
    colours = {name: numbers(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(exponent))
    return profile(b"RGB ", {b"wtpt": numbers(*WHITE), **colours, **curves})


def grey_profile(exponent):
    return profile(b"GRAY", {b"wtpt": numbers(*WHITE), b"kTRC": gamma(exponent)})


def ink_profile(labs):
    """Return a profile of CMYK: a table of the CIE L*a*b* of each of the 16 corners, C slowest and K quickest."""
    corners = [(round(L * 255 / 100), round(a) + 128, round(b) + 128) for L, a, b in labs]
    line = bytes(range(256))
    one = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    head = b"mft1\0\0\0\0" + struct.pack(">4B", 4, 3, 2, 0) + one
    table = head + line * 4 + bytes(value for corner in corners for value in corner) + line * 3
    return profile(b"CMYK", {b"wtpt": numbers(*WHITE), b"A2B0": table}, kind=b"prtr", pcs=b"Lab ")


def encoded(linear):
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def as_srgb(pixels, primaries, exponent):
    return encoded((pixels / 255.0) ** exponent @ primaries.T @ np.linalg.inv(SRGB).T)


def lab_as_srgb(lightness, a, b):
    fy = (lightness + 16) / 116
    f = np.array([fy + a / 500, fy, fy - b / 200])
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * WHITE
    return encoded(xyz @ np.linalg.inv(SRGB).T)


def with_profile(image, icc):
    image.info["icc_profile"] = icc
    return image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (12, 9, 3)).astype(np.uint8)


@pytest.mark.parametrize(("primaries", "exponent"), [(P3, 2.2), (ADOBE, ADOBE_GAMMA)], ids=["P3", "Adobe RGB"])
def test_wide_colours_become_srgb(pixels, primaries, exponent):
    image = with_profile(Image.fromarray(pixels), rgb_profile(primaries, exponent))
    colours, alpha = to_srgb(image, "photo")
    assert alpha is None
    assert "icc_profile" not in colours.info
    assert np.abs(np.asarray(colours) - as_srgb(pixels, primaries, exponent)).max() < 2.5
    assert np.abs(np.asarray(colours).astype(int) - pixels).max() > 20, "these profiles differ from sRGB"


@pytest.mark.parametrize("icc", [srgb_profile(), rgb_profile(SRGB, 2.2)], ids=["itself", "nearly"])
def test_pixels_of_srgb_stay_bit_for_bit(pixels, icc):
    kept = np.array_equal(np.asarray(to_srgb(with_profile(Image.fromarray(pixels), icc), "photo")[0]), pixels)
    assert kept == (icc == srgb_profile()), "a plain power is not sRGB's curve"


def test_grey_has_a_curve_of_its_own():
    ramp = np.arange(256, dtype=np.uint8)[None]
    colours, _ = to_srgb(with_profile(Image.fromarray(ramp), grey_profile(1.8)), "scan")
    read = np.asarray(colours)[0].astype(float)
    assert np.abs(read - encoded((np.arange(256)[:, None] / 255) ** 1.8)).max() < 1.5
    assert (read == read[:, :1]).all()


def test_grey_that_kept_its_colour_profile():
    ramp = np.arange(0, 256, 5, dtype=np.uint8)[None]
    colours, _ = to_srgb(with_profile(Image.fromarray(ramp), rgb_profile(ADOBE, ADOBE_GAMMA)), "photo")
    truth = as_srgb(np.repeat(ramp[..., None], 3, axis=-1), ADOBE, ADOBE_GAMMA)
    assert np.abs(np.asarray(colours) - truth).max() < 2.5


def test_alpha_is_no_colour(pixels):
    rgba = np.dstack([pixels, pixels[..., 0]])
    icc = rgb_profile(P3, 2.2)
    colours, alpha = to_srgb(with_profile(Image.fromarray(rgba), icc), "cut-out")
    opaque, _ = to_srgb(with_profile(Image.fromarray(pixels), icc), "photo")
    assert np.array_equal(np.asarray(colours), np.asarray(opaque))
    assert np.array_equal(np.asarray(alpha), rgba[..., 3])


def test_printed_inks_become_srgb(tmp_path):
    """A CMYK JPEG holds its inks upside down, as Adobe's programs write them: its paper must come out white."""
    paper, cyan, black = (100, 0, 0), (60, -20, -25), (0, 0, 0)
    labs = [black if corner & 1 else cyan if corner & 8 else paper for corner in range(16)]
    inks = np.zeros((16, 48, 4), np.uint8)
    inks[:, 16:32, 0] = 255
    inks[:, 32:, 3] = 255
    path = tmp_path / "print.jpg"
    Image.fromarray(inks, "CMYK").save(path, quality=100, icc_profile=ink_profile(labs))
    with Image.open(path) as image:
        assert image.mode == "CMYK"
        read = np.asarray(to_srgb(image, "print")[0])
    for at, lab in zip((8, 24, 40), (paper, cyan, black), strict=True):
        assert np.abs(read[8, at] - lab_as_srgb(*lab)).max() < 3, lab


def test_inks_that_may_be_inverted_are_refused(tmp_path):
    path = tmp_path / "print.jpg"
    Image.new("CMYK", (8, 8)).save(path)
    content = path.read_bytes()
    at = content.index(b"\xff\xee")
    path.write_bytes(content[:at] + content[at + 2 + int.from_bytes(content[at + 2 : at + 4], "big") :])
    with Image.open(path) as image, pytest.raises(InputError, match=r"print: a CMYK picture.*save it as RGB"):
        to_srgb(image, "print")


BROKEN = {
    "empty words": b"no profile at all",
    "cut off": rgb_profile(P3, 2.2)[:200],
    "without its curves": profile(b"RGB ", {b"wtpt": numbers(*WHITE)}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_profile_is_refused_in_one_line(pixels, what):
    with pytest.raises(
        InputError, match=r"^photo: its colour profile cannot be used \(.*\); save the picture in sRGB$"
    ):
        to_srgb(with_profile(Image.fromarray(pixels), BROKEN[what]), "photo")


def test_a_profile_that_pillow_drops_is_refused(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=rgb_profile(P3, 2.2))
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"iCCP")
    length = int.from_bytes(content[at - 4 : at], "big")
    chunk = b"iCCP" + b"name\0\0" + b"x" * (length - 6)
    broken = content[:at] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[at + 8 + length :]
    with Image.open(io.BytesIO(broken)) as image:
        image.load()
        with pytest.raises(InputError, match="colour profile cannot be used"):
            to_srgb(image, "photo")


def test_a_profile_for_other_pixels_is_refused(pixels):
    with pytest.raises(InputError, match="its colour profile is for L, but the pixels are RGB"):
        to_srgb(with_profile(Image.fromarray(pixels), grey_profile(2.2)), "photo")


def test_our_profile_is_srgb_and_the_same_every_day():
    icc = srgb_profile()
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    assert "sRGB" in ImageCms.getProfileDescription(source)
    assert source.profile.creation_date.year == 2000
    assert np.allclose(np.array(source.profile.red_colorant[0]), SRGB[:, 0], atol=1e-3)
