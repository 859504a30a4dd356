"""Anthropic: what an organization is billed and uses."""
