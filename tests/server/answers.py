"""What every error must look like."""

import httpx


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The message, after everything that every error must have was looked at."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    (said,) = answer.json().values()
    assert said["code"] == code
    assert "Traceback" not in answer.text
    assert '.py"' not in answer.text
    guarded(answer)
    return said["message"]


def guarded(answer: httpx.Response) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "server" not in answer.headers
