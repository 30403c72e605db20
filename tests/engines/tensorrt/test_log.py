"""Builders and runtimes are made where no garbage is collected: TensorRT logs in Python while it holds a lock."""

import gc

import pytest

from oviton.engines.tensorrt.log import make_with


def test_no_garbage_is_collected_while_something_is_made():
    assert gc.isenabled()
    assert make_with(lambda logger: (logger, gc.isenabled()), "logger") == ("logger", False)
    assert gc.isenabled()


def test_garbage_is_collected_again_after_a_failure():
    with pytest.raises(ZeroDivisionError):
        make_with(lambda logger: 1 / 0, None)
    assert gc.isenabled()
