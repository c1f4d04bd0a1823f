"""HTML of a stress test: one file with the curves, the montage and the first images to fall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_eval.evaluation.stress import SHOWN_FALLS, Curve, StressTest
from batch_eval.publishing import Content
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html.assets import SORT, SOURCES, read
from batch_eval.reports.html.pictures import data_uri
from batch_eval.reports.stress.rendering import FILES, render
from batch_eval.wording import printable

TITLE = "HTML stress test"
WIDTH, HEIGHT = 240, 120
"""Size of a curve's plot, in the units of its drawing."""


class Page:
    """What the page shows, computed from the stress test. The template only lays it out."""

    def __init__(self, test: StressTest) -> None:
        self._test = test
        self.falls = test.falls[:SHOWN_FALLS]

    def x(self, curve: Curve, index: int) -> float:
        """Return where a level stands on its axis: 0 is the plain image, levels follow at equal distances."""
        # By its place, not its value: levels grow by factors, and for JPEG and resolution they fall.
        return WIDTH * index / len(curve.points)

    @staticmethod
    def y(share: float) -> float:
        """Return where an accuracy stands."""
        return HEIGHT * (1 - share)

    def line(self, curve: Curve) -> str:
        """Return the points of the curve, from the plain accuracy on."""
        return self._polyline(curve, [self._test.plain.share, *(point.tally.share for point in curve.points)])

    def band(self, curve: Curve) -> str:
        """Return the outline of the 95 % intervals."""
        # along the upper ends to the harshest level, and back along the lower ends
        tallies = [self._test.plain, *(point.tally for point in curve.points)]
        low, high = zip(*(tally.interval for tally in tallies), strict=True)
        back = self._polyline(curve, low).split()[::-1]
        return " ".join([self._polyline(curve, high), *back])

    def _polyline(self, curve: Curve, shares: Sequence[float]) -> str:
        return " ".join(f"{self.x(curve, i):.1f},{self.y(share):.1f}" for i, share in enumerate(shares))

    def picture(self, place: int, column: int) -> str:
        """Return a picture as a data URI; empty without one."""
        data = self._test.pictures.get((place, column))
        if not data:
            return ""
        return data_uri("image/jpeg" if data.startswith(b"\xff\xd8") else "image/png", data)

    def read_as(self, place: int, column: int) -> str:
        """Return what was read in an image, in words."""
        found = self._test.read_as(place, column)
        return "blank" if found is None else printable(found)


def document(test: StressTest, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the page."""
    style = "".join(path.read_text("utf-8") for path in (SOURCES / "report.css", FILES / "stress.css"))
    values = {"page": Page(test), "style": style, "script": read(SORT), "width": WIDTH, "height": HEIGHT}
    return render("stress.html.jinja", test, context, **values)


def files(test: StressTest, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:
    """Yield the page, always as one file."""
    yield "stress.html", document(test, context)
