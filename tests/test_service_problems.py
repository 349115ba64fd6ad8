"""What the service refuses, and how it says so."""

import json
import socket
from shutil import copytree

import anyio
import httpx
import pytest
from serving import post, problem, serving

from stancery.service.middleware import RequestId


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
