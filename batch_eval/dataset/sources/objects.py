"""The objects of a bucket under a prefix, read as a folder's files: ``s3://``, ``gs://`` and ``az://``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.names import is_image, is_junk, natural_key
from batch_eval.errors import DatasetError, UnreadableImageError
from batch_eval.files import MAX_IMAGE_MB
from batch_eval.wording import printable

_ADDRESS = re.compile(r"(s3|gs|az):/{1,2}(?=[^/])")
_REQUEST = timedelta(seconds=5)
"""Longest time of one request. The library's own limits let a silent server hold a run for minutes."""
_ALL_TRIES = timedelta(seconds=10)
"""Longest time of a request with its retries."""
_RETRIES = 3
"""Tries after the first."""
_OWN_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
"""Variables of credentials that the store reads itself."""
_ADVICE = (
    "Check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL, and the credentials (or AWS_SKIP_SIGNATURE=true for a "
    "public bucket; gs:// and az:// have variables of their own)."
)


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects under an address, by their paths relative to it, each list in natural order.

    It holds no store, which has the secret: each process makes its own.
    """

    address: str
    images: Sequence[str]
    others: Sequence[str]
    sizes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    labels: Reading | None = None

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]

    @property
    def roots(self) -> tuple[str, ...]:
        """The address."""
        return (self.address,)

    def read(self, file: str) -> bytes:
        """Return an object's bytes.

        Raises UnreadableImageError if this object is missing, too large or broken. Raises DatasetError if the store
        refuses or does not answer.
        """
        from obstore.exceptions import BaseError, NotFoundError

        if self.size(file) > MAX_IMAGE_MB * 1_000_000:
            raise UnreadableImageError(f"the object has more than {MAX_IMAGE_MB:,} MB, which is the limit")
        try:
            answer = _store(self.address, os.getpid()).get(file)
        except (NotFoundError, FileNotFoundError) as error:
            # The store says the same of a missing object and of a missing bucket. Its code tells them apart.
            if "NoSuchBucket" in str(error):
                raise _refused(self.address, error) from error
            raise UnreadableImageError("the object is no longer in the bucket") from error
        except (BaseError, OSError) as error:
            raise _refused(self.address, error) from error
        # The store answered. What fails from here on concerns this object.
        try:
            return bytes(answer.bytes())
        except (BaseError, OSError) as error:
            raise UnreadableImageError("the object's bytes end early or do not arrive") from error

    def read_other(self, path: str) -> bytes:
        """Return an object's bytes. Raises as `read` does."""
        return self.read(path)

    def size(self, file: str) -> int:
        """Return an object's length in bytes, as it was listed."""
        return self.sizes.get(file, 0)


def address_of(place: str | Path) -> str | None:
    """Return the address of objects. Return None if a place is none.

    A path spells ``s3://bucket`` as ``s3:/bucket``.
    """
    text = Path(place).as_posix() if isinstance(place, Path) else place
    found = _ADDRESS.match(text)
    return f"{found[1]}://{text[found.end() :]}".rstrip("/") if found else None


def open_objects(address: str) -> Objects:
    """List the objects under an address. Listing also finds that a bucket is missing, which reading could not tell.

    Raises DatasetError if the bucket cannot be listed or holds no images there.
    """
    sizes = _listed(address)
    paths = sorted(sizes, key=natural_key)
    images = [path for path in paths if is_image(path)]
    if not images:
        raise DatasetError(
            f"{printable(address)} holds no images ({len(paths):,} other objects). "
            "Expected png, jpg, webp, … under this prefix. Give another prefix."
        )
    return Objects(address, images, [path for path in paths if not is_image(path)], sizes)


def _listed(address: str) -> dict[str, int]:
    """Return the paths and sizes of the objects, without what systems leave behind."""
    store = _store(address, os.getpid())
    from obstore.exceptions import BaseError

    try:
        found = {entry["path"]: entry["size"] for entries in store.list() for entry in entries}
    except (BaseError, OSError) as error:
        raise _refused(address, error) from error
    return {path: size for path, size in found.items() if not any(map(is_junk, path.split("/")))}


@cache
def _store(address: str, process: int) -> Any:
    """Return the store of an address, made once in each process: its threads do not live on in a forked one."""
    del process
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as error:
        from batch_eval.installation import missing

        raise DatasetError(f"{printable(address)} is in a bucket. {missing('obstore', 'cloud')}") from error
    try:
        return from_url(
            address,
            client_options={"timeout": _REQUEST, "connect_timeout": _REQUEST, "allow_http": _plain_http()},
            retry_config={"max_retries": _RETRIES, "retry_timeout": _ALL_TRIES},
            **(_credentials(address) if address.startswith("s3:") else {}),
        )
    except (BaseError, ValueError) as error:
        raise _refused(address, error) from error


def _plain_http() -> bool:
    """Whether the user names an endpoint without encryption."""
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return named.startswith("http://")


def _credentials(address: str) -> dict[str, Any]:
    """Return the options that give credentials. The store never looks for some in a machine's metadata by itself."""
    anonymous = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true", "yes")
    if anonymous or any(os.environ.get(name) for name in _OWN_CREDENTIALS):
        return {}
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        raise DatasetError(
            f"There are no credentials for {printable(address)}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_SKIP_SIGNATURE=true for a public bucket, or install boto3 for profiles and single sign-on."
        ) from error
    return {"credential_provider": Boto3CredentialProvider()}


def _refused(address: str, error: Exception) -> DatasetError:
    """Return the error of a store that refuses or does not answer."""
    reason = printable(str(error).partition("\n")[0])[:400]
    return DatasetError(f"{printable(address)} cannot be read: {reason} {_ADVICE}")
