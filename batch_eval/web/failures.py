"""Answer every error as JSON: {"error": "a sentence for people"}."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from batch_eval import wording
from batch_eval.errors import BatchEvalError, UnreadableImageError

HANDLED = (HTTPException, BatchEvalError, ClientDisconnect, Exception)
"""The exceptions that `error_response` answers. Exception stands for bugs."""


async def error_response(request: Request, error: Exception) -> Response:
    """Return the response to a request that raised an error."""
    status, message = _status_and_message(error, request.url.path)
    return JSONResponse({"error": wording.message(message)}, status)


def _status_and_message(error: Exception, path: str) -> tuple[int, str]:
    """Return the HTTP status and the message."""
    if isinstance(error, HTTPException):
        # Starlette's own errors, such as 404, only repeat the phrase of their status. Say the path instead.
        phrase = HTTPStatus(error.status_code).phrase
        return error.status_code, f"{path}: {phrase}." if error.detail == phrase else error.detail
    if isinstance(error, UnreadableImageError):
        return HTTPStatus.UNPROCESSABLE_ENTITY, f"The image cannot be read: {error}."
    if isinstance(error, BatchEvalError):
        return HTTPStatus.BAD_REQUEST, str(error)
    if isinstance(error, ClientDisconnect):
        return HTTPStatus.BAD_REQUEST, "The upload was interrupted."
    # Starlette raises it again after this answer, so uvicorn logs the traceback.
    bug = f"This is a bug in batch_eval: {type(error).__name__}: {error}. The terminal shows its traceback."
    return HTTPStatus.INTERNAL_SERVER_ERROR, bug
