"""Every failure as JSON with a sentence that a person can read: {"error": "…"}."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from batch_eval.errors import BatchEvalError, UnreadableImageError

HANDLED = (HTTPException, BatchEvalError, ClientDisconnect, Exception)
"""The kinds of errors that `failed` answers."""


async def failed(request: Request, error: Exception) -> Response:
    """Return the answer to a request that ended in an error."""
    status, message = _said(error, request.url.path)
    return JSONResponse({"error": message}, status)


def _said(error: Exception, path: str) -> tuple[int, str]:
    """Return the HTTP status and the sentence."""
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        return error.status_code, f"{path}: {phrase}." if error.detail == phrase else error.detail
    if isinstance(error, UnreadableImageError):
        return HTTPStatus.UNPROCESSABLE_ENTITY, f"The image cannot be read: {error}."
    if isinstance(error, BatchEvalError):
        return HTTPStatus.BAD_REQUEST, str(error)
    if isinstance(error, ClientDisconnect):
        return HTTPStatus.BAD_REQUEST, "The upload was broken off."
    bug = f"This is a bug in batch_eval: {type(error).__name__}: {error}. The terminal shows its traceback."
    return HTTPStatus.INTERNAL_SERVER_ERROR, bug
