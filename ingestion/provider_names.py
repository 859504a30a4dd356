"""Providers of language models by identity: one name each, whatever a gateway, an SDK or a convention calls them.

A provider's name here is LiteLLM's, in lower case. A spelling is compared without case and punctuation, and without
the operation that some SDKs append (`anthropic.messages`, `openai.chat`, `bedrock_converse`).
"""

from __future__ import annotations

import re

from ingestion.lake.vendor_files import literal

# Spellings, as `_key` writes them: of LiteLLM, OpenTelemetry's conventions (old and new), OpenLLMetry, OpenInference,
# LangChain (`ls_provider`), pydantic-ai, the AI SDK, and FOCUS exports.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "openai": ("openai", "text_completion_openai", "open_ai"),
    "anthropic": ("anthropic", "anthropic_text", "claude", "anthropic_pbc"),
    "bedrock": (
        *("bedrock", "aws_bedrock", "amazon_bedrock", "bedrock_mantle", "bedrock_runtime"),
        *("bedrock_anthropic", "amazonbedrock", "awsbedrock", "aws", "amazon"),
    ),
    "sagemaker": ("sagemaker", "aws_sagemaker", "amazon_sagemaker"),
    "vertex_ai": (
        *(
            "vertex_ai",
            "vertexai",
            "vertex",
            "vertex_ai_beta",
            "gcp_vertex_ai",
            "google_vertexai",
            "google_vertex",
        ),
        *(
            "google_vertex_ai",
            "googlevertex",
            "googlevertex_anthropic",
            "vertex_anthropic",
            "google_vertex_anthropic",
        ),
        *("google_anthropic_vertex", "anthropic_vertex", "vertex_ai_anthropic", "vertex_ai_vision_models"),
        *(
            "vertex_ai_anthropic_models",
            "vertex_ai_llama_models",
            "vertex_ai_mistral_models",
            "vertex_ai_ai21_models",
        ),
        *("vertex_ai_text_models", "vertex_ai_chat_models", "vertex_ai_code_chat_models", "vertex_maas"),
        *(
            "vertex_ai_deepseek_models",
            "vertex_ai_qwen_models",
            "vertex_ai_openai_models",
            "vertex_ai_image_models",
        ),
        *("vertex_ai_embedding_models", "vertex_ai_language_models", "vertex_ai_code_text_models"),
    ),
    "gemini": (
        *("gemini", "google", "google_genai", "google_gen_ai", "google_gla", "google_generative_ai", "googleai"),
        *("google_ai", "google_ai_studio", "gcp_gemini", "gcp_gen_ai", "google_generativeai", "google_gemini"),
        "gcp",
    ),
    "azure": (
        *(
            "azure",
            "azure_openai",
            "azure_ai_openai",
            "az_ai_openai",
            "azure_text",
            "azureopenai",
            "azure_open_ai",
        ),
        *("microsoft", "microsoft_azure", "openai_azure"),
    ),
    "azure_ai": (
        *(
            "azure_ai",
            "azure_ai_inference",
            "az_ai_inference",
            "azure_inference",
            "azure_ai_foundry",
            "azure_foundry",
        ),
        *("microsoft_foundry", "azureai", "azure_anthropic"),
    ),
    "mistral": ("mistral", "mistralai", "mistral_ai", "codestral", "text_completion_codestral"),
    "xai": ("xai", "x_ai", "grok"),
    "cohere": ("cohere", "cohere_ai"),
    "deepseek": ("deepseek", "deepseek_ai"),
    "groq": ("groq",),
    "openrouter": ("openrouter", "open_router", "openrouter_ai"),
    "perplexity": ("perplexity", "perplexity_ai", "pplx"),
    "together_ai": ("together_ai", "together", "togetherai"),
    "fireworks_ai": ("fireworks_ai", "fireworks", "fireworksai", "fireworks_ai_embedding_models"),
    "cerebras": ("cerebras",),
    "moonshot": ("moonshot", "moonshotai", "moonshot_ai", "kimi"),
    "voyage": ("voyage", "voyageai", "voyage_ai"),
    "vercel_ai_gateway": ("vercel_ai_gateway", "vercel", "gateway", "vercel_gateway"),
    "huggingface": ("huggingface", "hugging_face", "hf"),
    "watsonx": ("watsonx", "ibm_watsonx", "ibm_watsonx_ai", "watsonx_text", "watson_x", "ibm"),
    "nvidia_nim": ("nvidia_nim", "nvidia", "nvidia_ai_endpoints"),
    "github_copilot": ("github_copilot",),
    "databricks": ("databricks",),
    "snowflake": ("snowflake", "snowflake_cortex"),
    "replicate": ("replicate",),
    "ollama": ("ollama", "ollama_chat"),
}
# What is no name, in the words of writers that make a text of everything.
NONE = ("", "none", "null", "nil", "undefined", "unknown", "nan", "n_a")
OPERATION = (
    "_(chat|messages|responses?|completions?|chat_completions?|embeddings?|textembedding|image|images|speech|"
    "transcription|converse|converse_stream|invoke|generative_ai|rerank)$"
)
_PROVIDER = {spelling: provider for provider, spellings in SPELLINGS.items() for spelling in spellings}

