"""The connections to the upstream, against servers that say what they like."""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from provenance.proxy import upstream, wire
from provenance.proxy.wire import Wires
from provenance.server.errors import Refusal
from tests.tls import tls_certificate

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PATIENCE = 5.0
HEAD = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def server(serve: Serve):
    """Connections to a server on loopback; `seen` counts how many there were."""
    seen = []

    async def each(reader, writer):
        seen.append(writer)
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(each, "127.0.0.1", 0)
    wires = Wires("127.0.0.1", running.sockets[0].getsockname()[1], None, 5.0, PATIENCE)
    try:
        yield wires, seen
    finally:
        wires.close()
        running.close()
        for writer in seen:
            writer.close()


def saying(*said: bytes, then: bytes = b"") -> Serve:
    """Answers every request with the same bytes, piece by piece; `then` ends the connection."""

    async def serve(reader, writer):
        while await reader.readuntil(b"\r\n\r\n"):
            for piece in said:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            if then:
                return

    async def forgiving(reader, writer):
        with suppress(asyncio.IncompleteReadError):
            await serve(reader, writer)

    return forgiving


async def get(wires: Wires, method: str = "GET", body=(), **headers: str):
    """Status and body."""
    sent = [(b"host", b"a"), *((n.encode(), v.encode()) for n, v in headers.items())]
    if body:
        sent.append((b"content-length", str(sum(map(len, body))).encode()))
    async with wires.ask(method, b"/x?y", sent, body) as (answer, one):
        return answer.status_code, b"".join([piece async for piece in one.pieces(PATIENCE)])


def run(serve: Serve, asking):
    async def main():
        async with server(serve) as (wires, seen):
            return await asking(wires), len(seen)

    return asyncio.run(main())


async def once(wires: Wires):
    return await get(wires)


async def twice(wires: Wires):
    return [await get(wires), await get(wires)]


def refused(serve: Serve, status: int, asking=once) -> None:
    with pytest.raises(Refusal) as refusal:
        run(serve, asking)
    assert refusal.value.status == status


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ((HEAD + b"Content-Length: 3\r\n\r\nabc",), b"abc"),
        ((HEAD + b"Content-Length: 3\r\n\r\n", b"a", b"bc"), b"abc"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n"), b"abc"),
        ((b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n",), b""),
    ],
)
def test_a_connection_is_used_again(said, body):
    assert run(saying(*said), twice) == ([(200, body)] * 2, 1)


def test_a_body_may_end_with_the_connection():
    assert run(saying(HEAD + b"\r\nab", b"c", then=b"end"), twice) == ([(200, b"abc")] * 2, 2)


def test_an_answer_to_head_has_no_body():
    async def asking(wires):
        return [await get(wires, "HEAD"), await get(wires, "HEAD")]

    said = HEAD + b"Content-Length: 1000\r\n\r\n"
    assert run(saying(said), asking) == ([(200, b"")] * 2, 1)


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        HEAD + b"X: " + b"a" * (2 * wire.MOST_HEAD),
        HEAD + b"Content-Length: 5\r\n\r\nabc",
        b"",
    ],
)
def test_what_is_no_whole_answer_is_refused(said):
    refused(saying(said, then=b"end"), 502)


