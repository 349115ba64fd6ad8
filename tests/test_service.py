"""The HTTP service as its callers meet it: a real process, real sockets."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import ARTICLE
from serving import PROBLEM, serving

from stancery.model.article import Article
from stancery.model.labels import CLASSES, GROUPS
from stancery.service.schema import article_answer


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
