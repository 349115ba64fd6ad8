"""The HTTP service as its callers meet it: a real process, real sockets."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from shutil import copytree

import anyio
import httpx
import pytest
from conftest import ARTICLE

from stancery.model.article import Article
from stancery.model.errors import SettingsError
from stancery.model.labels import CLASSES, GROUPS
from stancery.service.app import create_app
from stancery.service.middleware import RequestId
from stancery.service.schema import article_answer
from stancery.service.settings import load_settings

COMMAND = [sys.executable, "-m", "stancery.service.cli", "serve", "--port", "0"]
PROBLEM = "application/problem+json"


@contextmanager
def serving(model, **settings):
    """A service of its own, as `stancery serve` starts it."""
    environment = os.environ | {f"STANCERY_{name.upper()}": str(value) for name, value in settings.items()}
    command = [*COMMAND, "--model", str(model)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        lines = [process.stderr.readline() for _ in range(2)]
        assert lines[1].startswith("Ready: "), lines + process.stderr.readlines()
        yield process, re.search(r"http://[0-9.]+:[0-9]+", lines[0])[0]
    finally:
        process.terminate()
        process.wait(60)
        process.stderr.close()


@pytest.fixture(scope="module")
def address(tiny_model):
    with serving(tiny_model) as (_, base):
        yield base


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=120) as open_client:
        yield open_client


@pytest.fixture(scope="module")
def narrow(tiny_model):
    """A service with limits so low that a test reaches them."""
    limits = {"max_body_bytes": 4000, "max_articles": 4, "max_pairs": 2, "max_article_characters": 300}
    with serving(tiny_model, **limits) as (_, base), httpx.Client(base_url=base, timeout=120) as open_client:
        yield open_client


def problem(response, status, pointer=None):
    """The body of a problem, checked for what every problem has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    assert response.headers["x-request-id"]
    body = response.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    assert body.get("pointer") == pointer
    assert len(response.content) < 4000
    return body


def post(client, path, content, content_type="application/json"):
    return client.post(path, content=content, headers={"content-type": content_type})


# ---- what it does


def test_health_and_readiness(client):
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json() == {"status": "ready"}


def test_the_model_describes_itself(client, tiny_classifier):
    info = tiny_classifier.info
    body = client.get("/model").json()
    assert (body["name"], body["version"], body["sha256"]) == ("tiny", "0.0.1", info.sha256)
    assert body["labels"] == {"stances": list(GROUPS[1:]), "codes": list(CLASSES)}
    assert (body["base"], body["threshold"], body["pairs_only"]) == ("tiny-base", 0.01, False)
    assert {"training_data", "scores", "format_version"} <= set(body)


def test_an_article_is_answered_in_the_shape_of_the_contract(client, tiny_classifier):
    body = client.post("/predict", json={"text": ARTICLE, "id": "raid", "date": "2024-05-14"}).json()
    assert list(body) == ["id", "model", "sentences", "entities"]
    assert body["id"] == "raid"
    assert body["model"] == {"name": "tiny", "version": "0.0.1", "sha256": tiny_classifier.info.sha256}
    stances = [stance for sentence in body["sentences"] for stance in sentence["stances"]]
    assert stances
    for sentence in body["sentences"]:
        assert list(sentence) == ["start", "end", "text", "stances"]
        assert ARTICLE[sentence["start"] : sentence["end"]] == sentence["text"]
    for stance in stances:
        assert list(stance) == ["actor", "stance", "code", "confidence", "target"]
        assert list(stance["actor"]) == ["start", "end", "text", "entity"]
        assert list(stance["target"]) == ["start", "end", "text", "kind", "entity"]
        assert 0 <= stance["confidence"] <= 1
        for span in (stance["actor"], stance["target"]):
            assert ARTICLE[span["start"] : span["end"]] == span["text"]


def test_the_service_answers_what_the_classifier_says(client, tiny_classifier):
    expected = article_answer(tiny_classifier.label(Article(ARTICLE)), tiny_classifier.info)
    assert client.post("/predict", json={"text": ARTICLE}).json() == expected.model_dump(mode="json")


def test_an_article_without_id_keeps_none(client):
    assert client.post("/predict", json={"text": ARTICLE}).json()["id"] is None


def test_keys_of_a_labelled_article_are_ignored(client):
    row = {"id": "a", "text": ARTICLE, "date": None, "complete": True, "stances": [{"actor": [0, 4]}]}
    assert client.post("/predict", json=row).status_code == 200


