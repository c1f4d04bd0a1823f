"""Folders for the tests of the dataset package: files whose names matter and whose content does not."""

import sys
from pathlib import Path

import pytest

from batch_eval.dataset import Dataset

any_name = pytest.mark.skipif(
    sys.platform != "linux", reason="needs a file system that takes any bytes as a name and tells case apart"
)


def folder_of(root: Path, *names: str) -> Path:
    """Make empty files with these names, and return the folder."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def truths(dataset: Dataset) -> dict[str, str | None]:
    """Return the truth of each id."""
    return {sample.id: sample.truth for sample in dataset.samples}


WORDS = {
    "English": "zero one two three four five six seven eight nine",
    "German": "null eins zwei drei vier fünf sechs sieben acht neun",
    "Spanish": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "French": "zéro un deux trois quatre cinq six sept huit neuf",
    "Portuguese": "zero um dois três quatro cinco seis sete oito nove",
    "Italian": "zero uno due tre quattro cinque sei sette otto nove",
    "Dutch": "nul een twee drie vier vijf zes zeven acht negen",
    "Russian": "ноль один два три четыре пять шесть семь восемь девять",
    "Turkish": "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
    "Polish": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
    "Swedish": "noll ett två tre fyra fem sex sju åtta nio",
    "Indonesian": "nol satu dua tiga empat lima enam tujuh delapan sembilan",
    "Vietnamese": "không một hai ba bốn năm sáu bảy tám chín",
    "Hindi": "शून्य एक दो तीन चार पांच छह सात आठ नौ",
    "Sino-Korean": "영 일 이 삼 사 오 육 칠 팔 구",
    "Korean": "공 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉",
    "Chinese": "零 一 二 三 四 五 六 七 八 九",
    "Arabic": "٠ ١ ٢ ٣ ٤ ٥ ٦ ٧ ٨ ٩",
    "fullwidth": "０ １ ２ ３ ４ ５ ６ ７ ８ ９",
}
"""The digits in order, by language."""
