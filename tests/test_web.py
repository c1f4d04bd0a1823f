"""The page's server: what it answers, what it refuses, what it saves."""

import io
import re
import threading
from pathlib import Path

import anyio
import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from image_files import png
from PIL import Image
from processes import ROOT
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from batch_eval.dataset import load_dataset
from batch_eval.errors import ConfigError, DatasetError, ReportError
from batch_eval.imaging import RECIPES
from batch_eval.models import DEFAULT_MODEL, ModelOptions
from batch_eval.web import workload
from batch_eval.web.app import STATIC, Site, create_app
from batch_eval.web.collecting import Collection
from batch_eval.web.examples import Examples
from batch_eval.web.readers import open_readers
from batch_eval.web.security import HEADERS, is_own

READERS = open_readers([ModelOptions(DEFAULT_MODEL)])
DIGITS = tuple("0123456789")


def drawn(label, suffix=".png"):
    """Return the file of a drawn digit."""
    _, data = cv2.imencode(suffix, on_paper(ink(label, label)))
    return data.tobytes()


def client_of(site, **options):
    """Return a client that asks as a browser on this machine does."""
    return TestClient(create_app(site, "127.0.0.1"), base_url="http://127.0.0.1:8028", **options)


@pytest.fixture
def collection(tmp_path):
    return Collection(tmp_path / "mine", DIGITS, tmp_path / "reports" / "mine")


@pytest.fixture
def client(collection):
    return client_of(Site(READERS, examples=Examples(ROOT / "sample_images"), collection=collection))


def error(response):
    """Return the only thing that a refusal says."""
    assert ["error"] == list(response.json())
    return response.json()["error"]


# the page


def test_the_page_names_the_models_and_the_recipes(client):
    page = client.get("/").text

    assert [str(DEFAULT_MODEL)] * 2 == re.findall(r'<option value="\d">(.+)</option>', page)
    assert [*RECIPES] == re.findall(r'<option value="(\w+)"(?: selected)?>\w+ \(', page)


def test_what_is_not_offered_is_not_on_the_page():
    client = client_of(Site(READERS))
    page = client.get("/").text

    assert ('id="upload"' in page, 'id="example"' in page, 'id="collect"' in page) == (True, False, False)
    answers = [
        client.get("/api/example"),
        client.post("/api/evaluate"),
        client.post("/api/collected?label=7&kind=photo"),
    ]

    assert [404] * 3 == [answer.status_code for answer in answers]


@pytest.mark.parametrize("file", [*sorted(path.name for path in STATIC.iterdir()), "report.css"])
def test_every_file_of_the_page_is_served(client, file):
    assert 200 == client.get(f"/static/{file}").status_code


def test_every_file_that_the_page_names_exists(client):
    texts = [client.get("/").text, *(path.read_text() for path in STATIC.glob("*.js"))]
    named = {name for text in texts for name in re.findall(r'(?:/static/|"\./)([\w.]+)', text)}

    assert {"page.css", "report.css", "icon.svg", "canvas.js", "server.js"} <= named
    assert {200} == {client.get(f"/static/{name}").status_code for name in named}


def test_nothing_on_the_page_is_inline(client):
    page = client.get("/").text

    assert [] == re.findall(r"<style|<script(?! type=\"module\" src)| style=| on\w+=", page)


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/example", "/api/nothing", "/api/read"])
def test_every_response_carries_the_headers(client, path):
    response = client.get(path)

    assert HEADERS == {name: response.headers[name] for name in HEADERS}


# reading


@pytest.mark.parametrize("preprocess", RECIPES)
def test_an_image_is_read_with_each_recipe(client, preprocess):
    answer = client.post(f"/api/read?model=0&preprocess={preprocess}", content=drawn(3)).json()

    assert {"guesses", "reason", "flags", "original", "seen", "steps"} == set(answer)
    assert 5 == len(answer["guesses"])
    assert answer["steps"]
    assert answer["seen"].startswith("data:image/png;base64,")


def test_the_best_guess_is_the_digit(client):
    guesses = client.post("/api/read", content=drawn(4)).json()["guesses"]

    assert "4" == guesses[0]["name"]
    assert guesses == sorted(guesses, key=lambda guess: -guess["confidence"])


