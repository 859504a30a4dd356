"""What SDKs, gateways and conventions call the counts of a request: one table for every format.

A path's steps are divided by `/` where the format nests objects. The first column of names that a source documents
comes first; older names and those of other SDKs follow. A name that holds a count and stands in no list here is
counted by name (`dropped_fields`), so that a new one is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping

Names = Mapping[str, tuple[str, ...]]

# OpenTelemetry: the GenAI conventions and their older names; pydantic-ai (`gen_ai.usage.details.*`, the provider's own
# names); Sentry (`input_tokens.cached`); the AI SDK (`ai.usage.*`); OpenLLMetry (`llm.usage.*`); OpenInference
# (`llm.token_count.*`).
OTEL: Names = {
    "input": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "llm.usage.prompt_tokens",
        "llm.usage.input_tokens",
        "llm.token_count.prompt",
    ),
    "fresh": ("ai.usage.inputTokenDetails.noCacheTokens",),
    "read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.cached_tokens",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.input_token_details.cached_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.details.cached_tokens",
        "gen_ai.usage.details.cached_content_tokens",
        "ai.usage.cachedInputTokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "llm.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "written": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_creation_tokens",
        "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        "llm.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "input_audio": (
        "gen_ai.usage.details.input_audio_tokens",
        "gen_ai.usage.details.audio_prompt_tokens",
        "llm.token_count.prompt_details.audio",
    ),
    "input_image": ("gen_ai.usage.details.input_image_tokens", "gen_ai.usage.details.image_prompt_tokens"),
    "input_video": ("gen_ai.usage.details.input_video_tokens", "gen_ai.usage.details.video_prompt_tokens"),
    "output": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "llm.usage.completion_tokens",
        "llm.usage.output_tokens",
        "llm.token_count.completion",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
        "gen_ai.usage.details.thinking_tokens",
        "ai.usage.reasoningTokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "output_audio": (
        "gen_ai.usage.details.output_audio_tokens",
        "gen_ai.usage.details.audio_candidates_tokens",
        "llm.token_count.completion_details.audio",
    ),
    "output_image": ("gen_ai.usage.details.output_image_tokens", "gen_ai.usage.details.image_candidates_tokens"),
    "output_video": ("gen_ai.usage.details.output_video_tokens", "gen_ai.usage.details.video_candidates_tokens"),
    "total": (
        "gen_ai.usage.total_tokens",
        "ai.usage.totalTokens",
        "llm.usage.total_tokens",
        "llm.token_count.total",
    ),
}
# Attributes that count tokens begin so.
OTEL_PREFIXES = ("gen_ai.usage.", "ai.usage.", "llm.usage.", "llm.token_count.")

# Langfuse's keys of `usage_details`: its own, and those that a caller's flat usage keeps.
LANGFUSE: Names = {
    "input": ("input", "input_tokens", "prompt_tokens", "promptTokens"),
    "read": (
        "input_cached_tokens",
        "cache_read_input_tokens",
        "input_cache_read",
        "input_cache_read_tokens",
        "input_cached",
        "cache_read_tokens",
        "cached_tokens",
        "cached_content_token_count",
    ),
    # Where the five minutes' writes stand alone, the flat count repeats them.
    "written_5m": (
        "input_cache_creation_5m",
        "cache_creation_input_tokens",
        "input_cache_creation",
        "input_cache_creation_tokens",
        "input_cache_write",
        "cache_write_input_tokens",
        "cache_write_tokens",
    ),
    "written_1h": ("input_cache_creation_1h",),
    "input_audio": ("input_audio_tokens", "input_audio"),
    "input_image": ("input_image_tokens", "input_image"),
    "input_video": ("input_video_tokens", "input_video"),
    "output": ("output", "output_tokens", "completion_tokens", "completionTokens"),
    "reasoning": ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "thoughts_token_count"),
    "output_audio": ("output_audio_tokens", "output_audio"),
    "output_image": ("output_image_tokens", "output_image"),
    "output_video": ("output_video_tokens", "output_video"),
    "total": ("total", "total_tokens", "totalTokens"),
}

# LiteLLM's `usage_object`: OpenAI's names with Anthropic's beside them, and those of OpenAI's newer API.
LITELLM: Names = {
    "input": ("prompt_tokens", "input_tokens"),
    "read": (
        "cache_read_input_tokens",
        "prompt_tokens_details/cached_tokens",
        "input_tokens_details/cached_tokens",
        "prompt_cache_hit_tokens",
    ),
    "written": (
        "cache_creation_input_tokens",
        "prompt_tokens_details/cache_creation_tokens",
        "prompt_tokens_details/cache_write_tokens",
        "input_tokens_details/cache_write_tokens",
    ),
    "written_1h": (
        "prompt_tokens_details/cache_creation_token_details/ephemeral_1h_input_tokens",
        "cache_creation/ephemeral_1h_input_tokens",
    ),
    "input_audio": ("prompt_tokens_details/audio_tokens", "input_tokens_details/audio_tokens"),
    "input_image": ("prompt_tokens_details/image_tokens", "input_tokens_details/image_tokens"),
    "input_video": ("prompt_tokens_details/video_tokens", "input_tokens_details/video_tokens"),
    "output": ("completion_tokens", "output_tokens"),
    "reasoning": (
        "completion_tokens_details/reasoning_tokens",
        "output_tokens_details/reasoning_tokens",
        "reasoning_tokens",
    ),
    "output_audio": ("completion_tokens_details/audio_tokens", "output_tokens_details/audio_tokens"),
    "output_image": ("completion_tokens_details/image_tokens", "output_tokens_details/image_tokens"),
    "output_video": ("completion_tokens_details/video_tokens", "output_tokens_details/video_tokens"),
    "total": ("total_tokens",),
    "searched": ("server_tool_use/web_search_requests", "prompt_tokens_details/web_search_requests"),
}

BEDROCK: Names = {
    "input": ("input/inputTokenCount",),
    "read": ("input/cacheReadInputTokenCount",),
    "written": ("input/cacheWriteInputTokenCount",),
    "output": ("output/outputTokenCount",),
}

CANONICAL: Names = {
    "input": ("input_tokens",),
    "fresh": ("input_uncached_tokens",),
    "read": ("cache_read_tokens",),
    "written_5m": ("cache_write_5m_tokens",),
    "written_1h": ("cache_write_1h_tokens",),
    "input_audio": ("input_audio_tokens",),
    "input_image": ("input_image_tokens",),
    "input_video": ("input_video_tokens",),
    "output": ("output_tokens",),
    "reasoning": ("reasoning_tokens",),
    "output_audio": ("output_audio_tokens",),
    "output_image": ("output_image_tokens",),
    "output_video": ("output_video_tokens",),
    "total": ("total_tokens",),
}

# Counts of tokens that repeat a part of another: nothing is lost where they are not read.
REPEATED = frozenset(
    {
        "gen_ai.usage.details.input_tokens",
        "gen_ai.usage.details.output_tokens",
        "gen_ai.usage.details.text_prompt_tokens",
        "gen_ai.usage.details.text_candidates_tokens",
        "gen_ai.usage.details.text_cache_tokens",
        "gen_ai.usage.details.accepted_prediction_tokens",
        "gen_ai.usage.details.rejected_prediction_tokens",
        "ai.usage.outputTokenDetails.textTokens",
        "prompt_tokens_details.text_tokens",
        "completion_tokens_details.text_tokens",
        "completion_tokens_details.accepted_prediction_tokens",
        "completion_tokens_details.rejected_prediction_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
        "prompt_cache_miss_tokens",
        "cost",
        "gen_ai.usage.cost",
        "gen_ai.usage.input_cost",
        "gen_ai.usage.output_cost",
    }
)
