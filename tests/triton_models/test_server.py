"""The real server: answers, refusals, refinement as a stream."""

import json
import os
import threading
import time

import numpy as np
import pytest
import torch
from tritonclient.utils import InferenceServerException

from oviton.bundle.samples import sample_requests
from oviton.runtime.refinement.options import RefinementOptions
from oviton.runtime.refinement.programs import Programs
from oviton.runtime.refinement.session import RefinementSession

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def ask(plain_client, wire):
    def call(arrays, model="try_on", **options):
        result = plain_client.infer(model, wire(arrays), **options)
        names = [output.name for output in result.get_response().outputs]
        return {name: result.as_numpy(name) for name in names}

    return call


@pytest.fixture(scope="module")
def requests(sample_people, tiny_bundle):
    """Make requests of what `try_on` takes; only `surface` bundles look at the garments' body maps."""
    taken = {spec.name for graph in tiny_bundle.manifest.graphs for spec in graph.inputs}

    def make(count, garments, first=0):
        made = sample_requests(sample_people[first:] + sample_people[:first], 64, 32, count, garments)
        return {name: array for name, array in made.items() if name in taken}

    return make


@pytest.fixture(scope="module")
def one(requests):
    return requests(1, 1)


@pytest.mark.parametrize(("count", "garments"), [(1, 1), (1, 4), (3, 2), (8, 8)])
def test_answers_equal_those_in_process_bit_for_bit(ask, in_process, requests, count, garments):
    inputs = requests(count, garments)
    expected, found = in_process.run(inputs), ask(inputs)
    assert sorted(found) == ["image", "input_flags", "labels"]
    assert np.array_equal(found["image"], expected["image"])
    assert np.array_equal(found["labels"], expected["labels"])
    assert found["input_flags"].tolist() == [[0]] * count


def test_requests_at_the_same_time_do_not_mix(plain_client, wire, in_process, requests):
    answers, wanted = {}, {}
    done = threading.Semaphore(0)
    for number in range(12):
        inputs = requests(1, 1 + number % 3, first=number % 4)
        wanted[number] = in_process.run(inputs)["image"]

        def keep(result, error, number=number):
            answers[number] = error or result.as_numpy("image")
            done.release()

        plain_client.async_infer("try_on", wire(inputs), keep)
    assert all(done.acquire(timeout=30) for _ in wanted)
    assert all(np.array_equal(answers[number], image) for number, image in wanted.items())


def test_going_past_the_ensembles_with_too_little_is_refused(ask, one):
    """The one process behind them has to take whatever any of them brings, so all its inputs are optional."""
    for left_out in one:
        with pytest.raises(InferenceServerException, match=f"input {left_out} is missing") as raised:
            ask({name: array for name, array in one.items() if name != left_out}, "feed_forward", outputs=None)
        assert "INVALID_ARGUMENT" in raised.value.status()


def changed(inputs, name, at, value):
    array = inputs[name].copy()
    array[at] = value
    return {**inputs, name: array}


@pytest.mark.parametrize(
    ("name", "at", "value", "told"),
    [
        ("person_labels", (0, 5, 5), 20, "person_labels holds a label id above 19; allowed: 0 to 19"),
        ("densepose", (0, 5, 5, 0), 25, "densepose holds a DensePose part above 24; allowed: 0 to 24"),
        ("garment_labels", (0, 0, 5, 5), 255, "garment_labels holds a label id above 19"),
        ("source", (0, 5), 2, "source holds a value out of range; allowed: -1 to 1"),
        ("source", (0, 5), -2, "source holds a value out of range"),
    ],
)
def test_values_that_no_shape_check_sees_are_refused(ask, one, name, at, value, told):
    with pytest.raises(InferenceServerException) as refused:
        ask(changed(one, name, at, value))
    assert refused.value.status() == "StatusCode.INVALID_ARGUMENT"
    # Whichever model sees it first says it; the engine's own sentence names input and range too.
    assert told in refused.value.message() or f"input {name} holds" in refused.value.message()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: {**x, "garment_images": np.concatenate([x["garment_images"]] * 2, axis=1)},
        lambda x: {**x, "person_image": x["person_image"][:, :32]},
        lambda x: {**x, "source": x["source"].astype(np.float32)},
        lambda x: {k: v for k, v in x.items() if k != "densepose"},
        lambda x: {**x, "surplus": x["source"]},
        lambda x: {k: np.repeat(v, 9, axis=0) for k, v in x.items()},
        lambda x: {k: np.repeat(v, 9, axis=1) if k.startswith("garment_") else v for k, v in x.items()},
        lambda x: {k: v[:, :0] if k.startswith("garment_") else v for k, v in x.items()},
    ],
    ids=["count", "size", "dtype", "missing", "surplus", "batch", "nine garments", "no garment"],
)
def test_requests_that_do_not_fit_are_refused_with_a_sentence(ask, one, spoil):
    with pytest.raises(InferenceServerException) as refused:
        ask(spoil(one))
    assert refused.value.status() == "StatusCode.INVALID_ARGUMENT", refused.value
    assert len(refused.value.message()) > 20


@pytest.fixture(scope="module")
def inputs(sample_people):
    return sample_requests(sample_people, 64, 32, 1, 2)


@pytest.fixture(scope="module")
def worn(requests):
    return requests(1, 2)


@pytest.fixture(scope="module")
def expected(in_process, tiny_bundle, inputs):
    # Other tests may have left torch with one thread; sums in another order drift apart within a few steps.
    torch.set_num_threads(os.cpu_count() or 1)
    options = RefinementOptions(steps=4, seed=3, preview_every=2)
    programs = Programs(tiny_bundle)
    values = in_process.run(inputs)
    session = RefinementSession(in_process, programs, values, options)
    return list(session), session.result(), session.tensors()


