"""Which files are found, under which ids and in which order."""

import os
from pathlib import Path
from unicodedata import category

import pytest
from dataset_examples import any_name, folder_of
from hypothesis import given
from hypothesis import strategies as st
from report_examples import tiny_png

from batch_eval.dataset.names import image_id, natural_key
from batch_eval.dataset.sources.folder import open_folder
from batch_eval.dataset.sources.opening import open_source
from batch_eval.dataset.sources.signatures import is_image_data
from batch_eval.errors import DatasetError
from batch_eval.wording import listing, printable

# no separator and no NUL; surrogates stand for bytes that are not UTF-8
file_names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    min_size=1,
)


def test_images_are_found_by_suffix_in_any_case_and_depth(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.PNG", "x/b.jpeg", "x/y/z/c.Tiff", "x/notes.txt", "d.heic")

    found = open_folder(tmp_path)

    assert found.images == ["a.PNG", "d.heic", "x/b.jpeg", "x/y/z/c.Tiff"]
    assert found.others == ["x/notes.txt"]


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.png",
        "._7.png",
        ".cache/7.png",
        "__MACOSX/7.png",
        "@eaDir/7.png",
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
    ],
)
def test_what_systems_leave_behind_is_ignored(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path, "7.png", name)

    found = open_folder(tmp_path)

    assert (found.images, found.others) == (["7.png"], [])


@pytest.mark.parametrize("name", ["1", "7/0001", "scan.7", "scan.0001"])
def test_images_without_a_suffix_are_told_by_their_bytes(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path, name, "Makefile", "notes.txt")
    (tmp_path / name).write_bytes(tiny_png(0))

    found = open_folder(tmp_path)

    assert (found.images, found.others) == ([name], ["Makefile", "notes.txt"])


def test_where_no_name_is_an_images_all_files_are_looked_into(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.img", "b.dat", "c.dat")
    (tmp_path / "a.img").write_bytes(tiny_png(0))
    (tmp_path / "b.dat").write_bytes(b"\xff\xd8\xff\xe0")

    assert open_folder(tmp_path).images == ["a.img", "b.dat"]


@pytest.mark.parametrize(
    ("start", "known"),
    [
        (b"GIF89a", True),
        (b"II*\0", True),
        (b"RIFF1234WEBPVP8 ", True),
        (b"\0\0\0\x1cftypavif", True),
        (b"P5\n28 28\n255\n", True),
        (b"BM1234\0\0\0\0", True),
        (b"BMW is a car", False),
        (b"P5 is a label", False),
        (b"%PDF-1.7", False),
        (b"", False),
    ],
)
def test_signatures(start: bytes, known: bool) -> None:
    assert is_image_data(start) is known


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["reports/a/4-seen.png", "reports/a/evaluation.json", "reports/a/report_files/x.png"], "reports/a"),
        (["7-steps.png", "7.png"], "7.png"),
        (["p/7-steps.png", "p/7.png", "p/8-steps.png", "p/8.png"], "p/7.png, p/8.png"),
    ],
)
def test_what_an_earlier_command_wrote_is_left_out(tmp_path: Path, written: list[str], shown: str) -> None:
    folder_of(tmp_path, *written, "1.png", "reports/a-steps.png", "x/z.txt")

    found = open_folder(tmp_path)
    assert ["1.png", "reports/a-steps.png"] == found.images
    assert ["x/z.txt"] == found.others
    assert (f"Left out, because an earlier command wrote it: {shown}.",) == found.notes


@pytest.mark.parametrize("folder", ["report_files", "comparison_files"])
def test_pictures_of_reports_are_ignored(tmp_path: Path, folder: str) -> None:
    folder_of(tmp_path, f"{folder}/pictures/4-seen.png", "evaluation.json", "1.png")

    assert ["1.png"] == open_folder(tmp_path).images


def test_order_is_natural_and_folder_by_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, "10.png", "2.png", "a-b.png", "a/10.png", "a/9.png", "B.png")

    assert open_folder(tmp_path).images == ["2.png", "10.png", "a/9.png", "a/10.png", "a-b.png", "B.png"]


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    folder_of(tmp_path, "set/7/a.png", "elsewhere/b.png")
    (tmp_path / "set" / "7" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "up").symlink_to(tmp_path)

    found = open_folder(tmp_path / "set")

    assert found.images == ["7/a.png"]
    assert found.notes == (
        "Not read again, because it links to a folder that holds it or was read already: 7/loop, up.",
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_pipes_and_devices_with_the_name_of_an_image_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png")
    os.mkfifo(tmp_path / "7" / "pipe.png")
    os.mkfifo(tmp_path / "7" / "pipe")
    (tmp_path / "7" / "endless.png").symlink_to("/dev/zero")

    found = open_folder(tmp_path)

    assert found.images == ["7/a.png"]
    assert found.notes == (
        "Left out, because it is no file but a pipe, a socket or a device: 7/endless.png, 7/pipe.png.",
    )


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    folder_of(tmp_path, "set/3/a.png", "elsewhere/sub/b.png")
    (tmp_path / "set" / "1").symlink_to(tmp_path / "elsewhere")

    assert open_folder(tmp_path / "set").images == ["1/sub/b.png", "3/a.png"]


def test_a_folder_keeps_its_own_name_beside_a_link_to_it(tmp_path: Path) -> None:
    folder_of(tmp_path, "z/a.png")
    (tmp_path / "a").symlink_to(tmp_path / "z")

    assert open_folder(tmp_path).images == ["z/a.png"]


def test_links_that_point_at_each_other_end(tmp_path: Path) -> None:
    folder_of(tmp_path, "set/c.png", "one/a.png", "two/b.png")
    (tmp_path / "set" / "one").symlink_to(tmp_path / "one")
    (tmp_path / "one" / "two").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "one").symlink_to(tmp_path / "one")

    assert open_folder(tmp_path / "set").images == ["c.png", "one/a.png", "one/two/b.png"]


