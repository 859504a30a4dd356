"""What a value of the registry's files breaks of its JSON Schema, in words that name the field and the way out.

The schema library's own words quote the whole entry, or a pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jsonschema import ValidationError

from ingestion.errors import near_misses

KINDS = {
    "string": "a text",
    "array": "a list",
    "object": "a mapping of fields",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
LIMITS = {"minimum": "less than", "exclusiveMinimum": "not more than", "maximum": "more than"}


def breach(found: ValidationError) -> str:
    """What one error is about."""
    return _WORDS.get(found.validator, _other)(found)


def _field(found: ValidationError) -> str:
    return next((str(step) for step in reversed(found.absolute_path) if isinstance(step, str)), "the file")


def _value(found: ValidationError) -> str:
    return "what stands here" if isinstance(found.instance, dict | list) else repr(found.instance)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(str, names))


def _unknown(found: ValidationError) -> str:
    known = found.schema["properties"]
    unknown = sorted(set(found.instance) - set(known))
    return "; ".join(
        f"unknown field {field!r}{near_misses(field, known) or f'; there are {_listed(known)}'}"
        for field in unknown
    )


def _lacking(found: ValidationError) -> str:
    return f"it lacks the required {_listed(name for name in found.validator_value if name not in found.instance)}"


def _none_of_them(found: ValidationError) -> str:
    allowed = [str(value) for value in found.validator_value]
    near = near_misses(str(found.instance), allowed)
    return f"{_field(found)}: {_value(found)} is not one of {_listed(allowed)}{near}"


def _of_another_kind(found: ValidationError) -> str:
    wanted = found.validator_value if isinstance(found.validator_value, list) else [found.validator_value]
    way_out = ": put it in quotes" if "string" in wanted and isinstance(found.instance, int | float) else ""
    kinds = " or ".join(KINDS[kind] for kind in wanted if kind != "null")
    return f"{_field(found)}: {_value(found)} is not {kinds}{way_out}"


def _alternatives(found: ValidationError) -> str:
    alternatives = found.validator_value
    if all(set(one) == {"required"} for one in alternatives):
        return "give either " + ", or ".join(" and ".join(one["required"]) for one in alternatives)
    # The alternative of the value's own type comes nearest.
    nearest = next((one for one in found.context or () if one.validator != "type"), None)
    if nearest is not None:
        return breach(nearest)
    return f"{_value(found)} is neither {' nor '.join(KINDS[one['type']] for one in alternatives)}"


def _over_a_limit(found: ValidationError) -> str:
    return f"{_field(found)}: {_value(found)} is {LIMITS[str(found.validator)]} {found.validator_value}"


def _other(found: ValidationError) -> str:
    about = found.schema.get("description") or f"{found.validator} {found.validator_value}"
    return f"{_field(found)}: {_value(found)} is not as it must be: {about}"


_WORDS: dict[object, Callable[[ValidationError], str]] = {
    "additionalProperties": _unknown,
    "required": _lacking,
    "enum": _none_of_them,
    "type": _of_another_kind,
    "oneOf": _alternatives,
    **dict.fromkeys(LIMITS, _over_a_limit),
}
