"""The body: any of 640 baked people, posed by forward kinematics and linear blend skinning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from scipy import sparse

from .anatomy import ANKLE, COLUMNS, ELBOW, HIP, KNEE, SHOULDER, WRIST, Anatomy, along
from .mesh import FloatArray, IndexArray, subdivide, triangles

BODY_FILE = Path(__file__).with_name("body.safetensors")

HELD_OUT_BODIES = 128
"""The last so many bodies are kept for evaluation."""


@dataclass(frozen=True)
class Sheet:
    """A surface made from base vertices: the skin, or what a garment is cut from.

    Parameters
    ----------
    combine
        How each vertex is made from base vertices, sparse `[V, B]`.
    faces
        Triangles `[F, 3]`.
    anatomy
        Where each vertex lies on the neutral body.
    weights
        Skinning weights `[V, bones]`, float32.
    """

    combine: sparse.csr_matrix
    faces: IndexArray
    anatomy: Anatomy
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Figure:
    """A person's build in a pose.

    Parameters
    ----------
    rest
        Base vertices in the rest pose, `[B, 3]`, metres.
    transforms
        Each bone's motion from rest to pose, `[bones, 4, 4]`.
    """

    rest: FloatArray
    transforms: FloatArray

    def pose(self, points: FloatArray, weights: npt.NDArray[np.float32]) -> FloatArray:
        """Move rest points `[V, 3]` with skinning weights `[V, bones]` into the pose."""
        matrices = (weights @ self.transforms.reshape(len(self.transforms), 16).astype(np.float32)).reshape(-1, 4, 4)
        moved: FloatArray = np.einsum("vij,vj->vi", matrices[:, :3, :3], points) + matrices[:, :3, 3]
        return moved


class BodyModel:
    """Baked people and the sheets that clothes are cut from.

    Use `body_model()`, which reads the file once a process.
    """

    def __init__(self, path: Path = BODY_FILE) -> None:
        with safe_open(path, framework="numpy") as file:
            self.bones = file.metadata()["bones"].split()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        self.neutral: FloatArray = tensors["neutral_vertices"].astype(np.float64)
        self._mean = tensors["mean"].astype(np.float64)
        self._components = tensors["components"].astype(np.float32)
        self._people = tensors["people"]
        self._parents = tensors["bone_parents"]
        self.weights = np.zeros((len(self.neutral), len(self.bones)), np.float32)
        rows = np.arange(len(self.neutral))[:, None]
        np.add.at(self.weights, (rows, tensors["bone_indices"]), tensors["bone_weights"].astype(np.float32))
        self.anatomy = Anatomy(self._measure())
        quads = {n.removeprefix("faces."): t.astype(np.int64) for n, t in tensors.items() if n.startswith("faces.")}
        self.quads = quads
        self.skin = self.sheet(quads["body"], 0)
        self.tights = self.sheet(quads["helper-tights"], 1)
        self.skirt = self.sheet(quads["helper-skirt"], 2)
        head = self.anatomy.head[quads["body"]].min(axis=1) > 0.6
        high = self.neutral[quads["body"]].mean(axis=1)[:, 2] > 0.6
        self.scalp = self.sheet(quads["body"][head & high], 0)
        self.eyes = [np.unique(quads[f"helper-{side}-eye"]) for side in "lr"]

    @property
    def people(self) -> int:
        """How many baked people there are."""
        return len(self._people)

    def sheet(self, quads: IndexArray, subdivisions: int) -> Sheet:
        """Cut a sheet out of the base mesh and subdivide it."""
        used, compact = np.unique(quads, return_inverse=True)
        combine = sparse.csr_matrix(
            (np.ones(len(used)), (np.arange(len(used)), used)), shape=(len(used), len(self.neutral))
        )
        quads = compact.reshape(-1, 4)
        for _ in range(subdivisions):
            combine, quads = subdivide(combine, quads)
        return self.combined(combine, triangles(quads))

    def combined(self, combine: sparse.csr_matrix, faces: IndexArray) -> Sheet:
        """Return the sheet whose vertices are these mixtures of base vertices."""
        values = np.asarray(combine @ self.anatomy.values, np.float32)
        return Sheet(combine, faces, Anatomy(values), np.asarray(combine @ self.weights, np.float32))

    def figure(self, person: int, rotations: Mapping[str, FloatArray]) -> Figure:
        """Return a baked person in a pose.

        Parameters
        ----------
        person
            Number of a baked person.
        rotations
            Rotation matrices `[3, 3]` about bones' heads, by bone name.
        """
        points = (self._mean + self._people[person] @ self._components).reshape(-1, 3)
        rest, heads = points[: len(self.neutral)], points[len(self.neutral) :]
        transforms = np.zeros((len(self.bones), 4, 4))
        for i, bone in enumerate(self.bones):
            own = np.eye(4)
            if bone in rotations:
                own[:3, :3] = rotations[bone]
                own[:3, 3] = heads[i] - rotations[bone] @ heads[i]
            parent = self._parents[i]
            transforms[i] = own if parent < 0 else transforms[parent] @ own
        return Figure(rest, transforms)

    def _measure(self) -> npt.NDArray[np.float32]:
        """Return the anatomy of every base vertex, `[B, 10]`."""

        def share(*prefixes: str) -> npt.NDArray[np.float32]:
            columns = [i for i, bone in enumerate(self.bones) if bone.startswith(prefixes)]
            total: npt.NDArray[np.float32] = self.weights[:, columns].sum(axis=1)
            return total

        points = self.neutral
        hand, foot = share("wrist", "finger"), share("foot")
        values = [
            *points.T,
            share("shoulder", "upperarm", "lowerarm") + hand,
            along(points, (SHOULDER, ELBOW, WRIST)),
            share("upperleg", "lowerleg") + foot,
            along(points, (HIP, KNEE, ANKLE)),
            share("head", "neck03"),
            hand,
            foot,
        ]
        assert len(values) == len(COLUMNS)
        return np.stack(values, axis=1).astype(np.float32)


@cache
def body_model() -> BodyModel:
    """Return the shipped body model, read once a process."""
    return BodyModel()
