"""The store: SQLAlchemy 2 (async) on SQLite or PostgreSQL. Owned by the service; nobody else opens it."""
