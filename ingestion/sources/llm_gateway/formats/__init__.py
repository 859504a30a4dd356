"""The formats of gateways' logs, one module each: declared fields and one SELECT to rows of `llm_requests`."""

from ingestion.sources.llm_gateway.formats.base import Format
from ingestion.sources.llm_gateway.formats.bedrock import BEDROCK
from ingestion.sources.llm_gateway.formats.canonical import CANONICAL, MONGODB
from ingestion.sources.llm_gateway.formats.langfuse import LANGFUSE
from ingestion.sources.llm_gateway.formats.litellm import LITELLM, SPEND_LOGS
from ingestion.sources.llm_gateway.formats.otel import OTEL

__all__ = ["BEDROCK", "CANONICAL", "LANGFUSE", "LITELLM", "MONGODB", "OTEL", "SPEND_LOGS", "Format"]
