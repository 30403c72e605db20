"""Garments as codes over a real server: the pictures of the photographs, bit for bit."""

import asyncio
import dataclasses

import numpy as np
import pytest

from oviton import AsyncTryOnClient, Bundle, Garment, GarmentCodes, InputError, TryOn, TryOnClient
from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.triton_models.client.dressing import ServedDressing
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import ServerOptions, TritonServer

pytestmark = pytest.mark.server

FREE_PORTS = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=5)


@pytest.fixture(scope="module")
def tryon(server):
    with TryOnClient(server.grpc_address) as connected:
        yield connected


@pytest.fixture(scope="module")
def wardrobe(tryon, garments):
    return [tryon.encode_garment(garment) for garment in garments]


def same(look, wanted):
    return np.array_equal(look.image, wanted.image) and np.array_equal(look.labels, wanted.labels)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_codes_give_the_picture_of_the_photographs(tryon, message_client, wardrobe, local, person, garments, count):
    wanted = local(person, garments[:count])
    look = tryon(person, wardrobe[:count])
    assert same(look, wanted)
    assert look.report.source == wanted.report.source
    assert look.report.notes == wanted.report.notes
    assert same(message_client(person, wardrobe[:count]), wanted)
    assert same(tryon(person, [*garments[: count - 1], wardrobe[count - 1]]), wanted)  # photographs among codes


def test_codes_are_few_and_survive_a_file(tmp_path, tryon, wardrobe, local, person, garments):
    shirt = wardrobe[0]
    assert shirt.size < 1000
    assert (shirt.name, shirt.classes) == ("ana", garments[0].classes)  # not where it lies on this machine
    for codes in wardrobe:
        codes.save(tmp_path / "it.safetensors")
        again = GarmentCodes.open(tmp_path / "it.safetensors")
        assert (again.name, again.classes, again.bundle) == (codes.name, codes.classes, codes.bundle)
        for name in ("shape_codes", "appearance_codes", "held"):
            assert np.array_equal(getattr(again, name), getattr(codes, name))
    assert same(tryon(person, again), local(person, garments[3]))
    assert (tmp_path / "it.safetensors").stat().st_size < 8000


def test_files_that_are_no_codes_are_told(tmp_path, wardrobe):
    from safetensors.numpy import save_file

    with pytest.raises(InputError, match="no such file"):
        GarmentCodes.open(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="not a garment's codes"):
        GarmentCodes.open(tmp_path / "text")
    save_file({"held": np.zeros(3, np.uint8)}, tmp_path / "other", {"format": "oviton outfit 1"})
    with pytest.raises(InputError, match="format 'oviton outfit 1'"):
        GarmentCodes.open(tmp_path / "other")
    wardrobe[0].save(tmp_path / "good")
    content = (tmp_path / "good").read_bytes()
    (tmp_path / "short").write_bytes(content[:-9])
    with pytest.raises(InputError, match="not a garment's codes"):
        GarmentCodes.open(tmp_path / "short")
    (tmp_path / "odd").write_bytes(content.replace(b"upper_clothes", b"upper_curtain"))
    with pytest.raises(InputError, match="not a garment's codes"):
        GarmentCodes.open(tmp_path / "odd")


def test_from_asyncio(server, wardrobe, local, person, garments):
    async def main():
        async with AsyncTryOnClient(server.grpc_address) as tryon:
            codes = await tryon.encode_garment(garments[1])
            return codes, await asyncio.gather(tryon(person, codes), tryon(person, [wardrobe[0], codes]))

    codes, (one, two) = asyncio.run(main())
    assert np.array_equal(codes.appearance_codes, wardrobe[1].appearance_codes)
    assert same(one, local(person, garments[1]))
    assert same(two, local(person, garments[:2]))


