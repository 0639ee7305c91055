#!/usr/bin/env python3
"""`make package`: the binary as a Debian package and as an archive, with its licences and a software bill of materials.

    tools/package.py [--binary build/optimised/mettle] [--out build/package]

The bill (CycloneDX 1.5, JSON) says what is really in it: the shared libraries that the loader finds for this binary, down to the last;
the headers that its build compiled in (ninja knows each) with the Debian packages they come from; SQLite, the pages and the list of passwords
that are embedded. Each of them must have its row in docs/dependencies.md, or this ends with 1: no library comes in unseen.

The same binary at the same commit makes the same bytes: times are the commit's (or SOURCE_DATE_EPOCH), names are sorted, nothing is
random. Needs dpkg, ninja, readelf (llvm), strip (llvm); Linux on Debian 12, as the rest of tools/.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A Debian source package, and how docs/dependencies.md calls it. What is here only because libcurl needs it stands in one row there.
ROWS = {
    "argon2": "libargon2", "boost1.81": "Boost.Asio", "brotli": "zlib, brotli", "cli11": "CLI11", "curl": "libcurl",
    "fmtlib": "fmt",
    "nghttp2": "nghttp2", "openssl": "OpenSSL", "qrencode": "libqrencode", "re2": "RE2", "spdlog": "spdlog", "yaml-cpp": "yaml-cpp",
    "zlib": "zlib, brotli",
    "glibc": "glibc, libstdc++, libgcc", "gcc-12": "glibc, libstdc++, libgcc",
}
CURLS = "what libcurl needs"
# Headers of these are the system's own interface: nothing of them is in the binary that the libraries above do not say.
NO_COMPONENT = {"glibc", "linux", "gcc-12", "llvm-toolchain-19"}
# SPDX ids of what is compiled in or embedded; those of shared libraries are in their packages, as Debian states them.
LICENCES = {"boost1.81": "BSL-1.0", "cli11": "BSD-3-Clause", "sqlite": "blessing", "swagger-ui-dist": "Apache-2.0",
            "zxcvbn": "MIT"}
DOCS = ["README.md", "CHANGELOG.md", "SECURITY.md", "docs/security.md", "docs/dependencies.md",
        "docs/reference/app-file.md",
        "docs/reference/cli.md", "docs/reference/errors.md"]


class Fault(Exception):
    """What stands against a package."""


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise Fault(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Debian:
    """Which installed package a file is of."""

    def __init__(self):
        self.known = {}

    def packages_of(self, files):
        """{file: package} of those that dpkg knows; a file under /lib may be recorded as such or under /usr."""
        names = {form: file for file in files for form in (str(file), str(file).removeprefix("/usr"),
                                                           "/usr" + str(file))}
        done = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True, check=False)
        found = {}
        for line in done.stdout.splitlines():
            owner, _, path = line.partition(": ")
            if path in names and not owner.startswith("diversion"):
                found[names[path]] = owner.split(",")[0]
        return found

    def about(self, package):
        if package not in self.known:
            text = run("dpkg-query", "-W", "-f",
                       "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}", package)
            self.known[package] = dict(zip(("name", "version", "arch", "source", "source_version"), text.split("\t")))
        return self.known[package]


def needed(file):
    return re.findall(r"\(NEEDED\)\s+Shared library: \[(.+?)\]", run("readelf", "-d", file))


def loaded(binary):
    """{name: file} of every shared library that the loader finds for it."""
    found = dict(re.findall(r"^\s*(\S+) => (/\S+) \(0x", run("ldd", binary), re.M))
    if missing := re.findall(r"^\s*(\S+) => not found", run("ldd", binary), re.M):
        raise Fault(f"the loader does not find {', '.join(missing)}")
    return {name: pathlib.Path(file).resolve() for name, file in found.items()}


def compiled_headers(build):
    """Files outside the source tree that the objects of the program were made of, as ninja wrote them down."""
    files, of_product = set(), False
    objects = set(run("ninja", "-C", build, "-t", "inputs", "mettle").split())
    for line in run("ninja", "-C", build, "-t", "deps").splitlines():
        if line and not line.startswith(" "):
            of_product = line.split(": #deps")[0] in objects
        elif of_product and line.strip().startswith("/usr/"):
            files.add(pathlib.Path(line.strip()))
    if not files:
        raise Fault(f"ninja knows nothing of what {build} was made of")
    return sorted(files)


def pinned(name):
    """(version, SHA-256 of the tarball) of an npm package that tools/setup.sh takes."""
    found = re.search(rf"fetch_pinned {re.escape(name)} (\S+) ([0-9a-f]{{64}})", (ROOT / "tools/setup.sh").read_text())
    if not found:
        raise Fault(f"tools/setup.sh pins no {name}")
    return found.groups()


class Bill:
    """Components and who needs whom."""

    def __init__(self, debian):
        self.debian, self.components, self.needs = debian, {}, {}

    def add(self, ref, component):
        self.components.setdefault(ref, {"bom-ref": ref, **component})
        self.needs.setdefault(ref, set())
        return ref

    def of_package(self, package, how):
        about = self.debian.about(package)
        ref = f"pkg:deb/debian/{about['name']}@{about['version'].replace('+', '%2B').replace(':', '%3A')}?arch={about['arch']}&distro=debian-12"
        licence = LICENCES.get(about["source"])
        component = {"type": "library", "name": about["name"], "version": about["version"], "scope": "required",
                     "purl": ref,
                     **({"licenses": [{"license": {"id": licence}}]} if licence else {}),
                     "properties": [{"name": "mettle:how", "value": how}, {"name": "mettle:source",
                                                                           "value": about["source"]}]}
        return self.add(ref, component)

    def note_file(self, ref, name, file):
        component = self.components[ref]
        component["properties"].append({"name": "mettle:file", "value": name})
        component.setdefault("hashes", []).append({"alg": "SHA-256", "content": sha256(file)})

    def libraries(self, binary, root):
        files = loaded(binary)
        owners = self.debian.packages_of(files.values())
        refs = {}
        for name, file in sorted(files.items()):
            if file not in owners:
                raise Fault(f"{file} is linked and of no Debian package")
            refs[name] = self.of_package(owners[file], "shared library")
            self.note_file(refs[name], name, file)
        for name in needed(binary):
            if name in refs:
                self.needs[root].add(refs[name])
        for name, file in files.items():
            self.needs[refs[name]] |= {refs[other] for other in needed(file) if other in refs and refs[other] != refs[name]}
        return [self.debian.about(owners[files[name]])["source"] for name in needed(binary) if name in files]

    def headers(self, build, root):
        sources = {self.source(component) for component in self.components.values()}
        owners = sorted(set(self.debian.packages_of(compiled_headers(build)).values()))
        added = []
        for package in owners:
            source = self.debian.about(package)["source"]
            if source in sources | NO_COMPONENT or source.startswith("llvm-"):
                continue
            self.needs[root].add(self.of_package(package, "compiled in"))
            added.append(source)
        return added

    @staticmethod
    def source(component):
        return next((one["value"] for one in component["properties"] if one["name"] == "mettle:source"), "")

    def embedded(self, root):
        sqlite = (ROOT / "build/deps/sqlite/sqlite3.h").read_text(errors="replace")
        version = re.search(r'#define SQLITE_VERSION\s+"(\S+)"', sqlite).group(1)
        npm = {name: pinned(name) for name in ("better-sqlite3", "swagger-ui-dist", "zxcvbn")}
        parts = [("sqlite", version, f"pkg:generic/sqlite@{version}", "sqlite3.c", ROOT / "build/deps/sqlite/sqlite3.c",
                  "compiled in",
                  f"npm better-sqlite3@{npm['better-sqlite3'][0]}, sha256 {npm['better-sqlite3'][1]}"),
                 ("swagger-ui-dist", npm["swagger-ui-dist"][0], "pkg:npm/swagger-ui-dist@" + npm["swagger-ui-dist"][0],
                  "swagger-ui-bundle.js",
                  ROOT / "build/deps/docs-ui/swagger-ui-bundle.js", "embedded", f"sha256 {npm['swagger-ui-dist'][1]}"),
                 ("zxcvbn", npm["zxcvbn"][0], "pkg:npm/zxcvbn@" + npm["zxcvbn"][0], "frequency_lists.js",
                  ROOT / "build/deps/passwords/frequency_lists.js", "embedded, its list of passwords alone",
                  f"sha256 {npm['zxcvbn'][1]}")]
        for name, version, purl, file, path, how, origin in parts:
            self.add(purl, {"type": "library", "name": name, "version": version, "scope": "required", "purl": purl,
                            "licenses": [{"license": {"id": LICENCES[name]}}], "hashes": [],
                            "properties": [{"name": "mettle:how", "value": how}, {"name": "mettle:source",
                                                                                  "value": name},
                                           {"name": "mettle:origin", "value": origin}]})
            self.note_file(purl, file, path)
            self.needs[root].add(purl)


def check_rows(direct, bill, page):
    """Each thing in the binary has its row in docs/dependencies.md."""
    part = page.read_text(encoding="utf-8").split("## In the binary", 1)[1].split("\n## ", 1)[0]
    rows = {line.split("|")[1].strip() for line in part.splitlines() if line.startswith("| ")}
    for source in direct:
        if ROWS.get(source) not in rows:
            raise Fault(f"{source} is in the binary and has no row under \"In the binary\" of {page.name} (tools/package.py, ROWS, names it)")
    for name, row in {"sqlite": "SQLite", "swagger-ui-dist": "Swagger UI", "zxcvbn": "zxcvbn"}.items():
        if row not in rows:
            raise Fault(f"{name} is embedded and has no row in {page.name}")
    others = {bill.source(one) for one in bill.components.values()} - set(direct) - {"sqlite", "swagger-ui-dist",
                                                                                     "zxcvbn"} - set(ROWS)
    if others and CURLS not in rows:
        raise Fault(f"{', '.join(sorted(others))} come with libcurl, and {page.name} has no row \"{CURLS}\"")


def commit():
    try:
        return run("git", "-C", ROOT, "rev-parse", "HEAD").strip(), int(run("git", "-C", ROOT, "log", "-1",
                                                                            "--format=%ct"))
    except (Fault, OSError):
        return "unknown", 0


def stripped(binary):
    """The program without what only a debugger reads."""
    target = binary.parent / "mettle.stripped"
    try:
        run("llvm-strip-19", "--strip-all", "-o", target, binary)
        return target.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def make_bill(binary, version, page):
    """The program without what only a debugger reads; its bill as JSON; the Debian packages that it needs to run; the time."""
    head, committed = commit()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", committed))
    debian = Debian()
    root = f"pkg:generic/mettle@{version}"
    bill = Bill(debian)
    bill.needs[root] = set()
    direct = bill.libraries(binary, root)
    depends = sorted({bill.components[ref]["name"] for ref in bill.needs[root]})
    direct += bill.headers(binary.parent, root)
    bill.embedded(root)
    check_rows(direct, bill, page)
    shipped = stripped(binary)
    content = hashlib.sha256(shipped).hexdigest()
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, head + content)}", "version": 1,
        "metadata": {
            "timestamp": moment, "tools": {"components": [{"type": "application", "name": "tools/package.py",
                                                           "version": version}]},
            "component": {"bom-ref": root, "type": "application", "name": "mettle", "version": version, "purl": root,
                          "licenses": [{"license": {"id": "Apache-2.0"}}], "hashes": [{"alg": "SHA-256",
                                                                                       "content": content}],
                          "properties": [{"name": "mettle:commit", "value": head}]}},
        "components": [bill.components[ref] for ref in sorted(bill.components)],
        "dependencies": [{"ref": ref, "dependsOn": sorted(bill.needs[ref])} for ref in sorted(bill.needs)],
    }
    return shipped, document, [debian.about(name) for name in depends], epoch


# ---- the files -------------------------------------------------------------------------------

def tar(entries, epoch):
    """gzip'd; entries are (name, bytes, mode), folders are made of the names."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as out:
        folders = set()
        for name, content, mode in sorted(entries):
            parts = name.removeprefix("./").split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                folder = ("./" if name.startswith("./") else "") + "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    info = tarfile.TarInfo(folder + "/")
                    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, epoch
                    info.uname = info.gname = "root"
                    out.addfile(info)
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime, info.uname, info.gname = len(content), mode, epoch, "root", "root"
            out.addfile(info, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=epoch, compresslevel=6) as out:
        out.write(raw.getvalue())
    return packed.getvalue()


