import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, features

from oviton.data.colour import srgb_profile
from oviton.data.errors import InputError
from oviton.data.images import (
    check_output_suffix,
    choose,
    lossy_notes,
    read_densepose,
    read_image,
    read_labels,
    read_photograph,
    write_image,
)
from oviton.data.optional import is_installed


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (20, 10, 3)).astype(np.uint8)


def test_png_is_read_as_it_was_written(tmp_path, picture):
    assert np.array_equal(read_image(save(tmp_path / "image.png", picture)), picture)


# What a viewer does with stored pixels, from the EXIF standard's words on where row 0 and column 0 lie.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path, picture, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph = read_photograph(save(tmp_path / "image.png", picture, exif=exif))
    assert np.array_equal(photograph.image, UPRIGHT[orientation](picture))
    assert photograph.orientation == orientation


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_unknown_orientation_is_none(tmp_path, picture, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph = read_photograph(save(tmp_path / "image.png", picture, exif=exif))
    assert np.array_equal(photograph.image, picture)
    assert photograph.orientation == 1


def test_what_is_cut_out_has_its_outline(tmp_path, picture):
    alpha = np.random.default_rng(1).integers(0, 256, picture.shape[:2]).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph = read_photograph(save(tmp_path / "image.png", np.dstack([picture, alpha]), exif=exif))
    assert np.array_equal(photograph.alpha, UPRIGHT[6](alpha))
    share = alpha[..., None] / 255
    on_white = UPRIGHT[6](picture * share + 255 * (1 - share))
    assert np.abs(photograph.image - on_white).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "L"])
def test_what_is_opaque_all_over_has_no_outline(tmp_path, mode):
    Image.new("RGB", (5, 7), (10, 20, 30)).convert(mode).save(tmp_path / "image.png")
    assert read_photograph(tmp_path / "image.png").alpha is None


