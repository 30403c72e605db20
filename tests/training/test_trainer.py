import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from oviton.data.errors import InputError
from oviton.networks.checkpoint import load_checkpoint
from oviton.training.options import DEFAULT_WEIGHTS
from oviton.training.trainer import Trainer, TrainingError, learning_rate, train

GAN = {"lsgan": 0.1, "feature_matching": 1.0}


def _state(options):
    return load_file(options.checkpoint / "training" / options.part / "state.safetensors")


@pytest.mark.parametrize(
    ("part", "changed", "to"),
    [
        ("shape", {}, 0.95),
        pytest.param("appearance", {"weights": {"perceptual": 0.0}}, 0.97, marks=pytest.mark.slow),
        # A new network starts as the lookup, which is a fair answer.
        pytest.param(
            "appearance",
            {"weights": {"perceptual": 0.0}, "conditioning": "surface", "learning_rate": 2e-3},
            1.0,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_loss_on_people_never_seen_falls(part, changed, to, options, listener):
    trainer = Trainer(options(part, **{"steps": 120, "learning_rate": 5e-3, **changed}), listener)
    before = trainer.show()
    after = trainer.run().held_out
    assert {name: after[name] / before[name] for name in before if not after[name] < to * before[name]} == {}


@pytest.mark.parametrize(
    ("part", "changed", "number"),
    [
        ("shape", {"weights": GAN | {"perceptual": 0.1}}, signal.SIGTERM),
        ("appearance", {}, signal.SIGTERM),
        pytest.param(
            "appearance", {"conditioning": "surface", "precision": "bf16"}, signal.SIGINT, marks=pytest.mark.slow
        ),
    ],
)
def test_resuming_a_stopped_run_continues_bit_for_bit(part, changed, number, options, listener, tmp_path):
    # Stopped and resumed while the discriminator trains (from half of the steps).
    whole = options(part, steps=8, checkpoint=tmp_path / "whole", **changed)
    stopped = options(part, steps=8, checkpoint=tmp_path / "stopped", save_every=3, **changed)
    train(whole, listener)
    listener.on_step = lambda step: step == 5 and os.kill(os.getpid(), number)
    with pytest.raises(SystemExit if number == signal.SIGTERM else KeyboardInterrupt):
        train(stopped, listener)
    assert "saved at step 5; the same command goes on from there" in listener.notes
    listener.on_step = None
    report = train(stopped, listener)
    assert (report.first_step, report.step) == (5, 8)
    assert any(note.startswith(f"resuming {part}, tiny, step 5 of 8") for note in listener.notes)
    one, other = _state(whole), _state(stopped)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    one, other = (load_file(o.checkpoint / f"{part}.safetensors") for o in (whole, stopped))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_killed_run_resumes_from_its_last_save(options, listener, tmp_path):
    class Killed(Exception):
        pass

    def kill(step):
        if step == 5:
            raise Killed

    whole = options("shape", steps=7, checkpoint=tmp_path / "whole")
    killed = options("shape", steps=7, checkpoint=tmp_path / "killed", save_every=3)
    train(whole, listener)
    listener.on_step = kill
    with pytest.raises(Killed):
        train(killed, listener)
    listener.on_step = None
    assert train(killed, listener).first_step == 3
    one, other = _state(whole), _state(killed)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_both_parts_make_an_exportable_checkpoint(options, run, tmp_path):
    run(options("shape"))
    report = run(options("appearance", conditioning="surface", encoder_scale=2))
    networks = load_checkpoint(tmp_path / "out")
    assert networks.config.appearance.conditioning == "surface"
    assert networks.config.appearance.encoder_scale == 2
    assert "--conditioning surface --encoder-scale 2" in networks.training_notes["appearance"]
    assert networks.training_notes["shape"].startswith(
        "oviton train shape data --preset tiny --conditioning codes --steps 4 --batch 2"
    )
    assert "step 4 of 4; data: 6 people" in networks.training_notes["appearance"]
    assert report.path == tmp_path / "out" / "appearance.safetensors"
    assert report.held_out.keys() == {"l1", "perceptual", "perceptual_distance"}
    files = {path.name for path in (tmp_path / "out" / "training" / "shape").rglob("*") if path.is_file()}
    assert {"state.safetensors", "000004.png"} < files
    assert any(name.startswith("events.out.tfevents") for name in files)


def test_checkpoint_holds_the_moving_average(options, run):
    made = options("shape")
    run(made)
    state, saved = _state(made), load_file(made.checkpoint / "shape.safetensors")
    name = "shape_generator.body_stem.1.weight"
    assert torch.equal(saved[name], state[f"average.{name}"])
    assert not torch.equal(saved[name], state[f"raw.{name}"])


def test_finished_run_has_nothing_to_do_until_steps_grow(options, run):
    run(options("shape"))
    assert run(options("shape")).first_step == 4
    report = run(options("shape", steps=6, save_every=1, sheet_every=1, threads=1))
    assert (report.first_step, report.step) == (4, 6)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"batch": 3}, "batch was 2 and now is 3"),
        ({"seed": 1}, "seed was 0 and now is 1"),
        ({"weights": {"dice": 0.5}}, "weights was {.*'dice': 0.3.* and now is {.*'dice': 0.5"),
        ({"steps": 3}, "steps was 4 and now is 3; steps may only grow"),
        ({"precision": "bf16"}, "precision was 'fp32' and now is 'bf16'"),
    ],
)
def test_changed_settings_are_refused(changed, told, options, run):
    run(options("shape"))
    with pytest.raises(InputError, match=told):
        run(options("shape", **changed))


