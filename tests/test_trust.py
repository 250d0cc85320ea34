"""Trust lists: taken only as they should be, noticed when altered, never taken half."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from provenance import Picture, Pipeline, Verifier, home
from provenance.config import Config
from provenance.errors import ConfigError
from provenance.sign.development import create
from provenance.trust import MAX_BYTES, TrustStore
from tests.tls import tls_certificate


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "trust")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "Acme Roots.pem"
    path.write_bytes(create("Acme").anchors)
    return path


def test_no_lists(store):
    assert store.lists() == ()
    assert store.bundles() == ()


def test_added_list_is_shown_with_its_source_and_digest(store, bundle):
    added = store.add(str(bundle))
    assert store.lists() == (added,)
    assert added.name == "acme-roots"
    assert added.sha256 == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert added.source == str(bundle)
    assert "O=Acme" in added.subjects[0]
    assert store.bundles() == (bundle.read_text(),)


def test_files_are_private(store, bundle, tmp_path):
    store.add(str(bundle))
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "trust").iterdir()}
    assert modes == {"acme-roots.pem": 0o600, "acme-roots.json": 0o600}
    assert (tmp_path / "trust").stat().st_mode & 0o777 == 0o700


def test_name_may_be_taken_once(store, bundle):
    store.add(str(bundle), name="acme")
    with pytest.raises(ConfigError, match="already"):
        store.add(str(bundle), name="acme")


@pytest.mark.parametrize("name", ["../x", "A", "a/b", "x" * 65, ".hidden"])
def test_names_that_could_lead_elsewhere_are_refused(store, bundle, name):
    with pytest.raises(ConfigError):
        store.add(str(bundle), name=name)
    with pytest.raises(ConfigError):
        store.remove(name)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_bundle_is_refused(store, tmp_path, content):
    (tmp_path / "bad.pem").write_bytes(content)
    with pytest.raises(ConfigError, match="no certificate"):
        store.add(str(tmp_path / "bad.pem"))
    assert store.lists() == ()


def test_too_large_and_missing_files_are_refused(store, tmp_path):
    (tmp_path / "big.pem").write_bytes(b"#" * (MAX_BYTES + 1))
    for name in ("big.pem", "none.pem"):
        with pytest.raises(ConfigError):
            store.add(str(tmp_path / name))


def test_wrong_digest_is_refused(store, bundle):
    with pytest.raises(ConfigError, match="expected"):
        store.add(str(bundle), sha256="0" * 64)
    assert store.lists() == ()


def test_update_does_not_depend_on_the_current_folder(store, bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = store.add(bundle.name, name="acme")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / bundle.name).write_bytes(create("Mallory").anchors)
    monkeypatch.chdir(tmp_path / "evil")
    assert store.update("acme").subjects == before.subjects


def test_altered_list_is_noticed(store, bundle, tmp_path):
    store.add(str(bundle), name="acme")
    (tmp_path / "trust" / "acme.pem").write_bytes(create("Mallory").anchors)
    with pytest.raises(ConfigError, match="was altered"):
        store.bundles()


def test_planted_list_without_note_is_refused(store, bundle, tmp_path):
    store.add(str(bundle), name="acme")
    (tmp_path / "trust" / "mallory.pem").write_bytes(create("Mallory").anchors)
    with pytest.raises(ConfigError, match="note"):
        store.bundles()


def test_removed_list_is_kept_under_another_name(store, bundle, tmp_path):
    store.add(str(bundle), name="acme")
    store.remove("acme")
    assert store.lists() == ()
    assert len(list((tmp_path / "trust").glob("acme.pem.removed-*"))) == 1


def test_update_takes_the_new_content_and_keeps_the_old_when_it_fails(store, bundle):
    before = store.add(str(bundle), name="acme")
    bundle.write_bytes(b"rubbish")
    with pytest.raises(ConfigError):
        store.update("acme")
    assert store.lists() == (before,)
    bundle.write_bytes(create("Acme Two").anchors)
    assert "O=Acme Two" in store.update("acme").subjects[0]


def test_added_signer_becomes_trusted(tmp_path, scene):
    ours = home.create(tmp_path / "ours").config
    theirs = home.create(tmp_path / "theirs", organization="Theirs").config
    asset = Pipeline.from_config(theirs)(Picture.from_array(scene))
    before = Verifier.from_config(Config.load(ours)).verify(asset.data)
    assert before.evidence[0].code == "credentials.untrusted-signer"
    settings = Config.load(ours)
    settings.trust_store().add(str(theirs.parent / "keys" / "trust.pem"))
    after = Verifier.from_config(settings).verify(asset.data)
    assert after.evidence[0].code == "credentials.trusted"


class TestNetwork:
    """Against a real https server on this machine."""

    @pytest.fixture
    def server(self, tmp_path, monkeypatch) -> Iterator[tuple[str, dict[str, bytes]]]:
        certificate, key = tls_certificate(tmp_path)
        pages: dict[str, bytes] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/moved.pem":
                    self.send_response(302)
                    self.send_header("Location", "/list.pem")
                    self.end_headers()
                    return
                body = pages.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        httpd = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield f"https://127.0.0.1:{httpd.server_port}", pages
        httpd.shutdown()
        thread.join()
        httpd.server_close()

    def test_digest_must_be_stated(self, store, bundle, server):
        url, pages = server
        pages["/list.pem"] = bundle.read_bytes()
        digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
        with pytest.raises(ConfigError, match=f"repeat with --sha256 {digest}"):
            store.add(f"{url}/list.pem")
        assert store.lists() == ()
        assert store.add(f"{url}/list.pem", sha256=digest).name == "list"
        with pytest.raises(ConfigError, match="repeat with"):
            store.update("list")

    def test_redirects_and_errors_are_refused(self, store, server):
        url, _ = server
        for path in ("/moved.pem", "/none.pem"):
            with pytest.raises(ConfigError, match="cannot be fetched"):
                store.add(url + path, sha256="0" * 64)

    def test_endless_answer_is_cut(self, store, server):
        url, pages = server
        pages["/big.pem"] = b"#" * (MAX_BYTES + 10)
        with pytest.raises(ConfigError, match="has over"):
            store.add(f"{url}/big.pem", sha256="0" * 64)

    @pytest.mark.parametrize("url", ["http://127.0.0.1/x.pem", "file:///etc/passwd", "ftp://x/y"])
    def test_only_https(self, store, url):
        with pytest.raises(ConfigError, match="not behind https"):
            store.add(url, sha256="0" * 64)