def test_transparent_pixels_become_white(tmp_path):
    rgba = np.zeros((4, 4, 4), np.uint8)
    assert (read_image(save(tmp_path / "image.png", rgba)) == 255).all()


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_other_modes_become_rgb(tmp_path, mode):
    suffix = ".jpg" if mode == "CMYK" else ".png"
    path = tmp_path / f"image{suffix}"
    Image.new(mode, (5, 7)).save(path)
    assert read_image(path).shape == (7, 5, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_white_in_every_mode(tmp_path, mode):
    Image.new("RGBA", (5, 7), (10, 20, 30, 0)).convert(mode).save(tmp_path / "image.png")
    assert (read_image(tmp_path / "image.png") == 255).all()


def png_of_16_bits(pixels, transparent=b""):
    """Return the PNG of uint16 pixels, grey `[H, W]` or RGB `[H, W, 3]`."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    key = chunk(b"tRNS", transparent) if transparent else b""
    body = chunk(b"IHDR", header) + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 3)])
def test_16_bits_a_channel_are_scaled(tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    pixels.flat[:2] = 0, 65535
    (tmp_path / "image.png").write_bytes(png_of_16_bits(pixels))
    read = read_image(tmp_path / "image.png").astype(float)
    truth = pixels / 257 if pixels.ndim == 3 else np.repeat(pixels[..., None] / 257, 3, axis=-1)
    assert np.abs(read - truth).max() <= (1 if pixels.ndim == 3 else 0.5)


@pytest.mark.parametrize("colour", [[30_000], [30_000, 1_000, 65_000]])
def test_a_transparent_colour_of_16_bits(tmp_path, colour):
    pixels = np.zeros((2, 3, len(colour)), np.uint16).squeeze()
    pixels[0, 0] = colour if len(colour) > 1 else colour[0]
    (tmp_path / "image.png").write_bytes(png_of_16_bits(pixels, np.array(colour, ">u2").tobytes()))
    photograph = read_photograph(tmp_path / "image.png")
    assert photograph.alpha.tolist() == [[0, 255, 255], [255, 255, 255]]
    assert photograph.image[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP"])
def test_other_formats_are_named_and_not_decoded(tmp_path, kind):
    Image.new("RGB", (5, 7)).save(tmp_path / "image.png", format=kind)
    with pytest.raises(InputError, match=rf"image\.png: a {kind}.*file; allowed: JPEG, PNG, WEBP, AVIF, HEIC; save it"):
        read_image(tmp_path / "image.png")


def test_labels_in_another_format_are_named(tmp_path):
    Image.new("L", (5, 7)).save(tmp_path / "labels.png", format="JPEG")
    with pytest.raises(InputError, match=r"labels\.png: a JPEG file; allowed: PNG; save it"):
        read_labels(tmp_path / "labels.png")


def test_of_several_pictures_in_a_phones_jpeg_the_first_counts(tmp_path):
    pictures = [Image.new("RGB", (16, 16), colour) for colour in ((200, 10, 10), (10, 200, 10))]
    pictures[0].save(tmp_path / "image.jpg", format="MPO", save_all=True, append_images=pictures[1:])
    assert np.abs(read_image(tmp_path / "image.jpg").astype(int) - (200, 10, 10)).max() < 5


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
@pytest.mark.parametrize("name", ["image.avif", "image.jpg"])
def test_avif_is_read_upright_whatever_its_name(tmp_path, name):
    ramp = np.add.outer(np.arange(0, 160, 4), np.arange(0, 80, 4)).astype(np.uint8)
    ramp = np.dstack([ramp, 255 - ramp, ramp // 2])
    exif = Image.Exif()
    exif[0x0112] = 8
    save(tmp_path / name, ramp, format="AVIF", quality=95, exif=exif)
    photograph = read_photograph(tmp_path / name)
    assert np.abs(photograph.image.astype(int) - UPRIGHT[8](ramp)).mean() < 4
    assert photograph.orientation == 8


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 16), (9, 18)], ids=["P3", "PQ", "HLG"])
def test_avif_in_wide_colours_without_a_profile_is_refused(tmp_path, picture, primaries, transfer):
    save(tmp_path / "image.avif", picture)
    content = (tmp_path / "image.avif").read_bytes()
    at = content.index(b"nclx") + 4
    wide = content[:at] + struct.pack(">2H", primaries, transfer) + content[at + 4 :]
    (tmp_path / "image.avif").write_bytes(wide)
    with pytest.raises(
        InputError, match=rf"colours beyond sRGB.*\(primaries {primaries}, transfer {transfer}\).*sRGB$"
    ):
        read_image(tmp_path / "image.avif")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_a_profile_in_avif_counts_for_more_than_its_numbers(tmp_path, picture):
    save(tmp_path / "image.avif", picture, icc_profile=srgb_profile())
    plain = read_image(tmp_path / "image.avif")
    content = (tmp_path / "image.avif").read_bytes()
    at = content.find(b"nclx") + 4
    if at > 3:
        (tmp_path / "image.avif").write_bytes(content[:at] + struct.pack(">2H", 12, 13) + content[at + 4 :])
    assert np.array_equal(read_image(tmp_path / "image.avif"), plain)


def test_avif_that_pillow_cannot_read_says_what_to_do(tmp_path, monkeypatch, picture):
    (tmp_path / "image.avif").write_bytes(b"\0\0\0\x20ftypavif" + bytes(40))
    monkeypatch.setattr("oviton.data.images._reads_avif", lambda: False)
    with pytest.raises(InputError, match=r"image\.avif: this Pillow reads no AVIF; run: pip install"):
        read_image(tmp_path / "image.avif")


@pytest.mark.skipif(not is_installed("pillow_heif"), reason="pillow-heif is not installed (the extra heic)")
def test_heic_is_read_upright_and_in_srgb(tmp_path):
    import pillow_heif

    ramp = np.add.outer(np.arange(0, 160, 2), np.arange(0, 80, 2)).astype(np.uint8)
    ramp = np.dstack([ramp, 255 - ramp, ramp // 2])
    exif = Image.Exif()
    exif[0x0112] = 6
    image = pillow_heif.from_pillow(Image.fromarray(ramp))
    image.save(tmp_path / "image.heic", quality=95, exif=exif.tobytes())
    photograph = read_photograph(tmp_path / "image.heic")
    assert np.abs(photograph.image.astype(int) - UPRIGHT[6](ramp)).mean() < 4
    assert photograph.orientation == 1  # the file's own, which every reader applies


@pytest.mark.skipif(is_installed("pillow_heif"), reason="pillow-heif is installed")
def test_heic_says_what_is_missing(tmp_path):
    (tmp_path / "image.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(
        InputError, match=r"image\.jpg: reading HEIC needs pillow_heif, which is not installed; run: pip"
    ):
        read_image(tmp_path / "image.jpg")


def test_animations_are_refused(tmp_path):
    frames = [Image.new("RGB", (5, 7), (i, 0, 0)) for i in (10, 200)]
    frames[0].save(tmp_path / "image.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="an animation"):
        read_image(tmp_path / "image.webp")


def test_damaged_exif_is_no_orientation(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "image.png", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert np.array_equal(read_image(tmp_path / "image.png"), picture)


def test_labels_of_4_bits_are_refused_since_their_ids_would_change(tmp_path):
    ids = np.array([[0, 1], [1, 0]], np.uint8)
    packed = zlib.compress(b"".join(b"\x00" + bytes([row[0] << 4 | row[1]]) for row in ids))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 2, 4, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    (tmp_path / "labels.png").write_bytes(content)
    with pytest.raises(InputError, match="stored as L;4; allowed: 8-bit grey"):
        read_labels(tmp_path / "labels.png")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "image.png")
    with pytest.raises(InputError, match="not a regular file"):
        read_image(tmp_path / "image.png")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 200), st.integers(0, 255))
def test_any_damaged_npy_is_an_input_error(tmp_path, at, value):
    np.save(tmp_path / "densepose.npy", np.zeros((6, 4, 3), np.uint8))
    content = bytearray((tmp_path / "densepose.npy").read_bytes())
    content[at % len(content)] = value
    (tmp_path / "densepose.npy").write_bytes(content)
    with contextlib.suppress(InputError):
        read_densepose(tmp_path / "densepose.npy")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damaged_picture_is_an_input_error(tmp_path, data):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8))
    kind = data.draw(st.sampled_from(["png", "jpeg", "webp", *(["avif"] if features.check("avif") else [])]))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif, icc_profile=srgb_profile())
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "image.png").write_bytes(content)
    with contextlib.suppress(InputError):
        assert read_image(tmp_path / "image.png").dtype == np.uint8


def test_palette_labels_keep_their_ids(tmp_path):
    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    image = Image.fromarray(labels, mode=None).convert("P")
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    image = Image.frombytes("P", (5, 4), labels.tobytes())
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    image.save(tmp_path / "labels.png")
    assert np.array_equal(read_labels(tmp_path / "labels.png"), labels)


def png_bomb(width, height):
    """A PNG of a few bytes that declares a huge size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize(("width", "height"), [(9_000, 9_000), (12_000, 12_000), (60_000, 60_000)])
def test_decompression_bomb_is_refused_before_decoding(tmp_path, width, height):
    path = tmp_path / "image.png"
    path.write_bytes(png_bomb(width, height))
    with pytest.raises(InputError, match=r"image\.png.*allowed: up to 67 Mpx"):
        read_image(path)


def test_npy_bomb_is_refused_before_reading(tmp_path):
    path = tmp_path / "densepose.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(20_000, 20_000, 3))
    with pytest.raises(InputError, match=r"densepose\.npy.*allowed: up to 67 Mpx"):
        read_densepose(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 not a jpeg"])
def test_what_is_no_picture_is_named(tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"image\.png"):
        read_image(path)


def test_truncated_picture_is_refused(tmp_path, picture):
    buffer = io.BytesIO()
    Image.fromarray(np.tile(picture, (10, 10, 1))).save(buffer, "jpeg")
    path = tmp_path / "image.jpg"
    path.write_bytes(buffer.getvalue()[:-200])
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


def test_label_id_above_19_is_named(tmp_path):
    path = save(tmp_path / "labels.png", np.full((4, 4), 20, np.uint8))
    with pytest.raises(InputError, match="label id 20 found; allowed: 0 to 19"):
        read_labels(path)


def test_colour_labels_are_refused(tmp_path, picture):
    with pytest.raises(InputError, match="stored as RGB"):
        read_labels(save(tmp_path / "labels.png", picture))


def test_densepose_part_above_24_is_named(tmp_path):
    path = save(tmp_path / "densepose.png", np.full((4, 4, 3), 25, np.uint8))
    with pytest.raises(InputError, match="DensePose part 25 found; allowed: 0 to 24"):
        read_densepose(path)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), bool),
        np.zeros((4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((), np.uint8),
    ],
)
def test_npy_of_wrong_shape_or_dtype_is_refused(tmp_path, array):
    np.save(tmp_path / "densepose.npy", array)
    with pytest.raises(InputError, match=r"densepose\.npy: (shape|dtype)"):
        read_densepose(tmp_path / "densepose.npy")


