"""Alerts: a line in the log, and a POST to a webhook where one is set (COSTOWNER_ALERT_WEBHOOK)."""

from __future__ import annotations

import logging
import os

import requests

from ingestion.http import SameOriginSession

log = logging.getLogger("costowner.alerts")


def alert(title: str, text: str) -> bool:
    """Raise an alert. True if the webhook took it, or none is set; the webhook's URL is never logged.

    The body is `{"text": "<title>\\n<text>"}`, which Slack, Mattermost and Teams workflows read.
    """
    log.warning("%s: %s", title, text)
    webhook = os.environ.get("COSTOWNER_ALERT_WEBHOOK")
    if not webhook:
        return True
    try:
        answer = SameOriginSession().post(webhook, json={"text": f"{title}\n{text}"}, timeout=10)
    except requests.RequestException as error:
        log.error("the alert webhook could not be reached (%s)", type(error).__name__)
        return False
    if not answer.ok:
        log.error("the alert webhook answered %s", answer.status_code)
    return answer.ok
