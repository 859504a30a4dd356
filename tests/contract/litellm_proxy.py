"""A real LiteLLM proxy on loopback, and an upstream on loopback that records the usage of its answers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from sample_company.server import Request, Response, Route, json_response, serving
from tests.s3_server import ROOT, S3Server

ENVIRONMENT = Path(__file__).parent.parent.parent / ".venv-litellm"
BUCKET = "gateway-logs"
ANSWER = "an answer that nobody should find in a ledger"
# Seconds until the proxy must be up, and until its last record must be written.
PATIENCE = 120


@dataclass
class Upstream:
    """Answers as OpenAI and Anthropic do, each time with a different usage. `answered` has the usage by answer id."""

    answered: dict[str, dict[str, int]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    flaky: int = 0

    def _usage(self) -> tuple[str, dict[str, int]]:
        number = len(self.answered) + 1
        used = {"input": 2000 + number, "cached": 1024, "written": 0, "output": 100 + number}
        self.answered[f"up-{number}"] = used
        return f"up-{number}", used

    def openai(self, request: Request) -> Response:
        body = json.loads(request.body)
        self.calls.append(body["model"])
        if request.match["kind"] == "broken":
            return json_response({"error": {"message": "overloaded", "type": "server_error"}}, 503)
        if request.match["kind"] == "flaky":
            self.flaky += 1
            if self.flaky % 2:
                return json_response({"error": {"message": "try again", "type": "server_error"}}, 500)
        key, used = self._usage()
        usage = {
            "prompt_tokens": used["input"],
            "completion_tokens": used["output"],
            "total_tokens": used["input"] + used["output"],
            "prompt_tokens_details": {"cached_tokens": used["cached"]},
        }
        head = {"id": key, "created": 1, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": ANSWER}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return json_response({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        parts: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ANSWER}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": usage},
        ]
        lines = [json.dumps({**head, "object": "chat.completion.chunk", **part}) for part in parts]
        events = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
        return Response(200, events.encode(), {"Content-Type": "text/event-stream"})

    def anthropic(self, request: Request) -> Response:
        body = json.loads(request.body)
        self.calls.append(body["model"])
        key, used = self._usage()
        # Anthropic's input tokens exclude cached tokens.
        used.update(written=512, input=used["input"] + used["cached"] + 512)
        return json_response(
            {
                "id": key,
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [{"type": "text", "text": ANSWER}],
                "stop_reason": "end_turn",
                "usage": {
                    "input_tokens": used["input"] - used["cached"] - 512,
                    "output_tokens": used["output"],
                    "cache_read_input_tokens": used["cached"],
                    "cache_creation_input_tokens": 512,
                },
            }
        )

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", r"/(?P<kind>good|flaky|broken)/v1/chat/completions", self.openai),
            Route("POST", r"/anthropic/v1/messages", self.anthropic),
        ]


def _config(upstream: str, s3: S3Server) -> dict[str, Any]:
    def model(name: str, requested: str, kind: str) -> dict[str, Any]:
        base = f"{upstream}/anthropic" if kind == "anthropic" else f"{upstream}/{kind}/v1"
        return {
            "model_name": name,
            "litellm_params": {"model": requested, "api_base": base, "api_key": "sk-upstream"},
        }

    return {
        "model_list": [
            model("mini", "openai/gpt-4o-mini", "good"),
            model("flaky", "openai/gpt-4o-mini", "flaky"),
            model("broken", "openai/gpt-4o", "broken"),
            model("claude", "anthropic/claude-haiku-4-5", "anthropic"),
            model("house", "openai/house-model-7b", "good"),
        ],
        "router_settings": {"num_retries": 1, "fallbacks": [{"broken": ["mini"]}], "disable_cooldowns": True},
        "litellm_settings": {
            "callbacks": ["s3_v2"],
            "cache": True,
            "cache_params": {"type": "local", "mode": "default_off"},
            "s3_callback_params": {
                "s3_bucket_name": BUCKET,
                "s3_region_name": "us-east-1",
                "s3_endpoint_url": s3.url,
                "s3_aws_access_key_id": ROOT.access_key_id,
                "s3_aws_secret_access_key": ROOT.secret_access_key,
                "s3_path": "litellm",
                "s3_flush_interval": 1,
            },
        },
        "general_settings": {"custom_auth": "litellm_auth.user_api_key_auth"},
    }


@contextmanager
def litellm_proxy(folder: Path, s3: S3Server) -> Iterator[tuple[str, Upstream]]:
    """The proxy's address and its upstream, while the context lasts. If the proxy does not start, its log is shown."""
    folder.mkdir(parents=True)
    s3.client().create_bucket(Bucket=BUCKET)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    upstream = Upstream()
    with serving(upstream.routes) as base:
        config = folder / "config.yaml"
        config.write_text(json.dumps(_config(base, s3)))  # JSON is YAML
        shutil.copy(Path(__file__).with_name("litellm_auth.py"), folder)
        log = folder / "litellm.log"
        environment = {
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TZ": "UTC",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            # The proxy does not start without a master key. Requests use the keys of litellm_auth.
            "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(32)}",
            "LITELLM_TELEMETRY": "False",
            "DO_NOT_TRACK": "1",
        }
        command = [str(ENVIRONMENT / "bin" / "litellm"), "--config", str(config)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_until_up(address, process, log)
            yield address, upstream
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        try:
            if requests.get(f"{address}/health/liveliness", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)  # only the answer shows that the proxy is up


def emitted(s3: S3Server, least: int) -> list[dict[str, Any]]:
    """The records that the proxy has written, as soon as there are `least` of them."""
    deadline = time.monotonic() + PATIENCE
    client = s3.client()
    while True:
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        if len(keys) >= least:
            return [json.loads(client.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in sorted(keys)]
        assert time.monotonic() < deadline, f"{len(keys)} of {least} records: {keys}"
        time.sleep(0.2)
