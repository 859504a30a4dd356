"""Checks against real parts of others, each in an environment of its own."""
