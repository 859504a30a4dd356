"""Redaction before anything reaches the lake: people's data by Presidio's pattern recognizers, and credentials.

Presidio is an extra (`pip install .[prompts]`). No language model is loaded: e-mail addresses, phone, card, account
and identity numbers, network addresses and credentials are found by their form; a person's name in running text is
not. Who approves a workflow's policy should know that.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

from ingestion.errors import SettingError
from ingestion.sources.llm_prompts.secrets import secret_spans

# Raised when the rules find more: what was landed under it names the rules that it went through.
RULES_VERSION = 1
PROFILES = ("standard", "strict")
# Where a number without its country code is looked for; with it, it is found from everywhere.
REGIONS = ("US", "GB", "DE", "FR", "IN", "BR", "IL", "AU")
# Of a phone number; fewer are a year, a price, a percentage.
LEAST_DIGITS = 7
# Characters that show nothing and would cut a word that a pattern looks for.
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# Presidio asks the public suffix list (and the network) what a domain is; for redaction anything with an @ is one.
OWN = {
    "EMAIL_ADDRESS": re.compile(r"[^\s@<>\"'(),:;]{1,128}@[^\s@<>\"'(),:;]+"),
    "US_SSN": re.compile(r"(?<!\d)\d{3}[- .]\d{2}[- .]\d{4}(?!\d)"),
}
STRICT = {
    "URL": re.compile(r"(?i:(?:https?|ftp)://\S+|www\.\S+)"),
    "NUMBER": re.compile(r"\d[\d .,/:-]{2,}\d|\d{3,}"),
}


@dataclass(frozen=True)
class Redacted:
    """A text without what was found, and how many of each kind that was."""

    text: str
    counts: dict[str, int]

    @property
    def found(self) -> str | None:
        return json.dumps(self.counts, sort_keys=True) if self.counts else None


@cache
def _recognizers() -> tuple[Any, ...]:
    from presidio_analyzer import predefined_recognizers as known

    return (
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.CryptoRecognizer(),
        known.IpRecognizer(),
        known.MacAddressRecognizer(),
        known.UsSsnRecognizer(),
        known.UsItinRecognizer(),
        known.NhsRecognizer(),
        known.PhoneRecognizer(supported_regions=REGIONS, leniency=0),
    )


def check_installed(workflow: str) -> None:
    """Raises SettingError where Presidio is not installed: then no prompt is landed at all."""
    try:
        import presidio_analyzer  # noqa: F401
    except ImportError:
        raise SettingError(
            f"registry/prompt_policy.yml lets prompts of workflow {workflow!r} be kept, but what redacts them is not "
            "installed: pip install 'costowner[prompts]' (or `pip install .[prompts]`), or take the workflow out; "
            "until then no prompt is landed"
        ) from None


def policy_name(profile: str) -> str:
    """How a row was redacted: profile, version of the rules, version of Presidio."""
    from importlib.metadata import version

    return f"{profile}/{RULES_VERSION} presidio {version('presidio-analyzer')}"


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _spans(text: str, profile: str) -> list[tuple[int, int, str]]:
    found = secret_spans(text)
    for recognizer in _recognizers():
        for result in recognizer.analyze(text, recognizer.supported_entities, None):
            is_short = (
                result.entity_type == "PHONE_NUMBER" and _digits(text[result.start : result.end]) < LEAST_DIGITS
            )
            if not is_short:
                found.append((result.start, result.end, result.entity_type))
    patterns = {**OWN, **(STRICT if profile == "strict" else {})}
    for kind, pattern in patterns.items():
        found += [(match.start(), match.end(), kind) for match in pattern.finditer(text)]
    return found


def redact(text: str, profile: str) -> Redacted:
    """The text with `[KIND]` in place of all that was found. What overlaps goes as one, under the first's name."""
    text = INVISIBLE.sub("", text)
    counts: Counter[str] = Counter()
    parts: list[str] = []
    position = 0
    # The longest of those that begin at one place names the whole.
    for start, end, kind in sorted(_spans(text, profile), key=lambda span: (span[0], -span[1], span[2])):
        if start >= position or not parts:
            parts += [text[position:start], f"[{kind}]"]
            counts[kind] += 1
        position = max(position, end)
    return Redacted("".join([*parts, text[position:]]), dict(counts))
