"""Every install hint names where this package came from; what needs no TensorFlow runs without it."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from batch_eval import installation
from batch_eval.errors import ModelError
from batch_eval.models import ModelOptions, open_model

ROOT = Path(__file__).resolve().parents[1]
PLAIN = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIRES = [
    "numpy>=1.26",
    'anyio>=4.6; extra == "web"',
    "starlette[full]>=1.0 ; extra == 'web'",
    'tensorflow>=2.18; python_version < "3.0" and extra == "tensorflow"',
    'ai-edge-litert>=2; python_version < "3.14" and extra == "tflite"',
]


class Installed:
    """A package as importlib.metadata shows it."""

    def __init__(self, files: dict[str, str]) -> None:
        self.requires = REQUIRES
        self.read_text = files.get


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Let the package be installed from an origin, and return the command that installs its extra `web`."""
    monkeypatch.setattr(installation, "PROJECT", tmp_path / "missing.toml")
    monkeypatch.setattr(installation, "_installer", lambda: ["pip", "install"])
    monkeypatch.setattr(installation.os, "name", "posix")

    def command(origin: dict[str, object] | None) -> str:
        files = {} if origin is None else {"direct_url.json": json.dumps(origin)}
        monkeypatch.setattr(metadata, "distribution", lambda _name: Installed(files))
        return installation.install_command.__wrapped__("web")

    return command


def test_a_checkout_is_named_by_its_path(installed, tmp_path: Path):
    folder = tmp_path / "my checkout"
    folder.mkdir()

    assert f"pip install '{folder}[web]'" == installed({"url": folder.as_uri(), "dir_info": {}})


def test_a_wheel_is_named_by_its_path(installed, tmp_path: Path):
    wheel = tmp_path / "batch_eval-0.1.0-py3-none-any.whl"
    wheel.touch()

    assert f"pip install '{wheel}[web]'" == installed({"url": wheel.as_uri(), "archive_info": {}})


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        ({"url": "https://host/o/p", "vcs_info": {"vcs": "git", "commit_id": "0a1"}}, "git+https://host/o/p"),
        (
            {"url": "ssh://git@host/p", "vcs_info": {"vcs": "git", "commit_id": "0a1", "requested_revision": "v2"}},
            "git+ssh://git@host/p@v2",
        ),
        (
            {"url": "https://host/p", "vcs_info": {"vcs": "git", "commit_id": "0a1"}, "subdirectory": "light"},
            "git+https://host/p#subdirectory=light",
        ),
        ({"url": "https://host/batch_eval-0.1.0.tar.gz", "archive_info": {}}, "https://host/batch_eval-0.1.0.tar.gz"),
    ],
)
def test_a_url_is_named_as_it_was_given(installed, origin: dict[str, object], named: str):
    assert f"pip install 'batch_eval[web] @ {named}'" == installed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        {"url": "file:///not/there/any/more", "dir_info": {}},
        {"url": "file:///a/clone", "vcs_info": {"vcs": "git", "commit_id": "0a1"}},
    ],
    ids=["an index", "a folder that was moved", "a clone that pip 23.2 cannot name"],
)
def test_without_an_origin_the_requirements_are_named(installed, origin: dict[str, object] | None):
    assert "pip install 'anyio>=4.6' 'starlette[full]>=1.0'" == installed(origin)


def test_a_checkout_that_runs_uninstalled_is_named(monkeypatch: pytest.MonkeyPatch):
    def distribution(_name: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(installation, "PROJECT", ROOT / "pyproject.toml")
    monkeypatch.setattr(metadata, "distribution", distribution)

    assert ["-e", f"{ROOT}[web]"] == installation._origin("web")
    assert [Requirement(line) for line in PLAIN["optional-dependencies"]["web"]] == installation.requirements("web")


@pytest.mark.parametrize(
    ("active", "words"), [(sys.prefix, []), ("/another", ["--python", sys.executable])], ids=["active", "inactive"]
)
def test_uv_installs_where_uv_has_installed(monkeypatch: pytest.MonkeyPatch, active: str, words: list[str]):
    monkeypatch.setattr(metadata, "distribution", lambda _name: Installed({"INSTALLER": "uv\n"}))
    monkeypatch.setenv("VIRTUAL_ENV", active)

    assert ["uv", "pip", "install", *words] == installation._installer()


def test_pip_of_another_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "pip").touch(mode=0o755)
    monkeypatch.setattr(metadata, "distribution", lambda _name: Installed({"INSTALLER": "pip\n"}))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert [sys.executable, "-m", "pip", "install"] == installation._installer()


