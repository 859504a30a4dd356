"""Models by identity, on both engines: what gateways, clouds and dates add to a model's name is taken off."""

from __future__ import annotations

from ingestion.sources.registry.shape import plain_model_name
from tests.engines import Sql
from tests.macros.render import rendered

# Names as requests and bills write them, and the model that they mean.
MODELS = [
    ("openai/gpt-5-mini-2025-08-07", "gpt-5-mini"),
    ("GPT-4o-Mini", "gpt-4o-mini"),
    ("gpt-4-0613", "gpt-4"),
    ("gpt-4-1106-preview", "gpt-4-1106-preview"),
    ("gpt-4o-latest", "gpt-4o"),
    ("anthropic/claude-3-7-sonnet-latest", "claude-3-7-sonnet"),
    ("claude-3-7-sonnet-20250219", "claude-3-7-sonnet"),
    ("openrouter/anthropic/claude-3.7-sonnet", "claude-3-7-sonnet"),
    ("vertex_ai/claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
    ("claude-sonnet-4-5@default", "claude-sonnet-4-5"),
    ("bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
    ("bedrock/converse/us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
    ("anthropic.claude-3-sonnet-20240229-v1:0:28k", "claude-3-sonnet"),
    (
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5",
    ),
    ("amazon.nova-lite-v1:0:300k", "nova-lite"),
    ("deepseek-v3", "deepseek-v3"),
    ("mistral-large-2411", "mistral-large"),
    ("mistral-large-latest", "mistral-large"),
    ("gemini-2.0-flash-001", "gemini-2.0-flash"),
    ("models/gemini-2.5-flash", "gemini-2.5-flash"),
    ("text-embedding-004", "text-embedding-004"),
    ("text-embedding-3-small", "text-embedding-3-small"),
    ("groq/openai/gpt-oss-120b", "gpt-oss-120b"),
    (" gpt-4o ", "gpt-4o"),
    ("", ""),
    (None, None),
]


def test_model_has_one_name_however_it_is_written(engine: Sql) -> None:
    rows = " union all ".join(
        f"select {number} as number, cast({'null' if written is None else repr(written)} as string) as written"
        for number, (written, _) in enumerate(MODELS)
    )
    sql = rendered('canonical_model("written")', engine.name)
    found = dict(engine.rows(f"select number, {sql} as model from ({rows}) as requests"))
    assert [(MODELS[number][0], found[number]) for number in sorted(found)] == MODELS


def test_model_s_name_is_its_own_name(engine: Sql) -> None:
    once = rendered('canonical_model("written")', engine.name)
    twice = rendered('canonical_model("once")', engine.name)
    rows = " union all ".join(
        f"select cast({written!r} as string) as written" for written, _ in MODELS if written is not None
    )
    differing = engine.rows(
        f"select once, {twice} from (select {once} as once from ({rows}) as requests) as named where once <> {twice}"
    )
    assert differing == []


NAMES = [
    "azure/Chat-Prod",
    " chat-prod ",
    "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/AbC123",
    "bedrock/converse/arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123",
    "BEDROCK/ARN:aws:bedrock:eu-west-1:1:x/y",
    "groq/openai/gpt-oss-20b",
    "équipe/Modèle",
]


def test_name_of_the_registry_is_compared_with_requests_by_one_rule(engine: Sql) -> None:
    """The registry's side is Python."""
    rows = ", ".join(f"({number}, '{name}')" for number, name in enumerate(NAMES))
    sql = rendered('plain_model_name("name")', engine.name)
    found = engine.rows(f"select {sql} from (values {rows}) as given (n, name) order by n")
    assert [name for (name,) in found] == [plain_model_name(name) for name in NAMES]
    assert found[0] == found[1] == ("chat-prod",)
    assert found[2] == found[3] == (NAMES[2].lower(),)
