"""Where the doors of review take their policies from: the app above says so when it starts."""

from collections.abc import Callable
from typing import Any, TypeVar

_Policy = TypeVar("_Policy")
_sources: dict[type, Callable[[], Any]] = {}


def use(kind: type[_Policy], source: Callable[[], _Policy]) -> None:
    """Ask ``source`` for policies of this kind from now on."""
    _sources[kind] = source


def in_force(kind: type[_Policy]) -> _Policy:
    """Give the policy of this kind that holds now; its defaults where no app above keeps one."""
    policy: _Policy = _sources.get(kind, kind)()
    return policy
