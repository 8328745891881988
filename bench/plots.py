"""One page of plots as plain SVG: what asking and having a component costs, by how many there are."""
import math

WIDTH, HEIGHT, GAP = 460, 330, 40
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 44, 46
COLOURS = {"ward": "#1f5fbf", "erlang": "#b5431f", "tokio": "#3b8a3e"}
PANELS = [
    ("check", "One asked for its health, at random", "ns", (10, 100_000)),
    ("sweep_each", "All asked, for each of them", "ns", (10, 100_000)),
    ("bytes_each", "Memory of each", "bytes", (1_000, 100_000)),
]


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


def power(exponent):
    names = {3: "1k", 4: "10k", 5: "100k", 6: "1M"}
    return names.get(exponent, str(10 ** exponent))


class Panel:
    """Both axes are logarithmic: the data spans five powers of ten."""

    def __init__(self, x, title, unit, limits, series):
        values = [value for of in series.values() for _, value in of if value > 0]
        low, high = min(limits[0], *values), max(limits[1], *values)
        self.x, self.title, self.unit, self.series = x, title, unit, series
        self.y_low, self.y_high = math.floor(math.log10(low)), math.ceil(math.log10(high))

    def at(self, count, value):
        right = WIDTH - LEFT - RIGHT
        down = HEIGHT - TOP - BOTTOM
        across = (math.log10(count) - 1) / 5
        up = (math.log10(max(value, 10 ** self.y_low)) - self.y_low) / (self.y_high - self.y_low)
        return self.x + LEFT + across * right, HEIGHT - BOTTOM - up * down

    def grid(self):
        for exponent in range(1, 7):
            x, y = self.at(10 ** exponent, 10 ** self.y_low)
            yield line(x, TOP, x, y)
            yield text(x, y + 17, power(exponent))
        for exponent in range(self.y_low, self.y_high + 1):
            x, y = self.at(10, 10 ** exponent)
            yield line(x, y, self.x + WIDTH - RIGHT, y)
            yield text(x - 7, y + 4, power(exponent), "end")
        yield text(self.x + WIDTH / 2, 24, f"{self.title}, {self.unit}", size=14, weight="bold")
        yield text(self.x + (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 9, "components")

    def curves(self):
        for party, values in self.series.items():
            colour = COLOURS.get(party, "#777")
            places = [self.at(count, value) for count, value in values]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            for (x, y), (count, value) in zip(places, values):
                yield (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}">'
                       f"<title>{party}: {value:.0f} {self.unit} at {count}</title></circle>")

    def legend(self):
        for place, party in enumerate(self.series):
            x, y = self.x + LEFT + 12, TOP + 14 + 17 * place
            yield line(x, y - 4, x + 18, y - 4, COLOURS.get(party, "#777"), 3)
            yield text(x + 24, y, party, "start")

    def draw(self):
        return [*self.grid(), *self.curves(), *self.legend()]


def svg(results):
    """The page, or None when nothing was measured by size."""
    drawn = []
    for what, title, unit, limits in PANELS:
        series = points(results, what)
        if series:
            x = len(drawn) * (WIDTH + GAP)
            drawn.append(Panel(x, title, unit, limits, series).draw())
    if not drawn:
        return None
    width = len(drawn) * (WIDTH + GAP) - GAP
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" '
            f'viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif">'
            f'<rect width="{width}" height="{HEIGHT}" fill="white"/>')
    return "\n".join([head, *(part for panel in drawn for part in panel), "</svg>"]) + "\n"
