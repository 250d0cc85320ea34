"""The middleware inside frameworks that people use; one that is not installed is skipped."""

from __future__ import annotations

import base64
import json
import runpy

import httpx
import pytest

from provenance.integrations import asgi, wsgi
from provenance.integrations.bodies import pictures_in
from tests.conftest import ROOT
from tests.integrations.exchanges import HTML, PNG, RED, VIDEO, quick, text
from tests.integrations.test_asgi import served
from tests.integrations.test_wsgi import by_wsgiref


@pytest.fixture(scope="module")
def quick_pipeline(config):
    return quick(config)


@pytest.fixture
def folder(tmp_path):
    """Static files."""
    for name, data in {"cat.png": PNG, "red.png": RED, "a.mp4": VIDEO, "page.html": HTML}.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def starlette(pipeline, folder):
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    async def picture(request):
        return Response(PNG, media_type="image/png", background=BackgroundTask(lambda: None))

    async def stream(request):
        async def body():
            for at in range(0, len(PNG), 100):
                yield PNG[at : at + 100]

        return StreamingResponse(body(), media_type="image/png")

    async def api(request):
        return JSONResponse({"data": [{"b64_json": text(PNG)}], "echo": await request.json()})

    async def passing(request, call_next):
        return await call_next(request)

    return Starlette(
        routes=[
            Route("/picture", picture),
            Route("/stream", stream),
            Route("/api", api, methods=["POST"]),
            Route("/file", lambda request: FileResponse(folder / "cat.png")),
            Route("/red", lambda request: FileResponse(folder / "red.png")),
            Mount("/static", StaticFiles(directory=folder)),
        ],
        middleware=[
            Middleware(asgi.ProtectImages, pipeline=pipeline),
            Middleware(BaseHTTPMiddleware, dispatch=passing),
            Middleware(GZipMiddleware),
        ],
    )


def fastapi(pipeline, folder):
    fastapi = pytest.importorskip("fastapi")
    from fastapi import responses, staticfiles

    app = fastapi.FastAPI()
    app.add_middleware(asgi.ProtectImages, pipeline=pipeline)

    @app.get("/picture")
    def picture():
        return responses.Response(PNG, media_type="image/png")

    @app.get("/stream")
    def stream():
        return responses.StreamingResponse(iter([PNG[:99], PNG[99:]]), media_type="image/png")

    @app.post("/api")
    def api(asked: dict):
        return {"data": [{"b64_json": text(PNG)}], "echo": asked}

    @app.get("/file")
    def file():
        return responses.FileResponse(folder / "cat.png")

    @app.get("/red")
    def red():
        return responses.FileResponse(folder / "red.png")

    app.mount("/static", staticfiles.StaticFiles(directory=folder))
    return app


def litestar(pipeline, folder):
    litestar = pytest.importorskip("litestar")
    from litestar.response import File, Response, Stream
    from litestar.static_files import create_static_files_router

    @litestar.get("/picture", sync_to_thread=False)
    def picture() -> Response[bytes]:
        return Response(PNG, media_type="image/png")

    @litestar.get("/stream", sync_to_thread=False)
    def stream() -> Stream:
        return Stream(iter([PNG[:99], PNG[99:]]), media_type="image/png")

    @litestar.post("/api", status_code=200)
    async def api(request: litestar.Request) -> dict[str, object]:
        return {"data": [{"b64_json": text(PNG)}], "echo": await request.json()}

    @litestar.get("/file", sync_to_thread=False)
    def file() -> File:
        return File(folder / "cat.png", filename="cat.png")

    @litestar.get("/red", sync_to_thread=False)
    def red() -> File:
        return File(folder / "red.png", filename="red.png")

    static = create_static_files_router(path="/static", directories=[folder])
    routes = [picture, stream, api, file, red, static]
    app = litestar.Litestar(
        routes,
        signature_namespace={
            "litestar": litestar,
            "Response": Response,
            "Stream": Stream,
            "File": File,
        },
    )
    return asgi.ProtectImages(app, pipeline)


_DJANGO: dict[str, object] = {}


def _django(folder):
    """Django's settings are of the process: they are made once."""
    pytest.importorskip("django")
    import django
    from django.conf import settings
    from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path
    from django.views.decorators.http import require_POST
    from django.views.static import serve

    _DJANGO["folder"] = folder
    if not settings.configured:

        def picture(request):
            return HttpResponse(PNG, content_type="image/png")

        def stream(request):
            return StreamingHttpResponse(iter([PNG[:99], PNG[99:]]), content_type="image/png")

        @require_POST
        def api(request):
            body = {"data": [{"b64_json": text(PNG)}], "echo": json.loads(request.body)}
            return JsonResponse(body)

        def file(request, name="cat.png"):
            return FileResponse((_DJANGO["folder"] / name).open("rb"))

        def static(request, name):
            return serve(request, name, document_root=_DJANGO["folder"])

        settings.configure(
            SECRET_KEY="x",
            ROOT_URLCONF=type(
                "urls",
                (),
                {
                    "urlpatterns": [
                        path("picture", picture),
                        path("stream", stream),
                        path("api", api),
                        path("file", file),
                        path("red", file, {"name": "red.png"}),
                        path("static/<name>", static),
                    ]
                },
            ),
            ALLOWED_HOSTS=["*"],
            MIDDLEWARE=[
                "django.middleware.gzip.GZipMiddleware",
                "django.middleware.http.ConditionalGetMiddleware",
            ],
            LOGGING_CONFIG=None,
        )
        django.setup()