def test_windows_gets_double_quotes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(installation.os, "name", "nt")

    assert '"C:\\digits\\batch_eval[web]"' == installation._quoted("C:\\digits\\batch_eval[web]")


def test_a_package_without_a_release_here_is_said_with_the_pythons_that_have_one(installed):
    installed(None)

    assert installation.missing("TensorFlow", "tensorflow").endswith("Use another computer.")
    assert ["3.11", "3.12", "3.13"] == [
        python for python in ("3.11", "3.12", "3.13", "3.14") if installation.requirements("tflite", python=python)
    ]


def test_no_hint_takes_the_name_from_the_public_index():
    pages = [ROOT / "README.md", ROOT / "action.yml", *ROOT.glob("docs/*.md"), *ROOT.glob("batch_eval/**/*.py")]

    assert [] == [
        f"{page.relative_to(ROOT)}: {line}"
        for page in pages
        for line in page.read_text(encoding="utf-8").splitlines()
        if "install 'batch_eval" in line.replace('"', "'") and " @ " not in line
    ]


def test_the_extra_repeats_the_line_of_tensorflow():
    assert PLAIN["optional-dependencies"]["tensorflow"] == [
        line for line in PLAIN["dependencies"] if line.startswith("tensorflow")
    ]


def test_the_light_install_is_the_plain_one_without_tensorflow(tmp_path: Path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / ".ci" / "light", check=True, capture_output=True)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    required = {Requirement(line[15:]) for line in metadata.splitlines() if line.startswith("Requires-Dist: ")}
    plain = {Requirement(line) for line in PLAIN["dependencies"]}

    assert {line for line in plain if line.name != "tensorflow"} == {
        line for line in required if "extra" not in str(line.marker)
    }
    assert {f"batch_eval/{part}" for part in ("__init__.py", "py.typed", "models/data/default.keras")} < set(names)


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``batch-eval`` where a package cannot be imported."""
    code = f"import sys; sys.modules[{package!r}] = None; from batch_eval.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "need"),
    [
        (["run", "sample_images", "--verify"], "--verify needs TensorFlow to compare with"),
        (["train", "--data", "sample_images"], "training needs TensorFlow"),
        (["train", "--network", "mlp-512"], "training needs TensorFlow"),
    ],
)
def test_what_needs_tensorflow_says_so_before_it_begins(arguments: list[str], need: str, tmp_path: Path):
    out = ["--out", str(tmp_path / "out.keras")]
    done = without("tensorflow", *arguments, *out)

    assert (2, "") == (done.returncode, done.stdout)
    assert f"Error: {need}. TensorFlow is not " in done.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_saved_model_names_what_opens_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "saved_model.pb").touch()
    monkeypatch.setitem(sys.modules, "tensorflow", None)

    with pytest.raises(ModelError, match=r"needs TensorFlow, which alone runs a SavedModel\. TensorFlow is not "):
        open_model(ModelOptions(tmp_path, trust=True))


def test_a_tflite_file_names_the_smaller_package_that_opens_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    for package in ("tensorflow", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ModelError, match=r"needs LiteRT or TensorFlow\. LiteRT is not "):
        open_model(tmp_path / "model.tflite")


def test_a_broken_tensorflow_is_told_from_a_missing_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('DLL load failed')")
    (tmp_path / "saved_model.pb").touch()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModelError, match=r"installed but cannot be imported: DLL load failed\. Uninstall it, then"):
        open_model(ModelOptions(tmp_path, trust=True))


@pytest.mark.slow
def test_a_run_needs_none_of_the_optional_packages(tmp_path: Path):
    packages = ["tensorflow", "keras", "ai_edge_litert", "pillow_heif", "pyarrow", "matplotlib", "starlette", "uvicorn"]
    blocked = "; ".join(f"sys.modules[{package!r}] = None" for package in packages)
    formats = [word for name in ("csv", "json", "html", "junit", "markdown") for word in ("--format", name)]
    code = f"import sys; {blocked}; from batch_eval.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "sample_images", "--out", str(tmp_path), *formats]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert (tmp_path / "report.html").is_file()
