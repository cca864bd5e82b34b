"""A PostgreSQL server of the suite's own, on loopback or at an address that a test names, in a temporary folder.

It needs Debian's or any other installation of the server's programs, and nothing else: no running cluster, no account.
PostgreSQL refuses to run as root, so root starts it as the user `postgres`.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .ports import free_port

_USER = "tester"
_START_SECONDS = 30


def programs() -> Path | None:
    """The folder with initdb, postgres and createdb: the newest that is installed, or None."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@dataclass(frozen=True)
class Server:
    """A running server; every database made by `database()` is of its caller alone."""

    bin: Path
    port: int
    password: str

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A fresh database's SQLAlchemy URL; the database is dropped afterwards, open connections or not.

        It is empty, or a copy of another to which nobody is connected.
        """
        name = f"test_{secrets.token_hex(6)}"
        self._run("createdb", f"--template={template}", name)
        try:
            yield f"postgresql+asyncpg://{_USER}:{self.password}@127.0.0.1:{self.port}/{name}"
        finally:
            self._run("dropdb", "--force", name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.bin / program, "--host=127.0.0.1", f"--port={self.port}", f"--username={_USER}", *arguments]
        environment = os.environ | {"PGPASSWORD": self.password}
        subprocess.run(command, env=environment, check=True, timeout=30, capture_output=True)

    def ready(self) -> bool:
        command = [self.bin / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}", "--dbname=postgres"]
        return subprocess.run(command, timeout=10, check=False).returncode == 0


@contextmanager
def server(bin: Path, address: str = "") -> Iterator[Server]:
    """One that is there meanwhile. `address`: one of this machine's at which others reach it, too."""
    folder = Path(tempfile.mkdtemp(prefix="courses-postgres-"))
    as_whom: dict = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_whom = {"user": "postgres", "group": "postgres", "extra_groups": []}
    this = Server(bin, free_port(), secrets.token_hex(16))
    log = folder / "log"
    try:
        password_file = folder / "password"
        password_file.write_text(this.password)
        if as_whom:
            shutil.chown(password_file, "postgres", "postgres")
        initdb = [bin / "initdb", "--pgdata", folder / "data", "--username", _USER, "--auth=scram-sha-256"]
        initdb += [f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, check=True, timeout=120, capture_output=True, cwd=folder, **as_whom)
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all 0.0.0.0/0 scram-sha-256\n" if address else "")
        # Nothing here has to survive a power cut.
        where = ",".join(["127.0.0.1", *filter(None, [address])])
        settings = {"listen_addresses": where, "port": this.port, "unix_socket_directories": folder}
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": 50}
        command = [bin / "postgres", "-D", folder / "data", *(f"--{name}={value}" for name, value in settings.items())]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, **as_whom)
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not this.ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield this
        finally:
            process.send_signal(signal.SIGINT)  # "fast": open connections are cut
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
