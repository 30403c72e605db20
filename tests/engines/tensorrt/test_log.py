"""Builders and runtimes are made where no garbage is collected: TensorRT logs in Python while it holds a lock."""

import gc

import pytest

from oviton.engines.tensorrt.log import make_with


@pytest.mark.parametrize("kind", ["Builder", "Runtime"])
def test_no_garbage_is_collected_while_tensorrt_logs(rtx, kind):
    module = rtx.load()
    collects = []

    class Logger(module.ILogger):
        def __init__(self):
            super().__init__()

        def log(self, severity, message):
            collects.append(gc.isenabled())

    assert gc.isenabled()
    make_with(getattr(module, kind), Logger())
    assert collects
    assert not any(collects)
    assert gc.isenabled()


def test_garbage_is_collected_again_after_a_failure():
    with pytest.raises(ZeroDivisionError):
        make_with(lambda logger: 1 / 0, None)
    assert gc.isenabled()
