"""Refinement from the stream of a real server: the steps and the picture of the same bundle in process."""

import asyncio
import itertools
import threading
import time

import numpy as np
import pytest

from oviton import AsyncTryOnClient, ClientOptions, Garment, InputError, Person, ServerError, TryOnClient
from oviton.runtime.refinement.options import RefinementOptions

pytestmark = pytest.mark.server
OPTIONS = RefinementOptions(steps=4, preview_every=2, views=2, seed=7, precision="fp32")


@pytest.fixture(scope="module")
def wanted(local, person, garments):
    steps = []
    return local.refine(person, garments[:1], options=OPTIONS, on_step=steps.append), steps


def assert_same(look, steps, wanted):
    wanted_look, wanted_steps = wanted
    assert [step.step for step in steps] == [1, 2, 3, 4]
    for step, other in zip(steps, wanted_steps, strict=True):
        assert step.losses == pytest.approx(other.losses, rel=1e-3)
        assert (step.preview is None) == (other.preview is None) == (step.step % 2 == 1)
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(steps))
    assert look.report.refinement.accepted
    assert look.report.refinement.steps == 4
    # Two processes may share their sums out differently over threads; Adam magnifies that, in the losses too.
    assert np.abs(look.image.astype(int) - wanted_look.image).mean() < 0.5
    assert np.array_equal(look.labels, wanted_look.labels)
    assert look.report.notes == wanted_look.report.notes


def test_refines_as_in_process_keeps_the_outfit_and_wears_it_again(client, person, garments, wanted):
    steps = []
    look = client.refine(person, garments[:1], options=OPTIONS, on_step=steps.append, keep_outfit=True)
    assert_same(look, steps, wanted)
    outfit = look.report.refinement.outfit
    assert len(outfit) == 32
    again = client(person, garments[:1], outfit=outfit)
    plain = client(person, garments[:1])
    error, other = (np.abs(a.image.astype(int) - look.image).mean() for a in (again, plain))
    assert error < 2
    assert error < other / 2
    assert again.report.notes == (f"the refined outfit {outfit} is worn",)


def test_refines_from_asyncio(server, person, garments, wanted):
    async def main():
        async with AsyncTryOnClient(server.grpc_address) as tryon:
            refinement = tryon.refinement(person, garments[:1], options=OPTIONS)
            steps = [step async for step in refinement]
            look = await refinement.look()
            with pytest.raises(InputError, match="keep_outfit was not asked for"):
                await refinement.outfit()
            seen = []
            await tryon.refine(person, garments[:1], steps=1, on_step=seen.append)
            return look, steps, seen

    look, steps, seen = asyncio.run(main())
    assert_same(look, steps, wanted)
    assert len(seen) == 1


def test_options_are_given_once(client, server, person, garments):
    """What is given beside `options` would be dropped."""
    with pytest.raises(InputError, match="options and steps=3 given"):
        client.refine(person, garments[:1], steps=3, options=OPTIONS)

    async def main():
        async with AsyncTryOnClient(server.grpc_address) as tryon:
            await tryon.refine(person, garments[:1], time_budget=3, options=OPTIONS)

    with pytest.raises(InputError, match="options and time_budget=3 given"):
        asyncio.run(main())


def test_an_unknown_outfit_is_an_input_error(client, person, garments):
    with pytest.raises(InputError, match=f"outfit {'0' * 32} is not, or no longer, kept"):
        client(person, garments[:1], outfit="0" * 32)
    with pytest.raises(InputError, match="the id of 32 hexadecimal digits"):
        client(person, garments[:1], outfit="../../etc")


def test_what_the_server_refuses_is_an_input_error(client, people):
    hat = [Garment.open(people / "hugo", wear="hat")]
    with pytest.raises(InputError, match="at least 64"):
        client.refine(Person.open(people / "hugo"), hat, steps=2)


def wait_idle(client, person, garments):
    """Refine one step: answered only once the one instance is free."""
    begun = time.monotonic()
    client.refine(person, garments[:1], steps=1)
    return time.monotonic() - begun


def test_closing_and_raising_end_the_work_on_the_server(client, person, garments):
    options = RefinementOptions(steps=5000, patience=5000)
    with client.refinement(person, garments[:1], options=options) as refinement:
        for step in refinement:
            if step.step == 2:
                break
    with pytest.raises(ServerError, match=r"cancelled|CANCELLED"):
        refinement.look()

    def stop(step):
        raise KeyError("enough")

    with pytest.raises(KeyError):
        client.refine(person, garments[:1], options=options, on_step=stop)
    assert wait_idle(client, person, garments) < 30


def test_cancelling_after_refusals_leaves_the_server_sound(client, server, people, person, garments):
    """Where refused streams end with a status, Triton 2.51 says this when one is cancelled, and in the end dies."""
    hat = [Garment.open(people / "hugo", wear="hat")]
    options = RefinementOptions(steps=5000, patience=5000)
    for _ in range(3):
        with pytest.raises(InputError, match="at least 64"):
            client.refine(Person.open(people / "hugo"), hat, steps=2)
        with client.refinement(person, garments[:1], options=options) as refinement:
            next(iter(refinement))
    assert wait_idle(client, person, garments) < 30
    assert not [line for line in server.last_lines if "HandleCancellation called even when" in line]
    assert server.is_running


def test_a_deadline_ends_a_refinement(client, person, garments):
    options = RefinementOptions(steps=5000, patience=5000)
    with pytest.raises(TimeoutError):
        client.refine(person, garments[:1], options=options, timeout=1.5)
    assert wait_idle(client, person, garments) < 30


@pytest.mark.more
def test_a_full_queue_refuses_at_once_and_retries_get_in(server, person, garments):
    """However slow the machine: how long a client retries is its own choice."""
    results = []

    def refine():
        try:
            results.append(patient.refine(person, garments[:1], steps=2, timeout=240.0).report.refinement.steps)
        except ServerError as error:
            results.append(error)

    threads = [threading.Thread(target=refine) for _ in range(6)]
    with TryOnClient(server.grpc_address, ClientOptions(retry_for=240.0)) as patient:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [2] * 6, results


def test_the_command_line_refines_on_a_server(run, server, people, out):
    request = ["try-on", people / "hugo", "--wear", f"upper_clothes={people / 'ana'}", "--server"]
    request += [f"grpc://{server.grpc_address}", "-o", out / "look.png"]
    status, stdout, stderr = run(*request, "--refine", 4, "--always", "--keep-outfit", "--frames", out / "frames")
    assert status == 0, stderr
    assert "[4/4] loss" in stderr
    assert f"onnxruntime fp32 on cpu at grpc://{server.grpc_address}" in stdout
    assert len(list((out / "frames").iterdir())) == 4
    outfit = next(line for line in stdout.splitlines() if line.startswith("outfit ")).split()[1].strip(":")
    status, stdout, stderr = run(*request, "--outfit", outfit, "--report", out / "report.json")
    assert status == 0, stderr
    assert f"the refined outfit {outfit} is worn" in stdout
    status, stdout, stderr = run(*request, "--outfit", "0" * 32)
    assert (status, stdout) == (2, "")
    assert "no longer, kept" in stderr
