import dataclasses
import gc
import math
import threading
import weakref

import numpy as np
import pytest
import torch

from oviton import Garment
from oviton.data.errors import InputError
from oviton.runtime.refinement.options import RefinementOptions, TermWeights
from oviton.runtime.refinement.problem import TERMS, Problem


@pytest.fixture
def session(start):
    return start(weights=TermWeights(1.0, 1.0, 1.0, 1.0))


@pytest.fixture
def problem(session):
    return session.refiner.problem


def test_the_loss_falls_and_the_picture_changes(refine, tiny_tryon, request_of):
    look = refine(steps=12, learning_rate=3e-3)
    told = look.report.refinement
    assert told.accepted
    assert told.steps == 12
    assert told.losses_after["loss"] < told.losses_before["loss"]
    assert not np.array_equal(look.image, tiny_tryon(*request_of).image)
    assert set(told.losses_before) == {"loss", *TERMS}


def test_the_next_request_is_untouched(refine, programs, tiny_tryon, request_of):
    before = tiny_tryon(*request_of)
    refine(steps=3)
    after = tiny_tryon(*request_of)
    assert np.array_equal(before.image, after.image)
    entry = tiny_tryon.engines.bundle.manifest.graph("appearance_generator")
    assert tuple(programs.weights()) == entry.parameters


def test_same_seed_same_picture(refine):
    first, again, other = refine(seed=1), refine(seed=1), refine(seed=2)
    assert np.array_equal(first.image, again.image)
    assert first.report.refinement.losses_after == again.report.refinement.losses_after
    assert first.report.refinement.losses_after != other.report.refinement.losses_after


@pytest.mark.parametrize("term", TERMS)
def test_every_term_reaches_the_first_and_the_last_layer(problem, matched, term):
    problem = matched if term == "lookup" else problem
    programs = problem.programs
    weights = programs.weights()
    batch = problem.batch(1)
    picture = programs.paint(weights, batch.conditioning)
    seen = programs.examine(picture, problem.labels[batch.rows])
    problem.terms(picture, seen, batch)[term].backward()
    gradients = [value.grad for value in weights.values()]
    assert gradients[0] is not None
    assert gradients[0].abs().sum() > 0
    assert gradients[-1] is not None
    assert gradients[-1].abs().sum() > 0


def test_the_unmoved_photographs_are_judged(problem, values):
    """The loss before is that of the bundle's own weights: the same picture as the feed-forward graph paints."""
    programs = problem.programs
    picture = programs.paint(programs.weights(), problem.batch(0).conditioning)[-1].detach().numpy()
    shown = np.floor((picture.clip(-1, 1) + 1) * 127.5 + 0.5).transpose(1, 2, 0)
    assert np.abs(shown - values["generated"][0]).max() <= 1


