"""One page of plots as plain SVG: what components cost, by how many there are."""
import math

WIDTH, HEIGHT, GAP, HEAD = 460, 330, 40, 52
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 44, 46
COLOURS = {"ward": "#1f5fbf", "erlang": "#b5431f", "tokio": "#3b8a3e"}
# name: (title, unit, from how many on, the least span of the values). Below a thousand the memory
# of each would be the process' own.
PANELS = {
    "check": ("One asked for its health, at random", "ns", 10, (100, 10_000)),
    "sweep_each": ("All asked for their health, each", "ns", 10, (10, 10_000)),
    "message": ("A message, in a ring of guests", "ns", 10, (100, 10_000)),
    "bytes_each": ("Memory of each, resident", "bytes", 1_000, (1_000, 100_000)),
}


def points(results, what):
    """By party: [(components, value)]."""
    found = {}
    for name, entry in results.items():
        start, _, count = name.rpartition("_at_")
        if start != what:
            continue
        for party in ["ward", *entry["peer"]]:
            of = entry if party == "ward" else entry["peer"][party]
            if "p50" in of:
                found.setdefault(party, []).append((int(count), of["p50"]))
    return {party: sorted(values) for party, values in found.items()}


def text(x, y, words, anchor="middle", size=12, colour="#333", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" '
            f'font-weight="{weight}">{words}</text>')


def line(x1, y1, x2, y2, colour="#ddd", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def short(number):
    """1, 20, 5k, 1M"""
    for size, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number // size}{name}"
    return str(number)


class Panel:
    """Both axes are logarithmic: the data spans many powers of ten."""

    def __init__(self, place, title, unit, span, series):
        values = [value for of in series.values() for _, value in of if value > 0]
        low, high = min(span[0], *values), max(span[1], *values)
        self.x = place % 2 * (WIDTH + GAP)
        self.y = HEAD + place // 2 * HEIGHT
        self.title, self.unit, self.series = title, unit, series
        self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        self.most = math.ceil(math.log10(max(count for of in series.values() for count, _ in of)))

    def at(self, count, value):
        right = WIDTH - LEFT - RIGHT
        down = HEIGHT - TOP - BOTTOM
        across = (math.log10(count) - 1) / (self.most - 1)
        up = (math.log10(max(value, 10 ** self.low)) - self.low) / (self.high - self.low)
        return self.x + LEFT + across * right, self.y + HEIGHT - BOTTOM - up * down

    def grid(self):
        for exponent in range(1, self.most + 1):
            x, y = self.at(10 ** exponent, 10 ** self.low)
            yield line(x, self.y + TOP, x, y)
            yield text(x, y + 17, short(10 ** exponent))
        for exponent in range(self.low, self.high + 1):
            x, y = self.at(10, 10 ** exponent)
            yield line(x, y, self.x + WIDTH - RIGHT, y)
            yield text(x - 7, y + 4, short(10 ** exponent), "end")
            for between in (2, 5) if exponent < self.high else ():
                x, y = self.at(10, between * 10 ** exponent)
                yield line(x, y, self.x + WIDTH - RIGHT, y, "#f2f2f2")
        middle = self.x + (LEFT + WIDTH - RIGHT) / 2
        yield text(middle, self.y + 28, f"{self.title}, {self.unit}", size=14, weight="bold")
        yield text(middle, self.y + HEIGHT - 9, "components")

    def curves(self):
        for party, values in self.series.items():
            colour = COLOURS.get(party, "#777")
            places = [self.at(count, value) for count, value in values]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            for (x, y), (count, value) in zip(places, values):
                yield (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}">'
                       f"<title>{party}: {value:.0f} {self.unit} at {count}</title></circle>")

    def draw(self):
        return [*self.grid(), *self.curves()]


def legend(parties, width):
    x = width / 2 - 45 * len(parties)
    for party in parties:
        yield line(x, 36, x + 22, 36, COLOURS.get(party, "#777"), 3)
        yield text(x + 28, 40, party, "start", 13)
        x += 90


def svg(results):
    """The page, or None when nothing was measured by size."""
    panels, parties = [], {}
    for what, (title, unit, least, span) in PANELS.items():
        series = {party: [each for each in values if each[0] >= least]
                  for party, values in points(results, what).items()}
        if series:
            panels.append(Panel(len(panels), title, unit, span, series))
            parties.update(series)
    if not panels:
        return None
    width = min(len(panels), 2) * (WIDTH + GAP) - GAP
    height = HEAD + (len(panels) + 1) // 2 * HEIGHT
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif">'
            f'<rect width="{width}" height="{height}" fill="white"/>')
    parts = [text(width / 2, 20, "What components cost, by how many there are", size=16, weight="bold"),
             *legend(parties, width), *(part for panel in panels for part in panel.draw())]
    return "\n".join([head, *parts, "</svg>"]) + "\n"
