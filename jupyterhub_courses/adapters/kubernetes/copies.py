"""Copies of the release's own Secrets and ConfigMaps in courses' namespaces, kept as their originals are.

Originals are read once a pass, whatever the number of courses; a course whose namespace remembers the same versions
costs nothing. No sentence and no log has anything of what the API server says about a Secret that it refuses.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from ...core import copies
from ...core.cluster import ClusterSettings
from ...core.comparing import Key
from .client import ApiProblem, KubernetesApi

FRESH_S = 20.0
#: Fields of a namespace belong to who applied them: what is remembered goes apart from all the rest.
_MANAGER = "jupyterhub-courses-copies"


class Copies:
    """Of one release."""

    def __init__(
        self, api: KubernetesApi, settings: ClusterSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api, self._settings, self._clock = api, settings, clock
        self._asked = copies.asked(settings)
        self._originals: dict[Key, dict[str, Any]] = {}
        self._missing: list[str] = []
        self._failed: dict[str, list[str]] = {}
        self._at = -FRESH_S
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Read the originals."""
        async with self._looking:
            await self._look()

    def settled(self, slug: str, space: Mapping[str, Any]) -> bool:
        """Whether `bring` would do nothing and nothing is amiss, as far as was looked."""
        return not self.amiss(slug) and copies.change(self._asked, self._originals, copies.remembered(space)).is_none

    async def bring(self, slug: str, space: Mapping[str, Any]) -> dict[str, Any]:
        """A course's copies as the originals are; its namespace, with what it remembers then."""
        await self._look_if_old()
        has = copies.remembered(space)
        change = copies.change(self._asked, self._originals, has)
        self._failed.pop(slug, None)
        if change.is_none:
            return dict(space)
        new = {one: "" for one in change.write if one not in has}
        if new:  # before they are there, so that none is ever forgotten
            has |= new
            await self._remember(space, has)
        for one in change.write:
            if problem := await self._write(slug, one):
                self._failed.setdefault(slug, []).append(problem)
            else:
                has[one] = copies.version(self._originals[one])
        for kind, name in change.take_away:
            await self._api.delete(kind, name, space["metadata"]["name"])
            del has[kind, name]
        return await self._remember(space, has)

    async def take_away(self, space: Mapping[str, Any]) -> None:
        """All of a course that ends."""
        has = copies.remembered(space)
        for kind, name in has:
            await self._api.delete(kind, name, space["metadata"]["name"])
        if has:
            await self._remember(space, {})

    def amiss(self, slug: str) -> str:
        """Sentences on what could not be copied; empty where nothing is amiss."""
        return " ".join([*self._missing, *self._failed.get(slug, ())])

    async def _look_if_old(self) -> None:
        async with self._looking:
            if self._clock() - self._at >= FRESH_S:
                await self._look()

    async def _look(self) -> None:
        read = await asyncio.gather(*map(self._original, self._asked))
        self._originals = {one: original for one, (original, _) in zip(self._asked, read, strict=True) if original}
        self._missing = [sentence for _, sentence in read if sentence]
        self._at = self._clock()

    async def _original(self, what: Key) -> tuple[dict[str, Any] | None, str]:
        """As it is, or why it cannot be copied."""
        kind, name = what
        try:
            original = await self._api.get(kind, name, self._settings.release_namespace)
        except ApiProblem as problem:
            if problem.status == 403:
                where = f"of the namespace {self._settings.release_namespace}"
                return None, f"The service may not read the {kind} {name} {where}; it cannot be copied."
            why = problem.status or "no answer"
            return None, f"The {kind} {name} cannot be read; its copies stay as they are ({why})."
        if sentence := copies.amiss(what, original, self._settings):
            return None, sentence
        return original and {**original, "kind": kind}, ""

    async def _write(self, slug: str, what: Key) -> str:
        """Empty, or a sentence on why it did not work."""
        copy = copies.copy(self._originals[what], slug, self._settings)
        try:
            await self._write_anew(copy) if copy["kind"] == "Secret" else await self._api.apply(copy)
        except ApiProblem as problem:
            why = problem.status or "no answer"
            return f"The copy of the {what[0]} {what[1]} cannot be written ({why})."
        return ""

    async def _write_anew(self, secret: dict[str, Any]) -> None:
        """A Secret's type cannot be changed: then the one before has to go."""
        try:
            await self._api.apply(secret)
        except ApiProblem as problem:
            if problem.status != 422:
                raise
            await self._api.delete("Secret", secret["metadata"]["name"], secret["metadata"]["namespace"])
            await self._api.apply(secret)

    async def _remember(self, space: Mapping[str, Any], has: Mapping[Key, str]) -> dict[str, Any]:
        return await self._api.apply(copies.memory(space, has), manager=_MANAGER)