def test_a_broken_link_is_an_image_so_that_it_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")

    assert open_folder(tmp_path).images == ["gone.png", "self.png"]


def test_a_linked_image_is_an_image(tmp_path: Path) -> None:
    folder_of(tmp_path, "store/x.png", "set/7/real.png")
    (tmp_path / "set" / "7" / "link.png").symlink_to(tmp_path / "store" / "x.png")

    assert open_folder(tmp_path / "set").images == ["7/link.png", "7/real.png"]


def test_a_pipe_named_as_an_image_is_none(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")

    assert open_folder(tmp_path).images == ["a.png"]


@any_name
def test_a_name_that_is_not_utf8_is_found_and_opens(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/M\xfcller.png", "wb") as file:
        file.write(b"ink")

    (image,) = open_folder(tmp_path).images

    assert image_id(image) == "M\\xfcller.png"
    assert Path(f"{tmp_path}/{image}").read_bytes() == b"ink"


def test_formats_that_are_not_read_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png", "b.svg", "raw/c.CR2", "d.txt")

    assert open_folder(tmp_path).notes == ("Left out, because the format is not read: b.svg, raw/c.CR2.",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "holds no files. Expected images (png, jpg,"),
        (
            ("a.txt", "b.txt", "x/c.pdf", "Makefile"),
            "holds no images; its files are: 2 .txt, 1 without suffix, 1 .pdf.",
        ),
    ],
)
def test_a_folder_without_images_is_refused_with_what_it_holds(
    tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    folder_of(tmp_path, *names)

    with pytest.raises(DatasetError) as refused:
        open_source(tmp_path)

    assert said in str(refused.value)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        open_folder(tmp_path / "nowhere")


def test_an_empty_file_is_no_set(tmp_path: Path) -> None:
    folder_of(tmp_path, "photos.zip")

    with pytest.raises(
        DatasetError, match=r"photos\.zip is no image and holds none\. Expected a folder, an image, an archive"
    ):
        open_source(tmp_path / "photos.zip")


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the tests may run as root, who may read everything
    folder_of(tmp_path, "a.png", "secret/b.png")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if "secret" in path:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(DatasetError, match=r"secret cannot be read: Permission denied\. Allow reading it"):
        open_folder(tmp_path)


@given(file_names, file_names)
def test_different_names_have_different_ids(one: str, other: str) -> None:
    assert (image_id(one) == image_id(other)) == (one == other)


@given(file_names)
def test_ids_can_be_written_as_utf8_on_one_line(name: str) -> None:
    shown = image_id(name)

    assert shown.encode().decode().splitlines() == [shown]
    assert all(character.isprintable() or category(character) == "Zs" for character in shown)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("7 é ٣.png", "7 é ٣.png"),
        ("3.05\u202fPM.png", "3.05\u202fPM.png"),
        ("\n\x7f", r"\x0a\x7f"),
        ("\udc85\udcff", r"\x85\xff"),
        ("\x85\xad\u061c\u200b\u200e\ufeff\ud800", r"\u0085\u00ad\u061c\u200b\u200e\ufeff\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_cannot_be_printed_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@given(st.lists(file_names))
def test_listing_is_one_printable_line(names: list[str]) -> None:
    assert listing(names).encode() == printable(listing(names)).encode()


@given(st.lists(st.integers(min_value=0, max_value=10**18), unique=True))
def test_numbers_sort_by_value(numbers: list[int]) -> None:
    names = [f"img{number}.png" for number in numbers]

    assert sorted(names, key=natural_key) == [f"img{number}.png" for number in sorted(numbers)]


@given(st.permutations(["a1/2.png", "a1/10.png", "a2/1.png", "a10/1.png", "A2/1.png", "é.png", "\udcff.png"]))
def test_order_does_not_depend_on_the_order_of_reading(names: list[str]) -> None:
    assert sorted(names, key=natural_key) == [
        "a1/2.png", "a1/10.png", "A2/1.png", "a2/1.png", "a10/1.png", "é.png", "\udcff.png",
    ]  # fmt: skip
