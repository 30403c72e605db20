"""One `TryOn` shared by threads, while weights are loaded into it, and after it was closed."""

import itertools
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from oviton import ClosedError, Garment, InputError, Person, TryOn, TryOnRequest
from oviton.runtime.refinement.options import RefinementOptions
from oviton.runtime.refinement.refined_weights import RefinedWeights, bundle_weights

THREADS = 8
PAUSE = 0.01
"""Seconds between two requests of a thread, so that whoever loads weights gets its share of the interpreter."""
WORN = "a refined outfit is worn"


def small(photo):
    """Return arrays at the tiny bundle's own size, so that threads spend their time in the engines."""
    return [
        np.asarray(Image.fromarray(array).resize((32, 64), Image.Resampling.NEAREST))
        for array in (photo.image, photo.labels, photo.densepose)
    ]


@pytest.fixture(scope="module")
def requests(people):
    """A few requests, each with other photographs."""
    photos = [small(Person.open(people / name)) for name in ("hugo", "ana", "ben")]
    persons = [Person(*arrays) for arrays in photos]
    garments = [Garment(image, labels, "upper_clothes", body) for image, labels, body in photos]
    return list(zip(persons, garments[1:] + garments[:1], strict=True))


@pytest.fixture(scope="module")
def outfit(tiny_bundle):
    """Weights far from the bundle's own, so that no picture can be mistaken for another."""
    rng = np.random.default_rng(0)
    change = {
        name: rng.normal(0, 0.1, weight.shape).astype(np.float16)
        for name, weight in bundle_weights(tiny_bundle).items()
    }
    return RefinedWeights(tiny_bundle.identity, (0,) * 20, change, 99.0)


@pytest.fixture(params=["openvino", *(pytest.param(name, marks=pytest.mark.slow) for name in ("onnxruntime", "torch"))])
def tryon(request, tiny_bundle_folder, cache):
    with TryOn.load(tiny_bundle_folder, request.param, "fp32", cache=cache) as loaded:
        yield loaded


@pytest.fixture
def serial(tryon, requests, outfit):
    """What each request gets when it is alone: with the bundle's own weights, and with the outfit's."""
    plain = [tryon(*request).image for request in requests]
    tryon.load_weights(outfit)
    worn = [tryon(*request).image for request in requests]
    tryon.load_weights(None)
    assert not any(map(np.array_equal, plain, worn))
    return {False: plain, True: worn}


def test_threads_that_dress_while_weights_are_loaded_get_what_they_would_get_alone(tryon, requests, outfit, serial):
    finished, answers = threading.Event(), queue.SimpleQueue()

    def dress(thread):
        for count in itertools.count(thread):
            index = count % len(requests)
            look = tryon(*requests[index])
            answers.put((index, look.image, WORN in look.report.notes))
            if finished.wait(PAUSE):
                return

    with ThreadPoolExecutor(THREADS) as pool:
        dressed = [pool.submit(dress, thread) for thread in range(THREADS)]
        try:
            for wanted in (outfit, None, outfit):
                tryon.load_weights(wanted)
                found = [answers.get(timeout=60) for _ in range(answers.qsize() + 2 * THREADS)]
                assert all(np.array_equal(image, serial[worn][index]) for index, image, worn in found)
                # Each thread may have been under way with what was loaded before, once.
                assert sum(worn == (wanted is not None) for _, _, worn in found[-2 * THREADS :]) >= THREADS
        finally:
            finished.set()
        assert [future.result() for future in dressed] == [None] * THREADS


def test_threads_that_load_weights_side_by_side_leave_one_of_them(tryon, requests, outfit, serial):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tryon.load_weights, [outfit, None] * 4))
    look = tryon(*requests[0])
    assert np.array_equal(look.image, serial[WORN in look.report.notes][0])


@pytest.mark.more
def test_refinement_starts_from_the_bundles_own_weights_whatever_is_loaded_meanwhile(
    tiny_bundle_folder, requests, outfit
):
    options = RefinementOptions(steps=1, views=1, always=True, precision="fp32")

    def losses():
        return tryon.refine(*requests[0], options=options).report.refinement.losses_before

    with TryOn.load(tiny_bundle_folder, "onnxruntime", "fp32") as tryon, ThreadPoolExecutor(1) as pool:
        wanted = losses()
        done = pool.submit(lambda: [tryon.load_weights(found) for found in (outfit, None, outfit)])
        found = [losses()]
        while not done.done():
            found.append(losses())
        done.result()
        found.append(losses())
        assert WORN in tryon(*requests[0]).report.notes
        many = tryon.refine_many([TryOnRequest(*requests[0])], options=options)
    assert found == [wanted] * len(found)
    assert many[0].report.refinement.losses_before == wanted


def test_options_that_would_be_dropped_are_refused(tiny_bundle_folder, requests):
    with TryOn.load(tiny_bundle_folder, "onnxruntime", "fp32") as tryon:
        with pytest.raises(InputError, match="options and steps=3 given"):
            tryon.refine(*requests[0], steps=3, options=RefinementOptions())
        with pytest.raises(InputError, match="options and steps=3, time_budget=1 given"):
            tryon.refine(*requests[0], steps=3, time_budget=1, options=RefinementOptions())


def test_what_is_closed_says_so(tiny_bundle_folder, requests, outfit):
    tryon = TryOn.load(tiny_bundle_folder, "onnxruntime", "fp32")
    tryon.close()
    tryon.close()
    for call in (
        lambda: tryon(*requests[0]),
        lambda: tryon.refine(*requests[0]),
        lambda: tryon.refinement(*requests[0]),
        lambda: tryon.refine_many([TryOnRequest(*requests[0])]),
        lambda: tryon.load_weights(outfit),
        lambda: tryon.load_weights(None),
    ):
        with pytest.raises(ClosedError, match="closed"):
            call()


def test_closing_while_threads_dress_answers_or_says_closed(tryon, requests, outfit, serial):
    tryon.load_weights(outfit)
    begun = threading.Barrier(THREADS + 1)

    def dress(thread):
        index = thread % len(requests)
        begun.wait()
        while True:
            try:
                look = tryon(*requests[index])
            except ClosedError as error:
                return str(error)
            assert np.array_equal(look.image, serial[True][index])
            time.sleep(PAUSE)

    with ThreadPoolExecutor(THREADS) as pool:
        dressed = [pool.submit(dress, thread) for thread in range(THREADS)]
        begun.wait()
        tryon(*requests[0])
        tryon.close()
        assert all("closed" in future.result() for future in dressed)