def test_two_threads_refine_as_one_does(refine):
    alone = refine(seed=3)
    found = []
    threads = [threading.Thread(target=lambda: found.append(refine(seed=3))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [np.array_equal(look.image, alone.image) for look in found] == [True, True]
    assert refine(seed=3).report.refinement.losses_before == alone.report.refinement.losses_before


def test_steps_can_be_cancelled_and_leave_nothing(refine, tiny_tryon, request_of):
    threads = threading.active_count()

    class EnoughError(Exception):
        pass

    seen = []

    def stop(step):
        seen.append(step.step)
        if step.step == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        refine(steps=50, on_step=stop)
    assert seen == [1, 2]
    assert threading.active_count() == threads

    refinement = tiny_tryon.refinement(*request_of, options=RefinementOptions(steps=50, views=2, precision="fp32"))
    for step in refinement:
        if step.step == 3:
            break
    first, again = refinement.look().report, refinement.look().report
    assert first.refinement.steps == 3
    assert first.refinement.stopped == "cancelled"
    assert set(first.stages_ms) == set(again.stages_ms)
    assert all(ms >= 0 for ms in again.stages_ms.values())


def test_cancelling_leaves_no_memory_behind(tiny_tryon, request_of):
    """Whatever a cancelled refinement made is gone with it: no cycle, no cache, no tensor that stays."""
    options = RefinementOptions(steps=50, views=2, precision="fp32")
    tiny_tryon.refine(*request_of, options=dataclasses.replace(options, steps=1))  # programs stay loaded
    gc.collect()
    before = live_bytes()
    refinement = tiny_tryon.refinement(*request_of, options=options)
    next(iter(refinement))
    left = weakref.ref(refinement.refiner)
    assert live_bytes() > before
    del refinement
    assert left() is None
    gc.collect()
    assert live_bytes() == before


def live_bytes():
    tensors = [found for found in gc.get_objects() if type(found) in (torch.Tensor, torch.nn.Parameter)]
    return sum({tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}.values())


def test_a_session_gives_the_tensors_of_the_better_result(start, values, tiny_tryon):
    """What a server answers with: the same without steps, recomposed with them."""
    session = start(learning_rate=3e-3)
    feed_forward = session.tensors()
    assert all(np.array_equal(feed_forward[name], values[name]) for name in values)
    assert session.report().reason == "no step was taken"
    assert [step.step for step in session] == [1, 2, 3]
    assert session.report().accepted
    found = session.tensors()
    compositor = tiny_tryon.engines["compositor"]
    composed = compositor(**{spec.name: found[spec.name] for spec in compositor.inputs})
    assert not np.array_equal(found["generated"], values["generated"])
    assert not np.array_equal(found["image"], values["image"])
    assert all(np.array_equal(found[name], composed[name]) for name in composed)
    assert session.report() == session.report()


def test_previews_come_as_often_as_asked(refine):
    previews = []
    refine(steps=4, preview_every=2, on_step=lambda step: previews.append(step.preview))
    assert [preview is None for preview in previews] == [True, False, True, False]
    assert previews[1].shape == (64, 32, 3)
    assert previews[1].dtype == np.uint8


def test_a_time_budget_shorter_than_a_step_gives_the_feed_forward_result(refine, tiny_tryon, request_of):
    look = refine(steps=5, time_budget=1e-6)
    assert np.array_equal(look.image, tiny_tryon(*request_of).image)
    assert look.report.refinement.stopped == "time"
    assert look.weights is None
    assert look.report.refinement.steps == 0
    assert any("of the time budget of 1e-06 s, preparation took" in note for note in look.report.notes)


def test_a_plateau_stops(refine):
    look = refine(steps=200, patience=2, learning_rate=1e-9)
    assert look.report.refinement.stopped == "plateau"
    assert look.report.refinement.steps < 20


def test_not_a_number_stops_with_the_last_good_weights(session, monkeypatch):
    refiner = session.refiner
    real, calls = Problem.terms, []  # the second call is the second step's

    def poisoned(self, picture, seen, batch):
        calls.append(1)
        terms = real(self, picture, seen, batch)
        return {**terms, "kept": terms["kept"] * math.nan} if len(calls) == 2 else terms

    monkeypatch.setattr(Problem, "terms", poisoned)
    assert [step.step for step in session] == [1]
    found = refiner.result()
    assert found.stopped == "not a number"
    assert all(torch.isfinite(value).all() for value in refiner.weights.values())
    assert math.isfinite(found.after["loss"])


@pytest.mark.parametrize("last", [False, True])
def test_an_update_that_spoils_the_weights_is_taken_back(session, last):
    """Whether the next step notices, or there is none."""
    refiner = session.refiner
    real, good = refiner._optimizer.step, []

    def spoiling():
        good.append([weight.detach().clone() for weight in refiner.weights.values()])
        real()
        if len(good) == (3 if last else 2):
            with torch.no_grad():
                next(iter(refiner.weights.values())).fill_(math.inf)

    refiner._optimizer.step = spoiling
    assert len(list(session)) == (3 if last else 2)
    found = refiner.result()
    assert found.stopped == "not a number"
    assert all(torch.equal(a, b) for a, b in zip(refiner.weights.values(), good[-1], strict=True))
    assert found.weights is not None
    assert found.after["loss"] < found.before["loss"]


def test_a_worse_loss_is_refused(refine, tiny_tryon, request_of):
    look = refine(steps=3, learning_rate=1.0)
    assert not look.report.refinement.accepted
    assert "rose" in look.report.refinement.reason
    assert np.array_equal(look.image, tiny_tryon(*request_of).image)


def test_a_garment_of_a_few_pixels_is_refused(tiny_tryon, request_of, people):
    person, (shirt, _) = request_of
    labels = np.where(shirt.labels == 5, 0, shirt.labels)
    labels[100:116, 100:108] = 5
    speck = Garment(shirt.image, labels, "upper_clothes", shirt.densepose, "speck")
    with pytest.raises(InputError, match=r"speck: upper_clothes covers \d+ pixels at 32x64, .* at least 64; take"):
        tiny_tryon.refine(person, speck, steps=1)


@pytest.mark.slow
def test_bf16_ends_about_where_fp32_does(refine):
    losses = [
        refine(steps=8, learning_rate=1e-3, precision=p).report.refinement.losses_after["loss"]
        for p in ("fp32", "bf16")
    ]
    # Steps of this size magnify whatever rounds differently, the number of threads among it.
    assert losses[1] == pytest.approx(losses[0], rel=0.06)


def test_removing_only_needs_no_garment(tiny_tryon, request_of):
    look = tiny_tryon.refine(request_of[0], [], "pants", steps=2)
    assert look.report.refinement.steps == 2