class TestRefinement:
    def test_the_stream_is_what_happens_in_process(self, open_stream, inputs, expected):
        steps, refined, values = expected
        wishes = {"steps": 4, "seed": 3, "preview_every": 2, "keep_outfit": True}
        with open_stream(inputs, **wishes) as (_, answers):
            found = list(answers)
        assert not [error for _, error in found if error]
        *taken, last = [arrays for arrays, _ in found]
        assert [int(answer["step"][0, 0]) for answer in taken] == [1, 2, 3, 4]
        for answer, step in zip(taken, steps, strict=True):
            # Steps sum in another order on another number of threads, which the server chooses for itself.
            assert answer["losses"][0].tolist() == pytest.approx(list(step.losses.values()), rel=1e-4)
            assert ("preview" in answer) == (step.preview is not None)
            if step.preview is not None:
                assert _levels_apart(answer["preview"][0], step.preview) <= 1
        assert _levels_apart(last["image"], values["image"]) <= 1
        assert np.array_equal(last["labels"], values["labels"])
        report = json.loads(last["report"][0, 0])
        assert report["accepted"] == (refined.picture is not None)
        assert report["steps"] == 4
        assert ("outfit" in last) == report["accepted"]

    @pytest.mark.more
    def test_a_kept_outfit_is_served(self, open_stream, ask, worn, inputs):
        with open_stream(inputs, steps=12, keep_outfit=True) as (_, answers):
            last = [arrays for arrays, _ in answers][-1]
        assert json.loads(last["report"][0, 0])["accepted"]
        found = ask({**worn, "outfit": last["outfit"]}, "try_on_outfit")
        assert np.abs(found["image"].astype(int) - last["image"]).mean() < 1
        assert not np.array_equal(found["image"], ask(worn)["image"])
        two = {name: np.concatenate([array, array]) for name, array in worn.items()}
        both = ask({**two, "outfit": np.concatenate([last["outfit"]] * 2)}, "try_on_outfit")
        assert np.abs(both["image"][0].astype(int) - found["image"][0]).max() <= 1

    @pytest.mark.parametrize(
        ("outfit", "code"),
        [(b"../../secret", "INVALID_ARGUMENT"), (b"\xff" * 32, "INVALID_ARGUMENT"), (b"0" * 32, "NOT_FOUND")],
    )
    def test_an_outfit_that_is_not_kept(self, ask, worn, outfit, code):
        with pytest.raises(InferenceServerException) as refused:
            ask({**worn, "outfit": np.array([[outfit]], np.object_)}, "try_on_outfit")
        assert refused.value.status() == f"StatusCode.{code}"

    @pytest.mark.parametrize(
        ("parameters", "told"),
        [({"steps": 0}, "refinement steps: 0 given"), ({"stepps": 3}, "'stepps' is unknown; allowed: steps")],
    )
    def test_wrong_wishes_are_refused(self, open_stream, server, inputs, parameters, told):
        with open_stream(inputs, **parameters) as (_, answers):
            ((_, error),) = answers
        assert error.message().startswith("INVALID_ARGUMENT: ")
        assert told in error.message()
        assert server.is_ready

    def test_wrong_values_are_refused(self, open_stream, server, inputs):
        with open_stream(changed(inputs, "person_labels", (0, 1, 1), 99)) as (_, answers):
            ((_, error),) = answers
        assert error.message().startswith("INVALID_ARGUMENT: input person_labels holds 99; allowed: 0 to 19")
        assert server.is_ready

    def test_a_cancelled_refinement_stops_at_once(self, open_stream, server, inputs):
        before = metric(server, "oviton_refinement_steps_total")
        with open_stream(inputs, steps=5000) as (client, answers):
            next(answers)
            client.stop_stream(cancel_requests=True)
        wait_until_idle(server)
        assert metric(server, "oviton_refinement_steps_total") - before < 1000
        assert metric(server, 'oviton_refinement_requests_total{result="cancelled"}') >= 1

    def test_a_deadline_ends_a_refinement(self, open_stream, server, inputs):
        started = time.monotonic()
        with open_stream(inputs, timeout=2, steps=10000) as (_, answers):
            *_, (_, error) = answers
        assert error.status() == "StatusCode.DEADLINE_EXCEEDED"
        wait_until_idle(server)
        assert time.monotonic() - started < 20

    def test_a_full_queue_refuses_at_once(self, open_stream, server, inputs):
        """One runs and two wait; Triton takes one more out of the queue in advance."""
        streams = [open_stream(inputs, steps=5000) for _ in range(6)]
        opened = [stream.__enter__() for stream in streams]
        try:
            refused = []
            threads = [threading.Thread(target=lambda a=a: refused.extend(e for _, e in a if e)) for _, a in opened]
            for thread in threads:
                thread.start()
            end = time.monotonic() + 20
            while not refused and time.monotonic() < end:
                time.sleep(0.05)
            assert refused
            assert "Exceeds maximum queue size" in refused[0].message()
        finally:
            for client, _ in opened:
                client.stop_stream(cancel_requests=True)
            for stream in streams:
                stream.__exit__(None, None, None)
            for thread in threads:
                thread.join()
        wait_until_idle(server)
        assert server.is_ready


def metric(server, name):
    lines = [line for line in server.metrics().splitlines() if line.startswith(name)]
    return float(lines[0].rsplit(" ", 1)[1])


def wait_until_idle(server):
    end = time.monotonic() + 30
    while metric(server, "oviton_refinement_running") and time.monotonic() < end:
        time.sleep(0.1)
    assert not metric(server, "oviton_refinement_running")


def _levels_apart(a, b):
    return int(np.abs(a.astype(int) - b).max())
