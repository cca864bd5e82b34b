"""What a course and a platform are specified to be: validated values, and the notation people write them in.

Promises: a spec that exists is valid and never changes; every refusal is a sentence that can be shown to the
person who wrote the text. Where a text's lines are, and what several specs must not share, is filecheck's
business.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from . import notation
from .records import Course


def _limit_alone(value: object) -> object:
    """`memory: 2G` is short for `memory: {limit: 2G}`."""
    return value if isinstance(value, dict | BaseModel) or value is None else {"limit": value}


def _python_alone(value: object) -> object:
    """`environment: /opt/ml101` is short for `environment: {python: /opt/ml101}`."""
    return {"python": value} if isinstance(value, str) else value


def _switch(value: object) -> object:
    """`course_creation: on` is short for `{mode: on}`; YAML 1.1 reads a bare `on` as a truth value."""
    if isinstance(value, bool):
        value = "on" if value else "off"
    if isinstance(value, dict) and isinstance(value.get("mode"), bool):
        value = {**value, "mode": "on" if value["mode"] else "off"}
    return {"mode": value} if isinstance(value, str) else value


def _egress_alone(value: object) -> object:
    """`egress: on` is short for `egress: {internet: on}`."""
    return {"internet": value} if isinstance(value, bool | str) else value


Bytes = Annotated[int, BeforeValidator(notation.parse_bytes), Field(le=2**50)]
Seconds = Annotated[int, BeforeValidator(notation.parse_seconds), Field(le=30 * 86400)]
Cores = Annotated[float, BeforeValidator(notation.parse_cores)]
Slug = Annotated[str, AfterValidator(notation.slug)]
Url = Annotated[str, Field(max_length=1024), AfterValidator(notation.web_address)]
Text = Annotated[str, Field(min_length=1, max_length=255)]
StorageClass = Annotated[str, AfterValidator(notation.object_name)]
Image = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[\w./:@-]+$")]
Extra = Annotated[
    dict[Annotated[str, AfterValidator(notation.resource)], Annotated[int, Field(ge=1, le=64)]], Field(max_length=8)
]
Variables = Annotated[
    dict[Annotated[str, AfterValidator(notation.variable)], Annotated[str, Field(max_length=4096)]],
    Field(max_length=100),
]
NodeSelector = Annotated[
    dict[Annotated[str, AfterValidator(notation.label)], Annotated[str, AfterValidator(notation.label_value)]],
    Field(max_length=20),
]


class Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LmsCourse(Spec):
    """The course's other half: `context` is the id the LMS gives the course in every launch."""

    platform: Text
    context: Text


class Environment(Spec):
    """What the course's servers run: a Python environment on one machine, an image on a cluster."""

    python: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    image: Image | None = None


class Cpu(Spec):
    guarantee: Cores | None = None
    limit: Cores | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Cpu":
        _not_above(self.guarantee, self.limit)
        return self


class Memory(Spec):
    """Bytes."""

    guarantee: Bytes | None = None
    limit: Bytes | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Memory":
        _not_above(self.guarantee, self.limit)
        return self


def _not_above(guarantee: float | None, limit: float | None) -> None:
    if guarantee is not None and limit is not None and guarantee > limit:
        raise ValueError("what is guaranteed is more than the limit")


CpuField = Annotated[Cpu, BeforeValidator(_limit_alone)]
MemoryField = Annotated[Memory, BeforeValidator(_limit_alone)]


class Exchange(Spec):
    """`upload_limit`: bytes of one submission or released assignment."""

    upload_limit: Bytes = 64 * 2**20


class Grader(Spec):
    """The shared graders' server, where it differs from the students'."""

    cpu: CpuField | None = None
    memory: MemoryField | None = None
    storage: Bytes | None = None


class Toleration(Spec):
    """Of a node's taint; without `value`, whatever the taint's is."""

    key: Annotated[str, AfterValidator(notation.label)]
    value: Annotated[str, AfterValidator(notation.label_value)] | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Shared(Spec):
    """A volume of all servers of the course: graders write it, students read it."""

    size: Bytes
    storage_class: StorageClass | None = None


class Quota(Spec):
    """What the course's servers may have together: `servers` at once, guaranteed cores and bytes, bytes of volumes."""

    servers: Annotated[int, Field(ge=1, le=10_000)] | None = None
    cpu: Annotated[float, BeforeValidator(notation.parse_cores)] | None = None
    memory: Bytes | None = None
    storage: Bytes | None = None


