"""Keys of the LiteLLM proxy under test, without a database. LiteLLM loads this module in its own environment."""

from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth

KEYS = {
    "sk-support": {"team_id": "t-support", "team_alias": "support", "key_alias": "support-key", "user_id": "ada"},
    "sk-shared": {"team_id": None, "team_alias": None, "key_alias": "shared-legacy-key", "user_id": None},
}


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    if api_key not in KEYS:
        raise HTTPException(status_code=401, detail="unknown key")
    return UserAPIKeyAuth(api_key=api_key, **KEYS[api_key])