def test_silence_ends(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PATIENCE", 0.2)
    refused(saying(HEAD + b"Content-Length: 5\r\n\r\nabc"), 504)


@pytest.mark.parametrize("host", ["127.0.0.1", "a..b", "a" * 64])
def test_nobody_listens(host):
    async def asking(_wires):
        return await get(Wires(host, 9, None, 1.0, 1.0))

    refused(saying(b""), 502, asking)


def test_what_comes_after_an_answer_is_never_the_next_one():
    """A server that answers twice would otherwise have the second read by somebody else."""
    first = HEAD + b"Content-Length: 1\r\n\r\na"
    assert run(saying(first + first.replace(b"\r\na", b"\r\nb")), twice) == ([(200, b"a")] * 2, 2)


def test_what_comes_unasked_closes_the_connection():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: 1\r\n\r\na")
        await asyncio.sleep(0.05)
        writer.write(HEAD + b"Content-Length: 1\r\n\r\nb")
        await reader.read()

    async def asking(wires):
        first = await get(wires)
        await asyncio.sleep(0.2)
        return [first, await get(wires)]

    assert run(serve, asking) == ([(200, b"a")] * 2, 2)


def test_nothing_more_is_held_after_an_answer():
    """While an answer is worked on, whoever sends on is cut off."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: 1\r\n\r\na")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    async def asking(wires):
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (_, one):
            got = b"".join([piece async for piece in one.pieces(PATIENCE)])
            await asyncio.sleep(0.3)
            return got, one._transport.is_closing(), len(one._parser.trailing_data[0])

    (got, closing, held), _ = run(serve, asking)
    assert (got, closing) == (b"a", True)
    assert held < 1_000_000


def test_a_server_waits_until_somebody_reads():
    size = 20_000_000
    sent = []

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // 100_000):
            writer.write(bytes(100_000))
            await writer.drain()
            sent.append(1)

    async def asking(wires):
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (_, one):
            await asyncio.sleep(0.3)
            ahead = one._ahead
            return ahead, sum([len(piece) async for piece in one.pieces(PATIENCE)])

    (ahead, got), _ = run(serve, asking)
    assert ahead <= wire._AHEAD + 256 * 1024
    assert got == size


@pytest.mark.parametrize("gathers", [False, True])
def test_a_body_that_is_gathered(gathers):
    size = 3_000_000

    async def asking(wires):
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (_, one):
            one.gathers = gathers
            return sum([len(piece) async for piece in one.pieces(PATIENCE)])

    said = [HEAD + b"Content-Length: %d\r\n\r\n" % size, *[bytes(1_000_000)] * 3]
    assert run(saying(*said), asking)[0] == size


def test_a_large_body_is_sent_whole():
    got = []

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        got.append(await reader.readexactly(5_000_000))
        writer.write(HEAD + b"Content-Length: 2\r\n\r\nok")
        await writer.drain()

    async def asking(wires):
        return await get(wires, "POST", [b"a" * 2_500_000, b"b" * 2_500_000])

    assert run(serve, asking)[0] == (200, b"ok")
    assert got == [b"a" * 2_500_000 + b"b" * 2_500_000]


def test_an_answer_before_the_body_was_sent():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(1)

    async def asking(wires):
        return await get(wires, "POST", [bytes(1_000_000)] * 30)

    assert run(serve, asking)[0] == (413, b"no")


def test_old_connections_are_not_used(monkeypatch):
    async def asking(wires):
        await get(wires)
        monkeypatch.setattr(wire, "_KEPT_FOR", -1.0)
        return await get(wires)

    said = HEAD + b"Content-Length: 1\r\n\r\na"
    assert run(saying(said), asking) == ((200, b"a"), 2)


def test_one_whose_answer_was_worked_on_for_long_is_old(monkeypatch):
    """It comes back last, behind one that was used meanwhile; its server may be closing it."""
    monkeypatch.setattr(wire, "_KEPT_FOR", 0.5)

    async def asking(wires):
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (_, old):
            assert [piece async for piece in old.pieces(PATIENCE)] == [b"a"]
            await asyncio.sleep(0.6)
            await get(wires)
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (_, taken):
            pass
        return taken is old, old._transport.is_closing()

    assert run(saying(HEAD + b"Content-Length: 1\r\n\r\na"), asking) == ((False, True), 2)


def test_an_interim_answer_does_not_end_what_is_sent(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PATIENCE", 2.0)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        with suppress(asyncio.IncompleteReadError):
            await reader.readexactly(30_000_000)
            writer.write(HEAD + b"Content-Length: 2\r\n\r\nok")

    async def asking(wires):
        return await get(wires, "POST", [bytes(1_000_000)] * 30)

    assert run(serve, asking)[0] == (200, b"ok")


def test_interim_answers_end_while_a_body_is_sent():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()

    async def asking(wires):
        return await get(wires, "POST", [bytes(1_000_000)] * 30)

    refused(serve, 502, asking)


def test_a_head_that_comes_in_drops_ends(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PATIENCE", 0.3)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for letter in HEAD + b"Content-Length: 0\r\n\r\n":
            writer.write(bytes([letter]))
            await writer.drain()
            await asyncio.sleep(0.05)

    refused(serve, 504)


def test_crumbs_are_joined():
    """Each of a hundred thousand chunks of one byte would take a hundred bytes more."""
    count = 100_000

    async def asking(wires):
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (_, one):
            await asyncio.sleep(0.5)
            held = len(one._arrived)
            return held, sum([len(piece) async for piece in one.pieces(PATIENCE)])

    said = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * count + b"0\r\n\r\n"
    (held, got), _ = run(saying(said), asking)
    assert got == count
    assert held < 1000


@pytest.mark.parametrize(
    ("host", "trusted", "wanted"),
    [("127.0.0.1", True, 200), ("127.0.0.1", False, 502), ("localhost", True, 502)],
)
def test_the_certificate_has_to_be_trusted_and_for_the_host(tmp_path, host, trusted, wanted):
    certificate, key = tls_certificate(tmp_path)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate, key)
    ours = upstream._tls()
    if trusted:
        ours.load_verify_locations(certificate)

    async def each(reader, writer):
        with suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(HEAD + b"Content-Length: 3\r\n\r\nabc")
        writer.close()

    async def asking():
        running = await asyncio.start_server(each, "127.0.0.1", 0, ssl=theirs)
        wires = Wires(host, running.sockets[0].getsockname()[1], ours, 5.0, PATIENCE)
        try:
            return [(await get(wires))[0] for _ in range(2)]
        except Refusal as refusal:
            return [refusal.status] * 2
        finally:
            wires.close()
            running.close()

    assert asyncio.run(asking()) == [wanted] * 2


def test_headers_cannot_be_smuggled():
    async def asking(wires):
        return await get(wires, x="a\r\nX-Other: b")

    refused(saying(HEAD + b"Content-Length: 0\r\n\r\n"), 502, asking)


def test_a_body_that_nobody_reads_ends_its_connection():
    async def asking(wires):
        async with wires.ask("GET", b"/", [(b"host", b"a")], ()) as (answer, _):
            first = answer.status_code
        return first, await get(wires)

    said = [HEAD + b"Content-Length: 600000\r\n\r\n", bytes(600_000)]
    (first, (second, body)), connections = run(saying(*said), asking)
    assert (first, second, len(body), connections) == (200, 200, 600_000, 2)
