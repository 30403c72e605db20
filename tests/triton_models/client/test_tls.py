"""mTLS with a real server: who has a certificate of the authority gets in, and nobody else."""

import pytest

from oviton import ClientOptions, InputError, ServerError, TryOnClient
from oviton.triton_models.client.options import TLS

trustme = pytest.importorskip("trustme")
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    for name, issued in (("server", authority.issue_cert("127.0.0.1")), ("client", authority.issue_cert("me@here"))):
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        (folder / f"{name}.pem").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    return folder


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory, tiny_bundle, certificates):
    from oviton.triton_models.options import RepositoryOptions
    from oviton.triton_models.repository import build_repository
    from oviton.triton_models.server import ServerOptions, TritonServer

    folder = tmp_path_factory.mktemp("tls_served") / "repository"
    options = RepositoryOptions("onnxruntime", python=True, refinement=False, embed_bundle=False)
    build_repository(tiny_bundle, folder, options)
    encrypted = ServerOptions(
        grpc_port=0, metrics_port=0, stop_seconds=5, certificate=certificates / "server.pem",
        key=certificates / "server.key", client_ca=certificates / "ca.pem",
    )  # fmt: skip
    with TritonServer.start(folder, encrypted) as started:
        yield started.grpc_address


def connect(address, **files):
    return TryOnClient(address, ClientOptions(connect_timeout=1, tls=TLS(**files)))


def test_mutual_tls(tls_server, certificates, person, garments, local, run, people, out):
    own = {name: certificates / f"client.{end}" for name, end in (("cert", "pem"), ("key", "key"))}
    with connect(tls_server, ca=certificates / "ca.pem", **own) as client:
        assert (client(person, garments[:1]).image == local(person, garments[:1]).image).all()
    for files in ({"ca": certificates / "ca.pem"}, {"ca": certificates / "other.pem", **own}):
        with connect(tls_server, **files) as client, pytest.raises(ServerError, match="no Triton server answers"):
            _ = client.model
    with TryOnClient(tls_server, ClientOptions(connect_timeout=1)) as client, pytest.raises(ServerError):
        _ = client.model
    with pytest.raises(InputError, match="go together"):
        connect(tls_server, cert=own["cert"])
    status, stdout, stderr = run(
        "try-on", people / "hugo", "--wear", f"upper_clothes={people / 'ana'}", "-o", out / "look.png",
        "--server", f"grpcs://{tls_server}", "--server-ca", certificates / "ca.pem",
        "--server-cert", own["cert"], "--server-key", own["key"],
    )  # fmt: skip
    assert status == 0, stderr
    assert f"at grpcs://{tls_server}" in stdout