@pytest.mark.parametrize(
    "text", ["", " \n", "Oslo", "👩‍👩‍👧 한국이 日本を非難した。", "a" * 30_000, "\x00\x1b[31m", "\ufeffOslo."]
)
def test_whatever_is_text_is_answered(client, text):
    body = client.post("/predict", json={"text": text}).json()
    assert "".join(s["text"] for s in body["sentences"]) in text


def test_the_threshold_of_the_request_applies(client):
    def confidences(threshold):
        body = client.post("/predict", json={"text": ARTICLE, "threshold": threshold}).json()
        return [stance["confidence"] for sentence in body["sentences"] for stance in sentence["stances"]]

    everything = confidences(0)
    middle = sorted(everything)[len(everything) // 2]
    assert len(everything) > len(confidences(middle)) > 0
    assert min(confidences(middle)) >= middle
    assert confidences(1) == []


def test_the_threshold_of_the_settings_applies_and_is_shown(tiny_model):
    with serving(tiny_model, threshold=1) as (_, base):
        body = httpx.post(f"{base}/predict", json={"text": ARTICLE}, timeout=120).json()
        assert not any(sentence["stances"] for sentence in body["sentences"])
        assert httpx.get(f"{base}/model").json()["threshold"] == 1


def test_a_batch_keeps_order_and_each_article_its_threshold(client):
    requests = [
        {"id": "a", "text": ARTICLE},
        {"id": "b", "text": "Riga praised Tartu.", "threshold": 1.0},
        {"id": "c", "text": "Riga praised Tartu.", "threshold": 0.0},
        {"text": ""},
    ]
    batch = client.post("/predict/batch", json={"articles": requests}).json()["articles"]
    assert batch == [client.post("/predict", json=request).json() for request in requests]
    assert client.post("/predict/batch", json={"articles": []}).json() == {"articles": []}


def test_pairs_get_probabilities_that_sum_to_one(client):
    item = {"text": ARTICLE, "actor": [0, 4], "target": [19, 23]}
    swapped = item | {"actor": item["target"], "target": item["actor"]}
    scores = client.post("/predict/pairs", json={"items": [item, swapped]}).json()["items"]
    assert len(scores) == 2
    for score in scores:
        assert list(score["stances"]) == list(GROUPS)
        assert list(score["codes"]) == list(CLASSES)
        assert sum(score["stances"].values()) == pytest.approx(1, abs=1e-5)
        assert sum(score["codes"].values()) == pytest.approx(1, abs=1e-5)
    assert scores[0] != scores[1]


def test_the_docs_stand_where_the_root_leads(client):
    assert client.get("/").headers["location"] == "/docs"
    assert "swagger" in client.get("/docs").text


def test_every_example_of_the_docs_works(client):
    described = client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    tried = 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert all(PROBLEM in r["content"] for s, r in operation["responses"].items() if s >= "4")
            if method == "post":
                reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                for example in schemas[reference.rpartition("/")[2]]["examples"]:
                    assert client.post(path, json=example).status_code == 200
                    tried += 1
    assert tried == 3


def test_the_example_pair_means_what_it_says(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    (item,) = schemas["PairsRequest"]["examples"][0]["items"]
    assert [item["text"][slice(*item[role])] for role in ("actor", "target")] == [
        "Norway's foreign minister",
        "Khartoum",
    ]


# ---- what surrounds a request


def test_the_callers_request_id_comes_back(client):
    assert client.get("/health", headers={"x-request-id": "job-7"}).headers["x-request-id"] == "job-7"
    assert client.get("/nowhere", headers={"x-request-id": "job-8"}).headers["x-request-id"] == "job-8"


@pytest.mark.parametrize("unusable", ["", "two words", "x" * 200])
def test_an_unusable_request_id_is_replaced(client, unusable):
    assert re.fullmatch(
        "[0-9a-f]{32}", client.get("/health", headers={"x-request-id": unusable}).headers["x-request-id"]
    )


def test_other_requests_are_answered_while_a_long_article_is_labelled(client, address):
    long_article = {"text": ARTICLE * 300}
    with ThreadPoolExecutor(1) as pool:
        labelling = pool.submit(lambda: httpx.post(f"{address}/predict", json=long_article, timeout=120))
        waits = []
        while not labelling.done():
            began = time.perf_counter()
            assert client.get("/health").status_code == 200
            waits.append(time.perf_counter() - began)
        assert labelling.result().status_code == 200
    assert len(waits) > 5
    assert max(waits) < sum(waits) / 2  # of a blocked loop, one wait would be nearly all


def test_neighbours_do_not_change_an_answer(client, address):
    texts = [ARTICLE, "Riga praised Tartu.", ARTICLE * 3, "Minsk and Oslo met."] * 6
    alone = {text: client.post("/predict", json={"text": text}).json() for text in set(texts)}
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda text: httpx.post(f"{address}/predict", json={"text": text}, timeout=120).json(), texts
        )
        assert list(answers) == [alone[text] for text in texts]


def test_sigterm_ends_it(tiny_model):
    with serving(tiny_model) as (process, base):
        assert httpx.get(f"{base}/ready").status_code == 200
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert process.returncode in (0, -signal.SIGTERM)


def test_an_interrupt_ends_it_well(tiny_model):
    with serving(tiny_model) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()


# ---- what it refuses


def test_an_unknown_address_is_404(client):
    assert "/docs" in problem(client.get("/nowhere"), 404)["detail"]
    problem(client.post("/predict/", json={"text": "a"}), 404)


def test_a_wrong_method_is_405_and_names_the_right_one(client):
    response = client.get("/predict")
    assert "Allow header" in problem(response, 405)["detail"]
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_415_and_says_which_one(client, content_type):
    response = post(client, "/predict", b'{"text": "a"}', content_type)
    assert "Content-Type: application/json" in problem(response, 415)["detail"]


def test_a_declared_charset_is_fine(client):
    assert post(client, "/predict", b'{"text": "a"}', "application/json; charset=utf-8").status_code == 200
    assert post(client, "/predict", b'{"text": "a"}', "application/vnd.example+json").status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "JSON object"),
        (b"{", "line 1, column 2"),
        (b'{"text": "a"', "not JSON"),
        (b"{'text': 'a'}", "not JSON"),
        (b"text=a", "not JSON"),
        (b"\xff\xfe", "Byte 0 of the body is not UTF-8"),
        (b'{"text": "\xe9"}', "Byte 10 of the body is not UTF-8"),
        (b'{"text": "a", "threshold": NaN}', "NaN is no JSON number"),
        (b'{"text": "a", "threshold": -Infinity}', "no JSON number"),
        (b'{"text": NaN}', "no JSON number"),
        (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "finite numbers"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b'{"text":' * 100_000, "nested too deep"),
        (b'"text"', "JSON object"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b"7", "JSON object"),
    ],
)
def test_a_body_that_is_no_json_object_is_422(client, body, words):
    assert words in problem(post(client, "/predict", body), 422, "")["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ("{}", "/text", "missing"),
        ('{"text": null}', "/text", "must be a string"),
        ('{"text": 5}', "/text", "must be a string"),
        ('{"text": ["a"]}', "/text", "must be a string"),
        (r'{"text": "a\ud800b"}', "/text", "U+D800, at character 1. Remove it"),
        (r'{"text": "\udc00\ud800"}', "/text", "U+DC00, at character 0"),
        (r'{"text": "a", "id": "\udfff"}', "/id", "lone surrogate"),
        (r'{"text": "a", "date": "\udfff"}', "/date", "lone surrogate"),
        (r'{"text": "a", "speaker": "\udfff"}', "/speaker", "lone surrogate"),
        ('{"text": "a", "id": 5}', "/id", "must be a string"),
        ('{"text": "a", "threshold": 1.5}', "/threshold", "less than or equal to 1"),
        ('{"text": "a", "threshold": -0.1}', "/threshold", "greater than or equal to 0"),
        ('{"text": "a", "threshold": 1e999}', "/threshold", "finite"),
        ('{"text": "a", "threshold": 1' + "0" * 400 + "}", "/threshold", ""),
        ('{"text": "a", "threshold": "0.5"}', "/threshold", "must be a number"),
        ('{"text": "a", "threshold": true}', "/threshold", "must be a number"),
    ],
)
def test_a_bad_field_is_422_and_pointed_at(client, body, pointer, words):
    assert words in problem(post(client, "/predict", body), 422, pointer)["detail"]


