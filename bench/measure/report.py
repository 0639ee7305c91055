"""The table, from what bench/run --json prints: as plain text or as Markdown."""
import statistics


def spread(rounds, name):
    values = [figures[name] for figures in rounds if figures.get(name) is not None]
    return (min(values), statistics.median(values), max(values)) if values else None


def middle(rounds, name):
    found = spread(rounds, name)
    return found and found[1]


def cpu_us(rounds):
    return statistics.median(figures["user_us"] + figures["system_us"] for figures in rounds)


def milliseconds(us):
    return f"{us / 1000:.2f}" if us < 10_000 else f"{us / 1000:.1f}"


def ratio(value, other, digits):
    return f"{value / other:.{digits}f}" if value is not None and other else "–"


def rows_of(case):
    """(columns, rows) of one case's table."""
    columns = ["", "rows/s min / median / max" if case["writes"] else "requests/s min / median / max", "p50 ms", "p99 ms",
               "CPU µs a request", "of it user", "of it system"]
    columns += ["syncs a row", "rows a commit"] if case["writes"] else ["CPU, nginx = 1"]
    columns += ["rate, Fastify = 1"]
    by_name = {contender["name"]: contender["rounds"] for contender in case["contenders"]}
    nginx_cpu = cpu_us(by_name["nginx"]) if "nginx" in by_name else None
    fastify_rate = middle(by_name["fastify"], "per_second") if "fastify" in by_name else None
    rows = []
    for contender in case["contenders"]:
        rounds = contender["rounds"]
        row = [contender["title"], " / ".join(f"{value:,.0f}" for value in spread(rounds, "per_second")),
               milliseconds(middle(rounds, "p50_us")), milliseconds(middle(rounds, "p99_us")), f"{cpu_us(rounds):.1f}",
               f"{middle(rounds, 'user_us'):.1f}", f"{middle(rounds, 'system_us'):.1f}"]
        if case["writes"]:
            syncs, group = contender["syncs_per_row"], middle(rounds, "rows_per_commit")
            row += ["–" if syncs is None else f"{syncs:.3f}", "–" if group is None else f"{group:.1f}"]
        else:
            row.append(ratio(cpu_us(rounds), nginx_cpu, 2))
        row.append(ratio(middle(rounds, "per_second"), fastify_rate, 1))
        rows.append(row)
    return columns, rows


def heading(case):
    where = "server on one core, load on the other" if case["apart"] else "server and load share both cores"
    return f"{case['title']}, {case['connections']} connections, {where}"


def header_lines(result):
    head, sync = result["machine"], result["sync"]
    made = result["versions"]
    lines = [
        f"{head['date']}. {head['cpu']}, {head['cores']} cores, {head['memory_gib']} GiB, Linux {head['kernel']}, {head['file_system']}; "
        f"load average before {head['load_before']}, {result['stolen'] * 100:.1f} % of the CPU stolen by the host",
        f"{result['rounds']} rounds of {result['seconds']} s each, contenders in turn; {result['products']:,} products; "
        f"bodies of about {result['body_bytes']} bytes",
        f"fdatasync of 4 KiB on this disk, in the same run: median {sync['median_us']:.0f} µs, min {sync['min_us']:.0f}, "
        f"p99 {sync['p99_us']:.0f}",
        "durability: Mettle at its default (synchronous=FULL), Fastify + better-sqlite3 in WAL with synchronous=FULL; "
        "nginx stores nothing",
        "on: Mettle's log (a line a request, written at once) and metrics; Fastify's log (a line a request, buffered); "
        "nginx's access log (buffered)",
        f"versions: {made['mettle']}; nginx {made['nginx']}; Fastify {made['fastify']}; better-sqlite3 {made['better_sqlite3']}; "
        f"wrk {made['wrk']}",
    ]
    if head["file_system"] in ("tmpfs", "ramfs"):
        lines.append("THE FOLDER IS IN MEMORY: nothing was durable, the POST figures mean nothing; see --dir")
    if result["quick"]:
        lines.append("QUICK: too short to be quoted")
    return lines


def plain(result):
    lines = [*header_lines(result), ""]
    for case in result["cases"]:
        columns, rows = rows_of(case)
        widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
        lines += [heading(case), ""]
        for row in [columns, *rows]:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
            lines.append("  " + "   ".join(cells).rstrip())
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def markdown(result):
    lines = []
    for case in result["cases"]:
        columns, rows = rows_of(case)
        lines += [f"**{heading(case)}**", "", "| " + " | ".join(columns) + " |",
                  "|---|" + "---:|" * (len(columns) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        lines.append("")
    lines += [f"- {line}" for line in header_lines(result)]
    return "\n".join(lines) + "\n"
