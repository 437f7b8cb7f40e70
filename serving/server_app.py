"""The video API, its errors and the web page, put on an application."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from serving.engine import GenerationEngine
from serving.http_errors import install_error_handlers
from serving.videos_api import VideosApi

WEB = Path(__file__).parent / "web"


def attach(app: FastAPI, engine: GenerationEngine) -> None:
    """Put the video API, its errors and the web page on an application."""
    install_error_handlers(app)
    app.include_router(VideosApi(engine).router())
    app.mount("/web", StaticFiles(directory=WEB), name="web")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(WEB / "index.html")
