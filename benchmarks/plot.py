"""Series over days as a small SVG: a chart a series, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, GAP = 720, 90, 20, 34


def lines_as_svg(series: Mapping[str, Sequence[float]], days: Sequence[str]) -> str:
    """Each series from 0 to its highest value, over the same days, titled by its name and that value."""
    total = len(series) * (HEIGHT + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * LEFT} {total}" font-family="sans-serif" '
        'font-size="12">'
    ]
    for number, (name, values) in enumerate(series.items()):
        top, highest = number * (HEIGHT + GAP) + GAP, max(values, default=0)
        step = WIDTH / max(len(values) - 1, 1)
        points = " ".join(
            f"{LEFT + index * step:.1f},{top + HEIGHT - HEIGHT * value / (highest or 1):.1f}"
            for index, value in enumerate(values)
        )
        parts += [
            f'<text x="{LEFT}" y="{top - 6}">{escape(name)}, at most {highest:,.1f}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>',
            f'<polyline points="{points}" fill="none" stroke="#1f5fa8"/>',
        ]
    if days:
        parts.append(f'<text x="{LEFT}" y="{total - 10}">{escape(days[0])} to {escape(days[-1])}</text>')
    return "\n".join([*parts, "</svg>\n"])
