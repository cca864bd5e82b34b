"""What tests borrow from the machine: a PostgreSQL server, a browser, the proxy, the recordings."""
