"""Words that people write in label files: names of digits, of columns, and for what is missing."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = """
    zero one two three four five six seven eight nine
    null eins zwei drei vier fünf sechs sieben acht neun
    null ein zwo drei vier fuenf sechs sieben acht neun
    cero uno dos tres cuatro cinco seis siete ocho nueve
    zéro un deux trois quatre cinq six sept huit neuf
    zéro une deux trois quatre cinq six sept huit neuf
    zero um dois três quatro cinco seis sete oito nove
    zero uma duas três quatro cinco seis sete oito nove
    zero uno due tre quattro cinque sei sette otto nove
    nul een twee drie vier vijf zes zeven acht negen
    ноль один два три четыре пять шесть семь восемь девять
    нуль одна две три четыре пять шесть семь восемь девять
    sıfır bir iki üç dört beş altı yedi sekiz dokuz
    zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć
    noll ett två tre fyra fem sex sju åtta nio
    nol satu dua tiga empat lima enam tujuh delapan sembilan
    không một hai ba bốn năm sáu bảy tám chín
    शून्य एक दो तीन चार पांच छह सात आठ नौ
    영 일 이 삼 사 오 육 칠 팔 구
    공 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉
"""
"""The digits in order, a language a line: English, German, Spanish, French, Portuguese, Italian, Dutch, Russian,
Turkish, Polish, Swedish, Indonesian, Vietnamese, Hindi, Korean. Unicode's own tables have the Chinese ones."""

_GERMAN = "eins zwei drei vier fünf fuenf sechs sieben acht neun"

_MISSING = "nan null none na n/a nil <na> #n/a - -- ? ?? unknown unlabelled unlabeled undefined"
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
"""In the names of columns that are about the image, its writer or its place: digits in them are no labels."""

_PATH = """
    file files filename filenames fname path paths filepath image images img imgs imagename imagepath picture photo
    name id url uri src source_file datei dateiname bild pfad archivo imagen ruta fichier chemin arquivo imagem
    caminho immagine percorso файл изображение путь 파일 파일명 이미지 경로
    ファイル ファイル名 画像 文件 文件名 图片 路径
"""
"""In the names of columns that name images."""

_SPLIT = {
    "train": "train training tr",
    "val": "val valid validation dev",
    "test": "test testing eval evaluation",
}
"""Names of folders and files that hold one part of a set, by the part's usual name."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def folded(word: str) -> str:
    """Return a word without case and accents.

    >>> folded("Três") == folded("TRES"), folded("칠") == folded("칠")
    (True, True)
    """
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


DIGIT_WORDS = {folded(word): value for line in _DIGITS.split("\n") for value, word in enumerate(line.split())}
GERMAN_DIGITS = _folded_set(_GERMAN)
MISSING = _folded_set(_MISSING)
LABEL_WORDS, PERHAPS_LABEL_WORDS = _folded_set(_LABEL), _folded_set(_PERHAPS_LABEL)
ANSWER_WORDS, CONFIDENCE_WORDS, OTHER_WORDS = map(_folded_set, (_ANSWER, _CONFIDENCE, _OTHER))
PATH_WORDS = _folded_set(_PATH)
SPLIT_WORDS = {word: part for part, known in _SPLIT.items() for word in known.split()}
