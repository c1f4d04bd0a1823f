"""Words that people write in label files: names of digits, of columns, and for what is missing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_DIGITS = """
    zero|zeros one|ones two|twos three|threes four|fours five|fives six|sixes seven|sevens eight|eights nine|nines
    null eins|ein zwei|zwo drei vier fünf|fuenf sechs sieben acht neun
    cero uno dos tres cuatro cinco seis siete ocho nueve
    zéro un|une deux trois quatre cinq six sept huit neuf
    zero um|uma dois|duas três quatro cinco seis sete oito nove
    zero uno due tre quattro cinque sei sette otto nove
    nul een twee drie vier vijf zes zeven acht negen
    noll ett två tre fyra fem sex sju åtta nio
    nolla yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän
    ноль|нуль один|одна два|две три четыре пять шесть семь восемь девять
    нуль один|одна два|дві три чотири п'ять|п’ять шість сім вісім дев'ять|дев’ять
    zero jeden|jedna dwa|dwie trzy cztery pięć sześć siedem osiem dziewięć
    nula jedna|jeden dva|dvě tři čtyři pět šest sedm osm devět
    nulla egy kettő|két három négy öt hat hét nyolc kilenc
    zero unu|una doi|două trei patru cinci șase șapte opt nouă
    μηδέν ένα δύο τρία τέσσερα πέντε έξι επτά|εφτά οκτώ|οχτώ εννέα|εννιά
    sıfır bir iki üç dört beş altı yedi sekiz dokuz
    nol satu dua tiga empat lima enam tujuh delapan sembilan
    không một hai ba bốn năm sáu bảy tám chín
    शून्य एक दो तीन चार पांच|पाँच छह|छः सात आठ नौ
    صفر واحد اثنان|اثنين ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة
    אפס אחת|אחד שתיים|שניים שלוש|שלושה ארבע|ארבעה חמש|חמישה שש|שישה שבע|שבעה שמונה תשע|תשעה
    영|공 일|하나 이|둘 삼|셋 사|넷 오|다섯 육|여섯 칠|일곱 팔|여덟 구|아홉
    ゼロ|れい|ぜろ いち に さん よん|し ご ろく なな|しち はち きゅう|く
"""
"""The digits in order. Each line is a language, ``|`` parts forms of one digit.

- English, German, Spanish, French, Portuguese, Italian, Dutch, Swedish, Finnish

- Russian, Ukrainian, Polish, Czech, Hungarian, Romanian, Greek, Turkish

- Indonesian, Vietnamese, Hindi, Arabic, Hebrew, Korean, Japanese

Unicode's own tables have the Chinese signs.
"""

_MISSING = "nan null none na n/a nil <na> #n/a - -- . … ? ?? ??? unknown unlabelled unlabeled undefined missing tbd"
"""For no label at all, as pandas, SQL, Excel and people write it."""

_LABEL = """
    label labels class classes digit digits target targets truth gt groundtruth category categories cls
    klasse klassen ziffer ziffern etiqueta etiquetas clase clases dígito cifra étiquette étiquettes classe chiffre
    rótulo etichetta цифра класс метка 레이블 라벨 정답 클래스 숫자 ラベル 正解 クラス 数字 标签 类别 标注
"""
"""In the names of columns that hold labels, and in labels themselves: `class_7`."""

_PERHAPS_LABEL = """
    y value values val number num nr no answer answers choice choices annotation annotations tag tags actual expected
    reference result solution zahl wert zahlen número numero nombre valor valore число ответ 값 숫자값 答え 答案
"""
"""The same, of columns that may also hold something else."""

_ANSWER = "pred preds prediction predictions predicted predict guess guesses submission"
_CONFIDENCE = "confidence score prob probability margin"
"""In the names of columns that hold what a model answered, and how sure it was."""

_OTHER = """
    index idx order serial position writer person author user annotator annotators student subject participant session
    page sheet line row col column fold split part subset partition group batch cluster age sex gender hand year month
    day date time timestamp created updated width height size area x left top right bottom xmin ymin xmax ymax x1 y1 x2
    y2 w h channels rotation angle orientation exif camera device source origin domain stage set version count duration
    weight quality
