"""Progress in nested phases, as TensorRT tells them."""

import pytest

from oviton.engines.tensorrt.progress import BuildProgress


def test_phases_that_lie_in_each_other_are_one_share():
    told = []
    progress = BuildProgress(lambda what, share: told.append((what, share)))
    progress.start("build", None, 2)
    progress.start("clone", "build", 4)
    for step in range(4):
        assert progress.step("clone", step)
    progress.finish("clone")
    progress.step("build", 0)
    progress.start("time", "build", 2)
    progress.start("kernels", "time", 2)
    progress.step("kernels", 0)
    progress.finish("kernels")
    progress.finish("time")
    progress.finish("build")
    assert told == [
        ("clone", 0.125),
        ("clone", 0.25),
        ("clone", 0.375),
        ("clone", 0.5),
        ("kernels", 0.625),
        ("build", 1),
    ]


def test_a_cancelled_build_stops_at_its_next_step():
    progress = BuildProgress()
    progress.start("build", None, 2)
    assert progress.step("build", 0)
    progress.cancel()
    assert not progress.step("build", 1)


def test_steps_of_an_unknown_phase_do_no_harm():
    progress = BuildProgress(lambda what, share: pytest.fail("told"))
    assert progress.step("nobody", 3)
    progress.finish("nobody")
