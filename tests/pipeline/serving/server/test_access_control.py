"""Who may ask a server for what, and what it writes of those who may not."""

import datetime
import http.client
import itertools
import json
import ssl
import urllib.request

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import model_management_pb2

from pipeline.serving.base.live_server import LiveServer, LiveServerError
from pipeline.serving.client import Client
from pipeline.serving.rest_client import RestClient, ServingError
from pipeline.serving.server.access import TlsFiles, Token

X = {"x": np.float32([3.0])}
PAIR = {"item": [["ab"]], "label": [[1.0]]}
PREDICT = "/v1/models/toy:predict"
PREDICT_GRPC = "/tensorflow.serving.PredictionService/Predict"
SECRET = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {SECRET}"}
AS_METADATA = (("authorization", f"Bearer {SECRET}"),)


@pytest.fixture
def locked(served):
    return served(token=Token(SECRET))


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong-horse-battery"}]
)
def test_nothing_but_health_is_answered_over_rest_without_the_token(locked, headers):
    for path in ("/healthz", "/readyz"):
        assert locked.http("GET", path, headers=headers)[0] == 200
    for path in (
        "/",
        "/page/config.json",
        "/v1/models/toy",
        "/monitoring/prometheus/metrics",
        "/no",
    ):
        status, body = locked.http("GET", path, headers=headers)
        assert (status, list(json.loads(body))) == (401, ["error"])
    assert locked.http("POST", PREDICT, b"{}", headers)[0] == 401


def test_the_token_opens_rest(locked):
    body = b'{"signature_name": "describe", "inputs": [3.0]}'
    assert locked.http("POST", PREDICT, body, BEARER)[0] == 200
    assert locked.http("GET", "/v1/models/toy", headers=BEARER)[0] == 200


def test_nothing_but_health_is_answered_over_grpc_without_the_token(locked):
    methods = (
        PREDICT_GRPC,
        "/tensorflow.serving.ModelService/GetModelStatus",
        "/no/Method",
    )
    wrong = (("authorization", "Bearer wrong-horse-battery"),)
    twice = AS_METADATA * 2
    for method, metadata in itertools.product(methods, ((), wrong, twice)):
        call = locked.channel.unary_unary(method)
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=20, metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    watch = locked.channel.unary_stream("/grpc.health.v1.Health/Watch")
    with pytest.raises(grpc.RpcError) as refused:
        next(watch(b"", timeout=20))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    locked.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)


def test_the_token_opens_grpc(locked):
    request = locked.request(X, "describe")
    answer = locked.prediction.Predict(request, 20, metadata=AS_METADATA)
    assert answer.outputs["whole"].int64_val[:] == [3]


def test_a_refusal_has_the_id_that_stands_in_the_log(toy, caplog):
    headers = {"X-Request-Id": "mine-1"}
    sent = b'{"instances": ["what nobody may read"]}'
    assert toy.http("POST", PREDICT, sent, headers)[0] == 400
    with pytest.raises(grpc.RpcError) as refused:
        toy.prediction.Predict(
            toy.request(X, "what nobody may read"),
            20,
            metadata=(("x-request-id", "mine-2"),),
        )
    assert ("x-request-id", "mine-2") in refused.value.trailing_metadata()
    over_rest, over_grpc = [record.fields for record in caplog.records]
    assert over_rest["request_id"] == "mine-1"
    assert over_rest["code"] == "INVALID_ARGUMENT"
    assert over_grpc["request_id"] == "mine-2"
    assert over_grpc["method"] == PREDICT_GRPC
    assert "nobody" not in str([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"host": "127.0.0.1"}, grpc.StatusCode.OK),
        ({"host": "0.0.0.0"}, grpc.StatusCode.PERMISSION_DENIED),
        ({"host": "0.0.0.0", "allow_reload": True}, grpc.StatusCode.OK),
    ],
)
def test_models_are_exchanged_from_this_machine_or_where_it_is_allowed(
    served, base_path, options, code
):
    toy = served(**options)
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(
        name="toy", base_path=str(base_path), model_platform="tensorflow"
    )
    call = toy.model.HandleReloadConfigRequest.future(request, 20)
    assert call.code() is code
    toy.predict(X, "describe")


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A certificate for this machine, signed by itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, secret))
    return TlsFiles(folder / "certificate.pem", folder / "key.pem")


def test_both_ports_speak_tls_alone(served, tls):
    server = served(tls=tls, token=Token(SECRET)).server
    port = server.rest_url.rsplit(":", 1)[1]
    context = ssl.create_default_context(cafile=tls.certificate)
    url = f"https://localhost:{port}/v1/models/toy"
    request = urllib.request.Request(url, headers=BEARER)
    with urllib.request.urlopen(request, context=context) as response:
        assert response.status == 200
    plain = http.client.HTTPConnection("localhost", int(port), timeout=20)
    plain.request("GET", "/healthz")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        plain.getresponse()
    plain.close()
    credentials = grpc.ssl_channel_credentials(tls.certificate.read_bytes())
    port = server.grpc_address.rsplit(":", 1)[1]
    address = f"localhost:{port}"
    with Client(address, "toy", credentials=credentials, token=SECRET) as client:
        assert client.predict("serving_default", PAIR)["score"] == [[3.0]]
    with (
        Client(address, "toy", timeout_s=1.0, token=SECRET) as client,
        pytest.raises(ServingError, match=r"UNAVAILABLE|DEADLINE"),
    ):
        client.predict("serving_default", PAIR)


def test_clients_send_the_token(locked):
    for kind, address in (
        (Client, locked.server.grpc_address),
        (RestClient, locked.server.rest_url),
    ):
        with kind(address, "toy", token=SECRET) as client:
            assert "describe" in client.signatures()
        with (
            kind(address, "toy") as client,
            pytest.raises(ServingError, match="UNAUTHENTICATED"),
        ):
            client.signatures()


def test_a_push_sends_the_token_of_the_environment(locked, monkeypatch):
    address = locked.server.grpc_address
    with pytest.raises(LiveServerError, match="UNAUTHENTICATED"):
        LiveServer(address).ping("toy")
    monkeypatch.setenv("CMML_SERVER_TOKEN", SECRET)
    assert LiveServer(address).is_available("toy", 1)