def ar(members, epoch):
    out = b"!<arch>\n"
    for name, content in members:
        out += f"{name:<16}{epoch:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode() + content + (b"\n" if len(content) % 2 else b"")
    return out


def licences():
    """The texts that go with what is compiled in or embedded."""
    docs = pathlib.Path("/usr/share/doc")
    return [("LICENSE", ROOT / "LICENSE"), ("licences/swagger-ui/LICENSE", ROOT / "build/deps/docs-ui/LICENSE"),
            ("licences/swagger-ui/NOTICE", ROOT / "build/deps/docs-ui/NOTICE"), ("licences/zxcvbn/LICENSE.txt",
                                                                                 ROOT / "build/deps/passwords/LICENSE.txt"),
            ("licences/boost/copyright", docs / "libboost1.81-dev/copyright"), ("licences/cli11/copyright",
                                                                                docs / "libcli11-dev/copyright")]


def control(version, arch, depends, size):
    needs = ", ".join(f"{about['name']} (>= {re.sub(r'[-+][^-+]*$', '', about['version'])})" for about in depends)
    return (f"Package: mettle\nVersion: {version}\nArchitecture: {arch}\nMaintainer: The Mettle authors <mettle@localhost>\nInstalled-Size: {size}\n"
            f"Depends: {needs}\nSection: net\nPriority: optional\nDescription: production backend in one binary\n"
            " A backend that is described by one file: REST API, sign-in, permissions,\n durable writes. `mettle new` begins one.\n").encode()