def test_a_blank_image_has_a_reason_and_no_guess(client):
    _, data = cv2.imencode(".png", np.full((300, 300), 255, np.uint8))
    answer = client.post("/api/read", content=data.tobytes()).json()

    assert ([], "no ink was found") == (answer["guesses"], answer["reason"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not an image"),
        (b"<!doctype html><script>alert(1)</script>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
        (drawn(1)[:200], "PNG"),
        (png(60_000, 60_000, 8, 0, b""), "exceeds the limit of 200 megapixels"),
    ],
)
@pytest.mark.parametrize("path", ["/api/read", "/api/collected?label=1&kind=photo"])
def test_what_is_no_image_is_refused_and_not_saved(client, collection, path, data, reason):
    response = client.post(path, content=data, headers={"Content-Type": "image/png"})

    assert 422 == response.status_code
    assert reason in error(response)
    assert not collection.folder.exists()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("model=2", "unknown model number 2"),
        ("model=-1", "the model '-1' is invalid"),
        ("model=²", "the model '²' is invalid"),
        ("model=" + "9" * 5000, "is invalid. Must be its number"),
        ("preprocess=../../etc/passwd", "Known: photo, mnist, simple, none"),
    ],
)
def test_unknown_choices_are_named(client, query, said):
    response = client.post(f"/api/read?{query}", content=drawn(1))

    assert 400 == response.status_code
    assert said in error(response)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/api/read", 405), ("GET", "/static/../app.py", 404)],
)
def test_unknown_addresses_are_answered_as_json(client, method, path, status):
    response = client.request(method, path)

    assert status == response.status_code
    assert error(response)


def test_a_bug_is_said_to_be_one(monkeypatch, collection):
    monkeypatch.setattr(Collection, "evaluate", lambda *_: 1 / 0)
    client = client_of(Site(READERS, collection=collection), raise_server_exceptions=False)
    response = client.post("/api/evaluate")

    assert (500, "nosniff") == (response.status_code, response.headers["X-Content-Type-Options"])
    assert "bug in batch_eval: ZeroDivisionError" in error(response)


# limits


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_an_upload_is_refused_when_it_is_too_large(client, monkeypatch, chunked):
    monkeypatch.setattr(workload, "MAX_BYTES", 1 << 20)
    content = b"x" * (2 << 20)
    response = client.post("/api/read", content=iter([content[: 1 << 20], content[1 << 20 :]]) if chunked else content)

    assert 413 == response.status_code
    assert "The file is too large. The limit is 1 MiB." == error(response)


def test_an_absurd_announced_length_is_a_bad_request(client):
    response = client.post("/api/read", content=b"x", headers={"Content-Length": "9" * 5000})

    assert 400 == response.status_code
    assert "The header Content-Length has 5,000 characters. Expected a number of bytes." == error(response)


def request_of(receive):
    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def test_an_upload_that_never_ends_is_broken_off(monkeypatch):
    monkeypatch.setattr(workload, "SECONDS", 0)

    async def main():
        await workload.Workload().with_upload(request_of(anyio.sleep_forever), len)

    with pytest.raises(HTTPException) as refused:
        anyio.run(main)

    assert 408 == refused.value.status_code


def test_few_uploads_are_in_memory_at_a_time(monkeypatch):
    """Of many that arrive together only some are read; each of these ends when it has waited for its turn."""
    monkeypatch.setattr(workload, "SMALL_BYTES", 0)
    waiting, most = set(), 0

    async def main():
        load, everyone_waits = workload.Workload(), anyio.Event()

        async def one(number):
            async def receive():
                nonlocal most
                waiting.add(number)
                most = max(most, len(waiting))
                if len(waiting) == workload.MAX_UPLOADS:
                    everyone_waits.set()
                await everyone_waits.wait()
                waiting.discard(number)
                return {"type": "http.request", "body": b"abc", "more_body": False}

            assert 3 == await load.with_upload(request_of(receive), len)

        async with anyio.create_task_group() as tasks:
            for number in range(5 * workload.MAX_UPLOADS):
                tasks.start_soon(one, number)

    anyio.run(main)

    assert workload.MAX_UPLOADS == most


def pausing(first):
    """Return a request whose client sends ``first`` and then nothing."""
    pieces = [{"type": "http.request", "body": first, "more_body": True}]

    async def receive():
        return pieces.pop() if pieces else await anyio.sleep_forever()

    return request_of(receive)


def test_an_upload_that_pauses_is_broken_off(monkeypatch):
    monkeypatch.setattr(workload, "PAUSE_SECONDS", 0.01)

    with pytest.raises(HTTPException) as refused:
        anyio.run(workload.Workload().with_upload, pausing(b"abc"), len)

    assert (408, True) == (refused.value.status_code, "paused longer than" in refused.value.detail)


def test_unfinished_uploads_keep_no_small_one_waiting():
    async def main():
        load = workload.Workload()
        async with anyio.create_task_group() as tasks:
            for first in [b"x" * workload.SMALL_BYTES] * workload.MAX_UPLOADS + [b"abc"] * 300:
                tasks.start_soon(load.with_upload, pausing(first), len)
            await anyio.wait_all_tasks_blocked()
            whole = iter([{"type": "http.request", "body": b"abc", "more_body": False}])

            async def receive():
                return next(whole)

            assert 3 == await load.with_upload(request_of(receive), len)
            tasks.cancel_scope.cancel()

    anyio.run(main)


