"""Web servers: read by ranges where they can, believed in nothing, and not followed inwards."""

from __future__ import annotations

import datetime
import io
import json
import ssl
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provenance.audit.sources import network, web
from provenance.audit.sources.open import opened
from provenance.audit.sources.places import Place
from provenance.audit.sources.ranged import BLOCK, Unreachable
from provenance.errors import InputError
from tests.audit.samples import picture
from tests.audit.sources.reading import read
from tests.audit.sources.web_server import WebServer, serving

LONG = bytes(range(256)) * 4000


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as made:
        yield made
        web._CONNECTIONS.close()


def got(server: WebServer, path: str = "/a", *, foreign: bool = False) -> bytes:
    with web.opened(server.address + path, foreign=foreign) as file:
        return file.read()


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("body", [b"", b"x", LONG[:BLOCK], LONG[: BLOCK + 1], LONG])
def test_files_come_whole_and_in_parts(server: WebServer, ranges: bool, body: bytes) -> None:
    server.files["/a"], server.ranges = body, ranges
    assert got(server) == body
    with web.opened(f"{server.address}/a", foreign=False) as file:
        assert file.seek(0, io.SEEK_END) == len(body)
        for at in (len(body) - 3, 5, 1000, 0):
            file.seek(max(at, 0))
            assert file.read(9) == body[max(at, 0) : max(at, 0) + 9]


def test_one_connection_serves_many_requests(server: WebServer) -> None:
    server.files["/a"] = LONG
    before = web._CONNECTIONS._kept
    with web.opened(f"{server.address}/a", foreign=False) as file:
        file.seek(500_000)
        kept = web._CONNECTIONS._kept
        assert file.read(10) == LONG[500_000:500_010]
    assert kept is not before
    assert web._CONNECTIONS._kept is kept


def index(*names: str) -> bytes:
    links = "".join(f'<li><a href="{name}">{name}</a>' for name in names)
    return f'<a href="../">up</a><a href="?C=N">sort</a><ul>{links}</ul>'.encode()


def test_an_index_page_is_a_folder(server: WebServer) -> None:
    server.files = {
        "/set/": index("train/", "/set/test/", "a%20b.png", "https://elsewhere.example/x.png"),
        "/set/train/": index("0.png", "1.png", "/secret.png", "..%2fx.png", "javascript:x", "//[x"),
        "/set/test/": index(f"{server.address}/set/test/2.png", "gone.png"),
        "/set/a b.png": picture(9),
        **{f"/set/{name}": picture(n) for n, name in enumerate(["train/0.png", "train/1.png"])},
        "/set/test/2.png": picture(2),
    }
    server.moved["/set"] = "/set/"
    found = read(opened([f"{server.address}/set"]))
    assert found[0] == ("a%20b.png", picture(9))
    assert dict(found) == {
        "a%20b.png": picture(9),
        "test/2.png": picture(2),
        "test/gone.png": "the server answered 404",
        "train/0.png": picture(0),
        "train/1.png": picture(1),
        "train/..%2fx.png": "the server answered 404",
    }
    assert read(opened([f"{server.address}/set/"])) == found


