import multiprocessing
import os
import threading

import pytest

from oviton.data.errors import InputError
from oviton.data.parallel import in_parallel


def test_results_keep_their_order():
    assert in_parallel(*(lambda n=n: n * n for n in range(7))) == [n * n for n in range(7)]
    assert in_parallel(lambda: 3) == [3]


def test_tasks_run_at_the_same_time():
    together = threading.Barrier(3, timeout=20)
    assert sorted(in_parallel(*[together.wait] * 3)) == [0, 1, 2]


@pytest.mark.parametrize("failing", [(0,), (2,), (0, 1), (1, 2)])
def test_the_first_failure_is_heard(failing):
    def task(n):
        if n in failing:
            raise InputError(f"number {n}")
        return n

    with pytest.raises(InputError, match=f"number {failing[0]}"):
        in_parallel(*(lambda n=n: task(n) for n in range(3)))


def test_tasks_of_tasks_are_called_in_turn_where_their_task_runs():
    def outer():
        return {threading.get_ident(), *in_parallel(*[threading.get_ident] * 3)}

    assert [len(threads) for threads in in_parallel(outer, outer)] == [1, 1]
    together = threading.Barrier(2, timeout=20)
    in_parallel(together.wait, together.wait)  # and side by side again after that


def test_helpers_stay():
    together = threading.Barrier(3, timeout=20)

    def meet():
        together.wait()
        return threading.get_ident()

    threads = {ident for _ in range(20) for ident in in_parallel(meet, meet, meet)}
    assert len(threads) <= 1 + max(2, os.cpu_count())


def test_what_no_helper_has_begun_is_done_by_the_caller():
    helpers = max(2, os.cpu_count())
    begun, ended = threading.Barrier(helpers + 2, timeout=20), threading.Event()

    def occupy():
        begun.wait()
        ended.wait(20)

    others = threading.Thread(target=in_parallel, args=[occupy] * (helpers + 1))
    others.start()
    try:
        begun.wait()
        assert in_parallel(*[threading.get_ident] * 4) == [threading.get_ident()] * 4
    finally:
        ended.set()
        others.join()


def test_a_forked_process_has_helpers_of_its_own():
    in_parallel(os.getpid, os.getpid)
    child = multiprocessing.get_context("fork").Process(target=in_parallel, args=(os.getpid, os.getpid, os.getpid))
    child.start()
    child.join(timeout=30)
    assert child.exitcode == 0, "it waits for threads that it does not have"
