#!/usr/bin/env python3
"""Holds what `mettle types` and `mettle schema` print to what they are for.

  tests/types/run.py [--binary build/dev/mettle]

The schema takes the examples and refuses what is none. The client of each example and the code of docs/guides/types.md
compile, strictly; shop_test.ts uses the shop's against a server. Exit code 0 when all holds. Needs node and the packages
of tools/npm (make setup).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from scenario.server import Server, Trouble, environment  # noqa: E402

TSC = ROOT / "tools/npm/node_modules/typescript/bin/tsc"
EXAMPLES = ("todo", "shortener", "hiring", "shop")
CONFIG = {
    "compilerOptions": {
        "strict": True, "noUncheckedIndexedAccess": True, "exactOptionalPropertyTypes": True, "noUnusedLocals": True,
        "noUnusedParameters": True, "noImplicitReturns": True, "erasableSyntaxOnly": True, "target": "es2022",
        "lib": ["es2022", "dom", "dom.iterable"], "types": [], "module": "es2022", "moduleResolution": "bundler",
        "outDir": "out"},
    "files": [f"{name}.ts" for name in (*EXAMPLES, "shop_test", "guide")]}
CUSTOMER = "01900000-0000-7000-8000-000100000001"
OTHER = "01900000-0000-7000-8000-000100000002"


def run(command, folder, env, **more):
    """Its stdout; the test ends where it fails."""
    done = subprocess.run([str(part) for part in command], cwd=folder, env=env, text=True, stdout=subprocess.PIPE, **more)
    if done.returncode != 0:
        sys.exit(f"types: {' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def write_guide(binary, folder, env):
    """The TypeScript of docs/guides/types.md as one program, over the app that the page shows."""
    page = (ROOT / "docs/guides/types.md").read_text("utf-8")
    fences = re.findall(r"^```(yaml mettle|ts)\n(.*?)^```", page, re.M | re.S)
    (folder / "guide.yaml").write_text("".join(text for kind, text in fences if kind != "ts"))
    run([binary, "types", "guide.yaml", "-o", "client.ts"], folder, env)
    code = "\n".join(text for kind, text in fences if kind == "ts")
    (folder / "guide.ts").write_text(code + "\ndeclare const process: { env: { SHOP_KEY: string } };\n")


def compile_examples(binary, folder, env):
    for example in EXAMPLES:
        run([binary, "types", ROOT / f"examples/{example}/mettle.yaml", "-o", f"{example}.ts"], folder, env)
    write_guide(binary, folder, env)
    shutil.copy(ROOT / "tests/types/shop_test.ts", folder)
    (folder / "tsconfig.json").write_text(json.dumps(CONFIG))
    run(["node", TSC], folder, env)
    (folder / "out/package.json").write_text('{"type": "module"}\n')


def check_schema(binary, folder, env):
    run([binary, "schema", "-o", "schema.json"], folder, env)
    files = [ROOT / f"examples/{example}/mettle.yaml" for example in EXAMPLES]
    print(run(["node", ROOT / "tests/types/schema.mjs", "schema.json", *files, ROOT / "src/app/starter/mettle.yaml"],
              folder, env), end="")


def make_users(url, admin):
    rows = [{"id": CUSTOMER, "email": "ann@example.test", "name": "Ann"},
            {"id": OTHER, "email": "bob@example.test", "name": "Bob"}]
    headers = {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/users", json.dumps(rows).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def use_shop(binary, folder, env):
    app = ROOT / "examples/shop/mettle.yaml"
    server = Server(str(binary), str(app), folder, "", env)
    server.start()
    try:
        def key(*options):
            return run([binary, "key", "create", app, "--data", folder / "data", *options], folder, env).strip()
        admin = key("--role", "admin", "--role", "clerk")
        make_users(server.url, admin)
        known = {"SHOP_URL": server.url, "ADMIN_KEY": admin, "CUSTOMER_KEY": key("--role", "customer", "--user", CUSTOMER),
                 "OTHER_KEY": key("--role", "customer", "--user", OTHER)}
        print(run(["node", "out/shop_test.js"], folder, {**env, **known}, timeout=240), end="")
        server.stop()
    finally:
        server.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/dev/mettle"))
    binary = pathlib.Path(parser.parse_args().binary).resolve()
    if not TSC.is_file():
        sys.exit("types: there is no TypeScript in tools/npm; run make setup")
    with tempfile.TemporaryDirectory(prefix="mettle-types-") as name:
        folder = pathlib.Path(name)
        env = environment(folder, {})
        try:
            check_schema(binary, folder, env)
            compile_examples(binary, folder, env)
            use_shop(binary, folder, env)
        except Trouble as error:
            sys.exit(f"types: {error}")


if __name__ == "__main__":
    os.umask(0o077)
    main()