def test_folders_that_loop_end(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in range(web.DEPTH + 2):
        server.files["/" + "again/" * depth] = index("again/")
    with pytest.raises(InputError, match="perhaps a loop"):
        read(opened([f"{server.address}/"]))
    monkeypatch.setattr(web, "PAGE", 10)
    with pytest.raises(InputError, match="its index page has over 10 bytes"):
        read(opened([f"{server.address}/"]))


def archive(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as made:
            for n in range(3):
                made.writestr(f"{n}.png", picture(n))
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz" if kind == "tar.gz" else "w") as made:
        for n in range(3):
            info = tarfile.TarInfo(f"{n}.png")
            info.size = len(picture(n))
            made.addfile(info, io.BytesIO(picture(n)))
    return buffer.getvalue()


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_archives(server: WebServer, kind: str, ranges: bool) -> None:
    server.files[f"/a.{kind}"], server.ranges = archive(kind), ranges
    assert read(opened([f"{server.address}/a.{kind}"])) == [
        (f"{n}.png", picture(n)) for n in range(3)
    ]


def test_a_table_at_an_address(server: WebServer) -> None:
    server.files = {
        "/list.csv": "path\nsub/ä?%2e.png\n../../x.png\n".encode(),
        "/sub/ä?%2e.png": picture(1),
    }
    found = read(opened([f"{server.address}/list.csv"]))
    assert found[0] == ("sub/ä?%2e.png", picture(1))
    assert "leads out of the folder" in str(found[1][1])


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_table_of_addresses(
    server: WebServer, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/a.png"] = picture(1)
    url = f"{server.address}/a.png"
    line = json.dumps({"url": url}) if kind == "jsonl" else f"url\n{url}"
    (tmp_path / f"list.{kind}").write_text(f"{line}\n")
    source = opened([str(tmp_path / f"list.{kind}")])
    ((_, problem),) = read(source)
    assert problem == network.PRIVATE
    assert server.asked == []
    monkeypatch.setenv(network.VARIABLE, "1")
    assert read(source) == [(url, picture(1))]


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/b",
        "http://[::1]:{port}/b",
        "http://2130706433:{port}/b",
        "http://169.254.169.254/latest/meta-data/",
        "http://user@192.168.0.1/b",
    ],
)
def test_a_redirect_does_not_lead_into_a_private_network(server: WebServer, target: str) -> None:
    server.files["/b"] = b"secret"
    server.moved["/a"] = target.format(port=server.address.rpartition(":")[2])
    with pytest.raises(OSError, match="private network"):
        got(server)
    server.moved["/a"] = "/b"  # the host that the user named may lie anywhere
    assert got(server) == b"secret"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://x/y", "http://", "http://[", "", "/a"]
)
def test_a_redirect_that_leads_nowhere(server: WebServer, target: str) -> None:
    server.moved["/a"] = target
    with pytest.raises(OSError, match=r"malformed|from one address to the next"):
        got(server)