def django_asgi(pipeline, folder):
    _django(folder)
    from django.core.asgi import get_asgi_application

    return asgi.ProtectImages(get_asgi_application(), pipeline)


def django_wsgi(pipeline, folder):
    _django(folder)
    from django.core.wsgi import get_wsgi_application

    return wsgi.ProtectImages(get_wsgi_application(), pipeline)


def flask(pipeline, folder):
    flask = pytest.importorskip("flask")
    app = flask.Flask("site", static_folder=str(folder), static_url_path="/static")

    @app.get("/picture")
    def picture():
        return flask.Response(PNG, mimetype="image/png")

    @app.get("/stream")
    def stream():
        return flask.Response(iter([PNG[:99], PNG[99:]]), mimetype="image/png")

    @app.post("/api")
    def api():
        return {"data": [{"b64_json": text(PNG)}], "echo": flask.request.json}

    @app.get("/file")
    def file():
        return flask.send_file(folder / "cat.png")

    @app.get("/red")
    def red():
        return flask.send_file(folder / "red.png")

    app.wsgi_app = wsgi.ProtectImages(app.wsgi_app, pipeline)
    return app


FRAMEWORKS = {
    "starlette": (starlette, served),
    "fastapi": (fastapi, served),
    "litestar": (litestar, served),
    "django-asgi": (django_asgi, served),
    "django-wsgi": (django_wsgi, by_wsgiref),
    "flask": (flask, by_wsgiref),
}


@pytest.fixture(params=list(FRAMEWORKS))
def client(request, quick_pipeline, folder):
    make, serving = FRAMEWORKS[request.param]
    with (
        serving(make(quick_pipeline, folder)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


# Django's synchronous iterators are warned about under ASGI, rightly.
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators")
def test_framework(client, quick_pipeline):
    def check(data: bytes) -> None:
        assert quick_pipeline._verifier.verify(data).verdict.outcome == "verified"

    for path in ("picture", "stream", "file", "static/cat.png"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), path
        assert int(answer.headers["content-length"]) == len(answer.content)
        check(answer.content)
    part = client.get("static/cat.png", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, answer.content[10:20])
    same = client.get("static/cat.png", headers={"if-none-match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    newer = client.get(
        "static/cat.png", headers={"if-modified-since": "Wed, 01 Jan 2098 00:00:00 GMT"}
    )
    check(newer.content)

    answer = client.post("api", json={"prompt": "a cat"})
    assert answer.status_code == 200
    (picture,) = pictures_in("application/json", answer.content).pictures
    check(picture)
    assert answer.json()["echo"] == {"prompt": "a cat"}
    assert client.post("api", json={"prompt": "a red cat"}).status_code == 400
    assert client.get("red").json()["error"]["code"] == "content_policy_violation"

    assert client.get("static/a.mp4").content == VIDEO
    assert client.get("static/page.html").content == HTML
    assert client.get("missing").status_code == 404
    assert client.head("static/cat.png").content == b""
    assert base64.b64encode(PNG)[:99] not in client.get("static/page.html").content


def test_example(config, verifier, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(config.path))
    example = runpy.run_path(str(ROOT / "examples" / "protect_a_web_app.py"))
    with served(example["app"]) as url, httpx.Client(base_url=url, timeout=60) as client:
        painted = client.get("paint", params={"prompt": "squares"})
        assert verifier.verify(painted.content).verdict.outcome == "verified"
        answer = client.post("v1/images", json={"prompt": "coloured squares"})
        (picture,) = pictures_in("application/json", answer.content).pictures
        assert verifier.verify(picture).verdict.outcome == "verified"


def test_range_of_a_video_is_the_frameworks(quick_pipeline, folder):
    with (
        served(starlette(quick_pipeline, folder)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        whole = client.get("static/a.mp4")
        part = client.get("static/a.mp4", headers={"range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, VIDEO[100:200])
        same = client.get("static/a.mp4", headers={"if-none-match": whole.headers["etag"]})
        assert same.status_code == 304
        assert client.get("static/page.html").headers["content-encoding"] == "gzip"
