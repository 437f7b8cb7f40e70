"""``/v1/videos``: create, list, retrieve, download, delete. An HTTP shell over the engine and the job store."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import JobStatus, ModelCard, ModelList, Video, VideoDeleted, VideoList
from serving.creation import CreationFields, build_request, known_model, normalized_png, read_creation
from serving.engine import GenerationEngine
from serving.jobs import Job
from serving.plan import plan_video
from serving.thumbnail import spritesheet, thumbnail

CREATION_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": CreationFields.model_json_schema()},
            "application/json": {"schema": CreationFields.model_json_schema()},
        },
    }
}


class UnknownVideoError(InputError):
    """No job has this id."""

    def __init__(self, video_id: str) -> None:
        super().__init__(ErrorCode.REQUEST_INVALID, f"video {video_id[:80]!r} does not exist", "list the videos")


class NotReadyError(InputError):
    """The job has no video (yet)."""

    def __init__(self, job: Job) -> None:
        super().__init__(
            ErrorCode.REQUEST_INVALID, f"video {job.id} is {job.status.value}, not completed", "wait for completed"
        )


class VideosApi:
    """The handlers, bound to one engine."""

    def __init__(self, engine: GenerationEngine) -> None:
        self._engine = engine
        self._store = engine.store

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/v1", tags=["videos"])
        router.add_api_route("/videos", self.create, methods=["POST"], openapi_extra=CREATION_SCHEMA)
        router.add_api_route("/videos", self.page, methods=["GET"])
        router.add_api_route("/videos/{video_id}", self.retrieve, methods=["GET"])
        router.add_api_route("/videos/{video_id}", self.delete, methods=["DELETE"])
        router.add_api_route("/videos/{video_id}/content", self.content, methods=["GET"])
        router.add_api_route("/models", self.models, methods=["GET"])
        router.add_api_route("/models/{name}", self.model_card, methods=["GET"])
        return router

    async def create(self, request: Request) -> Video:
        """Store and schedule a video; the answer comes at once."""
        card = self._engine.generator.card
        fields, payload = await read_creation(request)
        image = None if payload is None else await run_in_threadpool(normalized_png, payload)
        wanted = build_request(card, fields, image is not None)
        plan = await run_in_threadpool(plan_video, wanted, card, None)  # refuse now what would fail later
        shown = max(1, round((plan.request.raw_frames - 1) / card.fps))  # an action decides its own length
        wanted = wanted.model_copy(update={"seconds": str(shown)})
        return (await run_in_threadpool(self._engine.submit, wanted, image)).view()

    async def page(
        self,
        after: Annotated[str | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
    ) -> VideoList:
        """One page of jobs."""
        jobs, more = await run_in_threadpool(self._store.page, after, limit, order == "asc")
        views = [job.view() for job in jobs]
        first, last = (views[0].id, views[-1].id) if views else (None, None)
        return VideoList(data=views, first_id=first, last_id=last, has_more=more)

    async def retrieve(self, video_id: str) -> Video:
        """One job."""
        return (await run_in_threadpool(self._job, video_id)).view()

    async def delete(self, video_id: str) -> VideoDeleted:
        """Forget a job; if it is running, its generation ends before the next step."""
        if not await run_in_threadpool(self._store.delete, video_id):
            raise UnknownVideoError(video_id)
        return VideoDeleted(id=video_id)

    async def content(
        self,
        video_id: str,
        variant: Annotated[str, Query(pattern="^(video|thumbnail|spritesheet)$")] = "video",
        partial: Annotated[bool, Query()] = False,
    ) -> Response:
        """The video, or a still; with ``partial`` also what there is of a video that is still being made."""
        job = await run_in_threadpool(self._job, video_id)
        path = self._store.video_path(video_id)
        growing = partial and job.status is JobStatus.IN_PROGRESS and path.exists()
        if job.status is not JobStatus.COMPLETED and not growing:
            raise NotReadyError(job)
        if variant == "video" and growing:
            return Response(await run_in_threadpool(path.read_bytes), media_type="video/mp4")
        if variant == "video":
            return FileResponse(path, media_type="video/mp4", filename=f"{video_id}.mp4")
        picture = await run_in_threadpool(thumbnail if variant == "thumbnail" else spritesheet, path)
        return Response(picture, media_type="image/jpeg")

    async def models(self) -> ModelList:
        """The one model that is served."""
        return ModelList(data=[self._engine.generator.card])

    async def model_card(self, name: str) -> ModelCard:
        """What is served."""
        known_model(self._engine.generator.card, name)
        return self._engine.generator.card

    def _job(self, video_id: str) -> Job:
        job = self._store.get(video_id)
        if job is None:
            raise UnknownVideoError(video_id)
        return job
