"""What an error of the database says: it goes to the log whole."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from jupyterhub_courses.adapters.store.database import Database, is_away
from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.records import Person

from ..support.ports import free_port


async def test_it_names_nobody(database):
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE persons RENAME TO elsewhere"))
    ada = Person(0, None, "sub-of-ada", "ada", "Ada Lovelace", "Ada", "Lovelace", "ada@lab.invalid")
    for asked in (People(database).create(ada, datetime.now(UTC)), People(database).find(None, "sub-of-ada")):
        with pytest.raises(DBAPIError) as caught:
            await asked
        said = f"{caught.value} {caught.value!r}"
        assert "persons" in said and "Lovelace" not in said and "sub-of-ada" not in said and "ada@" not in said


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
async def test_a_database_that_cannot_be_reached_is_away(host):
    database = Database(f"postgresql://somebody:secret@{host}:{free_port()}/courses")
    for session in (database.reading, database.transaction):
        with pytest.raises(Exception) as caught:
            async with session() as opened:
                await opened.execute(text("SELECT 1"))
        assert is_away(caught.value)
    await database.close()


async def test_a_connection_that_was_cut_is_a_database_that_is_away(database):
    if database.is_sqlite:
        return
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as session:
            backend = await session.scalar(text("SELECT pg_backend_pid()"))
            async with database.transaction() as other:
                await other.execute(text(f"SELECT pg_terminate_backend({backend})"))
            await session.execute(text("SELECT 1"))
    assert is_away(caught.value)
    assert not is_away(IntegrityError("", {}, Exception())) and not is_away(ValueError()) and not is_away(None)
