"""Alerts: a line in the log, and a POST to a webhook where one is set (COSTOWNER_ALERT_WEBHOOK)."""

from __future__ import annotations

import logging

import requests

from ingestion.access.limits import Limit
from ingestion.access.session import LimitedSession
from ingestion.errors import IngestionError
from ingestion.setting_table import ALERT_WEBHOOK

log = logging.getLogger("costowner.alerts")
# Seconds that a refresh waits for the webhook.
PATIENCE = 10


def alert(title: str, text: str) -> bool:
    """Raise an alert. True if the webhook took it, or none is set; the webhook's URL is never logged.

    The body is `{"text": "<title>\\n<text>"}`, which Slack, Mattermost and Teams workflows read.
    """
    log.warning("%s: %s", title, text)
    webhook = ALERT_WEBHOOK.given()
    if not webhook:
        return True
    try:
        # The body of the answer is not read.
        with Limit("the alert webhook", patience=PATIENCE).applied(), LimitedSession() as session:
            message = {"text": f"{title}\n{text}"}
            answer = session.post(webhook, json=message, timeout=PATIENCE, stream=True)
    except (requests.RequestException, IngestionError) as error:
        log.error("the alert webhook could not be reached (%s)", type(error).__name__)
        return False
    if not answer.ok:
        log.error("the alert webhook answered %s", answer.status_code)
    return answer.ok
