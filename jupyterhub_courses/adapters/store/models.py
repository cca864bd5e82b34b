"""The tables. Alembic's migrations in `migrations/` make them; a test holds the two together.

Vocabulary: docs/architecture.md. Times are UTC. Scores are state, not events: one row for (assignment, person)
holds what is desired and what the LMS was last sent.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime; SQLite would drop the time zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they are a bug of the caller."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in UTC, whatever the database kept."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: JSON, list[str]: JSON}


class PlatformRow(Base):
    """One LMS."""

    __tablename__ = "platforms"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(63), unique=True)
    issuer: Mapped[str] = mapped_column(String(255), index=True)
    course_creation: Mapped[str] = mapped_column(String(10), default="off")  # off | listed | on
    allowed_contexts: Mapped[list[str]] = mapped_column(default=list)
    course_limit: Mapped[int] = mapped_column(default=100)
    start_from: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # of courses made by a launch
    owner: Mapped[str] = mapped_column(String(10), default="page")  # page | file | config
    title: Mapped[str] = mapped_column(String(255), default="", server_default="")  # what people call it
    home_url: Mapped[str | None] = mapped_column(String(1024))  # where its people begin


class RegistrationRow(Base):
    """One client id of our tool at a platform; with `secret` a consumer of LTI 1.1.

    Canvas has one issuer for all institutions, and may have one client id for several: they differ by deployment.
    """

    __tablename__ = "registrations"
    __table_args__ = (UniqueConstraint("issuer", "client_id", "platform_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platforms.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[str] = mapped_column(String(255))
    deployment_ids: Mapped[list[str]] = mapped_column(default=list)
    authorize_url: Mapped[str] = mapped_column(String(1024))
    token_url: Mapped[str | None] = mapped_column(String(1024))
    keyset_url: Mapped[str | None] = mapped_column(String(1024))
    public_key: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(String(255))  # of LTI 1.1


class PersonRow(Base):
    """(platform, sub) bound to one hub username for ever. Without platform: a person of this hub's own login."""

    __tablename__ = "persons"
    __table_args__ = (UniqueConstraint("platform_id", "sub"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platforms.id"), index=True)
    sub: Mapped[str | None] = mapped_column(String(255))
    username: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    given_name: Mapped[str] = mapped_column(String(255), default="")
    family_name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime]


class CourseRow(Base):
    """One course; `spec` is a CourseSpec as JSON, `state` what the reconciler last saw."""

    __tablename__ = "courses"
    __table_args__ = (UniqueConstraint("platform_id", "context_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(30), unique=True)
    title: Mapped[str] = mapped_column(String(255))
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platforms.id"), index=True)
    context_id: Mapped[str | None] = mapped_column(String(255))
    spec: Mapped[dict[str, Any]] = mapped_column(default=dict)
    owner: Mapped[str] = mapped_column(String(10), default="page")  # page | file | launch
    state: Mapped[str] = mapped_column(String(12), default="pending")  # pending|progressing|ready|degraded|deleting
    reason: Mapped[str] = mapped_column(Text, default="")
    erase: Mapped[bool] = mapped_column(default=False, server_default=false())  # what a deletion does to its files
    exchange_port: Mapped[int | None]
    exchange_token: Mapped[str] = mapped_column(String(64), default="")
    # Where the LMS takes this course's scores and tells its roster; from the newest verified launch.
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registrations.id", ondelete="SET NULL"))
    lineitems_url: Mapped[str | None] = mapped_column(String(1024))
    members_url: Mapped[str | None] = mapped_column(String(1024))
    roster_synced_at: Mapped[datetime | None]
    roster_error: Mapped[str] = mapped_column(Text, default="")
    scores_taken_at: Mapped[float] = mapped_column(Float, default=0.0)  # epoch seconds of the newest snapshot
    created_at: Mapped[datetime]


#: States of courses without their grader user, which roles in the hub need.
UNMADE = ("pending", "deleting")


class MembershipRow(Base):
    """person × course × role."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("course_id", "person_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(10))
    active: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(String(10), default="launch")  # launch | roster | file
    roster_role: Mapped[str | None] = mapped_column(String(10))  # what the last complete roster said; None: not in it
    updated_at: Mapped[datetime]


class AssignmentRow(Base):
    """One assignment of a course's gradebook and its column in the LMS."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("course_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    # The gradebook's own id of it, which outlives a new name; "" where none was said.
    gradebook_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    max_score: Mapped[float] = mapped_column(Float, default=0.0)
    due_at: Mapped[datetime | None]
    in_gradebook: Mapped[bool] = mapped_column(default=True)
    # From the launch whose link named this assignment.
    link_lineitem: Mapped[str | None] = mapped_column(String(1024))
    link_registration_id: Mapped[int | None] = mapped_column(ForeignKey("registrations.id", ondelete="SET NULL"))
    link_lineitems: Mapped[str | None] = mapped_column(String(1024))
    resource_link_id: Mapped[str | None] = mapped_column(String(255))
    # The column in use, and what it was last told.
    lineitem: Mapped[str | None] = mapped_column(String(1024))
    lineitem_label: Mapped[str | None] = mapped_column(String(255))
    lineitem_max: Mapped[float | None] = mapped_column(Float)
    lineitem_due: Mapped[datetime | None]
    # The maximum that it had before, and when it was told the new one.
    rescaled_from: Mapped[float | None] = mapped_column(Float)
    rescaled_at: Mapped[datetime | None]
    # Whose token it takes; label and maximum are None where the column is the activity's own, not ours to change.
    lineitem_registration_id: Mapped[int | None] = mapped_column(ForeignKey("registrations.id", ondelete="SET NULL"))
    lineitem_error: Mapped[str] = mapped_column(String(40), default="")
    lineitem_attempts: Mapped[int] = mapped_column(default=0)
    lineitem_next_at: Mapped[datetime | None]
    # What the LMS shows is read next, and was last; whose grade stays where it differs: keep | ours (core/drift.py).
    look_at: Mapped[datetime | None] = mapped_column(index=True)
    looked_at: Mapped[datetime | None]
    choice: Mapped[str] = mapped_column(String(4), default="keep", server_default="keep")


class ScoreRow(Base):
    """(assignment, person): desired beside sent."""

    __tablename__ = "scores"
    __table_args__ = (
        UniqueConstraint("assignment_id", "person_id"),
        Index("ix_scores_due", "state", "next_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    score: Mapped[float] = mapped_column(Float)
    max_score: Mapped[float] = mapped_column(Float)
    comment: Mapped[str | None] = mapped_column(Text)
    graded_at: Mapped[datetime]
    sent_score: Mapped[float | None] = mapped_column(Float)
    sent_max: Mapped[float | None] = mapped_column(Float)
    sent_comment: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]
    # The newest timestamp ever used in a request for this (item, person): the next one is strictly larger.
    last_timestamp: Mapped[int] = mapped_column(default=0)  # epoch seconds
    # A request was begun whose answer is not known: what the LMS holds may be sent_* or what was being sent.
    in_doubt: Mapped[bool] = mapped_column(default=False)
    # What the LMS showed at the last look since it was sent, on sent_max's scale. Without read_at: nobody has looked.
    lms_score: Mapped[float | None] = mapped_column(Float)
    read_at: Mapped[datetime | None]
    choice: Mapped[str] = mapped_column(String(4), default="", server_default="")  # "": the assignment's
    state: Mapped[str] = mapped_column(String(12), default="due")  # due | sent | waiting | refused | kept
    reason: Mapped[str] = mapped_column(String(40), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]


class NonceRow(Base):
    """A nonce that was used, and the attempt to log in that used it; kept until it could not be used any more."""

    __tablename__ = "nonces"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempt: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class CodeRow(Base):
    """A one-time code that was given out: its digest, what it is for and what it opens."""

    __tablename__ = "codes"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # login | selection | registration
    data: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OutcomeRow(Base):
    """LTI 1.1: where one person's result of one assignment goes. Each launch may change it."""

    __tablename__ = "outcomes"
    __table_args__ = (UniqueConstraint("assignment_id", "person_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registrations.id", ondelete="CASCADE"), index=True)
    sourcedid: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(String(1024))


class EventRow(Base):
    """What happened to a course, for its page. No personal data."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
