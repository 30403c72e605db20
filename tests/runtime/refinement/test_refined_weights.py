import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as torch_save

from oviton import TryOn
from oviton.data.errors import GateError, InputError
from oviton.runtime.refinement.options import RefinementOptions
from oviton.runtime.refinement.refined_weights import FAITHFUL, RefinedWeights, _Change, bundle_weights, pack


@pytest.fixture(scope="module")
def refinement(tiny_tryon, request_of):
    refinement = tiny_tryon.refinement(*request_of, options=RefinementOptions(steps=8, views=2, learning_rate=3e-3))
    for _ in refinement:
        pass
    return refinement


@pytest.fixture(scope="module")
def outfit(refinement):
    return refinement.outfit()


def psnr(a, b):
    return 10 * np.log10(255**2 / max(((a.astype(float) - b) ** 2).mean(), 1e-9))


def test_a_saved_outfit_is_served_by_any_engine(
    refinement, outfit, tiny_tryon, tiny_bundle_folder, request_of, tmp_path
):
    look = refinement.look()
    assert look.weights is not None
    assert outfit.psnr >= FAITHFUL
    outfit.save(tmp_path / "o.safetensors")
    again = RefinedWeights.open(tmp_path / "o.safetensors")
    assert again.source == outfit.source
    plain = tiny_tryon(*request_of)
    for engine in ("onnxruntime", "torch", "openvino"):
        with TryOn.load(tiny_bundle_folder, engine, "fp32") as tryon:
            tryon.load_weights(again)
            served = tryon(*request_of)
            assert psnr(served.image, look.image) >= FAITHFUL
            assert "a refined outfit is worn" in served.report.notes
            tryon.load_weights(None)
            assert psnr(tryon(*request_of).image, plain.image) > 60
            assert "a refined outfit is worn" not in tryon(*request_of).report.notes


def test_a_saved_outfit_is_as_readable_as_any_other_file(tmp_path):
    (tmp_path / "plain").touch()
    outfit = RefinedWeights("b" * 64, (0,) * 20, {"weight": np.zeros(3, np.float16)}, 99.0)
    outfit.save(tmp_path / "o.safetensors")
    modes = [(tmp_path / name).stat().st_mode for name in ("o.safetensors", "plain")]
    assert modes[0] == modes[1]


def test_it_is_smaller_than_the_weights(outfit, tiny_bundle):
    whole = 2 * sum(weight.size for weight in bundle_weights(tiny_bundle).values())
    # The matrices of a tiny network have few columns to spare; the experiment `outfit_size` measures shipped ones.
    assert outfit.size < 0.9 * whole


def test_factors_keep_the_energy_that_was_asked_for():
    rng = np.random.default_rng(0)
    change = (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 90))).reshape(40, 10, 3, 3).astype(np.float32)
    change += 0.01 * rng.normal(size=change.shape).astype(np.float32)
    found = dict(_Change.of(change).packed("w", 0.99))
    assert sorted(found) == ["w#inputs", "w#outputs"]
    assert found["w#outputs"].shape == (40, 3)
    rebuilt = found["w#outputs"].astype(np.float32) @ found["w#inputs"].astype(np.float32)
    lost = ((rebuilt - change.reshape(40, -1)) ** 2).sum() / (change**2).sum()
    assert lost < 0.011
    assert [name for name, _ in _Change.of(change).packed("w", None)] == ["w"]
    assert [name for name, _ in _Change.of(np.ones(5, np.float32)).packed("bias", 0.5)] == ["bias"]


def test_packing_falls_back_to_the_whole_change(tiny_bundle):
    """A picture that depends on every bit of the weights cannot be packed."""
    base = bundle_weights(tiny_bundle)
    rng = np.random.default_rng(1)
    refined = {name: w + rng.normal(0, 0.1, w.shape).astype(np.float32) for name, w in base.items()}
    first = next(iter(base))

    def paint(weights):
        return np.sin(1e5 * weights[first])

    outfit = pack(tiny_bundle, refined, np.zeros(20, np.int32), paint)
    assert set(outfit.tensors) == set(base)


