"""A service in a process of its own, as its tests meet it, and what all its problems have."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

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