class Destination(Spec):
    """Addresses outside that servers may reach; without `ports`, all of them."""

    cidr: Annotated[str, AfterValidator(notation.network)]
    ports: Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], Field(max_length=20)] = ()


class Egress(Spec):
    """What servers may reach beyond hub and exchange: the public internet, and listed addresses."""

    internet: bool = False
    to: Annotated[tuple[Destination, ...], Field(max_length=50)] = ()


class Profile(Spec):
    """A size to choose from when a server starts; what it does not say is the course's."""

    title: Text
    description: Annotated[str, Field(max_length=1000)] = ""
    image: Image | None = None
    cpu: CpuField | None = None
    memory: MemoryField | None = None
    resources: Extra = Field(default_factory=dict)


class StartFrom(Spec):
    """An existing nbgrader course, copied once when the course is made."""

    git: Annotated[str, Field(max_length=1000), AfterValidator(notation.git_address)] | None = None
    ref: Annotated[str, AfterValidator(notation.git_ref)] | None = None
    path: Annotated[str, Field(max_length=1000), AfterValidator(notation.path_inside)] | None = None
    folder: Annotated[str, Field(max_length=4000), AfterValidator(notation.folder)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "StartFrom":
        if (self.git is None) == (self.folder is None):
            raise ValueError("needs either git or folder")
        if self.folder is not None and (self.ref is not None or self.path is not None):
            raise ValueError("ref and path belong to git, not to folder")
        return self


class Material(Spec):
    """A git repository whose notebooks links may open in people's servers; `path` is what opens by default."""

    git: Annotated[str, Field(max_length=1000), AfterValidator(notation.git_address)]
    branch: Annotated[str, AfterValidator(notation.git_ref)] | None = None
    path: Annotated[str, Field(max_length=1000), AfterValidator(notation.path_inside)] | None = None
    title: Annotated[str, Field(max_length=255)] = ""


class Member(Spec):
    """A person named by hand, for a course without an LMS."""

    username: Annotated[str, AfterValidator(notation.username)]
    name: Annotated[str, Field(max_length=255)] = ""
    role: Literal["student", "grader", "instructor"] = "student"


def materials_of(spec: dict[str, Any]) -> tuple[Material, ...]:
    """The materials of a stored spec."""
    return tuple(Material.model_validate(entry) for entry in spec.get("materials", ()))


class CourseSpec(Spec):
    """`autograde`: in a pod of its own, or in the graders' server; on one machine always the latter.

    `removed_people`: what becomes of the running server of somebody who is no longer a member.
    """

    slug: Slug
    title: Text
    lms: LmsCourse | None = None
    environment: Annotated[Environment, BeforeValidator(_python_alone)] = Environment()
    cpu: CpuField = Cpu()
    memory: MemoryField = Memory()
    storage: Bytes | None = None
    storage_class: StorageClass | None = None
    resources: Extra = Field(default_factory=dict)
    node_selector: NodeSelector = Field(default_factory=dict)
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=20)] = ()
    variables: Variables = Field(default_factory=dict)
    shared: Shared | None = None
    quota: Quota = Quota()
    egress: Annotated[Egress, BeforeValidator(_egress_alone)] = Egress()
    profiles: Annotated[tuple[Profile, ...], Field(max_length=20)] = ()
    autograde: Literal["apart", "server"] | None = None
    exchange: Exchange = Exchange()
    grader: Grader = Grader()
    start_from: StartFrom | None = None
    materials: Annotated[tuple[Material, ...], Field(max_length=100)] = ()
    people: Annotated[tuple[Member, ...], Field(max_length=5000)] = ()
    idle_timeout: Seconds | None = None
    removed_people: Literal["stop", "keep"] = "stop"


def stops_removed_people(course: Course) -> bool:
    """Whether servers of people who are no longer members are stopped."""
    return bool(course.spec.get("removed_people", "stop") == "stop")


def spec_of(course: Course) -> CourseSpec:
    """The stored spec as a validated value."""
    return CourseSpec.model_validate({**course.spec, "slug": course.slug, "title": course.title})


class Registration(Spec):
    """The tool's registration at an LMS: one client id, with a keyset's address or a public key."""

    client_id: Text
    deployment_ids: Annotated[tuple[Text, ...], Field(max_length=1000)] = ()
    authorize_url: Url
    token_url: Url
    keyset_url: Url | None = None
    public_key: Annotated[str, Field(max_length=20_000)] | None = None

    @model_validator(mode="after")
    def _one_key(self) -> "Registration":
        if (self.keyset_url is None) == (self.public_key is None):
            raise ValueError("needs either keyset_url or public_key")
        return self


