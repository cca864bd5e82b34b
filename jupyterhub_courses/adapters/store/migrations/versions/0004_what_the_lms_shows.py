"""When what an LMS shows is read, and whose grade stays."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("assignments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("choice", sa.String(4), nullable=False, server_default="keep"))
        batch_op.create_index("ix_assignments_look_at", ["look_at"])
    with op.batch_alter_table("scores", schema=None) as batch_op:
        batch_op.add_column(sa.Column("choice", sa.String(4), nullable=False, server_default=""))
    # What was sent before is looked at soon.
    op.execute("UPDATE assignments SET look_at = CURRENT_TIMESTAMP WHERE lineitem IS NOT NULL")
