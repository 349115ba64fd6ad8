"""The report of a run: one HTML file that needs no network, in light and dark."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from stancery.model.folder import ModelConfig
from stancery.training.evaluate import Score
from stancery.training.reliability import LEAST_CONFIDENCE, Bin, OperatingPoint, Reliability, calibration_error

REPORT_FILE = "report.html"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }}
td, th {{ padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8886 }}
td:first-child, th:first-child {{ text-align: left }}
svg {{ max-width: 26rem; display: block }} svg text {{ font: 11px system-ui, sans-serif; fill: currentColor }}
</style></head><body>
<h1>{title}</h1>
{sections}
</body></html>
"""

_CHOSEN = "<p>Chosen on the calibration articles, measured on the validation articles.</p>"
_SIZE, _MARGIN = 300, 40


def report(
    config: ModelConfig,
    scores: Mapping[str, Score],
    reliability: Sequence[Reliability],
    points: Sequence[OperatingPoint],
) -> str:
    """The page: scores, a reliability diagram for each source, thresholds by precision."""
    title = escape(f"{config.name} {config.version}")
    if not scores:
        return _PAGE.format(title=title, sections="<p>Not scored: no complete article was held out.</p>")
    sections = ["<h2>Scores on the validation articles</h2>", _scores(scores)]
    for measured in reliability:
        sections += [
            f"<h2>Reliability, {escape(measured.source)}</h2>",
            f"<p>Expected calibration error of triples with confidence of {LEAST_CONFIDENCE} or more: "
            f"{error_text(measured)}.</p>",
            diagram(measured.bins),
        ]
    sections += [
        "<h2>Thresholds by precision</h2>",
        _CHOSEN,
        _points(points),
    ]
    return _PAGE.format(title=title, sections="\n".join(sections))


def error_text(measured: Reliability) -> str:
    """The calibration error and what it was measured on."""
    if not measured.bins:
        return "not measured, no triple is that sure"
    count = sum(part.count for part in measured.bins)
    return f"{calibration_error(measured.bins):.3f} ({count} triples in {len(measured.bins)} bins of equal size)"


def diagram(parts: Sequence[Bin]) -> str:
    """Reliability diagram as SVG: each bin's confidence against the share of it that is right."""

    def x(value: float) -> str:
        return f"{_MARGIN + value * _SIZE:.1f}"

    def y(value: float) -> str:
        return f"{_MARGIN / 2 + (1 - value) * _SIZE:.1f}"

    side = _SIZE + 1.5 * _MARGIN
    marks = [
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="currentColor" stroke-dasharray="4" opacity=".5"/>',
        f'<path d="M{x(0)} {y(1)}V{y(0)}H{x(1)}" fill="none" stroke="currentColor"/>',
        f'<text x="{x(0.5)}" y="{side - 4}" text-anchor="middle">confidence</text>',
        f'<text transform="translate(2 {y(0.5)}) rotate(-90)" text-anchor="middle">share that is right</text>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        marks.append(f'<text x="{x(tick)}" y="{_SIZE + 34}" text-anchor="middle">{tick:g}</text>')
        marks.append(f'<text x="{_MARGIN - 5}" y="{y(tick)}" dy="4" text-anchor="end">{tick:g}</text>')
    line = " ".join(f"{x(part.confidence)},{y(part.right)}" for part in parts)
    marks.append(f'<polyline points="{line}" fill="none" stroke="#2a78d6" stroke-width="2"/>')
    marks += [f'<circle cx="{x(part.confidence)}" cy="{y(part.right)}" r="4" fill="#2a78d6"/>' for part in parts]
    return f'<svg viewBox="-10 0 {side + 10} {side}" role="img" aria-label="Reliability diagram">{"".join(marks)}</svg>'


def _scores(scores: Mapping[str, Score]) -> str:
    rows = [
        (name, f"{s.precision:.3f}", f"{s.recall:.3f}", f"{s.f1:.3f}", f"{s.low:.3f} to {s.high:.3f}", str(s.gold))
        for name, s in scores.items()
    ]
    return _table(("", "precision", "recall", "F1", "95% interval", "gold"), rows)


def _points(points: Sequence[OperatingPoint]) -> str:
    rows = [(f"{p.wanted:.0%}", *point_cells(p)) for p in points]
    return _table(("precision wanted", "threshold", "precision", "recall"), rows)


def point_cells(point: OperatingPoint) -> tuple[str, str, str]:
    """Threshold, precision and recall as text."""
    if point.threshold is None:
        return ("not reached", "", "")
    # Rounded up: a lower one would let in triples that did not reach the precision.
    return (f"{math.ceil(point.threshold * 1000) / 1000:.3f}", f"{point.precision:.3f}", f"{point.recall:.3f}")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