class Consumer(Spec):
    """A key of LTI 1.1 with its shared secret, or with the file that holds it, seen from the courses file."""

    key: Text
    secret: Annotated[str, BeforeValidator(notation.secret)] | None = Field(None, repr=False)
    secret_file: Annotated[str, Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> "Consumer":
        if (self.secret is None) == (self.secret_file is None):
            raise ValueError("needs either secret or secret_file")
        return self


class CourseCreation(Spec):
    """Whether a teacher's first launch makes a course: `listed` for these contexts only; at most `limit`."""

    mode: Literal["off", "listed", "on"] = "off"
    contexts: Annotated[tuple[Text, ...], Field(max_length=10_000)] = ()
    limit: Annotated[int, Field(ge=0, le=100_000)] = 100
    start_from: StartFrom | None = None

    def allows(self, context: str, existing: int) -> bool:
        """Whether `context` may become a course when the platform already has `existing` such courses."""
        listed = self.mode == "on" or (self.mode == "listed" and context in self.contexts)
        return listed and existing < self.limit


class PlatformSpec(Spec):
    """`title`: what people call it. `home`: where its people begin; without it, the issuer where that is an address."""

    name: Slug
    title: Annotated[str, Field(max_length=255)] = ""
    issuer: Text
    home: Url | None = None
    registrations: Annotated[tuple[Registration, ...], Field(max_length=50)] = ()
    consumers: Annotated[tuple[Consumer, ...], Field(max_length=50)] = ()
    course_creation: Annotated[CourseCreation, BeforeValidator(_switch)] = CourseCreation()

    @model_validator(mode="after")
    def _reachable(self) -> "PlatformSpec":
        if not self.registrations and not self.consumers:
            raise ValueError("needs registrations (LTI 1.3) or consumers (LTI 1.1)")
        if {r.client_id for r in self.registrations} & {c.key for c in self.consumers}:
            raise ValueError("a key of consumers is a client_id of registrations, too")
        return self


class CoursesFile(Spec):
    """A courses file whole; what its parts must not share is checked by filecheck.check_data, so use that."""

    platforms: Annotated[tuple[PlatformSpec, ...], Field(max_length=200)] = ()
    courses: Annotated[tuple[CourseSpec, ...], Field(max_length=5000)] = ()


def not_on_one_machine(spec: CourseSpec) -> list[str]:
    """Sentences naming what the spec asks for and one machine's local processes can't give."""
    limits: list[tuple[str, Any]] = [
        ("cpu", spec.cpu != Cpu()),
        ("memory", spec.memory != Memory()),
        ("storage", spec.storage is not None),
        ("idle_timeout", spec.idle_timeout is not None),
        ("grader.cpu", spec.grader.cpu not in (None, Cpu())),
        ("grader.memory", spec.grader.memory not in (None, Memory())),
        ("grader.storage", spec.grader.storage is not None),
        ("quota", spec.quota != Quota()),
        ("egress", spec.egress != Egress()),
    ]
    notes = [f"{name} is not enforced on one machine: its servers are plain processes" for name, set_ in limits if set_]
    only: list[tuple[str, Any]] = [
        (name, getattr(spec, name))
        for name in ("storage_class", "resources", "node_selector", "tolerations", "variables", "shared", "profiles")
    ]
    only.append(("autograde", spec.autograde == "apart"))
    notes += [f"{name} does not apply on one machine: a cluster does it" for name, set_ in only if set_]
    if spec.environment.image is not None:
        notes.append("environment.image does not apply on one machine: set environment.python instead")
    return [f"{spec.slug}: {note}" for note in notes]


def not_on_a_cluster(spec: CourseSpec) -> list[str]:
    """Sentences naming what the spec asks for and a course on a cluster can't have, or not without more."""
    notes = []
    if spec.environment.python is not None:
        notes.append("environment.python does not apply on a cluster: set environment.image instead")
    if spec.start_from is not None and spec.start_from.folder is not None:
        notes.append("start_from.folder does not apply on a cluster, which sees no folder of one machine: name a git")
    fetched = spec.materials or (spec.start_from is not None and spec.start_from.git is not None)
    if fetched and spec.egress == Egress():
        notes.append("materials and start_from are fetched by the course's servers, and its egress allows nothing")
    return [f"{spec.slug}: {note}" for note in notes]
