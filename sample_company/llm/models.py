"""The models that the sample company uses, what they cost at list price, and where each provider is called from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

CLASSES = ("input", "cached_input", "cache_write_5m", "output")
MILLION = Decimal(1_000_000)
# What a provider takes off for a batch that it answers within a day.
BATCH_FACTOR = Decimal("0.5")

GATEWAY_BEDROCK_ACCOUNT = "110000000003"
# The account that the gateway calls each provider with.
ACCOUNTS = {
    "openai": "proj_gateway",
    "anthropic": "wrkspc_gateway",
    "bedrock": GATEWAY_BEDROCK_ACCOUNT,
    "groq": "org_gateway",
}


@dataclass(frozen=True)
class Model:
    """A model at a provider, and its list price in USD for a million tokens of each class.

    `wire` is how the provider spells it in its API and its reports; `billing` is how a CUR spells it (Bedrock).
    """

    id: str
    provider: str
    wire: str
    prices: tuple[Decimal, Decimal, Decimal, Decimal]
    billing: str = ""

    def cost(self, token_class: str, tokens: int, tier: str = "standard") -> Decimal:
        factor = BATCH_FACTOR if tier == "batch" else 1
        return self.prices[CLASSES.index(token_class)] * factor * tokens / MILLION


def inference_profile(model: Model) -> str:
    """The ARN of the application inference profile by which some callers name a model of Bedrock's."""
    return f"arn:aws:bedrock:eu-central-1:{GATEWAY_BEDROCK_ACCOUNT}:application-inference-profile/{model.id}"


def _prices(*values: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    one, two, three, four = (Decimal(value) for value in values)
    return one, two, three, four


GPT_5_MINI = Model("gpt-5-mini", "openai", "gpt-5-mini-2025-08-07", _prices("0.25", "0.025", "0", "2"))
GPT_5 = Model("gpt-5", "openai", "gpt-5-2025-08-07", _prices("1.25", "0.125", "0", "10"))
SONNET = Model("claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5", _prices("3", "0.3", "3.75", "15"))
HAIKU = Model("claude-haiku-4-5", "anthropic", "claude-haiku-4-5", _prices("1", "0.1", "1.25", "5"))
# The same model bought through AWS: on the AWS bill, and on nobody else's.
BEDROCK_SONNET = Model(
    "claude-sonnet-4-5",
    "bedrock",
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    _prices("3.3", "0.33", "4.125", "16.5"),
    "Claude Sonnet 4.5 (Amazon Bedrock Edition)",
)
NOVA_PRO = Model("nova-pro", "bedrock", "eu.amazon.nova-pro-v1:0", _prices("0.8", "0.2", "0", "3.2"), "NovaPro")
# Of a provider without a report of its bill: its requests are all that there is.
GPT_OSS = Model("gpt-oss-20b", "groq", "openai/gpt-oss-20b", _prices("0.075", "0.0375", "0", "0.3"))
# Newer than the gateway's price list: the gateway's cost is 0, the provider bills it.
PREVIEW = Model("gpt-5-sample-preview", "openai", "gpt-5-sample-preview", _prices("4", "0.4", "0", "16"))
UNPRICED = (PREVIEW,)
# The providers that have no report of what they bill.
WITHOUT_REPORT = ("groq",)

# The models that workflows use in turn, and those of the workflows that have one of their own.
ROTATION = (GPT_5_MINI, GPT_5, SONNET, HAIKU, BEDROCK_SONNET, NOVA_PRO)
OWN_MODEL = {
    "refund-check": SONNET,
    "chat-assist": GPT_5_MINI,
    "voice-transcript": GPT_5_MINI,
    "nightly-eval": HAIKU,
    "judge": PREVIEW,
    "log-digest": GPT_OSS,
}
# Workflows that hand in their requests as a batch.
BATCH_WORKFLOWS = ("nightly-eval",)
