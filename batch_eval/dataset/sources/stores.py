"""Stores of objects: their addresses, credentials and errors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any

from batch_eval.errors import ConfigError, DatasetError, ReportError, StoreError
from batch_eval.wording import printable

_ADDRESS = re.compile(r"(s3|gs|az|https|http(?=:/{1,2}(?:localhost|127\.0\.0\.1)[:/])):/{1,2}(?=[^/])")
"""Plain HTTP is for servers of this machine."""
REQUEST_SECONDS = 5
"""Longest time of one request. The library's own limits let a silent server hold a run for 181 s."""
ALL_SECONDS = 10
"""Longest time of a request with its retries."""
RETRIES = 3
"""Tries after the first."""
_TRIAL = ".batch_eval-write-test"
"""Name of an object that is written to learn whether a store takes any.

It is one for all runs: where objects cannot be deleted, one is left."""
_TRUE = ("1", "true", "yes", "on")
_GOOGLE_LOGIN = Path(".config", "gcloud", "application_default_credentials.json")
"""Where gcloud leaves credentials below the home folder."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of store, and what the environment says of it.

    Attributes:
        credentials: Matches the variables that hold credentials, or say where they are.
        anonymous: The variable that asks for no credentials.
        endpoints: Variables of its URL.
        advice: How a user gives credentials.

    """

    credentials: str
    anonymous: str
    endpoints: tuple[str, ...]
    advice: str

    @property
    def is_anonymous(self) -> bool:
        """Whether the user asks for no credentials."""
        return os.environ.get(self.anonymous, "").lower() in _TRUE

    @property
    def has_credentials(self) -> bool:
        """Whether the environment holds credentials, or says where they are."""
        return any(value and re.fullmatch(self.credentials, name) for name, value in os.environ.items())

    @property
    def plain_http(self) -> bool:
        """Whether the user names a URL without encryption."""
        return next((url for name in self.endpoints if (url := os.environ.get(name))), "").startswith("http://")


_KINDS: Mapping[str, _Kind] = {
    "s3": _Kind(
        r"AWS_(ACCESS_KEY_ID|WEB_IDENTITY_TOKEN_FILE|CONTAINER_CREDENTIALS_(RELATIVE|FULL)_URI)",
        "AWS_SKIP_SIGNATURE",
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for a public bucket. With boto3 "
        "installed, profiles and single sign-on work, and AWS_EC2_METADATA_DISABLED=false asks for a machine's role.",
    ),
    "gs": _Kind(
        r"GOOGLE_(SERVICE_ACCOUNT.*|APPLICATION_CREDENTIALS|BEARER_TOKEN)|GCE_METADATA_HOST",
        "GOOGLE_SKIP_SIGNATURE",
        ("GOOGLE_BASE_URL",),
        "Set GOOGLE_APPLICATION_CREDENTIALS, log in with `gcloud auth application-default login`, or set "
        "GOOGLE_SKIP_SIGNATURE=true for a public bucket. GCE_METADATA_HOST=metadata.google.internal asks for a "
        "machine's account.",
    ),
    "az": _Kind(
        r"AZURE_.*(KEY|TOKEN|TOKEN_FILE|SECRET|EMULATOR|CLI|MSI_ENDPOINT|IDENTITY_ENDPOINT)|(IDENTITY|MSI)_ENDPOINT",
        "AZURE_SKIP_SIGNATURE",
        ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        "Set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or with "
        "AZURE_SKIP_SIGNATURE=true for a public container. AZURE_IDENTITY_ENDPOINT asks for a machine's identity.",
    ),
}


def address_of(place: str | Path) -> str | None:
    """Return the address of objects. Return None if a place is none.

    A path spells ``s3://bucket`` as ``s3:/bucket``.
    """
    text = Path(place).as_posix() if isinstance(place, Path) else place
    found = _ADDRESS.match(text)
    return f"{found[1]}://{text[found.end() :]}".rstrip("/") if found else None


def store(address: str) -> Any:
    """Return the store of an address, whose paths are relative to it. Raises DatasetError."""
    return _store(address, os.getpid())


