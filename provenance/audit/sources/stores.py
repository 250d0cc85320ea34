"""Object stores (`s3://`, `gs://` …) through fsspec, page by page and range by range."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any, BinaryIO, cast

from provenance.audit.sources.ranged import Ranged, Unreachable
from provenance.errors import ConfigError

PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""What brings a scheme to fsspec."""

_NETWORK = frozenset(
    {
        *("ConnectionError", "ConnectionClosedError", "HTTPClientError"),  # botocore
        *("ClientConnectionError", "ServerTimeoutError"),  # aiohttp
        *("TransportError", "RefreshError"),  # google.auth
        *("TimeoutError", "FSTimeoutError", "gaierror"),
    }
)
"""Errors of the network, by the names of their classes: each package has a tree of its own."""


def opened(text: str) -> BinaryIO:
    """The file behind an address.

    Raises:
        OSError: it cannot be opened.
    """
    system, path = _system(text)
    size = _asked(system.info, path)["size"]
    if size is None:
        raise OSError("the store does not say how long it is")
    return cast("BinaryIO", Ranged(partial(_part, system, path), int(size)))


def is_folder(text: str) -> bool:
    """Whether files may lie below it.

    Raises:
        OSError: it cannot be asked.
    """
    system, path = _system(text)
    return bool(_asked(system.isdir, path))


def is_file(text: str) -> bool:
    """Whether it can be opened.

    Raises:
        OSError: it cannot be asked.
    """
    system, path = _system(text)
    return bool(_asked(system.isfile, path))


def files(text: str) -> Iterator[tuple[str, int]]:
    """Names below an address with their sizes, in an order that depends on the names alone.

    Raises:
        OSError: it cannot be listed.
    """
    system, root = _system(text)
    root = root.strip("/")
    bucket, _, below = root.partition("/")
    prefix = f"{below}/" if below else ""
    match text.partition("://")[0].lower():
        case "s3":
            entries = _in_s3(system, bucket, prefix)
        case "gs" | "gcs":
            entries = _in_google(system, bucket, prefix)
        case _:
            yield from _walked(system, root)
            return
    for key, size in entries:
        if not key.endswith("/"):  # an empty object that stands for a folder
            yield key.removeprefix(prefix), size


def _in_s3(system: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    """A thousand keys at a time, in the order of their bytes."""
    after: dict[str, str] = {}
    while True:
        ask = partial(system.call_s3, "list_objects_v2", Bucket=bucket, Prefix=prefix, **after)
        page = _asked(ask)
        for entry in page.get("Contents", ()):
            yield str(entry["Key"]), int(entry["Size"])
        if not page.get("IsTruncated"):
            return
        after = {"ContinuationToken": page["NextContinuationToken"]}


def _in_google(system: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    after: dict[str, str] = {}
    while True:
        ask = partial(system.call, "GET", "b/{}/o", bucket, prefix=prefix, json_out=True, **after)
        page = _asked(ask)
        for entry in page.get("items", ()):
            yield str(entry["name"]), int(entry["size"])
        if not page.get("nextPageToken"):
            return
        after = {"pageToken": page["nextPageToken"]}


def _walked(system: Any, root: str) -> Iterator[tuple[str, int]]:
    """Folder by folder, each held whole."""
    root = "/" + root if str(system._strip_protocol("/x")).startswith("/") else root
    stack = [root]
    while stack:
        folder = stack.pop()
        entries = sorted(_asked(system.ls, folder, detail=True), key=lambda e: str(e["name"]))
        later = []
        for entry in entries:
            path = str(entry["name"]).rstrip("/")
            if path == folder:
                continue
            if entry.get("type") == "directory":
                later.append(path)
            else:
                yield path.removeprefix(root).lstrip("/"), int(entry.get("size") or 0)
        stack += reversed(later)


def _part(system: Any, path: str, start: int, stop: int) -> bytes:
    return bytes(_asked(system.cat_file, path, start=start, end=stop))


def _asked(ask: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return ask(*args, **kwargs)
    except Exception as error:  # botocore, aiohttp and gcsfs have trees of their own
        names = {each.__name__ for each in type(error).__mro__}
        if names & _NETWORK:
            problem = f"the store could not be reached ({type(error).__name__})"
            raise Unreachable(problem) from error
        if isinstance(error, OSError):
            raise
        raise OSError(f"the store refused it ({type(error).__name__})") from error


@cache
def installed(scheme: str) -> Any:
    """The file system of a scheme.

    Raises:
        ConfigError: a package for it is not installed, or it cannot be set up.
    """
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise ConfigError(
            "addresses need packages that are not installed: pip install 'provenance-kit[audit]'"
        ) from error
    try:
        # Neither instances nor listings of it are kept: data changes, and lists may be long.
        return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        package = PACKAGES.get(scheme, "")
        what = f"pip install {package}" if package else f"fsspec does not know it ({error})"
        raise ConfigError(f"{scheme}:// needs a package that is not installed: {what}") from error
    except Exception as error:  # credentials, in as many ways as there are stores
        raise ConfigError(
            f"{scheme}:// cannot be used ({type(error).__name__}: {error})"
        ) from error


def _system(text: str) -> tuple[Any, str]:
    system = installed(text.partition("://")[0].lower())
    return system, str(system._strip_protocol(text))