def test_a_batch_is_that_of_photographs(tryon, local, batch):
    """Each request of a batch with its own garments."""
    arrays = batch(3, 2)
    source = arrays["source"]
    coded = []
    for k in (1, 2):
        photograph = {
            "garment_image": np.ascontiguousarray(arrays["garment_images"][:, k - 1]),
            "garment_labels": np.ascontiguousarray(arrays["garment_labels"][:, k - 1]),
            "wear": (source == k).astype(np.uint8),
        }
        coded.append(tryon._drive(tryon._session._checked("garment_encoder", photograph, _attempts(tryon))))
    names = ("garment_shape_codes", "garment_appearance_codes", "garment_classes")
    codes = {name: np.stack([answer[name] for answer in coded], axis=1) for name in names}
    person = {name: arrays[name] for name in ("person_image", "person_labels", "densepose")}
    outputs = tryon.run({**person, **codes, "source": source})
    wanted = local.engines.run(arrays)
    assert np.array_equal(outputs["image"], wanted["image"])
    assert np.array_equal(outputs["labels"], wanted["labels"])


def _attempts(tryon):
    return tryon._session.attempts(None, 60)


def test_what_is_wrong_is_told_in_a_sentence(tryon, wardrobe, person):
    inputs = _inputs(tryon, person, wardrobe[:2])
    for name, change, told in (
        ("person_labels", lambda a: a.fill(33), "person_labels"),
        ("source", lambda a: a.__setitem__((0, 5), 3), "source"),
        ("garment_classes", lambda a: a.fill(0), "source takes a class from a garment whose codes hold none of it"),
        ("garment_shape_codes", lambda a: a.fill(np.nan), "garment_shape_codes holds NaN"),
    ):
        wrong = {key: array.copy() for key, array in inputs.items()}
        change(wrong[name])
        with pytest.raises(InputError, match=told) as raised:
            tryon.run(wrong)
        assert "\n" not in str(raised.value)
    fewer = {**inputs, "garment_shape_codes": inputs["garment_shape_codes"][:, :1].copy()}
    with pytest.raises(InputError, match="garment_shape_codes holds 1 garments, garment_classes 2"):
        tryon.run(fewer)
    photograph = {"garment_image": inputs["person_image"], "garment_labels": inputs["person_labels"]}
    face = {**photograph, "wear": np.eye(20, dtype=np.uint8)[13:14]}
    flow = tryon._session._checked("garment_encoder", face, _attempts(tryon))
    with pytest.raises(InputError, match="wear holds a value above 1, or names a class that is no garment"):
        tryon._drive(flow)
    assert not tryon.run(inputs)["input_flags"].any()  # and the next request is fine


def _inputs(tryon, person, codes):
    return ServedDressing.of(person, codes, ()).codes_arrays(tryon.model, codes)


def test_codes_do_not_go_where_photographs_are_needed(tryon, wardrobe, person, garments):
    with pytest.raises(InputError, match="refinement needs the garment's photograph, not its codes"):
        tryon.refine(person, wardrobe[:1])
    with pytest.raises(InputError, match="a refined outfit needs the garment's photograph"):
        tryon(person, wardrobe[:1], outfit="0" * 32)
    other = GarmentCodes(**{**vars(wardrobe[0]), "bundle": "f" * 64})
    with pytest.raises(InputError, match=r"its codes are of bundle ffffffffffff…, the server has"):
        tryon(person, [other])
    with pytest.raises(InputError, match="to be worn from both"):
        tryon(person, [wardrobe[0], Garment(garments[0].image, garments[0].labels, "upper_clothes")])


def test_where_shape_looks_garments_up_codes_are_garments_without_body_maps(tmp_path, cache, person, garments):
    """The shipped bundle whose appearance takes codes alone."""
    bundle = Bundle.open(SHIPPED_BUNDLES / "small-codes")
    options = RepositoryOptions("openvino", precision="fp32", refinement=False, embed_bundle=False, codes=True)
    repository = build_repository(bundle, tmp_path / "repository", options)
    bare = [dataclasses.replace(garment, densepose=None) for garment in garments[:2]]
    with (
        TryOn.load(bundle.path, "openvino", "fp32", cache=cache) as local,
        TritonServer.start(repository.folder, FREE_PORTS) as served,
        TryOnClient(served.grpc_address) as tryon,
    ):
        codes = [tryon.encode_garment(garment) for garment in garments[:2]]
        assert same(tryon(person, codes), local(person, bare))
        assert same(tryon(person, garments[:2]), local(person, garments[:2]))
        assert not same(local(person, bare), local(person, garments[:2]))