@cache
def _store(address: str, process: int) -> Any:
    """Return a store, made once in each process: its threads do not live on in a forked one."""
    del process
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as error:
        from batch_eval.installation import missing

        raise DatasetError(f"{printable(address)} is in a bucket. {missing('obstore', 'cloud')}") from error
    scheme, _, rest = address.partition("://")
    if scheme.startswith("http") and ("@" in rest or "?" in rest):
        raise DatasetError(
            "An address with a password or a signature is not taken, as it would stand in reports and manifests. "
            "Name the same objects as s3://…, gs://… or az://…, with the credentials in variables."
        )
    kind = _KINDS.get(scheme)
    limit = timedelta(seconds=REQUEST_SECONDS)
    plain = scheme == "http" or (kind is not None and kind.plain_http)
    try:
        return from_url(
            address,
            client_options={"timeout": limit, "connect_timeout": limit, "allow_http": plain},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=ALL_SECONDS)},
            **(_credentials(address, scheme, kind) if kind else {}),
        )
    except (BaseError, ValueError) as error:
        raise refused(address, error) from error


def _credentials(address: str, scheme: str, kind: _Kind) -> dict[str, Any]:
    """Return the options of a store that give credentials. A machine's metadata are not asked by default."""
    if kind.is_anonymous:
        return {"skip_signature": True}
    if kind.has_credentials or (scheme == "gs" and Path(Path.home(), _GOOGLE_LOGIN).exists()):
        return {}  # the library reads them itself
    found = _boto3_provider(address) if scheme == "s3" else None
    if found is None:
        raise DatasetError(f"There are no credentials for {printable(address)}. {kind.advice}")
    region = os.environ.get("AWS_REGION") or found.config.get("region")
    return {"credential_provider": found, **({"region": region} if region else {})}


def _boto3_provider(address: str) -> Any:
    """Return what reads boto3's configuration. Return None without boto3, or if it finds no credentials."""
    try:
        from boto3 import Session
        from botocore.exceptions import BotoCoreError
        from botocore.session import get_session
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return None
    try:
        session = get_session()
        if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "false":
            session.get_component("credential_provider").remove("iam-role")
        if session.get_credentials() is None:
            return None
        return Boto3CredentialProvider(Session(botocore_session=session))
    except BotoCoreError as error:
        raise refused(address, error) from error


def write_object(address: str, name: str, content: bytes | IO[bytes]) -> None:
    """Write an object under an address. It appears when it is complete. Raises StoreError."""
    opened = store(address)
    from obstore.exceptions import BaseError

    try:
        # one piece of 5 MiB at a time, so that each has its limit of time on a slow line
        opened.put(name, content, max_concurrency=1)
    except (BaseError, OSError) as error:
        raise refused(address, error, "written") from error


@contextmanager
def whole_object(address: str) -> Iterator[IO[bytes]]:
    """Open a temporary file to write, which becomes the object at an address when it is complete.

    Raises StoreError if the store refuses it, ReportError if the temporary file cannot be written.
    """
    folder, _, name = address.rpartition("/")
    try:
        with TemporaryFile() as file:
            yield file
            file.seek(0)
            write_object(folder, name, file)
    except OSError as error:
        raise ReportError(
            f"cannot write the temporary file for {printable(address)}: {error.strerror or error}. "
            f"Make room in {gettempdir()}, or name another folder with the variable TMPDIR."
        ) from error


def check_no_server(address: str, what: str) -> None:
    """Raise ConfigError for the address of a web server, where ``what`` was to be written."""
    if address.startswith("http"):
        raise ConfigError(
            f"{printable(address)} cannot hold {what}: web servers are only read. Name a place on the disk, or in a "
            "bucket as s3://…, gs://… or az://…."
        )


def check_takes(address: str) -> None:
    """Raise StoreError if objects cannot be written under an address. A small one is written and deleted."""
    write_object(address, _TRIAL, b"")
    from obstore.exceptions import BaseError

    with suppress(BaseError, OSError):  # another run has deleted it, or nothing may be deleted: parts need it not
        store(address).delete(_TRIAL)


def names_under(address: str) -> list[str]:
    """Return the names of the objects right under an address. Raises StoreError."""
    opened = store(address)
    from obstore.exceptions import BaseError

    try:
        return [entry["path"] for entry in opened.list_with_delimiter()["objects"]]
    except (BaseError, OSError) as error:
        raise refused(address, error) from error


def refused(address: str, error: Exception, done: str = "read") -> StoreError:
    """Return the error of a store that refuses or does not answer. ``done`` is what was to be done with it."""
    kind = _KINDS.get(address.partition(":")[0])
    reason = printable(str(error).partition("\n")[0]).strip().rstrip(".")[:400]
    if kind is None:
        return StoreError(f"{printable(address)} cannot be {done}: {reason}. Check the address.")
    return StoreError(
        f"{printable(address)} cannot be {done}: {reason}. Check its name, the variables of its region and endpoint "
        f"(such as {kind.endpoints[-1]}), and the credentials. {kind.advice}"
    )