def test_changed_data_is_refused(options, run, data):
    run(options("shape"))
    (data / "ana").rename(data / "anna")
    with pytest.raises(InputError, match=r"data was '6 people, .*' and now is '6 people, "):
        run(options("shape"))


def test_weights_without_a_state_are_not_overwritten(options, run):
    made = options("shape")
    run(made)
    (made.checkpoint / "training" / "shape" / "state.safetensors").unlink()
    with pytest.raises(InputError, match=r"shape\.safetensors exists, but no state to resume from"):
        run(made)


def test_damaged_state_is_named(options, run):
    made = options("shape")
    run(made)
    (made.checkpoint / "training" / "shape" / "state.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match=r"state\.safetensors: not the state of a run"):
        run(made)


def test_one_folder_is_trained_in_once_at_a_time(options, listener):
    made, told = options("shape", steps=2), []

    def again(step):
        with pytest.raises(InputError, match="another run trains here") as caught:
            train(made, listener)
        told.append(caught)

    listener.on_step = again
    train(made, listener)
    assert len(told) == 2


def test_loss_that_is_no_number_stops_and_keeps_what_was_saved(options, listener, monkeypatch):
    made = options("shape", steps=9, save_every=3)
    losses = Trainer._train_step

    def fail(self, raw):
        if self.step == 5:
            with torch.no_grad():
                self.trained["shape_generator"].body_stem[1].weight.fill_(float("nan"))
        return losses(self, raw)

    monkeypatch.setattr(Trainer, "_train_step", fail)
    with pytest.raises(TrainingError, match="no longer a number at step 5"):
        train(made, listener)
    assert all(torch.isfinite(value).all() for value in _state(made).values())
    monkeypatch.undo()
    assert train(made, listener).first_step == 3


def test_corrupt_people_are_named_skipped_and_counted(options, run, listener, data):
    names = sorted(folder.name for folder in data.iterdir())
    for name in names[1:4]:
        (data / name / "labels.png").write_bytes(b"no picture")
    report = run(options("shape", steps=6))
    assert 1 <= len(report.skipped) <= 3
    skipped = {Path(name).name for name in report.skipped}
    assert skipped <= set(names[1:4])
    for name in skipped:
        assert sum(f"{name}/labels.png: not a picture" in note for note in listener.notes) == 1


def test_no_usable_person_is_an_input_error(options, run, data):
    for folder in data.iterdir():
        (folder / "densepose.png").unlink()
    with pytest.raises(InputError, match=r"none of its 5 samples can be used: .*no body map found"):
        run(options("shape"))


@pytest.mark.parametrize("term", ["perceptual", "perceptual_distance"])
def test_each_perceptual_loss_trains_alone(term, options, run):
    weights = {name: float(name == term) for name in DEFAULT_WEIGHTS["appearance"]}
    first, last = (run(options("appearance", weights=weights, steps=steps)).held_out[term] for steps in (1, 40))
    assert last < first


def test_codes_need_no_body_maps(options, run, data):
    for folder in data.iterdir():
        (folder / "densepose.png").unlink()
    assert run(options("appearance", weights={"perceptual": 0.0})).skipped == {}


@pytest.mark.parametrize(("part", "conditioning"), [("shape", "codes"), ("appearance", "surface")])
def test_pairs_are_used(part, conditioning, options, run, listener, paired):
    weights = {name: 0.0 for name in DEFAULT_WEIGHTS[part] if name == "perceptual"}
    report = run(options(part, pairs=True, batch=4, conditioning=conditioning, weights=weights))
    assert any("4 pairs" in note for note in listener.notes)
    assert report.skipped == {}


def test_learning_rate_rises_then_falls_to_a_hundredth():
    rates = [learning_rate(step, 1000, 1e-3) for step in range(1000)]
    assert rates[0] == pytest.approx(2e-5)
    assert max(rates) == pytest.approx(1e-3, rel=0.01)
    assert rates[-1] == pytest.approx(1e-5)
    assert rates[60:] == sorted(rates[60:], reverse=True)
