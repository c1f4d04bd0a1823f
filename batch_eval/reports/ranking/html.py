"""HTML of a ranking: the leaderboard, and the images that separate the models. It loads nothing from the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batch_eval.evaluation import Outcome
from batch_eval.evaluation.ranking import SHOWN, Ranking
from batch_eval.publishing import LEADERBOARD_FILES
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html.assets import SORT, SOURCES, read
from batch_eval.reports.html.pictures import EmbeddedPictures, FilePictures, Pictures, Shown
from batch_eval.reports.html.single import fits_one_file
from batch_eval.reports.ranking.rendering import FILES, render
from batch_eval.wording import printable

TITLE = "HTML leaderboard"
COLUMNS_SHOWN = 2_000
"""Images in the map of all models; the hardest come first."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model read in an image: the text of the cell, and its style class."""

    text: str
    style: str


@dataclass(frozen=True, slots=True)
class HardImage:
    """A shared image that not all models read."""

    id: str
    truth: str
    readers: int
    original: Shown | None
    seen: Shown | None
    readings: tuple[Reading, ...]
    reader: str = ""
    """Name of the only model that read it, where it is just one."""


class Page:
    """What the page shows, computed from the ranking. The template only lays it out."""

    def __init__(self, ranking: Ranking, pictures: Pictures) -> None:
        self._ranking, self._pictures = ranking, pictures
        self.hard = [self._image(place) for place in ranking.hard[:SHOWN]]
        self.unread = [self._image(place) for place in ranking.unread[:SHOWN]]
        self.read_by_one = [
            self._image(place, ranking.places[model].name) for place, model in ranking.read_by_one[:SHOWN]
        ]
        self.remarks = any(ranking.remarks_on(place) for place in ranking.places)
        self.columns = min(len(ranking.hard), COLUMNS_SHOWN)

    def strip(self, model: int) -> dict[str, str]:
        """Return the model's row of the map, as SVG paths.

        One path is of the images that it misread, one of those that it found blank.
        """
        cells = [self._style(model, place) for place in self._ranking.hard[: self.columns]]
        return {style: _path(cells, style) for style in ("miss", "blank")}

    def _style(self, model: int, place: int) -> str:
        if self._ranking.shared.hits[model, place]:
            return "hit"
        return "miss" if self._ranking.read_as(model, place) is not None else "blank"

    def _image(self, place: int, reader: str = "") -> HardImage:
        ranking = self._ranking
        return HardImage(
            ranking.shared.ids[place],
            ranking.truths[place],
            int(ranking.readers[place]),
            self._pictures.original(place),
            self._pictures.seen(place),
            tuple(self._reading(model, place) for model in range(len(ranking.places))),
            reader,
        )

    def _reading(self, model: int, place: int) -> Reading:
        read = self._ranking.read_as(model, place)
        return Reading(Outcome.BLANK.value if read is None else printable(read), self._style(model, place))


def _path(cells: Sequence[str], style: str) -> str:
    """Return an SVG path with a square for each cell of a style; neighbours are joined."""
    # `start` is where the current run of equal cells began. One step past the last cell closes the last run.
    parts, start = [], 0
    for end in range(1, len(cells) + 1):
        if end == len(cells) or cells[end] != cells[start]:
            if cells[start] == style:
                parts.append(f"M{start} 0h{end - start}v1h-{end - start}z")
            start = end
    return "".join(parts)


def document(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the page with its style sheet and pictures embedded."""
    return _render(ranking, EmbeddedPictures(ranking.pictures), style=_style_sheet(), script=read(SORT))


def files(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield the page, alone or with its style sheet and its pictures.

    It is alone if the context says so or it is small.
    """
    if fits_one_file(context, ranking.pictures.values()):
        yield "leaderboard.html", document(ranking, context)
        return
    pictures = FilePictures(ranking.pictures, LEADERBOARD_FILES)
    style_url = f"{LEADERBOARD_FILES}/leaderboard.css"
    script_url = f"{LEADERBOARD_FILES}/{SORT}"
    yield "leaderboard.html", _render(ranking, pictures, style_url=style_url, script_url=script_url)
    yield style_url, _style_sheet().encode()
    yield script_url, read(SORT).encode()
    yield from pictures.files()


def _render(ranking: Ranking, pictures: Pictures, **assets: str) -> bytes:
    """Return the page. ``assets`` are the style sheet and the script, or their URLs."""
    empty = dict.fromkeys(("style", "style_url", "script", "script_url"), "")
    return render("leaderboard.html.jinja", ranking, page=Page(ranking, pictures), **empty | assets)


def _style_sheet() -> str:
    return "".join(path.read_text("utf-8") for path in (SOURCES / "report.css", FILES / "leaderboard.css"))
