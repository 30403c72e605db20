"""The small graphs around a bundle's own: what is wrong with a request, and how garments become codes and back.

They are written when a repository is, from the manifest alone, so bundles need not hold them. Natively each is a model
of Triton's ONNX Runtime backend, on a CPU even beside a GPU; embedded, the process that runs all graphs runs them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..bundle.manifest import Manifest, TensorSpec
from ..data.classes import GARMENTS, MIRRORED, NUM_CLASSES
from ..data.optional import require
from . import codes
from .codes import APPEARANCE_CODES, CLASSES, CODED, CODES_CHECK, CODES_MERGE, GARMENT_CHECK, SEEN, SHAPE_CODES, WEAR
from .input_check import CHECKED_SOURCE, NAME, OUTPUT, SOURCE, check_inputs, check_outputs
from .input_flags import BITS, CODES_BITS, LARGEST

OPSET, IR_VERSION = 20, 9
PURPOSE = "the checks of a model repository"

Values = Mapping[str, Any]
Rule = Callable[[Any, Values, Manifest], dict[str, Any]]
"""Given onnxscript's operators, the inputs and the manifest, returns the outputs by name."""


def build_check_graph(manifest: Manifest) -> Any:
    """Return the input check as an ONNX model.

    It also passes the source vector on, with -1 for what is out of range, and every graph of an ensemble takes it from
    here. So each request begins with exactly this one step, bad values stop before anything else is computed, and
    Triton is spared a deadlock of its own: in 2.51 an ensemble whose first step fails while a second is still being
    enqueued locks request and ensemble in opposite orders, for ever.
    """
    return _model(NAME, manifest, check_inputs(manifest), check_outputs(), _check_request)


def build_garment_check(manifest: Manifest) -> Any:
    """Return the ONNX model that flags what is wrong with a garment photograph, and prepares it for the encoders.

    What is wrong counts as unlabelled, and as not worn.
    """
    taken, made = codes.garment_check_inputs(manifest), codes.garment_check_outputs(manifest)
    return _model(GARMENT_CHECK, manifest, taken, made, _check_garment)


def build_codes_check(manifest: Manifest) -> Any:
    """Return the ONNX model that flags what is wrong with a request of codes, and prepares the person for the encoders.

    What is wrong counts as unlabelled, and as removed.
    """
    taken, made = codes.codes_check_inputs(manifest), codes.codes_check_outputs(manifest)
    return _model(CODES_CHECK, manifest, taken, made, _check_codes)


def build_codes_merge(manifest: Manifest) -> Any:
    """Return the ONNX model that takes shape codes from where `source` says, appearance codes from ``code_rows``.

    It fails when there are fewer garments than they say.
    """
    return _model(CODES_MERGE, manifest, codes.merge_inputs(manifest), codes.merge_outputs(manifest), _merge_codes)


def _check_request(op: Any, values: Values, manifest: Manifest) -> dict[str, Any]:
    beyond = _beyond(op, values[SOURCE], values["garment_labels"])
    flags = [_flag_ids(op, name, values[name]) for name in LARGEST if name in values]
    counts = [op.Shape(value, start=1, end=2) for name, value in values.items() if name.startswith("garment_")]
    fits = _zeros_if_counts_fit(op, counts, manifest.max_garments)
    return {
        OUTPUT: _total(op, [*flags, _flag(op, beyond, BITS[SOURCE]), *fits]),
        CHECKED_SOURCE: op.Where(beyond, -1, values[SOURCE]),
    }


def _check_garment(op: Any, values: Values, manifest: Manifest) -> dict[str, Any]:
    image, labels, wear = (values[name] for name in ("garment_image", "garment_labels", WEAR))
    named = op.Cast(wear, to=_type("int32"))
    garment = _constant(op, np.isin(np.arange(NUM_CLASSES), GARMENTS), "bool")
    wrong = op.Or(op.Greater(named, 1), op.And(op.Greater(named, 0), op.Not(garment)))
    worn = op.And(op.Equal(named, 1), garment)
    held = op.Where(worn, op.Where(_present(op, labels), _constant(op, SEEN), CODED), 0)
    count = op.Shape(labels, start=0, end=1)
    size = (manifest.height, manifest.width)
    return {
        OUTPUT: _total(op, [_flag_ids(op, "garment_labels", labels), _flag(op, wrong, CODES_BITS[WEAR])]),
        CLASSES: op.Cast(held, to=_type("uint8")),
        "encoded_images": op.Unsqueeze(image, [1]),
        "encoded_labels": op.Unsqueeze(labels, [1]),
        "encoded_source": op.Where(worn, _constant(op, 1), -1),
        "blank_image": _blank(op, count, (*size, 3)),
        "blank_labels": _blank(op, count, size),
    }