def test_a_reading_that_takes_too_long_is_said_and_keeps_its_thread(monkeypatch):
    """The next one waits for the thread, which nothing can end."""
    monkeypatch.setattr(workload, "READING_SECONDS", 0.01)
    monkeypatch.setattr(workload, "available_cores", lambda: 1)
    monkeypatch.setattr(workload, "SECONDS", 0.1)
    released = threading.Event()

    async def main():
        load, reasons = workload.Workload(), []
        for _ in range(2):
            whole = iter([{"type": "http.request", "body": b"abc", "more_body": False}])

            async def receive(whole=whole):
                return next(whole)

            with pytest.raises(HTTPException) as refused:
                await load.with_upload(request_of(receive), lambda _: released.wait())
            reasons.append((refused.value.status_code, refused.value.detail))
        released.set()
        return reasons

    assert [
        (503, "Reading the image takes longer than 0.01 seconds. Try a smaller copy of it."),
        (503, "The page is busy with other images. Try again."),
    ] == anyio.run(main)


# other pages


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/example"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1"])
def test_another_host_is_refused(client, host, path):
    response = client.get(path, headers={"Host": host})

    assert 403 == response.status_code
    assert "is not this page's" in error(response)


@pytest.mark.parametrize(
    ("host", "bound", "own"),
    [
        ("127.0.0.1:8028", "127.0.0.1", True),
        ("LOCALHOST:8028", "127.0.0.1", True),
        ("[::1]:8028", "::1", True),
        ("192.168.1.5:8028", "127.0.0.1", False),
        ("192.168.1.5:8028", "0.0.0.0", True),
        ("[fe80::1]:8028", "::", True),
        ("evil.example", "0.0.0.0", False),
        ("digits.example", "digits.example", True),
        ("me@127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1/x", "127.0.0.1", False),
        ("127.0.0.1 evil", "127.0.0.1", False),
    ],
)
def test_which_hosts_are_the_server_s_own(host, bound, own):
    assert own == is_own(host, bound)


