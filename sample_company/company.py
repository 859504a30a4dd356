"""Who the sample company is: teams, people, services, customers and workflows. All made up.

Everything here is a plain declaration; the vendor modules hold what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPANY = "Sample Company (made up)"
DOMAIN = "sample-company.example"


@dataclass(frozen=True)
class Team:
    """A team, the level at which the sample's true owners are known."""

    id: str
    name: str
    department: str
    cost_center: str

    @property
    def contact(self) -> str:
        return f"{self.id}@{DOMAIN}"


@dataclass(frozen=True)
class Service:
    """A running service. `team` is its owner until `HANDOVER`."""

    id: str
    team: str
    environment: str = "prod"


@dataclass(frozen=True)
class Person:
    id: str
    team: str

    @property
    def email(self) -> str:
        return f"{self.id}@{DOMAIN}"


@dataclass(frozen=True)
class Customer:
    id: str
    name: str


@dataclass(frozen=True)
class Workflow:
    """Why a request to a model is made: a step of a service, for a feature."""

    id: str
    service: str
    feature: str


DEPARTMENTS: dict[str, str] = {
    "product": "Product",
    "platform": "Platform",
    "business": "Business",
}

TEAMS: tuple[Team, ...] = (
    Team("search", "Search", "product", "CC-1010"),
    Team("checkout", "Checkout", "product", "CC-1020"),
    Team("mobile", "Mobile", "product", "CC-1030"),
    Team("growth", "Growth", "business", "CC-2010"),
    Team("support", "Customer Support", "business", "CC-2020"),
    Team("payments", "Payments", "product", "CC-1040"),
    Team("data-platform", "Data Platform", "platform", "CC-3010"),
    Team("ml-platform", "ML Platform", "platform", "CC-3020"),
    Team("infra", "Infrastructure", "platform", "CC-3030"),
    Team("security", "Security", "platform", "CC-3040"),
)

SERVICES: tuple[Service, ...] = (
    Service("search-api", "search"),
    Service("search-indexer", "search"),
    Service("search-ranker", "search"),
    Service("checkout-api", "checkout"),
    Service("checkout-web", "checkout"),
    Service("cart", "checkout"),
    Service("pricing-engine", "checkout"),
    Service("mobile-api", "mobile"),
    Service("push-gateway", "mobile"),
    Service("mobile-build", "mobile", "ci"),
    Service("landing-pages", "growth"),
    Service("campaigns", "growth"),
    Service("experiments", "growth"),
    Service("support-bot", "support"),
    Service("ticket-desk", "support"),
    Service("knowledge-base", "support"),
    Service("payments-api", "payments"),
    Service("fraud-check", "payments"),
    Service("billing-worker", "payments"),
    Service("warehouse", "data-platform"),
    Service("event-stream", "data-platform"),
    Service("reporting", "data-platform"),
    Service("model-gateway", "ml-platform"),
    Service("embedding-worker", "ml-platform"),
    Service("evaluation", "ml-platform", "staging"),
    Service("network", "infra"),
    Service("kubernetes", "infra"),
    Service("observability", "infra"),
    Service("audit-log", "security"),
    Service("threat-detection", "security"),
)

# The service that changed hands in the middle of a month, and its new team. The day is `World.handover`.
HANDED_OVER_SERVICE = "pricing-engine"
HANDED_OVER_TO = "payments"

PEOPLE: tuple[Person, ...] = (
    Person("ada", "search"),
    Person("bilal", "search"),
    Person("chen", "search"),
    Person("dora", "checkout"),
    Person("emeka", "checkout"),
    Person("fatima", "checkout"),
    Person("goran", "mobile"),
    Person("hana", "mobile"),
    Person("ines", "growth"),
    Person("jonas", "growth"),
    Person("kofi", "growth"),
    Person("lena", "support"),
    Person("mateo", "support"),
    Person("nadia", "support"),
    Person("oskar", "payments"),
    Person("priya", "payments"),
    Person("quentin", "data-platform"),
    Person("rosa", "data-platform"),
    Person("sven", "data-platform"),
    Person("tala", "ml-platform"),
    Person("uma", "ml-platform"),
    Person("viktor", "ml-platform"),
    Person("wren", "infra"),
    Person("ximena", "infra"),
    Person("yusuf", "security"),
)

CUSTOMERS: tuple[Customer, ...] = tuple(
    Customer(f"cust_{number:03d}", f"Customer {name}")
    for number, name in enumerate(
        (
            "Alder",
            "Birch",
            "Cedar",
            "Dogwood",
            "Elm",
            "Fir",
            "Ginkgo",
            "Hazel",
            "Ivy",
            "Juniper",
            "Larch",
            "Maple",
        ),
        start=1,
    )
)

_FEATURES: dict[str, tuple[tuple[str, str], ...]] = {
    "search-api": (
        ("query-rewrite", "search-box"),
        ("answer-summary", "search-box"),
        ("autocomplete", "search-box"),
    ),
    "search-indexer": (("document-tagging", "index"), ("document-embedding", "index")),
    "search-ranker": (("rerank", "ranking"),),
    "checkout-api": (("address-parse", "checkout"), ("order-summary", "checkout")),
    "cart": (("upsell-copy", "cart"),),
    "pricing-engine": (("price-explain", "pricing"), ("discount-review", "pricing")),
    "mobile-api": (("chat-assist", "mobile-chat"), ("voice-transcript", "mobile-chat")),
    "push-gateway": (("push-copy", "notifications"),),
    "landing-pages": (("page-copy", "landing"), ("image-alt-text", "landing")),
    "campaigns": (
        ("email-draft", "campaigns"),
        ("audience-summary", "campaigns"),
        ("subject-line-test", "campaigns"),
    ),
    "experiments": (("variant-writer", "experiments"),),
    "support-bot": (
        ("ticket-triage", "bot"),
        ("reply-draft", "bot"),
        ("refund-check", "bot"),
        ("escalation", "bot"),
    ),
    "ticket-desk": (("ticket-summary", "desk"), ("sentiment", "desk")),
    "knowledge-base": (("article-draft", "kb"), ("article-translate", "kb")),
    "payments-api": (("dispute-letter", "disputes"),),
    "fraud-check": (("fraud-explain", "fraud"),),
    "reporting": (("sql-assist", "analyst"), ("chart-caption", "analyst"), ("weekly-digest", "analyst")),
    "event-stream": (("schema-docs", "catalog"),),
    "embedding-worker": (("bulk-embedding", "embeddings"),),
    "evaluation": (("nightly-eval", "evals"), ("judge", "evals")),
    "observability": (("incident-summary", "incidents"),),
    "threat-detection": (("alert-triage", "alerts"), ("log-digest", "alerts")),
}

WORKFLOWS: tuple[Workflow, ...] = tuple(
    Workflow(name, service, feature) for service, pairs in _FEATURES.items() for name, feature in pairs
)

TEAM_BY_ID: dict[str, Team] = {team.id: team for team in TEAMS}
SERVICE_BY_ID: dict[str, Service] = {service.id: service for service in SERVICES}
WORKFLOW_BY_ID: dict[str, Workflow] = {workflow.id: workflow for workflow in WORKFLOWS}
