"""What a column was told of its assignment, and which assignment of the gradebook it is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("assignments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gradebook_id", sa.String(64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("lineitem_due", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("rescaled_from", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("rescaled_at", sa.DateTime(timezone=True), nullable=True))
