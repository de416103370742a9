"""The service as its clients meet it: over a socket, at the same time, while it changes and while it ends."""

import concurrent.futures
import json
import socket
import threading
import time

import httpx
import numpy as np
import pytest

from cnn_course import serving

MODEL = "/v1/models/half"


@pytest.fixture
def service(half):
    """Return a function that starts the service of the versions and gives a client of it, with ``.model`` and so on."""
    opened = []

    def start(**arguments):
        app = serving.create_app(half.folder, versions=half, **{"poll_seconds": 0.05, **arguments})
        server = serving.Server(app)
        client = httpx.Client(base_url=server.address, timeout=30)
        opened.extend([client, server])
        return client, server

    yield start
    for each in opened:
        if isinstance(each, httpx.Client):
            each.close()
    for each in opened:
        if isinstance(each, serving.Server):
            each.stop()


def held(half):
    """Return the served version, held up until its gate is opened."""
    with half.lease() as version:
        version.gate.clear()
        version.began.clear()
    return version


def test_the_examples_of_the_documentation(service):
    client, _ = service()
    found = client.post(f"{MODEL}:predict", json={"instances": [1.0, 2.0, 5.0]})
    assert (found.status_code, found.json()) == (200, {"predictions": [3.5, 4.0, 5.5]})
    assert client.get(MODEL).json() == {
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }
    missing = client.post("/v1/models/other:predict", json={"instances": [1.0, 5.0]})
    assert (missing.status_code, missing.json()) == (404, {"error": "Servable not found for request: Latest(other)"})
    assert missing.headers["content-type"] == "application/json"


def test_columns_signatures_and_versions(service):
    client, _ = service()
    assert client.post(f"{MODEL}/versions/1:predict", json={"inputs": {"x": [2]}}).json() == {"outputs": [4.0]}
    two = {"signature_name": "two", "instances": [{"x": 2, "name": {"b64": "AP8="}}]}
    assert client.post(f"{MODEL}:predict", json=two).json() == {"predictions": [{"y": 4.0, "x_bytes": {"b64": "AP8="}}]}
    total = {"signature_name": "sum", "inputs": [1, 2, 3]}
    assert client.post(f"{MODEL}:predict", json=total).json() == {"outputs": 6.0}
    assert client.post("/v1/models/h%61lf:predict", json={"inputs": [2]}).json() == {"outputs": [4.0]}
    described = client.get(f"{MODEL}/versions/1/metadata").json()
    assert described["model_spec"]["version"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "reason"),
    [
        ("POST", f"{MODEL}:predict", b"{", 400, "JSON Parse error"),
        ("POST", f"{MODEL}:predict", b'{"instances": [-1]}', 400, "The model refuses -1."),
        ("POST", f"{MODEL}:predict", b'{"signature_name": "sum", "instances": [1]}', 400, "ask by column"),
        ("POST", f"{MODEL}/versions/2:predict", b'{"instances": [1]}', 404, "Specific(half, 2)"),
        ("POST", "/v1/models/other/versions/2:predict", b"", 404, "Specific(other, 2)"),
        ("GET", f"{MODEL}/versions/2", None, 404, "Could not find version 2 of model half"),
        ("GET", "/v1/models/other", None, 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/other/metadata", None, 404, "Latest(other)"),
        ("PUT", MODEL, b"", 400, "Malformed request: PUT /v1/models/half"),
        ("GET", "/", None, 400, "Malformed request"),
        ("GET", "/docs", None, 400, "Malformed request"),
    ],
)
def test_what_is_wrong_gets_a_number_and_a_reason(service, method, path, content, status, reason):
    client, _ = service()
    answer = client.request(method, path, content=content)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert reason in answer.json()["error"]


def test_an_error_of_the_server_is_500_without_its_secrets_and_the_next_request_is_answered(service):
    client, _ = service()
    answer = client.post(f"{MODEL}:predict", json={"instances": [-2]})
    assert (answer.status_code, answer.json()) == (500, {"error": "The server could not compute this."})
    assert client.post(f"{MODEL}:predict", json={"instances": [2]}).json() == {"predictions": [4.0]}


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(service):
    client, _ = service(limits=serving.Limits(body_bytes=1000))
    for content in (b" " * 1001, b" " * 5000, iter([b" " * 600, b" " * 600]), iter([b" " * 3000, b" " * 3000])):
        answer = client.post(f"{MODEL}:predict", content=content)
        assert (answer.status_code, answer.json()) == (413, {"error": "The body is longer than 1,000 bytes."})
    assert client.post(f"{MODEL}:predict", json={"instances": [1] * 257}).status_code == 400


