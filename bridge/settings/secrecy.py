"""Finds the settings that hold a secret."""

from typing import Any, get_args

from pydantic import SecretStr


def holds_secret(annotation: Any) -> bool:
    """Return whether a field of this type holds a secret, or may hold one."""
    return annotation is SecretStr or any(map(holds_secret, get_args(annotation)))
