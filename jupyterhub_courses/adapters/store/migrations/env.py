"""Alembic's environment: runs on the connection that `Database.migrate` hands over."""

from typing import Any, Literal

from alembic import context

from jupyterhub_courses.adapters.store.models import Base, UTCDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Migrations name plain types, so that an old one does not change with our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
