"""The life of a service: its settings, its start, when it is ready, its end."""

import os
import re
import signal
import subprocess

import anyio
import httpx
import pytest
from serving import COMMAND, problem, serving

from stancery.model.errors import SettingsError
from stancery.service.app import create_app
from stancery.service.settings import load_settings


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
