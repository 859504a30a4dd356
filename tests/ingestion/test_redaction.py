"""Redaction: what is a person's or a credential never survives, whatever stands around it."""

from __future__ import annotations

import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.sources.llm_prompts.redaction import PROFILES, redact

WORD = string.ascii_letters + string.digits
URL_SAFE = WORD + "-_"
BASE64 = WORD + "+/"


def some(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=least, max_size=most or least)


# Each kind: what is written around the secret part, and the part that must be gone.
SECRETS: dict[str, st.SearchStrategy[tuple[str, str]]] = {
    "openai": some(URL_SAFE, 40, 120).map(lambda s: (f"sk-proj-{s}", s)),
    "anthropic": some(URL_SAFE, 60, 100).map(lambda s: (f"sk-ant-api03-{s}", s)),
    "litellm": some(WORD, 22).map(lambda s: (f"sk-{s}", s)),
    "aws key id": some(string.ascii_uppercase + string.digits, 16).map(lambda s: (f"AKIA{s}", s)),
    "aws session key id": some(string.ascii_uppercase + string.digits, 16).map(lambda s: (f"ASIA{s}", s)),
    "aws secret key": some(BASE64, 40).map(lambda s: (s, s)),
    "github": some(WORD, 36).map(lambda s: (f"ghp_{s}", s)),
    "github fine-grained": some(WORD + "_", 82).map(lambda s: (f"github_pat_{s}", s)),
    "slack bot": some(WORD + "-", 40, 60).map(lambda s: (f"xoxb-{s}", s)),
    "google": some(URL_SAFE, 35).map(lambda s: (f"AIza{s}", s)),
    "jwt": st.tuples(some(URL_SAFE, 20, 60), some(URL_SAFE, 20, 200), some(URL_SAFE, 43)).map(
        lambda parts: (f"eyJ{parts[0]}.eyJ{parts[1]}.{parts[2]}", parts[2])
    ),
    "unsigned jwt": some(URL_SAFE, 20, 60).map(lambda s: (f"eyJhbGciOiJub25lIn0.eyJ{s}.", s)),
    "private key": some(BASE64 + "\n", 100, 300).map(
        lambda s: (f"-----BEGIN RSA PRIVATE KEY-----\n{s}\n-----END RSA PRIVATE KEY-----", s)
    ),
    "cut-off private key": some(BASE64, 24, 39).map(lambda s: (f"-----BEGIN PRIVATE KEY-----\n{s}", s)),
    "bearer": some(URL_SAFE + ".", 8, 40).map(lambda s: (f"Authorization: Bearer {s}", s)),
    "connection string": some(URL_SAFE + "@/!$", 6, 24).map(
        lambda s: (f"postgresql://app:{s}@db.internal:5432/x", s)
    ),
    "mongodb": some(URL_SAFE, 6, 24).map(lambda s: (f"mongodb+srv://app:{s}@c0.example.net/?retryWrites=true", s)),
    "password": some(WORD + "!$%*#", 4, 20).map(lambda s: (f'"password": "{s}"', s)),
    "account key": some(BASE64, 86).map(lambda s: (f"AccountName=x;AccountKey={s}==;EndpointSuffix=core", s)),
    "environment": some(WORD, 8, 30).map(lambda s: (f"export STRIPE_SECRET_KEY={s}", s)),
}
AROUND = st.text(max_size=60)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("profile", PROFILES)
def test_secret_never_survives_in_whatever_text_it_stands(kind: str, profile: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(before=AROUND, secret=SECRETS[kind], after=AROUND)
    def survives_not(before: str, secret: tuple[str, str], after: str) -> None:
        written, part = secret
        # A text that holds the secret part by itself, unnamed, is no secret of this kind.
        if part in before or part in after:
            return
        assert part not in redact(f"{before}{written}{after}", profile).text

    survives_not()


@pytest.mark.parametrize(
    ("personal", "kind"),
    [
        ("ada@sample.example", "EMAIL_ADDRESS"),
        ("grace.hopper+lists@navy.example.com", "EMAIL_ADDRESS"),
        ("+1 212 555 0187", "PHONE_NUMBER"),
        ("(212) 555-0187", "PHONE_NUMBER"),
        ("+49 30 901820", "PHONE_NUMBER"),
        ("4111 1111 1111 1111", "CREDIT_CARD"),
        ("DE89370400440532013000", "IBAN_CODE"),
        ("GB82 WEST 1234 5698 7654 32", "IBAN_CODE"),
        ("536-90-4399", "US_SSN"),
        ("192.168.1.44", "IP_ADDRESS"),
        ("2001:db8::8a2e:370:7334", "IP_ADDRESS"),
        ("00:1B:44:11:3A:B7", "MAC_ADDRESS"),
        ("943 476 5919", "UK_NHS"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO"),
    ],
)
def test_personal_data_of_every_kind_goes(personal: str, kind: str) -> None:
    done = redact(f"Please write to {personal} today.", "standard")
    assert (
        personal not in done.text and done.text.startswith("Please write to [") and done.text.endswith("] today.")
    )
    # Two recognizers may claim one number: that it is gone is what counts.
    assert sum(done.counts.values()) == 1, (kind, done.counts)


def test_plain_words_stay_as_they_are() -> None:
    text = "Summarise the quarterly report in three sentences; compare revenue (12%) with cost, please.\nThanks!"
    assert redact(text, "standard").text == text


def test_invisible_characters_do_not_hide_a_key() -> None:
    hidden = "sk-pro\u200bj-abcdefghij\u2060klmnopqrstuv"
    assert "klmnopqrstuv" not in redact(hidden, "standard").text


def test_strict_takes_every_longer_number_and_every_address() -> None:
    text = "order 4711 of https://shop.example/x?user=7"
    assert redact(text, "strict").text == "order [NUMBER] of [URL]" and "4711" in redact(text, "standard").text


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=300))
@example(text="a@b c@d")
def test_whatever_is_kept_stands_in_the_text_in_its_order(text: str) -> None:
    """Redaction takes away and marks; it neither invents nor moves."""
    done = redact(text, "standard")
    assert (done.found is None) == (not done.counts)
    if not done.counts:
        assert set(done.text) <= set(text) and len(done.text) <= len(text)


def test_long_text_of_one_character_takes_no_quadratic_time() -> None:
    for run in ("a", "1 ", "eyJ", "x@", "sk", "password "):
        assert isinstance(redact(run * 20_000, "standard").text, str)


def test_redaction_asks_nothing_of_the_network() -> None:
    """In a process of its own, in which every socket is refused."""
    program = (
        "import socket\n"
        "def refused(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refused; socket.getaddrinfo = refused\n"
        "from ingestion.sources.llm_prompts.redaction import redact\n"
        "print(redact('ada@example.com +1 212 555 0187 4111111111111111', 'strict').text)"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "ada" not in done.stdout and not done.stderr, done.stderr