# Models whose name shows who serves them, where the record names nobody: the form of Bedrock's and Vertex's ids, then
# the first-party names of vendors. Open weights, and names that several clouds sell alike, are not here: `gpt-oss-120b`,
# `llama-…`, `mistral-large-2411`; nor is a path (`anthropic/claude-…` is OpenRouter's way to write, and LiteLLM's).
SHOWN_BY_MODEL: tuple[tuple[str, str], ...] = (
    (
        r"^arn:aws[a-z-]*:bedrock:|^([a-z-]+[.])?(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer)[.]",
        "bedrock",
    ),
    (r"^claude-[a-z0-9.-]+@", "vertex_ai"),
    (r"^claude-", "anthropic"),
    (
        r"^(gpt-[0-9]|gpt-(image|audio|realtime)|chatgpt-|o[1-9](-|$)|text-embedding-(3|ada)|dall-e-|whisper-1$|tts-1|"
        r"ft:gpt-|omni-moderation|davinci-002$|babbage-002$)",
        "openai",
    ),
    (r"^gemini-", "gemini"),
    (r"^deepseek-(chat|reasoner)$", "deepseek"),
    (r"^(mistral|codestral|ministral|magistral|pixtral|devstral)-.*latest$", "mistral"),
    (r"^grok-", "xai"),
    (r"^command-", "cohere"),
    (r"^sonar(-|$)", "perplexity"),
)


def _key(name: str) -> str:
    return re.sub("[^a-z0-9]+", "_", name.strip(" ").lower()).strip("_")


def provider_of(name: str | None) -> str | None:
    """A provider's one name; what is not known stays as it is, in lower case; None where it is no name."""
    if name is None or _key(name) in NONE:
        return None
    key = _key(name)
    return _PROVIDER.get(key) or _PROVIDER.get(re.sub(OPERATION, "", key)) or name.strip(" ").lower()


def with_provider(relation: str, name: str) -> str:
    """SQL of DuckDB: the rows of a relation, and in `named_provider` the provider whose name a column has."""
    providers = f"map([{', '.join(map(literal, _PROVIDER))}], [{', '.join(map(literal, _PROVIDER.values()))}])"
    return f"""
        select
            * exclude (plain_name, spelled_name),
            case
                when not list_contains([{", ".join(map(literal, NONE))}], spelled_name)
                then coalesce(
                    {providers}[spelled_name],
                    {providers}[regexp_replace(spelled_name, {literal(OPERATION)}, '')],
                    plain_name
                )
            end as named_provider
        from (
            select *, trim(regexp_replace(plain_name, '[^a-z0-9]+', '_', 'g'), '_') as spelled_name
            from (select *, lower(trim({name})) as plain_name from ({relation}))
        )"""


def shown_by_model_sql(model: str) -> str:
    """SQL of DuckDB: the provider that a model's name shows; NULL where several may serve it."""
    tests = " ".join(
        f"when regexp_matches(lower(trim({model})), {literal(pattern)}) then {literal(provider)}"
        for pattern, provider in SHOWN_BY_MODEL
    )
    return f"case {tests} end"