def test_this_machine_s_name_is_its_own_where_others_may_ask(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Laptop")

    assert [True, True, False] == [
        is_own("laptop.local:8028", "0.0.0.0"),
        is_own("laptop", "::"),
        is_own("laptop", "::1"),
    ]


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Origin": "http://127.0.0.1:8028.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_page_can_neither_save_nor_delete_nor_evaluate(client, collection, headers):
    token = collection.add(drawn(7), "7", "drawing")
    answers = [
        client.post("/api/collected?label=7&kind=photo", content=drawn(7), headers=headers),
        client.delete(f"/api/collected/{token}", headers=headers),
        client.post("/api/evaluate", headers=headers),
    ]

    assert [403] * 3 == [answer.status_code for answer in answers]
    assert 1 == sum(collection.counts().values())
    assert not collection.reports.exists()


def test_the_page_itself_may(client):
    headers = {"Origin": "http://127.0.0.1:8028", "Sec-Fetch-Site": "same-origin"}

    assert 201 == client.post("/api/collected?label=7&kind=photo", content=drawn(7), headers=headers).status_code


# collecting


def test_what_is_collected_is_a_labelled_folder(client, collection):
    for label in (3, 3, 8):
        response = client.post(f"/api/collected?label={label}&kind=drawing", content=drawn(label))

    assert {"3": 2, "8": 1} == {label: count for label, count in response.json()["counts"].items() if count}
    assert ["3", "3", "8"] == [sample.truth for sample in load_dataset(collection.folder).samples]


def test_an_image_is_saved_as_it_came(client, collection):
    client.post("/api/collected?label=5&kind=photo", content=drawn(5, ".jpg"))
    (file,) = (collection.folder / "5").iterdir()

    assert drawn(5, ".jpg") == file.read_bytes()
    assert re.fullmatch(r"photo-\d{8}-\d{6}-[0-9a-f]{8}\.jpg", file.name)


FORMATS = ["PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF"]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gets_a_suffix_that_run_reads(collection, kind):
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs the extra heic").register_heif_opener()
    image, data = Image.fromarray(on_paper(ink(2, 2))).convert("RGB"), io.BytesIO()
    image.save(data, kind, **({"save_all": True, "append_images": [image]} if kind == "MPO" else {}))
    collection.add(data.getvalue(), "2", "photo")

    assert ["2"] == [sample.truth for sample in load_dataset(collection.folder).samples]


@pytest.mark.parametrize("label", ["../../evil", "/etc", "..", "", "7/../8", "10", "7\0"])
def test_a_label_is_never_a_path(client, collection, tmp_path, label):
    before = sorted(tmp_path.rglob("*"))
    response = client.post("/api/collected", params={"label": label, "kind": "photo"}, content=drawn(7))

    assert 400 == response.status_code
    assert "Labels: 0, 1, 2" in error(response)
    assert before == sorted(tmp_path.rglob("*"))


def test_a_kind_is_never_part_of_a_path(client, tmp_path):
    response = client.post("/api/collected", params={"label": "7", "kind": "../../x"}, content=drawn(7))

    assert 400 == response.status_code
    assert [] == list(tmp_path.rglob("*.png"))


def test_an_image_can_be_taken_back_once(client, collection):
    token = client.post("/api/collected?label=9&kind=drawing", content=drawn(9)).json()["token"]

    assert 0 == client.delete(f"/api/collected/{token}").json()["counts"]["9"]
    assert "already deleted" in error(client.delete(f"/api/collected/{token}"))


@pytest.mark.parametrize("token", ["x.png", "..%2Fother.png", "%2e%2e%2fother.png"])
def test_only_what_was_saved_here_can_be_deleted(client, tmp_path, token):
    (tmp_path / "other.png").write_bytes(b"keep")
    client.delete(f"/api/collected/{token}")

    assert b"keep" == (tmp_path / "other.png").read_bytes()


def test_a_failed_save_leaves_nothing(collection, monkeypatch):
    def full(self, data):
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(ReportError, match="No space left on device"):
        collection.add(drawn(1), "1", "drawing")

    assert [] == list((collection.folder / "1").iterdir())


def test_the_collection_is_evaluated_as_run_does(client, collection):
    for label in (1, 4, 7):
        collection.add(drawn(label), str(label), "drawing")
    collection.add(drawn(4), "9", "drawing")
    found = client.post("/api/evaluate").json()

    assert (3, 4, 0.75) == (found["correct"], found["scored"], found["accuracy"])
    assert found["low"] < 0.75 < found["high"]
    assert "75.0" in client.get("/report/report.html").text
    assert {"metrics.json", "predictions.csv", "report.html"} <= {path.name for path in collection.reports.iterdir()}


def test_a_collection_of_unreadable_images_has_no_accuracy(client, collection):
    (collection.folder / "7").mkdir(parents=True)
    (collection.folder / "7" / "broken.png").write_bytes(b"no image")
    response = client.post("/api/evaluate")

    assert 200 == response.status_code
    assert {"correct": 0, "scored": 0, "accuracy": None, "low": None, "high": None} == response.json()


def test_an_empty_collection_cannot_be_evaluated(client):
    response = client.post("/api/evaluate")

    assert 400 == response.status_code
    assert "does not exist" in error(response)


def test_no_report_is_no_crash(client):
    assert 404 == client.get("/report/report.html").status_code


def test_a_folder_whose_labels_come_from_a_file_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("filename,label\n")

    with pytest.raises(DatasetError, match=r"labels\.csv would hide what is collected"):
        Collection(tmp_path, DIGITS, tmp_path / "out")


@pytest.mark.parametrize("name", ["T-shirt/top", "..", ".hidden", "a\\b", "", "con ", "x\0"])
def test_a_class_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="--classes"):
        Collection(tmp_path, ["0", name], tmp_path / "out")


@pytest.mark.parametrize("name", ["0", "T-shirt", "null", "ankle boot", "ö", "C++"])
def test_other_classes_can_be_folders(tmp_path, name):
    assert {name: 0} == Collection(tmp_path, [name], tmp_path / "out").counts()


def test_a_file_cannot_be_collected_into(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ReportError, match=r"is a file\. Choose another folder with --collect\."):
        Collection(tmp_path / "file", DIGITS, tmp_path / "out")


# images to try


def test_a_random_image_is_named_with_its_label_and_can_be_fetched(client):
    example = client.get("/api/example").json()
    image = client.get(f"/api/examples/{example['number']}")

    assert example["name"][0] == example["truth"]
    assert (ROOT / "sample_images" / example["name"]).read_bytes() == image.content
    assert "application/octet-stream" == image.headers["Content-Type"]


@pytest.mark.parametrize("number", ["60", "99999999999999999999"])
def test_there_are_no_other_images(client, number):
    assert "unknown image number" in error(client.get(f"/api/examples/{number}"))


def test_a_folder_without_labels_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(drawn(1))

    with pytest.raises(DatasetError, match="No labels found"):
        Examples(tmp_path)
