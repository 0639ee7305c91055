#!/usr/bin/env python3
"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket in it, for one run.

    tools/postgres.py start FILE    makes one and starts it; FILE then holds the folder of its socket
    tools/postgres.py stop FILE     stops it and removes the folder and FILE
    tools/postgres.py psql FILE …   psql on it, with what else is given

`make test` starts one as build/postgres for the tests that need it, and stops it. By hand:

    tools/postgres.py start build/postgres && build/dev/db_test; tools/postgres.py stop build/postgres

The server never runs as root, which it refuses: as the package's user then. Nothing listens on the network. Its settings are the
defaults, so a commit is synced. Exit code 1 with what went wrong.
"""
import grp
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

VERSIONS = (15, 16, 17, 18)
PACKAGE_USER = "postgres"
START_SECONDS = 60


def tool(name):
    for version in VERSIONS:
        path = pathlib.Path(f"/usr/lib/postgresql/{version}/bin/{name}")
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if not found:
        sys.exit(f"postgres: there is no {name}; make setup installs postgresql-15")
    return found


def run(command):
    """As who the server runs as."""
    as_user = {}
    if os.geteuid() == 0:
        as_user = {"user": PACKAGE_USER, "group": PACKAGE_USER, "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": "/"}
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=START_SECONDS,
                          **as_user)
    if done.returncode != 0:
        sys.exit(f"postgres: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")


def start(file):
    if file.exists():
        stop(file)  # of a run that was broken off
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-postgres-"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(PACKAGE_USER).pw_uid, grp.getgrnam(PACKAGE_USER).gr_gid)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{folder}\n", encoding="utf-8")
    os.chmod(folder, 0o755)  # the tests' user comes to the socket
    data = folder / "data"
    run([tool("initdb"), "-D", str(data), "-U", "mettle", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
    run([tool("pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses=", "start"])


def stop(file):
    if not file.exists():
        return
    folder = pathlib.Path(file.read_text("utf-8").strip())
    if (folder / "data/postmaster.pid").exists():
        run([tool("pg_ctl"), "-D", str(folder / "data"), "-w", "-m", "immediate", "stop"])
    if folder.name.startswith("mettle-postgres-"):
        shutil.rmtree(folder, ignore_errors=True)
    file.unlink()


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("start", "stop", "psql"):
        print(__doc__, file=sys.stderr)
        return 2
    file = pathlib.Path(arguments[1])
    if arguments[0] == "psql":
        host = file.read_text("utf-8").strip()
        return subprocess.run([tool("psql"), "-h", host, "-U", "mettle", *arguments[2:]], check=False).returncode
    (start if arguments[0] == "start" else stop)(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