def test_a_client_that_does_not_send_its_body_is_not_waited_for(service):
    client, _ = service(limits=serving.Limits(receive_seconds=0.1))
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{{".encode())
        assert b" 408 " in connection.recv(1000).partition(b"\r\n")[0] + b" "


def test_requests_that_wait_are_computed_together_and_no_two_are_mixed_up(half, eventually):
    app = serving.create_app(half.folder, versions=half)
    version = held(half)
    with serving.Server(app) as server, concurrent.futures.ThreadPoolExecutor(17) as threads:
        url = f"{server.address}{MODEL}:predict"
        sent = [threads.submit(httpx.post, url, json={"instances": [k]}, timeout=30) for k in range(17)]
        eventually(lambda: app.state.batcher.waiting == 17)
        version.gate.set()
        found = [future.result().json()["predictions"] for future in sent]
    assert found == [[k / 2 + 3] for k in range(17)]
    assert version.batches == [1, 16]


def test_more_requests_than_may_wait_are_refused_and_the_others_answered(service, half, eventually):
    client, _ = service(limits=serving.Limits(waiting=3))
    version = held(half)
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        sent = [threads.submit(client.post, f"{MODEL}:predict", json={"instances": [k]}) for k in range(6)]
        eventually(lambda: sum(future.done() for future in sent) == 3)
        version.gate.set()
        codes = sorted(future.result().status_code for future in sent)
    assert codes == [200, 200, 200, 503, 503, 503]


def test_requests_are_refused_before_their_bodies_fill_the_memory(service, eventually):
    client, _ = service(limits=serving.Limits(waiting=2, waiting_bytes=100))
    address = (client.base_url.host, client.base_url.port)

    def begun(length):
        """Announce a body of 1,000 bytes, send the first of them, and keep the others back."""
        connection = socket.create_connection(address, timeout=10)
        head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode() + b" " * length)
        return connection

    body = json.dumps({"instances": [2]})
    with begun(90):
        eventually(lambda: client.post(f"{MODEL}:predict", content=body).status_code == 503)  # 18 bytes are too many
        with begun(1):
            eventually(lambda: "2 requests are waiting" in client.post(f"{MODEL}:predict", content=body).text)
    eventually(lambda: client.post(f"{MODEL}:predict", content=body).status_code == 200)  # both have left their places
    long = json.dumps({"instances": [2] * 100})  # alone it is taken
    assert client.post(f"{MODEL}:predict", content=long).status_code == 200


def test_a_new_version_is_picked_up_without_a_lost_request(service, half, eventually):
    client, server = service()
    bodies = [json.dumps({"instances": [k]}).encode() for k in range(20)]
    with serving.Clients(f"{server.address}{MODEL}:predict", bodies, 4) as clients:
        time.sleep(0.2)
        for number in (2, 3):
            (half.folder / f".{number}").mkdir()
            time.sleep(0.1)
            assert client.get(f"{MODEL}/versions/{number}").status_code == 404
            (half.folder / f".{number}").rename(half.folder / str(number))
            eventually(lambda: half.served == number)  # noqa: B023
        time.sleep(0.1)
        found = clients.stop()
    assert (found.lost, found.refused()) == ([], 0)
    assert found.furthest(np.arange(20) / 2 + 3) == 0
    assert {each["version"]: each["state"] for each in client.get(MODEL).json()["model_version_status"]} == {
        "3": "AVAILABLE",
        "2": "END",
        "1": "END",
    }
    assert serving.scrape(server.address).value("cnn_course_version") == 3


def test_the_end_answers_what_was_accepted(service, half, eventually):
    client, server = service()
    version = held(half)
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        sent = [threads.submit(client.post, f"{MODEL}:predict", json={"instances": [k]}) for k in range(5)]
        eventually(lambda: serving.scrape(server.address).value("cnn_course_in_flight") == 5)
        ending = threads.submit(server.stop)
        time.sleep(0.3)
        assert not ending.done()
        version.gate.set()
        assert [future.result().json() for future in sent] == [{"predictions": [k / 2 + 3]} for k in range(5)]
        ending.result(timeout=10)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}{MODEL}")


