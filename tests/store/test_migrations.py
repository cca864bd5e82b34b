"""The migrations make the tables that the models say."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from jupyterhub_courses.adapters.store.models import Base


async def test_the_migrations_make_exactly_the_tables_of_the_models(database):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_changes_nothing(database):
    await database.migrate()
