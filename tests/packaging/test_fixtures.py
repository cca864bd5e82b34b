"""The suite's own fixtures: each one does on this machine what it promises, or is left out by name."""

import asyncio
import socket

import asyncpg


async def test_a_database_of_the_private_server_is_empty_and_on_loopback(postgres_url):
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    try:
        tables = await connection.fetchval("select count(*) from information_schema.tables where table_schema='public'")
        listens = await connection.fetchval("show listen_addresses")
    finally:
        await connection.close()
    assert (tables, listens) == (0, "127.0.0.1")


async def test_two_tests_do_not_share_a_database(postgres_server):
    with postgres_server.database() as one, postgres_server.database() as other:
        assert one != other


def test_free_ports_can_be_bound(free_port):
    with socket.socket() as one:
        one.bind(("127.0.0.1", free_port()))


def test_a_browser_shows_a_page(browser):
    browser.get("data:text/html,<title>a page</title>")
    assert browser.title == "a page"


async def test_the_proxy_starts(chp):
    process = await asyncio.create_subprocess_exec(chp, "--version", stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0 and output.decode().startswith("5.")
