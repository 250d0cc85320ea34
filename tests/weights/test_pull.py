"""Pulling from a real server: whole, in parts, from broken servers, twice at once, killed."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time

import pytest

from provenance.errors import ConfigError, OutputError
from provenance.weights import pull as module
from provenance.weights import web
from provenance.weights.incoming import part_of
from provenance.weights.interface import PullFailed, WeightsMissing
from provenance.weights.pull import Source, pull
from provenance.weights.store import State
from tests.tls import tls_certificate
from tests.weights.conftest import FILES, QUICK
from tests.weights.hub import Hub, entry, serve, sha256, some_safetensors

BIG = FILES["model.safetensors"]


def left(store):
    """Names in the folder of `small`, hidden ones too."""
    return sorted(p.name for p in (store.root / "small" / "1").iterdir())


def target(store):
    return store.root / "small" / "1" / "model.safetensors"


def test_a_model_comes_whole_and_is_given(store, hub):
    told = []
    pulled = pull(store, "small", QUICK, report=lambda *step: told.append(step))
    assert pulled.fetched == ("model.safetensors", "config.json")
    weights = store.get("small")
    assert {n: p.read_bytes() for n, p in weights.files.items()} == FILES
    assert (weights.revision, weights.licence) == ("1", "CC0-1.0")
    assert left(store) == sorted(FILES)
    assert told[0] == ("model.safetensors", 0, len(BIG))
    assert ("model.safetensors", len(BIG), len(BIG)) in told


def test_a_second_pull_asks_for_nothing(store, hub):
    pull(store, "small", QUICK)
    asked = len(hub.log)
    assert pull(store, "small", QUICK).fetched == ()
    assert len(hub.log) == asked


def test_a_damaged_file_is_fetched_again(store, hub):
    pull(store, "small", QUICK)
    with target(store).open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    with pytest.raises(WeightsMissing, match=r"damaged.*provenance models pull small"):
        store.get("small")
    assert pull(store, "small", QUICK).fetched == ("model.safetensors",)
    store.get("small")


def test_a_broken_connection_goes_on_where_it_stopped(store, hub):
    hub.cut_after, hub.cuts = 150_000, 2
    pull(store, "small", QUICK)
    store.get("small")
    assert hub.ranges_asked()[:3] == [None, "bytes=150000-", "bytes=300000-"]
    assert all("if-range" in headers for _, headers in hub.log[1:3])


def test_a_server_that_keeps_breaking_leaves_a_part_for_the_next_call(store, hub):
    hub.cut_after = 50_000
    with pytest.raises(PullFailed, match=r"200,000 bytes are kept.*goes on from there"):
        pull(store, "small", QUICK)
    assert store.entry("small").state is State.INCOMPLETE
    hub.cut_after = None
    pull(store, "small", QUICK)
    assert hub.ranges_asked()[4] == "bytes=200000-"
    assert left(store) == sorted(FILES)


def test_without_ranges_it_begins_again(store, hub):
    hub.ranges, hub.cut_after, hub.cuts = False, 100_000, 2
    pull(store, "small", QUICK)
    store.get("small")


def test_without_lengths_a_short_file_is_noticed(store, hub):
    hub.lengths, hub.cut_after, hub.cuts = False, 100_000, 1
    pull(store, "small", QUICK)
    store.get("small")


def test_without_a_validator_the_hash_decides(store, hub):
    hub.etag, hub.cut_after, hub.cuts = False, 100_000, 1
    pull(store, "small", QUICK)
    assert "if-range" not in hub.log[1][1]
    store.get("small")


def test_a_file_that_changed_meanwhile_is_not_joined(store, hub):
    hub.files["/small/model.safetensors"] = some_safetensors(seed=1)
    hub.cut_after = 50_000
    with pytest.raises(PullFailed):
        pull(store, "small", QUICK)
    hub.files["/small/model.safetensors"] = BIG
    hub.cut_after = None
    pull(store, "small", QUICK)
    store.get("small")


def test_a_part_of_another_file_is_forgotten(store, hub):
    hub.etag = False
    part = part_of(target(store))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else" * 100)
    pull(store, "small", QUICK)
    store.get("small")


def test_a_part_that_is_too_long_is_forgotten(store, hub):
    part = part_of(target(store))
    part.parent.mkdir(parents=True)
    part.write_bytes(BIG + b"more")
    pull(store, "small", QUICK)
    store.get("small")


def test_a_file_that_became_shorter_is_fetched_anew(store, hub):
    """The server has nothing where the part ends (416), and then the right file again."""
    hub.etag, hub.cut_after = False, 50_000
    with pytest.raises(PullFailed):
        pull(store, "small", QUICK)
    hub.cut_after = None
    hub.files["/small/model.safetensors"] = BIG[:100]
    with pytest.raises(PullFailed, match="has 100 bytes, expected"):
        pull(store, "small", QUICK)
    hub.files["/small/model.safetensors"] = BIG
    pull(store, "small", QUICK)
    store.get("small")


COMMIT, OTHER = "a" * 40, "b" * 40


def test_a_hub_is_asked_for_commits(store_of, hub, monkeypatch):
    text = entry("small", "https://x", FILES).replace('"url"', '"hub"')
    text = text.replace('"https://x"', '"owner/repository"').replace('"1"', f'"{COMMIT}"')
    text = text.replace('"config.json" = {', f'"config.json" = {{ revision = "{OTHER}",')
    text = text.replace("{ size", '{ path = "sub/model.safetensors", size')
    hub.files = {
        f"/owner/repository/resolve/{COMMIT}/sub/model.safetensors": BIG,
        f"/owner/repository/resolve/{OTHER}/config.json": FILES["config.json"],
    }
    monkeypatch.setenv("HF_ENDPOINT", hub.base + "/")
    store = store_of(text)
    assert pull(store, "small", QUICK).folder.name == COMMIT
    store.get("small")
    monkeypatch.delenv("HF_ENDPOINT")
    assert module._url(store.catalogue.find("small"), store.catalogue.find("small").files[0]) == (
        f"https://huggingface.co/owner/repository/resolve/{COMMIT}/sub/model.safetensors"
    )


def test_a_server_that_continues_elsewhere_is_not_believed(store, hub):
    hub.wrong_range, hub.cut_after, hub.cuts = True, 100_000, 1
    pull(store, "small", QUICK)
    store.get("small")
    assert hub.ranges_asked()[:3] == [None, "bytes=100000-", None]


def test_another_file_is_refused_with_both_hashes(store, hub):
    other = some_safetensors(seed=1)
    hub.files["/small/model.safetensors"] = other
    with pytest.raises(PullFailed) as refused:
        pull(store, "small", QUICK)
    assert sha256(other) in str(refused.value)
    assert sha256(BIG) in str(refused.value)
    assert left(store) == []


@pytest.mark.parametrize("lengths", [True, False])
def test_a_longer_file_is_refused(store, hub, lengths):
    hub.extra, hub.lengths = b"x" * 70_000, lengths
    with pytest.raises(PullFailed, match=r"bytes"):
        pull(store, "small", QUICK)
    assert left(store) == []


def test_a_file_that_is_not_there_fails_at_once(store, hub):
    del hub.files["/small/model.safetensors"]
    with pytest.raises(PullFailed, match="404: there is no such file"):
        pull(store, "small", QUICK)
    assert len(hub.log) == 1


def test_a_busy_server_is_asked_again(store, hub):
    hub.answers["/small/model.safetensors"] = (503, {})
    with pytest.raises(PullFailed, match="503"):
        pull(store, "small", QUICK)
    assert len(hub.log) == 4


def test_no_server_is_one_sentence(store, hub, store_of):
    nobody = store_of(entry("small", "http://127.0.0.1:9", FILES))
    with pytest.raises(PullFailed, match="connection was refused"):
        pull(nobody, "small", QUICK)


def test_a_silent_server_is_left(store, hub, monkeypatch):
    monkeypatch.setattr(web, "TIMEOUT_S", 0.2)
    hub.pause_s = 0.6
    with pytest.raises(PullFailed, match="no answer within"):
        pull(store, "small", QUICK)


def test_a_crawling_server_is_left(store, hub, monkeypatch):
    from provenance.weights import download

    monkeypatch.setattr(download, "CRAWL_S", 0.05)
    monkeypatch.setattr(download, "CRAWL", 1 << 30)
    hub.pause_s = 0.02
    with pytest.raises(PullFailed, match="next to nothing"):
        pull(store, "small", QUICK)


@pytest.mark.parametrize("place", ["http://example.com/x", "ftp://example.com/x", "file:///etc/x"])
def test_a_redirect_leads_to_https_or_nowhere(store, hub, place):
    hub.answers["/small/model.safetensors"] = (302, {"Location": place})
    with pytest.raises(PullFailed, match=r"redirect|not https|302"):
        pull(store, "small", QUICK)
    assert left(store) == []


def test_over_tls_with_a_redirect(tmp_path, store_of):
    files = tls_certificate(tmp_path)
    hub = Hub({f"/far/{name}": data for name, data in FILES.items()})
    server = serve(hub, files)
    for name in FILES:
        hub.answers[f"/small/{name}"] = (302, {"Location": f"{hub.base}/far/{name}"})
    store = store_of(entry("small", f"{hub.base}/small", FILES))
    with pytest.raises(PullFailed, match="certificate is not trusted"):
        pull(store, "small", QUICK)
    context = ssl.create_default_context(cafile=str(files[0]))
    pull(store, "small", Source(context=context, pause_s=0.0))
    store.get("small")
    hub.answers["/small/model.safetensors"] = (
        302,
        {"Location": f"{hub.base}/small/model.safetensors"},
    )
    target(store).unlink()
    with pytest.raises(PullFailed):
        pull(store, "small", Source(context=context, pause_s=0.0))
    server.shutdown()
    server.server_close()


def test_plain_http_is_for_this_machine_alone(store_of):
    far = store_of(entry("small", "http://models.example.com", FILES))
    with pytest.raises(PullFailed, match="not https"):
        pull(far, "small", QUICK)


def test_a_proxy_is_used(store_of, hub, monkeypatch):
    monkeypatch.setenv("https_proxy", hub.base)
    far = store_of(entry("small", "https://models.example.com", FILES))
    with pytest.raises(PullFailed, match="Tunnel connection failed: 501"):  # it was asked
        pull(far, "small", QUICK)


def test_pickle_in_disguise_is_refused(store_of, hub):
    import pickle

    evil = {"model.onnx": pickle.dumps({"weight": [1.0]}), "config.json": FILES["config.json"]}
    hub.files |= {f"/evil/{name}": data for name, data in evil.items()}
    store = store_of(entry("evil", f"{hub.base}/evil", evil))
    with pytest.raises(PullFailed, match="pickle"):
        pull(store, "evil", QUICK)
    assert list((store.root / "evil" / "1").iterdir()) == []


def test_a_full_disk_is_one_sentence(store, hub):
    part = part_of(target(store))
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="the disk is full"):
        pull(store, "small", QUICK)
    part.unlink()
    pull(store, "small", QUICK)
    store.get("small")


def test_too_little_space_is_said_before_anything_comes(store, hub, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OutputError, match=r"1,000 bytes free and .* are needed"):
        pull(store, "small", QUICK)
    assert hub.log == []


@pytest.mark.parametrize("variable", ["PROVENANCE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(store, hub, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigError, match=rf"{variable}; take the files from a folder"):
        pull(store, "small", QUICK)
    monkeypatch.setenv(variable, "0")
    with pytest.raises(ConfigError, match="--offline"):
        pull(store, "small", Source(offline=True))
    assert hub.log == []
    pull(store, "small", QUICK)
    monkeypatch.setenv(variable, "yes")
    assert pull(store, "small", QUICK).fetched == ()
    store.get("small")


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
from pathlib import Path
from provenance.weights.catalogue import Catalogue, parse
from provenance.weights.pull import Source, pull
from provenance.weights.store import Store
store = Store(Path(sys.argv[1]), Catalogue(parse(sys.stdin.read(), "the test")))
print(len(pull(store, "small", Source(pause_s=0.01)).fetched))
"""


def start(store, hub):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(store.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(entry("small", f"{hub.base}/small", FILES))
    process.stdin.close()
    return process


def wait_for_a_part(store, size=60_000):
    part = part_of(target(store))
    until = time.monotonic() + 30
    while not part.is_file() or part.stat().st_size < size:
        assert time.monotonic() < until
        time.sleep(0.01)
    return part


def test_two_processes_fetch_once(store, hub):
    hub.pause_s = 0.01
    processes = [start(store, hub) for _ in range(2)]
    fetched = sorted(int(p.stdout.read()) for p in processes)
    assert [p.wait(60) for p in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    assert fetched == [0, 2]
    assert len(hub.log) == 2
    store.get("small")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_pull_goes_on(store, hub, how):
    hub.pause_s = 0.05
    process = start(store, hub)
    part = wait_for_a_part(store)
    os.kill(process.pid, how)
    process.wait(30)
    process.stdout.close()
    kept = part.stat().st_size
    assert 0 < kept < len(BIG)
    hub.pause_s = 0.0
    asked = len(hub.log)
    pull(store, "small", QUICK)
    assert hub.ranges_asked()[asked] == f"bytes={kept}-"
    assert left(store) == sorted(FILES)
    store.get("small")
