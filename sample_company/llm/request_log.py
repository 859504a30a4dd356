"""The mobile app's own log of its requests to models: a MongoDB collection of canonical `llm_request` documents.

The server speaks MongoDB's protocol (nx-27017). Documents hold the prompt, as such logs do: ingestion must not ask
for it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pymongo

from sample_company.llm.requests import APP_PROJECT, LlmRequest, key_hash, requests
from sample_company.world import World

DATABASE, COLLECTION = "mobile", "llm_requests"
PROMPT = "a customer's own words, which nobody should find in a ledger"


def document(request: LlmRequest) -> dict[str, Any]:
    """A request in canonical fields, and with its prompt."""
    fresh, cached, written, output = request.tokens
    prompt = fresh + cached + written
    succeeded = request.succeeded
    return {
        "_id": request.id,
        "request_id": request.id,
        "call_id": request.call_id,
        "created_at": request.ended_at,
        "started_at": request.started_at,
        "ended_at": request.ended_at,
        "latency_ms": request.seconds * 1000,
        "operation": "chat",
        "provider": request.model.provider,
        "provider_account_id": APP_PROJECT,
        "provider_request_id": request.provider_request_id,
        "request_model": request.model.id,
        "response_model": request.model.wire,
        "attempted_retries": request.retries,
        "is_stream": request.stream,
        "status": request.status,
        "error_code": None if succeeded else "429",
        "gateway_cache_hit": request.cache_hit,
        "input_tokens": prompt if succeeded else None,
        "input_uncached_tokens": fresh if succeeded else None,
        "cache_read_tokens": cached if succeeded else None,
        "cache_write_5m_tokens": written if succeeded else None,
        "output_tokens": output if succeeded else None,
        "total_tokens": prompt + output if succeeded else None,
        "reported_cost": format(request.logged_cost, "f"),
        "reported_cost_currency": "USD",
        "key_hash": key_hash(request.key_alias),
        "key_alias": request.key_alias,
        "user_id": request.user,
        "team_id": request.team,
        "service_name": request.workflow.service,
        "workflow": request.workflow.id,
        "feature": request.workflow.feature,
        "customer_id": request.customer,
        "environment": "prod",
        "prompt": PROMPT,
    }


def write_log(world: World, as_of: date, uri: str) -> None:
    """Insert what is not there yet, and delete what is not there by then; documents never change."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        collection = client[DATABASE][COLLECTION]
        known = {found["_id"] for found in collection.find({}, {"_id": 1})}
        due = {
            request.id: request
            for day in world.days(as_of)
            for request in requests(world, day)
            if not request.is_through_gateway
        }
        if early := known - due.keys():
            collection.delete_many({"_id": {"$in": sorted(early)}})
        if new := [document(request) for key, request in due.items() if key not in known]:
            collection.insert_many(new)


@contextmanager
def mongo_server() -> Iterator[str]:
    """A server with an empty database in memory, on loopback, while the context lasts; gives its URI."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("nx-27017")
    with tempfile.TemporaryDirectory(prefix="sample-mongo-") as folder:
        places = ["--pid-file", f"{folder}/pid", "--log-file", f"{folder}/log"]
        server = subprocess.Popen(
            [str(program), "--db", "memory", "--host", "127.0.0.1", "-p", str(port), *places],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        uri = f"mongodb://127.0.0.1:{port}"
        try:
            with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=60_000) as client:
                client.admin.command("ping")  # waits until the server answers
            yield uri
        finally:
            server.kill()
            server.wait()


def settings(uri: str) -> dict[str, str]:
    """The environment under which ingestion finds the collection."""
    return {
        "SOURCES__LLM_GATEWAY__MONGO_URI": uri,
        "SOURCES__LLM_GATEWAY__MONGO_DATABASE": DATABASE,
        "SOURCES__LLM_GATEWAY__MONGO_COLLECTION": COLLECTION,
    }