"""
"""In the names of columns about the image, its writer or its place. Digits in them are no labels."""

_PATH = """
    file files filename filenames fname path paths filepath image images img imgs imagename imagepath picture photo
    name id url uri src source_file datei dateiname bild pfad archivo imagen ruta fichier chemin arquivo imagem
    caminho immagine percorso файл изображение путь 파일 파일명 이미지 경로
    ファイル ファイル名 画像 文件 文件名 图片 路径
"""
"""In the names of columns that name images."""

_SPLIT = {
    "train": "train training tr trainset",
    "val": "val valid validation dev valset devset",
    "test": "test testing eval evaluation testset",
}
"""Names of folders and files that hold one part of a set, by the part's usual name."""

SHORT = 2
"""Letters of a word that counts only among other words for digits: "ba", "un"."""
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


_NAMING = "digit label labels class cls target truth true gt number num zahl ziffer cifra dígito chiffre número numero"
NAMING = tuple(unicodedata.normalize("NFC", word) for word in f"{_NAMING} цифра 숫자 数字 ラベル 레이블 라벨".split())
"""Words in names of files that stand before the label: `digit7-3.png`."""


def folded(word: str) -> str:
    """Return a word without case and accents.

    >>> folded("Três") == folded("TRES"), folded("칠") == folded("칠")
    (True, True)
    """
    # Turkish ı has no accent to take off: it is an i without its dot.
    parts = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i"))
    return "".join(c for c in parts if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """Return the words and numbers of a text, folded.

    >>> words("groundTruth_7 (a)")
    ['ground', 'truth', '7', 'a']
    """
    return _WORD.findall(folded(_CAMEL.sub(" ", unicodedata.normalize("NFC", text))))


def _folded_set(text: str) -> frozenset[str]:
    return frozenset(map(folded, text.split()))


_LANGUAGES = tuple(
    {folded(word): value for value, forms in enumerate(line.split()) for word in forms.split("|")}
    for line in _DIGITS.strip().split("\n")
)
MISSING = _folded_set(_MISSING)
LABEL_WORDS, PERHAPS_LABEL_WORDS = _folded_set(_LABEL), _folded_set(_PERHAPS_LABEL)
ANSWER_WORDS, CONFIDENCE_WORDS, OTHER_WORDS = map(_folded_set, (_ANSWER, _CONFIDENCE, _OTHER))
PATH_WORDS = _folded_set(_PATH)
SPLIT_WORDS = {word: part for part, known in _SPLIT.items() for word in known.split()}


def part_in(name: str) -> str:
    """Return the part of a set that a name speaks of: `train`, `val` or `test`. Return nothing if it speaks of none.

    >>> part_in("Training"), part_in("mnist_test"), part_in("contest")
    ('train', 'test', '')
    """
    return next((SPLIT_WORDS[word] for word in (folded(name), *words(name)) if word in SPLIT_WORDS), "")


def digits_in_words(texts: Iterable[str]) -> dict[str, int]:
    """Return the digit that each folded text of one place is the word for.

    A word may be a digit in one language only. "null" is 0 in German. In English it is no label. The languages that
    know most of the texts decide.

    >>> digits_in_words(["null", "acht"]), digits_in_words(["null", "seven"])
    ({'null': 0, 'acht': 8}, {'seven': 7})
    """
    texts = list(texts)
    # German and Dutch share "acht". The other texts tell which of them it is.
    known = [sum(text in language for text in texts if text not in MISSING) for language in _LANGUAGES]
    most, spoken = max(known), sum(any(map(str.isalpha, text)) for text in texts if text not in MISSING)
    likely = [language for language, count in zip(_LANGUAGES, known, strict=True) if count == most > 0]
    found = {}
    for text in texts:
        speaking = [language for language in likely if text in language]
        if text in MISSING:  # "null" is a digit only beside words of a language that counts so
            speaking = speaking if likely else []
        elif likely and not speaking:
            speaking = [language for language in _LANGUAGES if text in language]
        values = {language[text] for language in speaking}
        # Languages that share a word must agree on its digit.
        if len(values) == 1 and (len(text) > SHORT or not text.isascii() or 2 * most >= spoken):
            found[text] = values.pop()
    return found