def test_a_surrogate_pair_and_a_lone_surrogate_in_an_unknown_key_are_fine(client):
    response = post(client, "/predict", r'{"text": "Oslo \ud83d\ude00.", "\ud800": "\ud800"}')
    assert response.json()["sentences"][0]["text"] == "Oslo 😀."


def test_several_bad_fields_are_all_listed(client):
    body = problem(client.post("/predict", json={"id": 5, "threshold": 7}), 422, "/text")
    assert [error["pointer"] for error in body["errors"]] == ["/text", "/id", "/threshold"]
    many = client.post("/predict/batch", json={"articles": [{}] * 60})
    assert len(problem(many, 422, "/articles/0/text")["errors"]) == 16


@pytest.mark.parametrize(
    ("fourth", "words"),
    [(r'{"text": "\ud800"}', "lone surrogate"), ("{}", "missing"), ('{"text": 1}', "must be a string")],
)
def test_one_bad_article_refuses_the_batch_and_is_pointed_at(client, fourth, words):
    good = '{"text": "Oslo praised Riga."}'
    body = f'{{"articles": [{good}, {good}, {good}, {fourth}, {good}]}}'
    assert words in problem(post(client, "/predict/batch", body), 422, "/articles/3/text")["detail"]


def test_articles_that_are_no_list_are_422(client):
    problem(client.post("/predict/batch", json={"articles": {"text": "a"}}), 422, "/articles")
    problem(client.post("/predict/batch", json={"articles": ["a"]}), 422, "/articles/0")
    problem(client.post("/predict/batch", json={"text": "a"}), 422, "/articles")


