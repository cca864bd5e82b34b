"""What an error of the database says: it goes to the log whole."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jupyterhub_courses.adapters.store.people import People
from jupyterhub_courses.core.records import Person


async def test_it_names_nobody(database):
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE persons RENAME TO elsewhere"))
    ada = Person(0, None, "sub-of-ada", "ada", "Ada Lovelace", "Ada", "Lovelace", "ada@lab.invalid")
    for asked in (People(database).create(ada, datetime.now(UTC)), People(database).find(None, "sub-of-ada")):
        with pytest.raises(DBAPIError) as caught:
            await asked
        said = f"{caught.value} {caught.value!r}"
        assert "persons" in said and "Lovelace" not in said and "sub-of-ada" not in said and "ada@" not in said