@pytest.mark.parametrize(
    "damage",
    [
        "missing", "a folder", "no outfit", "cut", "other bundle", "a tensor less", "a tensor more", "other shape",
        "flat factors", "swapped factors", "huge factors", "bf16", "float32", "not finite", "nested metadata",
        "infinite source",
    ],
)  # fmt: skip
def test_a_wrong_outfit_is_refused(outfit, tiny_tryon, tiny_bundle, tmp_path, damage):
    path = tmp_path / "o.safetensors"
    outfit.save(path)
    tensors = load_file(path)
    metadata = {"format": "oviton outfit 1", "bundle": tiny_bundle.identity, "source": str([0] * 20), "psnr": "50"}
    match damage:
        case "missing":
            path.unlink()
        case "no outfit":
            save_file(tensors, path)
        case "cut":
            path.write_bytes(path.read_bytes()[:100])
        case "other bundle":
            save_file(tensors, path, metadata | {"bundle": "f" * 64})
        case "a tensor less":
            tensors.pop(next(name for name in tensors if "#" not in name))
            save_file(tensors, path, metadata)
        case "other shape":
            name = next(name for name in tensors if "#" not in name)
            save_file(tensors | {name: np.zeros(7, np.float16)}, path, metadata)
        case "a tensor more":
            save_file(tensors | {f"{next(iter(tensors))}#extra": np.zeros(7, np.float16)}, path, metadata)
        case "flat factors":
            name = next(name for name in tensors if "#" in name).split("#")[0]
            flat = {f"{name}#outputs": np.zeros(1, np.float16), f"{name}#inputs": np.zeros((), np.float16)}
            save_file(tensors | flat, path, metadata)
        case "swapped factors":
            name = next(name for name in tensors if "#" in name).split("#")[0]
            outputs, inputs = tensors[f"{name}#outputs"].T.copy(), tensors[f"{name}#inputs"].T.copy()
            save_file(tensors | {f"{name}#outputs": outputs, f"{name}#inputs": inputs}, path, metadata)
        case "huge factors":  # a small file whose product would take terabytes
            name = next(name for name in tensors if "#" in name).split("#")[0]
            factors = np.zeros((1_000_000, 0), np.float16), np.zeros((0, 1_000_000), np.float16)
            save_file(tensors | {f"{name}#outputs": factors[0], f"{name}#inputs": factors[1]}, path, metadata)
        case "nested metadata":
            save_file(tensors, path, metadata | {"source": "[" * 100_000 + "]" * 100_000})
        case "infinite source":
            save_file(tensors, path, metadata | {"source": str(["Infinity"] * 20).replace("'", "")})
        case "bf16":
            torch_save({name: torch.from_numpy(tensor).bfloat16() for name, tensor in tensors.items()}, path, metadata)
        case "float32":
            save_file({name: tensor.astype(np.float32) for name, tensor in tensors.items()}, path, metadata)
        case "not finite":
            save_file({name: np.full_like(tensor, np.inf) for name, tensor in tensors.items()}, path, metadata)
        case "a folder":
            path.unlink()
            path.mkdir()
    with pytest.raises(InputError) as error:
        tiny_tryon.load_weights(RefinedWeights.open(path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_engine_that_did_not_take_the_weights_is_refused(outfit, tiny_tryon, request_of, monkeypatch):
    plain = tiny_tryon(*request_of)
    monkeypatch.setattr(type(tiny_tryon.engines["appearance_generator"]), "refit", lambda engine, weights: None)
    with pytest.raises(GateError, match="refitted onnxruntime fp32"):
        tiny_tryon.load_weights(outfit)
    monkeypatch.undo()
    assert np.array_equal(tiny_tryon(*request_of).image, plain.image)


def test_refinement_starts_from_the_bundle_only(outfit, tiny_tryon, request_of):
    tiny_tryon.load_weights(outfit)
    own = tiny_tryon.refine(*request_of, steps=1).report.refinement.losses_before
    person, garments = request_of
    notes = tiny_tryon(person, garments[:1]).report.notes
    assert "the outfit that is worn was refined for other classes than those worn here" in notes
    tiny_tryon.load_weights(None)
    assert tiny_tryon.refine(*request_of, steps=1).report.refinement.losses_before == own