def test_pickled_npy_is_never_loaded(tmp_path):
    np.save(tmp_path / "densepose.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not a NumPy array"):
        read_densepose(tmp_path / "densepose.npy")


def test_npy_densepose_equals_png(tmp_path):
    body = np.random.default_rng(1).integers(0, 25, (8, 6, 3)).astype(np.uint8)
    np.save(tmp_path / "densepose.npy", np.asfortranarray(body))
    save(tmp_path / "densepose.png", body)
    assert np.array_equal(read_densepose(tmp_path / "densepose.npy"), read_densepose(tmp_path / "densepose.png"))


def test_write_image_refuses_lossy_labels(tmp_path):
    with pytest.raises(InputError, match=r"allowed endings: \.png"):
        write_image(tmp_path / "labels.jpg", np.zeros((4, 4), np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.PNG"])
def test_what_is_written_without_loss_is_read_bit_for_bit(tmp_path, picture, name):
    write_image(tmp_path / name, picture)
    assert np.array_equal(read_image(tmp_path / name), picture)
    assert lossy_notes(tmp_path / name) == []


def test_jpeg_keeps_colours_as_fine_as_brightness_and_says_what_it_costs(tmp_path):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255
    write_image(tmp_path / "a.jpg", stripes)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - stripes).mean() < 8  # 89 with halved colours
    assert "JPEG changes every pixel" in lossy_notes(tmp_path / "a.JPG")[0]


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_written_pictures_say_that_they_are_srgb(tmp_path, picture, name):
    write_image(tmp_path / name, picture)
    with Image.open(tmp_path / name) as image:
        written = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(written)


def test_a_format_that_would_lose_pixels_without_need_is_not_written():
    with pytest.raises(InputError, match=r"look\.avif: unknown picture type; allowed endings: \.png, \.webp, \.jpg"):
        check_output_suffix("look.avif")


def test_a_picture_too_large_for_its_format_is_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.webp at 20000x2: .*try \.png"):
        write_image(tmp_path / "a.webp", np.zeros((2, 20_000, 3), np.uint8))


def test_choosing_pixels_is_exact():
    rng = np.random.default_rng(0)
    yes, no = rng.integers(0, 256, (2, 37, 21, 3)).astype(np.uint8)
    mask = rng.random((37, 21)) < 0.5
    chosen = choose(mask, yes, no)
    assert np.array_equal(chosen, np.where(mask[..., None], yes, no))
    assert chosen.flags.writeable  # a look's picture is its owner's to draw on