def test_a_password_goes_to_the_host_that_was_named(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def spied(parts: object, headers: dict[str, str], *rest: object) -> object:
        sent.append(headers.get("Authorization"))
        return original(parts, headers, *rest)

    original = web._requested
    monkeypatch.setattr(web, "_requested", spied)
    monkeypatch.setenv(network.VARIABLE, "1")
    server.files["/b"] = b"x"
    server.moved["/a"] = server.address.replace("127.0.0.1", "localhost") + "/b"
    address = server.address.replace("//", "//me:p%40ss@") + "/a"
    with web.opened(address, foreign=False) as file:
        assert file.read() == b"x"
    assert sent == ["Basic bWU6cEBzcw==", None]
    assert "p%40ss" not in Place(address).name


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize(
    ("mood", "problem"),
    [
        ("breaks", "broke off"),
        ("short", "broke off"),
        ("packed", "packed its answer"),
        ("404", "answered 404"),
        ("503", "answered 503"),
    ],
)
def test_servers_that_fail(server: WebServer, mood: str, problem: str, ranges: bool) -> None:
    server.files["/a"], server.mood["/a"], server.ranges = LONG, mood, ranges
    with pytest.raises(OSError, match=problem):
        got(server)


def test_a_server_that_lies_about_its_ranges(server: WebServer) -> None:
    server.files["/a"] = LONG
    server.mood["/a"] = "elsewhere"
    with pytest.raises(OSError, match="another part of it"):
        got(server)
    server.mood["/a"] = "unknown"  # then all of it is taken
    server.ranges = True
    assert got(server) == LONG


def test_a_range_that_ends_before_it_begins_is_not_read_without_end(server: WebServer) -> None:
    server.files["/a"] = LONG
    with web.opened(f"{server.address}/a", foreign=False) as file:
        server.mood["/a"] = "backwards"
        file.seek(500_000)
        with pytest.raises(OSError, match="another part of it"):
            file.read(10)


def test_a_file_longer_than_any_can_be(server: WebServer) -> None:
    server.files["/a"], server.mood["/a"] = LONG, "boundless"
    with pytest.raises(OSError, match="another part of it"):
        got(server)


def test_names_hold_no_query() -> None:
    assert Place("https://me:pw@host/a?token=secret").name == "https://host/a"
    assert Place("https://host?token=secret/x").name == "https://host"


def test_what_follows_an_answer_is_not_taken_for_the_next(server: WebServer) -> None:
    server.files["/a"], server.mood["/a"] = LONG, "long"
    assert got(server) == LONG
    assert got(server) == LONG


def test_a_connection_that_breaks_once_is_made_again(server: WebServer) -> None:
    server.files["/a"], server.mood["/a"] = LONG, "breaks once"
    assert got(server) == LONG


def test_a_file_that_changes_under_our_hands(server: WebServer) -> None:
    server.files["/a"] = LONG
    with web.opened(f"{server.address}/a", foreign=False) as file:
        server.files["/a"] = LONG + b"more"
        file.seek(500_000)
        with pytest.raises(OSError, match="was changed"):
            file.read(10)
        server.ranges = False
        with pytest.raises(OSError, match="gives parts of it no more"):
            file.read(10)


def test_a_server_that_never_ends(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MOST", 3_000_000)
    server.ranges = False
    server.files["/a"], server.mood["/a"] = LONG, "endless"
    with pytest.raises(OSError, match="over 3,000,000"):
        got(server)
    server.files["/a"], server.mood["/a"] = bytes(3_000_001), ""
    with pytest.raises(OSError, match="has 3,000,001 bytes; download it"):
        got(server)


def test_slow_servers_are_not_waited_for(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "DEADLINE", 0.5)
    server.files["/a"], server.mood["/a"] = LONG, "drips"
    with pytest.raises(OSError, match="too slow"):
        got(server)
    monkeypatch.setattr(web, "PATIENCE", 0.2)
    server.mood["/a"] = "silent"
    with pytest.raises(OSError, match="did not answer"):
        got(server)


def test_a_file_of_many_slow_parts_is_given_up(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    server.files["/a"] = LONG
    monkeypatch.setattr(web, "LONGEST", -len(LONG) / web.SLOWEST)
    with pytest.raises(OSError, match="too slow"):
        got(server, foreign=True)
    assert got(server) == LONG  # of a file that the user named it is not for us to say


def test_a_network_that_vanished_is_told_from_a_file_that_is_gone(tmp_path: Path) -> None:
    with serving() as server:
        server.files["/a"] = LONG
        file = web.opened(f"{server.address}/a", foreign=False)
    web._CONNECTIONS.take(web._parts("http://elsewhere/"), True)
    with pytest.raises(Unreachable, match="did not answer"):
        file.seek(500_000), file.read(10)
    with pytest.raises(Unreachable):
        web.opened(f"{server.address}/a", foreign=False)
    with pytest.raises(InputError, match="cannot be reached"):
        opened([server.address])
    with pytest.raises(OSError, match="private") as raised:
        web.opened(f"{server.address}/a", foreign=True)
    assert not isinstance(raised.value, Unreachable)


def test_hosts_in_other_scripts_are_asked_for_by_their_ascii_names() -> None:
    assert web._parts("http://me:pä@日本.example:80/ä").netloc == "me:pä@xn--wgv71a.example:80"
    assert web._parts("http://[::1]:80/").netloc == "[::1]:80"


@pytest.mark.parametrize(
    "text",
    [
        "http://",
        f"http://{'ä' * 70}/",
        "http:///x",
        "http://a:b/",
        "http://[::1/",
        "http://a:99999/",
        "http://\0/",
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(OSError, match=r"malformed|private|did not answer"):
        web.opened(text, foreign=True)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost` alone, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "tls.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_https_is_held_to_its_certificate(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(certificate) as server:
        server.files["/a"] = LONG
        address = server.address.replace("127.0.0.1", "localhost")
        with pytest.raises(Unreachable, match="SSLCertVerificationError"):
            web.opened(f"{address}/a", foreign=False)
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(web, "_tls", lambda: trusting)
        with web.opened(f"{address}/a", foreign=False) as file:
            assert file.read() == LONG
        with pytest.raises(Unreachable, match="SSLCertVerificationError"):
            web.opened(f"{server.address}/a", foreign=False)
        server.moved["/b"] = address.replace("https", "http") + "/a"
        with pytest.raises(OSError, match="from https to an address that is not"):
            web.opened(f"{address}/b", foreign=False)
        web._CONNECTIONS.close()