def _check_codes(op: Any, values: Values, manifest: Manifest) -> dict[str, Any]:
    labels, classes, source = (values[name] for name in ("person_labels", CLASSES, SOURCE))
    beyond = _beyond(op, source, classes)
    known = op.Where(beyond, -1, source)
    # What the garment that a class is worn from says of the class.
    index = op.Cast(op.Max(op.Sub(known, 1), 0), to=_type("int64"))
    held = op.Squeeze(op.GatherElements(op.Cast(classes, to=_type("int32")), op.Unsqueeze(index, [1]), axis=1), [1])
    lacking = op.And(op.Greater(known, 0), op.Equal(held, 0))
    checked = op.Where(lacking, -1, known)
    flags = [_flag_ids(op, name, values[name]) for name in ("person_labels", "densepose")]
    flags += [_flag(op, beyond, BITS[SOURCE]), _flag(op, lacking, CODES_BITS[CLASSES])]

    worn, own = op.Greater(checked, 0), op.Equal(checked, 0)
    seen = op.Or(op.And(worn, op.Equal(held, SEEN)), op.And(own, _present(op, labels)))
    # A shoe that is not in its photograph takes what the other's photograph lends; row 0 is the person's own run.
    rows, mirror = op.Max(checked, 0), _mirror()
    borrows = op.And(op.Not(seen), op.Gather(seen, mirror, axis=1))
    count, size = op.Shape(labels, start=0, end=1), (manifest.height, manifest.width)
    unseen = {
        spec.name: _blank(op, op.Shape(classes, start=0, end=2), spec.shape[2:], spec.dtype)
        for spec in codes.unseen_inputs(manifest)
    }
    return {
        OUTPUT: _total(op, flags),
        CHECKED_SOURCE: checked,
        "person_source": op.Where(worn, -1, checked),
        "code_rows": op.Where(borrows, op.Gather(rows, mirror, axis=1), rows),
        "blank_images": _blank(op, count, (1, *size, 3)),
        "blank_labels": _blank(op, count, (1, *size)),
        **unseen,
    }


def _merge_codes(op: Any, values: Values, manifest: Manifest) -> dict[str, Any]:
    garments = {"shape_codes": SHAPE_CODES, "appearance_codes": APPEARANCE_CODES}
    rows = {"shape_codes": op.Max(values[SOURCE], 0), "appearance_codes": values["code_rows"]}
    made = {}
    for spec in codes.merge_outputs(manifest):
        person = op.Unsqueeze(values[f"person_{spec.name}"], [1])
        every = op.Concat(person, values[garments[spec.name]], axis=1)
        index = op.Cast(rows[spec.name], to=_type("int64"))
        index = op.Reshape(index, [0, 1, NUM_CLASSES, *[1] * (len(spec.shape) - 2)])
        index = op.Expand(index, [1, 1, *spec.shape[1:]])
        made[spec.name] = op.Squeeze(op.GatherElements(every, index, axis=1), [1])
    return made


def _beyond(op: Any, source: Any, garments: Any) -> Any:
    """Return where a source is below -1 or above the number of garments in a tensor."""
    most = op.Cast(op.Shape(garments, start=1, end=2), to=_type("int32"))
    return op.Or(op.Less(source, -1), op.Greater(source, most))


def _flag_ids(op: Any, name: str, values: Any) -> Any:
    """Return the bit of each request that holds an id out of range, int32 `[N, 1]`."""
    return _flag(
        op, op.Greater(_largest(op, values, 3 if name.endswith("densepose") else 1), LARGEST[name]), BITS[name]
    )


