"""Output files: complete or absent, and never at the cost of an older report."""

from types import SimpleNamespace

import pytest
from report_examples import empty, small

from batch_eval.errors import ConfigError, ReportError
from batch_eval.reports import writing
from batch_eval.reports.registry import Kind, format_names
from batch_eval.reports.writing import write_report, write_reports


def failing_reporter():
    def files(evaluation, context):
        yield "report.html", b"new"
        yield "report_files/a.css", b"new"
        raise ReportError("it went wrong half way")

    return SimpleNamespace(TITLE="fake", files=files, document=lambda evaluation, context: 1 / 0)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_failing_reporter_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "reporter", lambda name, kind: failing_reporter())
    with pytest.raises(ReportError, match="half way"):
        write_reports(small(), tmp_path, ["html"])

    assert names(tmp_path) == []


def test_a_failing_document_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "reporter", lambda name, kind: failing_reporter())
    with pytest.raises(ZeroDivisionError):
        write_report(small(), "html", tmp_path / "report.html")

    assert names(tmp_path) == []


def test_an_old_report_survives_a_failed_run(tmp_path, monkeypatch):
    write_reports(small(), tmp_path, ["html"])
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)}
    monkeypatch.setattr(writing, "reporter", lambda name, kind: failing_reporter())
    with pytest.raises(ReportError):
        write_reports(small(), tmp_path, ["html"])

    assert list(before) == names(tmp_path)


def test_an_old_report_survives_a_failed_rename(tmp_path, monkeypatch):
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "report_files").mkdir()
    (tmp_path / "report_files" / "old.css").write_text("old")
    rename = writing.os.rename

    def fails_at_the_last_step(source, target):
        if str(source).endswith("new/report_files"):
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(writing.os, "rename", fails_at_the_last_step)
    with pytest.raises(ReportError, match="Permission denied"):
        write_reports(small(), tmp_path, ["html"])

    assert names(tmp_path) == ["report.html", "report_files", "report_files/old.css"]
    assert (tmp_path / "report.html").read_text() == "old"


def test_pictures_of_an_older_report_are_gone(tmp_path):
    write_reports(small(), tmp_path, ["html"])
    write_reports(empty(), tmp_path, ["html"])

    assert not (tmp_path / "report_files" / "pictures").exists()


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    write_reports(small(), tmp_path, ["json"])

    assert names(tmp_path) == ["evaluation.json", "metrics.json", "mine.txt"]


def test_says_and_returns_what_was_written(tmp_path):
    said = []
    written = write_reports(small(), tmp_path / "new", ["html"], say=said.append)

    assert [tmp_path / "new" / "report.html"] == written
    assert [f"Wrote HTML report to {tmp_path / 'new' / 'report.html'}"] == said


def test_a_folder_that_is_a_file_is_an_error_with_advice(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ReportError, match=r"cannot write to .*out: .* --out"):
        write_reports(small(), tmp_path / "out", ["json"])


def test_a_format_that_is_none_is_an_error_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown report format 'pdf'.*text, csv, json, html"):
        write_reports(small(), tmp_path, ["json", "pdf"])

    assert names(tmp_path) == []


@pytest.mark.parametrize("name", sorted(format_names(Kind.RUN)))
def test_a_dash_is_stdout(name, capfdbinary, tmp_path):
    write_report(small(), name, "-")
    written = write_report(small(), name, tmp_path / "file")

    assert written.read_bytes() == capfdbinary.readouterr().out


def test_a_document_does_not_replace_a_folder(tmp_path):
    with pytest.raises(ReportError, match="is a folder"):
        write_report(small(), "json", tmp_path)


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_report(small(), "json", tmp_path / "link.json")

    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").is_file()