def write(binary, out, page):
    version = re.search(r"project\(mettle VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    arch = run("dpkg", "--print-architecture").strip()
    shipped, document, depends, epoch = make_bill(binary, version, page)
    sbom = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    texts = [(name, path.read_bytes(), 0o644) for name, path in [*licences(), *((doc, ROOT / doc) for doc in DOCS)]]
    unit = (ROOT / "packaging/mettle.service").read_bytes()
    top = f"mettle-{version}-linux-{arch}"
    archive = tar([(f"{top}/mettle", shipped, 0o755), (f"{top}/mettle.cdx.json", sbom, 0o644), (f"{top}/mettle.service",
    unit, 0o644),
                   *((f"{top}/{name}", content, mode) for name, content, mode in texts)], epoch)
    place = "./usr/share/doc/mettle"
    inside = [("./usr/bin/mettle", shipped, 0o755), (f"{place}/mettle.cdx.json", sbom, 0o644),
              ("./lib/systemd/system/mettle.service", unit, 0o644),
              *((f"{place}/{'copyright' if name == 'LICENSE' else name}", content, mode) for name, content,
                mode in texts)]
    size = sum(len(content) for _, content, _ in inside) // 1024 + 1
    sums = "".join(f"{hashlib.md5(content).hexdigest()}  {name.removeprefix('./')}\n" for name, content,
                   _ in sorted(inside)).encode()
    package = ar([("debian-binary", b"2.0\n"),
                  ("control.tar.gz", tar([("./control", control(version, arch, depends, size), 0o644), ("./md5sums",
                  sums, 0o644)], epoch)),
                  ("data.tar.gz", tar(inside, epoch))], epoch)
    files = {f"{top}.tar.gz": archive, f"mettle_{version}_{arch}.deb": package, f"mettle-{version}.cdx.json": sbom}
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    (out / "SHA256SUMS").write_text("".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name,
                                            content in sorted(files.items())))
    for name, content in files.items():
        print(f"{len(content) / 1e6:7.1f} MB  {out / name}")
    print(f"{len(document['components'])} components in the bill of materials")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/optimised/mettle")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/package")
    parser.add_argument("--dependencies", type=pathlib.Path, default=ROOT / "docs/dependencies.md",
                        help="the page that must name each library")
    options = parser.parse_args()
    try:
        write(options.binary.resolve(), options.out, options.dependencies)
    except (Fault, OSError) as fault:
        print(f"package: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
