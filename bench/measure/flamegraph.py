"""A flame graph as SVG from what `perf script` prints: width is time, height is depth; hovering tells name and share."""
import collections
import html
import re
import zlib

WIDTH, LINE, LEAST = 1200, 17, 0.6  # pixels; frames narrower than LEAST are left out
SIGNATURE = re.compile(r"\([^()]*\)|<[^<>]*>")


def folded(text):
    """{(outermost, …, innermost): samples} of blocks of lines: one of the sample, then one a frame, innermost first."""
    stacks, frames = collections.Counter(), []
    for line in text.splitlines():
        if not line.strip():
            if frames:
                stacks[tuple(reversed(frames))] += 1
            frames = []
        elif line[0].isspace():
            # address, name+offset, (file); the name may hold blanks
            found = re.match(r"\s*[0-9a-f]+\s+(.*?)(?:\+0x[0-9a-f]+)?\s+\([^()]*\)\s*$", line)
            if found:
                frames.append(short(found.group(1)))
    if frames:
        stacks[tuple(reversed(frames))] += 1
    return dict(stacks)


def short(name):
    """Without parameters and template arguments, which are most of a C++ name."""
    before = None
    while before != name and len(name) > 40:
        before, name = name, SIGNATURE.sub("", name)
    return name[:120]


def tree_of(stacks):
    """[samples, {name: the same of what it called}]"""
    root = [0, {}]
    for stack, samples in stacks.items():
        node = root
        node[0] += samples
        for name in stack:
            node = node[1].setdefault(name, [0, {}])
            node[0] += samples
    return root


def colour(name):
    """The kernel in blue, libraries of C in green, SQLite in yellow, ours in orange; the same name always the same shade."""
    shade = zlib.crc32(name.encode()) % 40
    if name.startswith("sqlite3") or "sqlite3_" in name:
        return f"rgb({225 + shade // 2},{200 + shade // 2},90)"
    if "::" in name:
        return f"rgb({225 + shade // 2},{125 + shade},70)"
    if re.match(r"(?:__x64_|do_sys|sys_|entry_|tcp_|ip_|sock_|vfs_|ext4_|__|ksys_|inet_|ep_|do_)", name):
        return f"rgb(110,{150 + shade},{205 + shade})"
    return f"rgb({120 + shade},{195 + shade},120)"


def svg(stacks, title):
    root, boxes, depth, pending, left = tree_of(stacks), [], 0, [], 0.0
    for name, child in sorted(root[1].items()):
        pending.append((child, name, left, 0))
        left += child[0]
    while pending:
        (samples, children), name, begin, level = pending.pop()
        width = samples / root[0] * WIDTH
        if width < LEAST:
            continue
        depth = max(depth, level + 1)
        boxes.append((begin / root[0] * WIDTH, level, width, name, samples))
        left = begin
        for child_name, child in sorted(children.items()):
            pending.append((child, child_name, left, level + 1))
            left += child[0]
    height = (depth + 2) * LINE + 10
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             f'<text x="{WIDTH / 2}" y="{LINE}" text-anchor="middle" font-size="14">{html.escape(title)}</text>']
    for x, level, width, name, samples in boxes:
        y, shown, room = height - (level + 1) * LINE - 5, html.escape(name), int(width / 6.2)
        label = html.escape(name if len(name) <= room else name[:max(0, room - 1)] + "…") if room > 3 else ""
        lines.append(f'<g><title>{shown}: {samples / root[0]:.1%}</title>'.replace("%<", " %<") +
                     f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{LINE - 1}" rx="1" fill="{colour(name)}"/>' +
                     (f'<text x="{x + 3:.1f}" y="{y + 12}">{label}</text>' if label else "") + "</g>")
    return "\n".join([*lines, "</svg>", ""])
