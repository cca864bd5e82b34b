"""Which platforms may stand beside each other, as pure rules.

Promises: a launch leads to one platform for certain, so no two of them may accept the same deployment of the same
client id; a login, which begins before the deployment is known, is the same whichever of them it will be; and the
people of one LMS never become those of another. Canvas has one issuer for all institutions, and a developer key that
several of them inherit is one client id: they differ by deployment alone. Only the token address may differ there: it
lies at the institution, like the services whose tokens it gives.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .records import Platform, Registration
from .specs import PlatformSpec

PAGE, CONFIG = "page", "config"  # owners beside diffs.FILE


@dataclass(frozen=True)
class Known:
    """One platform as it stands: its registrations, who hangs on it, and which of them have brought a launch."""

    platform: Platform
    registrations: tuple[Registration, ...]
    people: int = 0
    courses: int = 0
    launched: frozenset[int] = frozenset()  # ids of registrations

    @property
    def settled(self) -> bool:
        """Whether people or courses are known by this platform's name."""
        return bool(self.people or self.courses)


@dataclass(frozen=True)
class Clash:
    """Why a platform can't be as it is wanted."""

    code: str
    platform: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    def text(self, language: str = "en") -> str:
        """One sentence."""
        texts = _SENTENCES[self.code]
        return (texts.get(language) or texts["en"]).format(platform=self.platform, **self.values)


class Clashing(Exception):
    """A platform was refused; nothing was changed."""

    def __init__(self, clash: Clash) -> None:
        super().__init__(clash.text())
        self.clash = clash


def clash(wanted: Registration, others: Iterable[Registration]) -> Clash | None:
    """What keeps `wanted` from standing beside the registrations of other platforms."""
    for other in others:
        mine, theirs = (wanted.issuer, wanted.client_id), (other.issuer, other.client_id)
        if wanted.is_lti11 and other.is_lti11 and other.platform != wanted.platform:
            if wanted.client_id == other.client_id:  # with LTI 1.1 the key alone says who launches
                return Clash("key_taken", wanted.platform, {"key": wanted.client_id, "other": other.platform})
            continue
        if other.platform == wanted.platform or mine != theirs or wanted.is_lti11 or other.is_lti11:
            continue
        values = {"client_id": wanted.client_id, "other": other.platform}
        shared = set(wanted.deployment_ids) & set(other.deployment_ids)
        if shared:
            return Clash("deployment_taken", wanted.platform, {**values, "deployment": min(shared)})
        if not wanted.deployment_ids or not other.deployment_ids:
            return Clash("deployments_needed", wanted.platform, values)
        if _login(wanted) != _login(other):
            return Clash("addresses_differ", wanted.platform, values)
    return None


def moved(platform: Platform, known: Known | None) -> Clash | None:
    """What keeps a known platform from becoming `platform`: its people are known by its name."""
    if known is None or not known.settled or known.platform.issuer == platform.issuer:
        return None
    return Clash("another_lms", platform.name, {"issuer": known.platform.issuer})


def unread_secrets(spec: PlatformSpec) -> list[str]:
    """Sentences about secrets that are still in a file: only the command can read it, for it knows where it lies."""
    return [
        f"{spec.name}: consumers: the secret of {consumer.key} is in a file, which only the command apply reads"
        for consumer in spec.consumers
        if consumer.secret is None
    ]


