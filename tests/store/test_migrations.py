"""The migrations make the tables that the models say, and keep what is in them."""

import asyncio

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from jupyterhub_courses.adapters.store.database import Database, alembic_config
from jupyterhub_courses.adapters.store.models import Base

FIRST_ROWS = [
    "INSERT INTO platforms (id, name, issuer, course_creation, allowed_contexts, course_limit, owner) "
    "VALUES (1, 'moodle', 'https://lms', 'on', '[]', 9, 'file')",
    "INSERT INTO registrations (id, platform_id, issuer, client_id, deployment_ids, authorize_url) "
    "VALUES (1, 1, 'https://lms', 'abc', '[\"1\"]', 'https://lms/auth')",
    "INSERT INTO courses (id, slug, title, platform_id, context_id, spec, owner, state, reason, exchange_token, "
    "registration_id, roster_error, scores_taken_at, created_at) "
    "VALUES (1, 'ml101', 'ML', 1, '2', '{}', 'launch', 'ready', '', 'x', 1, '', 0, '2026-03-02 10:15:00')",
]


async def test_the_migrations_make_exactly_the_tables_of_the_models(database):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_changes_nothing(database):
    await database.migrate()


async def test_replicas_that_start_together_migrate_one_after_the_other(postgres_url):
    replicas = [Database(postgres_url) for _ in range(4)]
    try:
        await asyncio.gather(*(replica.migrate() for replica in replicas))
        async with replicas[0].reading() as session:
            assert await session.scalar(text("SELECT count(*) FROM courses")) == 0
    finally:
        for replica in replicas:
            await replica.close()


async def test_what_the_first_version_stored_is_there_after_migrating(database):
    def first_version(connection):
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_ROWS:
            connection.execute(text(statement))

    async with database.engine.connect() as connection:
        await connection.run_sync(first_version)
        await connection.commit()
    await database.migrate()
    async with database.engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT p.name, p.title, r.client_id, c.registration_id FROM platforms p "
                "JOIN registrations r ON r.platform_id = p.id JOIN courses c ON c.platform_id = p.id"
            )
        )
        assert found.all() == [("moodle", "", "abc", 1)]