def _largest(op: Any, ids: Any, channels: int = 1) -> Any:
    """Return the largest id of each request, in the first of some channels, int32 `[N, 1]`."""
    largest = op.ReduceMax(op.Reshape(ids, [0, -1, channels]), [1], keepdims=0)
    return op.Cast(op.Slice(largest, [0], [1], [1]), to=_type("int32"))


def _flag(op: Any, wrong: Any, bit: int) -> Any:
    """Return the bit of each request in which something is wrong, int32 `[N, 1]`."""
    return op.ReduceMax(op.Where(wrong, _constant(op, bit), 0), [1])


def _total(op: Any, terms: Sequence[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = op.Add(total, term)
    return total


def _zeros_if_counts_fit(op: Any, counts: Sequence[Any], most: int) -> list[Any]:
    """Return zeros; computing them fails unless all inputs have equally many photographs, from 1 to `most`.

    Later steps would fail too, but two of them at once, which kills Triton 2.51. An index out of bounds is the one
    thing that ONNX refuses by itself. A negative one counts from the end.
    """
    indices = [(op.Sub(counts[0], 1), most), (op.Sub(counts[0], most + 1), most)]
    indices += [(op.Abs(op.Sub(count, counts[0])), 1) for count in counts[1:]]
    return [op.Gather(_constant(op, [0] * size), index) for index, size in indices]


def _present(op: Any, labels: Any) -> Any:
    """Return which classes have a pixel, bool `[N, 20]`; ids that are none count as background."""
    classes = _constant(op, [[[c] for c in range(NUM_CLASSES)]])
    equal = op.Equal(op.Cast(op.Reshape(labels, [0, 1, -1]), to=_type("int32")), classes)
    found = op.ReduceMax(op.Cast(equal, to=_type("uint8")), [2], keepdims=0)
    none = op.Pad(op.Greater(_largest(op, labels), NUM_CLASSES - 1), [0, 0, 0, NUM_CLASSES - 1])
    return op.Or(op.Cast(found, to=_type("bool")), none)


def _mirror() -> list[int]:
    """Return the other shoe, arm or leg of each class; of the rest, itself."""
    mirror = [*range(NUM_CLASSES)]
    for left, right in MIRRORED:
        mirror[left], mirror[right] = right, left
    return mirror


def _blank(op: Any, leading: Any, shape: Iterable[int | str], dtype: str = "uint8") -> Any:
    """Return zeros of a size that begins with `leading`."""
    size = op.Concat(leading, [int(size) for size in shape], axis=0)
    tensor = _onnx().helper.make_tensor("zero", _type(dtype), [1], [0])
    return op.ConstantOfShape(size, value=tensor)


def _constant(op: Any, value: Any, dtype: str = "int32") -> Any:
    """Return a constant of a dtype that no other operand tells."""
    ir = require("onnxscript", extra="serve", purpose=PURPOSE).ir
    return op.initializer(ir.tensor(np.array(value, dtype)), f"constant_{len(op.builder.graph.initializers)}")


def _type(dtype: str) -> int:
    return int(_onnx().helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _onnx() -> Any:
    return require("onnx", extra="serve", purpose=PURPOSE)


def _model(
    name: str, manifest: Manifest, inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec], rule: Rule
) -> Any:
    """Return a checked ONNX model of a rule."""
    onnxscript = require("onnxscript", extra="serve", purpose=PURPOSE)
    ir = onnxscript.ir
    graph = ir.Graph([], [], nodes=[], opset_imports={"": OPSET}, name=name)
    builder = onnxscript.GraphBuilder(graph)
    values = {spec.name: builder.input(spec.name, ir.DataType(_type(spec.dtype)), spec.shape) for spec in inputs}
    made = rule(builder.op, values, manifest)
    for spec in outputs:
        made[spec.name].type, made[spec.name].shape = (
            ir.TensorType(ir.DataType(_type(spec.dtype))),
            ir.Shape(spec.shape),
        )
        builder.add_output(made[spec.name], spec.name)
    model = ir.to_proto(ir.Model(graph, ir_version=IR_VERSION, producer_name="oviton"))
    _onnx().checker.check_model(model, full_check=True)
    return model