@pytest.mark.parametrize(
    ("item", "pointer", "words"),
    [
        ({"actor": [0, 9]}, "/items/1/actor", "outside the text of 5 characters"),
        ({"actor": [3, 3]}, "/items/1/actor", "empty"),
        ({"target": [5, 3]}, "/items/1/target", "empty or outside"),
        ({"target": [0, 2]}, "/items/1/target", "overlap"),
        ({"actor": [-1, 2]}, "/items/1/actor/0", "greater than or equal to 0"),
        ({"actor": [0, 10**30]}, "/items/1/actor/1", "less than"),
        ({"actor": [0.0, 1.0]}, "/items/1/actor/0", "integer"),
        ({"actor": [False, True]}, "/items/1/actor/0", "integer"),
        ({"actor": [0]}, "/items/1/actor/1", "missing"),
        ({"actor": [0, 1, 2]}, "/items/1/actor", "at most 2"),
        ({"actor": "ab"}, "/items/1/actor", "[start, end]"),
        ({"actor": None}, "/items/1/actor", "[start, end]"),
        ({"text": 5}, "/items/1/text", "string"),
        ({"text": ""}, "/items/1/actor", "outside the text of 0 characters"),
    ],
)
def test_a_pair_that_cannot_be_scored_is_422_and_pointed_at(client, item, pointer, words):
    good = {"text": "ab cd", "actor": [0, 2], "target": [3, 5]}
    response = client.post("/predict/pairs", json={"items": [good, good | item]})
    assert words in problem(response, 422, pointer)["detail"]


def test_the_input_is_never_echoed(client):
    secret = "s3cr3t " * 10_000
    for body in ({"text": "a", "threshold": secret}, {"text": "a", "id": [secret]}, {"articles": secret}, secret):
        for path in ("/predict", "/predict/batch", "/predict/pairs"):
            response = client.post(path, json=body)
            if response.status_code != 200:
                assert "s3cr3t" not in problem(response, 422, response.json()["pointer"])["detail"]
    assert "s3cr3t" not in client.get("/s3cr3t").text


def test_limits_are_named_with_the_setting_that_raises_them(narrow):
    long_text = "word " * 70
    body = problem(narrow.post("/predict", json={"text": long_text}), 422, "/text")
    assert "350 characters, more than 300" in body["detail"]
    assert "STANCERY_MAX_ARTICLE_CHARACTERS" in body["detail"]
    batch = narrow.post("/predict/batch", json={"articles": [{"text": "a"}, {"text": long_text}]})
    problem(batch, 422, "/articles/1/text")
    many = narrow.post("/predict/batch", json={"articles": [{"text": "a"}] * 5})
    assert "STANCERY_MAX_ARTICLES" in problem(many, 422, "/articles")["detail"]
    pair = {"text": "ab cd", "actor": [0, 2], "target": [3, 5]}
    assert (
        "STANCERY_MAX_PAIRS"
        in problem(narrow.post("/predict/pairs", json={"items": [pair] * 3}), 422, "/items")["detail"]
    )
    problem(narrow.post("/predict/pairs", json={"items": [pair | {"text": long_text}]}), 422, "/items/0/text")