def of_spec(spec: PlatformSpec) -> tuple[Platform, tuple[Registration, ...]]:
    """Records of a spec; without ids."""
    creation = spec.course_creation
    start = creation.start_from.model_dump(mode="json", exclude_none=True) if creation.start_from else None
    platform = Platform(
        id=0,
        name=spec.name,
        issuer=spec.issuer,
        course_creation=creation.mode,
        allowed_contexts=creation.contexts,
        course_limit=creation.limit,
        start_from=start,
        title=spec.title,
        home_url=spec.home,
    )
    return platform, tuple(
        Registration(
            id=0,
            platform_id=0,
            platform=spec.name,
            issuer=spec.issuer,
            client_id=r.client_id,
            deployment_ids=r.deployment_ids,
            authorize_url=r.authorize_url,
            token_url=r.token_url,
            keyset_url=r.keyset_url,
            public_key=r.public_key,
        )
        for r in spec.registrations
    ) + tuple(
        Registration(
            id=0,
            platform_id=0,
            platform=spec.name,
            issuer=spec.issuer,
            client_id=consumer.key,
            deployment_ids=(),
            authorize_url="",
            token_url=None,
            keyset_url=None,
            public_key=None,
            secret=consumer.secret or "",
        )
        for consumer in spec.consumers
    )


def added(present: Iterable[Registration], wanted: Iterable[Registration]) -> tuple[Registration, ...]:
    """`wanted` beside what is there: of a client id that is there, deployment ids are added and addresses replaced."""
    there = {(r.issuer, r.client_id): r for r in present if not r.is_lti11}
    result = []
    for one in wanted:
        old = there.get((one.issuer, one.client_id))
        ids = (*(old.deployment_ids if old else ()), *one.deployment_ids)
        result.append(replace(one, deployment_ids=tuple(dict.fromkeys(ids))))
    return tuple(result)


def _login(registration: Registration) -> tuple[str | None, ...]:
    """What a login uses before it knows the deployment."""
    return registration.authorize_url, registration.keyset_url, (registration.public_key or "").strip()


_SENTENCES: dict[str, dict[str, str]] = {
    "deployment_taken": {
        "en": "{platform}: client id {client_id} with deployment id {deployment} belongs to platform {other}: two "
        "platforms can't have the same. To change {other}, name it.",
        "de": "{platform}: Die Client-ID {client_id} mit der Deployment-ID {deployment} gehört zur Plattform {other}: "
        "Zwei Plattformen können nicht dieselbe haben. Um {other} zu ändern, nennen Sie sie beim Namen.",
    },
    "deployments_needed": {
        "en": "{platform}: client id {client_id} belongs to platform {other}, too. Platforms that share a client id "
        "are told apart by their deployment ids: both have to name theirs.",
        "de": "{platform}: Die Client-ID {client_id} gehört auch zur Plattform {other}. Plattformen mit derselben "
        "Client-ID unterscheiden sich durch ihre Deployment-IDs: Beide müssen ihre nennen.",
    },
    "addresses_differ": {
        "en": "{platform}: client id {client_id} belongs to platform {other}, too. Platforms that share a client id "
        "need the same authorize_url and the same keyset_url or public_key; only token_url may differ.",
        "de": "{platform}: Die Client-ID {client_id} gehört auch zur Plattform {other}. Plattformen mit derselben "
        "Client-ID brauchen dieselbe authorize_url und dieselbe keyset_url oder denselben public_key; nur token_url "
        "darf sich unterscheiden.",
    },
    "key_taken": {
        "en": "{platform}: the key {key} of LTI 1.1 belongs to platform {other}: two platforms can't have the same.",
        "de": "{platform}: Der Schlüssel {key} von LTI 1.1 gehört zur Plattform {other}: Zwei Plattformen können nicht "
        "denselben haben.",
    },
    "another_lms": {
        "en": "{platform}: its issuer is {issuer}, and people or courses are known by this name. Another LMS needs "
        "another name. If it is the same LMS at a new address, tell so with: jupyterhub-courses platforms move "
        "{platform} NEW-ISSUER",
        "de": "{platform}: Ihr Issuer ist {issuer}, und unter diesem Namen sind Personen oder Kurse bekannt. Eine "
        "andere Lernplattform braucht einen anderen Namen. Ist es dieselbe unter neuer Adresse, sagen Sie es mit: "
        "jupyterhub-courses platforms move {platform} NEUER-ISSUER",
    },
}
