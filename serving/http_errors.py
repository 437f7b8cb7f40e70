"""Every failure leaves as the same JSON body, never as a traceback."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from data_contracts.errors import ErrorCode, InputError, SanaWMError
from data_contracts.wire import ApiError, ApiErrorBody
from serving.engine import QueueFullError
from serving.videos_api import NotReadyError, UnknownVideoError

log = logging.getLogger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Map our errors and FastAPI's validation errors to coded answers."""
    app.add_exception_handler(SanaWMError, _coded)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _coded(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, SanaWMError):
        raise error
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, QueueFullError) else {}
    if _status(error) >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error.message)
    return _answer(_status(error), error.code.value, f"{error.message}; {error.fix}", None, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    message = f"{request.method} {request.url.path}: {field or 'body'}: {first['msg']}"
    return _answer(400, ErrorCode.REQUEST_INVALID.value, message, field or None, {})


def _status(error: SanaWMError) -> int:
    if isinstance(error, QueueFullError):
        return 429
    if isinstance(error, UnknownVideoError):
        return 404
    if isinstance(error, NotReadyError):
        return 409
    return 400 if isinstance(error, InputError) else 500


def _answer(status: int, code: str, message: str, param: str | None, headers: dict[str, str]) -> JSONResponse:
    kind = {429: "rate_limit_error", 500: "server_error"}.get(status, "invalid_request_error")
    body = ApiError(error=ApiErrorBody(message=message, type=kind, param=param, code=code))
    return JSONResponse(body.model_dump(mode="json"), status, headers)