def test_a_client_that_comes_in_the_last_moment_and_asks_on_and_on_does_not_keep_the_server_alive(half):
    app = serving.create_app(half.folder, versions=half)
    server, blocked, gate = serving.Server(app), threading.Event(), threading.Event()

    def hold_the_event_loop():
        blocked.set()
        assert gate.wait(30)
        return b""

    app.state.metrics.text = hold_the_event_loop
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        threads.submit(httpx.get, f"{server.address}/metrics", timeout=30)
        assert blocked.wait(30)
        clients = serving.Clients(f"{server.address}{MODEL}:predict", [b'{"instances": [1]}'], 1)
        time.sleep(0.2)
        ending = threads.submit(server.stop)
        time.sleep(0.2)
        gate.set()  # now the loop finds both: a new connection, and that it is to end
        concurrent.futures.wait([ending], timeout=30)
        ended = ending.done()
        clients.stop()
    assert ended


def test_a_client_that_does_not_read_its_answer_does_not_keep_the_server_alive(half, monkeypatch):
    monkeypatch.setattr(serving.server, "TAKES_NOTHING", 0.3)
    app = serving.create_app(half.folder, versions=half)
    app.state.metrics.text = lambda: b" " * 50_000_000  # more than the system keeps for a connection
    server = serving.Server(app)
    host, port = server.address.removeprefix("http://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as connection,
        concurrent.futures.ThreadPoolExecutor(1) as threads,
    ):
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(10) == b"HTTP/1.1 2"
        ending = threads.submit(server.stop)
        concurrent.futures.wait([ending], timeout=20)
        ended = ending.done()
        connection.close()  # else a server that waits for it would keep this test alive
    assert ended


def test_the_metrics_count_requests_batches_errors_and_versions(service):
    client, server = service()
    for value in (1, 2, -1):
        client.post(f"{MODEL}:predict", json={"instances": [value, value]})
    client.get("/v1/models/unknown")
    found = serving.scrape(server.address)
    assert found.value("cnn_course_request_seconds_count", action="predict") == 3
    assert found.value("cnn_course_request_seconds_count", action="predict", code="200") == 2
    assert found.by_label("cnn_course_errors_total", "code") == {"400": 1, "404": 1}
    assert found.value("cnn_course_batch_rows_sum") == 4
    assert found.value("cnn_course_in_flight") == 0
    assert found.value("cnn_course_version") == 1
    assert "unknown" not in client.get("/metrics").text
    assert client.get("/monitoring/prometheus/metrics").text.startswith("# HELP")


def test_a_service_listens_on_this_machine_alone_unless_told_otherwise(service):
    _, server = service()
    assert server.address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["256.0.0.1", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(serving.ServingError, match=r"no address of this machine|cannot be listened on"):
        serving.bound(host, 0)


def test_a_port_that_is_taken_is_refused(service):
    _, server = service()
    with pytest.raises(serving.ServingError, match="Give another port"):
        serving.bound("127.0.0.1", int(server.address.rpartition(":")[2]))


def test_there_is_nothing_to_serve_without_a_version(half, tmp_path):
    with pytest.raises(serving.ServingError, match="'cnn-course export' writes one"):
        serving.create_app(tmp_path / "none")
    (half.folder / "1" / "broken").touch()
    with pytest.raises(serving.ServingError, match=r"no version that can be loaded\. Version 1 is broken\."):
        serving.create_app(half.folder, versions=half)


def test_a_network_of_keras_is_served_with_its_own_answers(exported, images, expected):
    with serving.Server(serving.create_app(exported.parent)) as server:
        bodies = [json.dumps({"instances": [image]}).encode() for image in images.tolist()]
        found = serving.load(f"{server.address}/v1/models/tiny:predict", bodies, clients=4, seconds=0.3)
        metrics = serving.scrape(server.address)
    assert len(found.answers) >= 4
    assert found.furthest(expected) < 1e-6
    assert metrics.buckets("cnn_course_input_brightness").counts.sum() == len(found.answers)
    assert sum(metrics.by_label("cnn_course_answers_total", "class_index").values()) == len(found.answers)