def test_a_large_body_is_413_with_and_without_a_declared_length(narrow):
    large = json.dumps({"text": "a", "padding": "x" * 4000}).encode()
    declared = post(narrow, "/predict", large)
    assert "STANCERY_MAX_BODY_BYTES" in problem(declared, 413)["detail"]
    chunked = post(narrow, "/predict", (large[n : n + 500] for n in range(0, len(large), 500)))
    assert "STANCERY_MAX_BODY_BYTES" in problem(chunked, 413)["detail"]
    assert post(narrow, "/predict", large[:15] + large[-2:]).status_code in (200, 422)  # the connection still serves


@pytest.mark.parametrize(
    ("header", "sent"),
    [("Content-Length: 100000000", b"{"), ("Transfer-Encoding: chunked", b"fa0\r\n" + b"x" * 4000 + b"\r\n1\r\nx\r\n")],
)
def test_a_large_body_is_refused_before_it_has_come(narrow, header, sent):
    with socket.create_connection((narrow.base_url.host, narrow.base_url.port), 10) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{header}\r\n\r\n"
        connection.sendall(head.encode() + sent)
        assert connection.recv(4000).startswith(b"HTTP/1.1 413 ")


# ---- what is not there yet, or never


def test_it_is_alive_but_not_ready_while_the_model_loads(tiny_model):
    async def ask():
        app = create_app(load_settings(model=tiny_model))  # its lifespan has not begun, so nothing is loaded
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert (await client.get("/health")).status_code == 200
            ready = await client.get("/ready")
            assert "still loading" in problem(ready, 503)["detail"]
            assert ready.headers["retry-after"] == "2"
            problem(await client.get("/model"), 503)
            problem(await client.post("/predict", json={"text": "a"}), 503)

    anyio.run(ask)


def test_it_is_not_ready_once_it_shuts_down(tiny_model):
    async def ask():
        app = create_app(load_settings(model=tiny_model))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            async with app.router.lifespan_context(app):
                while (await client.get("/ready")).status_code != 200:
                    await anyio.sleep(0.05)
            assert "shutting down" in problem(await client.get("/ready"), 503)["detail"]

    anyio.run(ask)


def test_a_failure_of_ours_is_500_with_the_request_id_and_no_more(caplog):
    async def broken(scope, receive, send):
        raise ZeroDivisionError("inner secret")

    async def ask():
        transport = httpx.ASGITransport(RequestId(broken))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/", headers={"x-request-id": "job-9"})

    response = anyio.run(ask)
    assert "job-9" in problem(response, 500)["detail"]
    assert "secret" not in response.text
    assert "inner secret" in caplog.text


def test_a_model_of_pairs_serves_pairs_and_says_why_not_articles(tiny_model, tmp_path):
    folder = copytree(tiny_model, tmp_path / "pairs")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"pairs_only": True}))
    with serving(folder) as (_, base):
        assert "/predict/pairs" in problem(httpx.post(f"{base}/predict", json={"text": "a"}), 409)["detail"]
        pair = {"text": "ab cd", "actor": [0, 2], "target": [3, 5]}
        assert httpx.post(f"{base}/predict/pairs", json={"items": [pair]}).status_code == 200


def run_serve(*arguments, **settings):
    environment = os.environ | {f"STANCERY_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=240)


def test_a_missing_model_ends_the_service_with_a_message(tmp_path):
    done = run_serve("--model", str(tmp_path / "none"))
    assert done.returncode == 1
    assert re.search(r"Error: .*none is no model folder: config.json is missing", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_taken_port_ends_the_service_with_a_message(address):
    port = address.rpartition(":")[2]
    done = run_serve("--port", port)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_pairs": "many"}, "STANCERY_MAX_PAIRS is 'many': .*Set it to: most pairs in one /predict/pairs"),
        ({"threshold": "2"}, "STANCERY_THRESHOLD is '2': .*less than or equal to 1"),
        ({"threads": "0"}, "STANCERY_THREADS is '0': "),
        ({"max_body_bytes": "-1"}, "STANCERY_MAX_BODY_BYTES is '-1': .*bytes"),
    ],
)
def test_an_impossible_setting_is_one_clear_line(settings, message):
    done = run_serve(**settings)
    assert done.returncode == 1
    assert re.fullmatch(f"Error: {message}.*\n", done.stderr)


def test_flags_stand_over_the_environment_and_that_over_defaults(monkeypatch):
    monkeypatch.setenv("STANCERY_PORT", "9000")
    monkeypatch.setenv("STANCERY_HOST", "")
    assert load_settings().port == 9000
    assert load_settings(port=9001, host=None).port == 9001
    assert load_settings().host == "127.0.0.1"
    with pytest.raises(SettingsError, match="--port is '70000': .*TCP port"):
        load_settings(port=70_000)
