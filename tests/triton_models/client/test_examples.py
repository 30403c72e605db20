"""The *Examples* sections of the clients, on a real server in place of the one that they name."""

import pytest

pytestmark = pytest.mark.server


@pytest.mark.parametrize("module", ["async_client", "garment_codes", "try_on_client"])
def test_examples_run(run_examples, server, module):
    address = {"localhost:8001": server.grpc_address}
    assert run_examples(f"oviton.triton_models.client.{module}", replaced=address) > 0
