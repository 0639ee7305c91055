"""The tables, from what bench/run --json prints: as plain text or as Markdown."""
from .cases import BY_NAME
from .targets import verdicts


def tables(result):
    """[(heading, columns, rows)]: what was asked of the figures first, then each case."""
    found = []
    asked = verdicts(result)
    if asked:
        rows = []
        for target, values, holds, remark in asked:
            shown = " / ".join(f"{value:,.{target.digits}f}" for value in values) if values else "–"
            rows.append([f"{target.case}: {target.what}", target.wanted(), shown, {True: "✓", False: "✗", None: "–"}[holds], remark])
        remarks = any(row[-1] for row in rows)
        columns = ["figure", "wanted", "min / median / max", "", "remark"]
        found.append(("Targets, held by the median of the rounds", *([columns, rows] if remarks else
                                                                   [columns[:-1], [row[:-1] for row in rows]])))
    for figures in result["cases"]:
        case = BY_NAME[figures["name"]]
        found.append((f"{case.name}: {case.title}; {case.where()}", *case.table(figures)))
    return found


def header_lines(result):
    head, sync = result["machine"], result["sync"]
    made = result["versions"]
    lines = [
        f"{head['date']}. {head['cpu']}, {head['cores']} cores, {head['memory_gib']} GiB, Linux {head['kernel']}, {head['file_system']}; "
        f"load average before {head['load_before']}, {result['stolen'] * 100:.1f} % of the CPU stolen by the host; "
        f"the run took {result['took_seconds'] / 60:.0f} minutes",
        f"{result['rounds']} rounds of {result['seconds']} s each, contenders in turn; {result['products']:,} products"
        + (f"; bodies of a product of about {result['body_bytes']} bytes" if result["body_bytes"] else ""),
        f"fdatasync of 4 KiB on this disk, in the same run: median {sync['median_us']:.0f} µs, min {sync['min_us']:.0f}, "
        f"p99 {sync['p99_us']:.0f}",
        "durability: Mettle at its default (synchronous=FULL), Fastify + better-sqlite3 in WAL with synchronous=FULL; "
        "nginx stores nothing, json-server is asked to read only",
        "logs: a line a request for each, to a file: Mettle and json-server as they ship, nginx's access log as it ships "
        "(`combined`, unbuffered), Fastify's asynchronous and buffered; Mettle's metrics are on",
        f"versions: {made['mettle']}; nginx {made['nginx']}; Fastify {made['fastify']}; better-sqlite3 {made['better_sqlite3']}; "
        f"json-server {made['json_server']}; wrk {made['wrk']}",
    ]
    if head["file_system"] in ("tmpfs", "ramfs"):
        lines.append("THE FOLDER IS IN MEMORY: nothing was durable, the figures of writes mean nothing; see --dir")
    if result["quick"]:
        lines.append("QUICK: too short to be quoted")
    return lines


def plain(result):
    lines = [*header_lines(result), ""]
    for heading, columns, rows in tables(result):
        widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
        lines += [heading, ""]
        for row in [columns, *rows]:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
            lines.append("  " + "   ".join(cells).rstrip())
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def markdown(result):
    lines = []
    for heading, columns, rows in tables(result):
        lines += [f"**{heading}**", "", "| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        lines.append("")
    lines += [f"- {line}" for line in header_lines(result)]
    return "\n".join(lines) + "\n"
