"""Access keys: who has none gets nothing, and no key travels on."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from provenance.errors import ConfigError
from provenance.server import access
from tests.server.service import serving


async def _echo(request: Request) -> JSONResponse:
    return JSONResponse(
        {"headers": dict(request.headers), "client": request.scope["state"].get("client_name")}
    )


@pytest.fixture
def clients(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "clients"
    access.add(path, "other")
    return path, access.add(path, "painter")


def get(clients: Path, path: str, **headers: str) -> httpx.Response:
    app = Starlette(routes=[Route("/{rest:path}", _echo)])
    guarded = access.Access(app, access.read(clients), lambda _method, p: p != "/open")
    with serving(guarded) as service, service.client() as client:
        return client.get(path, headers=headers)


def test_a_key_opens_and_is_taken_out(clients: tuple[Path, str]) -> None:
    path, key = clients
    for headers in ({"X-Provenance-Key": key}, {"Authorization": f"Bearer {key}"}):
        answer = get(path, "/work", **headers)
        assert answer.json()["client"] == "painter"
        assert key not in answer.text


def test_the_authorization_of_what_stands_behind_passes(clients: tuple[Path, str]) -> None:
    path, key = clients
    headers = {"X-Provenance-Key": key, "Authorization": "Bearer sk-upstream"}
    answer = get(path, "/work", **headers)
    assert answer.json()["headers"]["authorization"] == "Bearer sk-upstream"
    assert key not in answer.text


def test_a_wrong_key_does_not_travel_on(clients: tuple[Path, str]) -> None:
    path, key = clients
    answer = get(path, "/open", **{"X-Provenance-Key": key[:-1]})
    assert answer.json()["client"] is None
    assert key[:-1] not in answer.text


@pytest.mark.parametrize("headers", [{}, {"X-Provenance-Key": "pvk_x"}, {"Authorization": "Basic"}])
def test_without_a_key_the_answer_says_what_is_needed(
    clients: tuple[Path, str], headers: dict[str, str]
) -> None:
    answer = get(clients[0], "/work", **headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "key-needed"


def test_the_file_holds_no_key(clients: tuple[Path, str]) -> None:
    path, key = clients
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert sorted(access.read(path).values()) == ["other", "painter"]


def test_a_name_is_given_once(clients: tuple[Path, str]) -> None:
    with pytest.raises(ConfigError, match="names painter already"):
        access.add(clients[0], "painter")
    with pytest.raises(ConfigError, match="cannot name a client"):
        access.add(clients[0], "two words")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "painter pvk_secret\n", "\xff"])
def test_a_file_that_lets_nobody_in_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clients"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="clients") as caught:
        access.read(path)
    assert "pvk_secret" not in str(caught.value)
