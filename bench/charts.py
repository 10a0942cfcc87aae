"""Draws the charts of docs/performance as SVG: bars, readable on light and dark pages, with numbers beside them."""

import html
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs/performance"
WIDTH, LABEL, BAR, GAP, HEAD = 760, 260, 20, 8, 34
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .number { font-variant-numeric: tabular-nums }
  .ours { fill: #0969da } .peer { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #4493f8 } .peer { fill: #57606a } }
"""


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(name, groups):
    """Draws groups of bars, each with a title, a unit, a scale of its own, and rows of (label, value, whether it is ours)."""
    parts, y = [], 4
    for title, unit, rows in groups:
        parts.append(f'<text class="title" x="0" y="{y + 18}">{html.escape(title)}</text>')
        y += HEAD
        most = max(value for _, value, _ in rows)
        for label, value, ours in rows:
            width = max(1.5, (WIDTH - LABEL - 110) * value / most)
            middle = y + BAR - 5
            parts.append(f'<text x="{LABEL - 10}" y="{middle}" text-anchor="end">{html.escape(label)}</text>')
            parts.append(f'<rect class="{"ours" if ours else "peer"}" x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" rx="3"/>')
            parts.append(f'<text class="number" x="{LABEL + width + 8:.1f}" y="{middle}">{number(value)} {unit}</text>')
            y += BAR + GAP
        y += 14
    body = "\n".join(parts)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n", encoding="utf-8")


def group(title, rows, name, peers):
    """The bars of one figure: ours, and those of the given peers; None as label keeps the peer's name."""
    found = [row for row in rows if row["name"] == name]
    if not found:
        return None
    shown = [("libkaleidoscope", found[0]["ours"], True)]
    for peer in peers:
        shown += [(row["peer_name"], row["peer"], False) for row in found if row["peer_name"] == peer]
    return title, found[0]["unit"], shown


def draw(rows):
    """The real path first: gzip over https, as most programs fetch."""
    strdup, kept, kalbio = "libcurl, yyjson, strdup", "libcurl, yyjson in place, buffer kept", "kalbio 0.7.0"
    lists = [
        group(f"{count:,} members, {route}: fetched and decoded to structs, median", rows, f"members, {count:,}, {route}", [kept, strdup, kalbio])
        for route in ("gzip over https", "http") for count in (1000, 100_000)
    ]
    latency = [
        group("One request over a kept connection, gzip over https, median", rows, "get_workspace, uncached, gzip over https, p50",
              ["libcurl", kalbio]),
        group("1,000,000 events, gzip over https, from a server that takes 50 ms to answer", rows,
              "1,000,000 events at 50 ms, gzip over https", ["pages x latency"]),
        group("From starting a program to its first result, https", rows, "fresh process to first result, https", ["libcurl", kalbio]),
    ]
    memory = [group("Peak resident memory with 100,000 members, gzip over https", rows, "peak memory, 100,000 members, gzip over https",
                    [kept, strdup, kalbio])]
    for name, groups in (("members", lists), ("latency", latency), ("memory", memory)):
        if all(groups):
            bars(name, groups)
