"""What the reverse proxy costs beyond the pipeline, what it sustains, and how it bears a crowd.

    python benchmarks/middleware.py [--seconds 300] [--pairs 40] [--crowd 200] [--readme]

`--readme` puts the table into README.md.

Four processes: an upstream that answers OpenAI's image requests at once, the proxy as `provenance
proxy` builds it (embedded pipeline, registry and log on the disk), clients, and this one.

1. Overhead: CPU time of the proxy's process for one request, less that of `Pipeline.protect` on the
   same bytes in the same process, one after the other; the median of the pairs' differences, with
   a 95 % interval from 2,000 bootstrap samples.
2. Sustained: a few connections that always have a request under way. Every answer must carry
   credentials of a manifest of its own; every 20th is read back whole, after the load has ended.
3. Crowd: so many connections at once, twice. Every answer is checked, every 10th read back whole.
4. Event loop: by how much a timer of 2 ms was late, which counts waiting for a core and for the
   interpreter's lock, and how much CPU the loop's own thread spent between two of its beats.

In the end all manifests that clients were given must be in the registry, and the log must hold.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import asyncio
import base64
import io
import json
import multiprocessing
import platform
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import provenance
from provenance import Config, Pipeline, home
from provenance.proxy.app import METRICS_PATH, create_proxy, needs_key
from provenance.proxy.limits import ProxyLimits
from provenance.server import run
from provenance.server.loop import runner
from provenance.server.operations import Operations
from provenance.sign.file import carried

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "pictures" / "coffee.png"
README = ROOT / "README.md"
START, END = "<!-- middleware -->", "<!-- /middleware -->"
SIDE = 1024
PROMPT = "a cup of coffee on a wooden table, morning light"
JSON, PLAIN = "/v1/images/generations", "/picture"
BEAT = 0.002
LATE = 0.05
STEADY_AFTER = 60.0
ROUNDS = 2
SPAWN = multiprocessing.get_context("spawn")


def photographs() -> list[bytes]:
    """Four JPEGs of one photograph, turned."""
    with Image.open(PHOTO) as image:
        side = min(image.size)
        square = image.convert("RGB").crop((0, 0, side, side))
    pixels = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    return [_jpeg(np.rot90(pixels, turns)) for turns in range(4)]


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


# The upstream


def upstream(line: Connection, pictures: list[bytes]) -> None:
    """Answers with one picture after the other."""
    bodies = [
        json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(p).decode()}]}).encode()
        for p in pictures
    ]
    counter = iter(range(1 << 60))

    async def answer(request: Request) -> Response:
        await request.body()
        turn = next(counter) % len(pictures)
        if request.url.path == PLAIN:
            return Response(pictures[turn], media_type="image/jpeg")
        return Response(bodies[turn], media_type="application/json")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    with run.listen("127.0.0.1", 0) as listener:
        server = run.server(app)
        _obeying(line, {"usage": usage}, lambda: setattr(server, "should_exit", True))
        line.send(_url(listener))
        with runner() as running:
            running.run(server.serve(sockets=[listener]))


# The proxy


@dataclass
class Beat:
    """How late a timer of the event loop was."""

    wanted: bool = False
    beats: int = 0
    late: int = 0
    longest: float = 0.0
    busiest: float = 0.0

    async def run(self) -> None:
        while True:
            if not self.wanted:
                await asyncio.sleep(0.2)
                continue
            began, spent = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT)
            lag = time.perf_counter() - began - BEAT
            self.beats += 1
            self.late += lag > LATE
            self.longest = max(self.longest, lag)
            self.busiest = max(self.busiest, time.thread_time() - spent)

    def start(self) -> None:
        self.beats, self.late, self.longest, self.busiest = 0, 0, 0.0, 0.0
        self.wanted = True

    def stop(self) -> dict[str, float]:
        self.wanted = False
        return {"beats": self.beats, "late": self.late, "longest": self.longest,
                "busiest": self.busiest}  # fmt: skip


def proxy(line: Connection, config: Path, url: str) -> None:
    """The proxy, with everything that `provenance proxy` puts around it but the log of requests,
    and on the event loop that `run.run` gives it."""
    settings = Config.load(config)
    service, beat = settings.service(), Beat()
    pipeline = Pipeline.from_config(settings)
    operations = Operations(service)
    app = create_proxy(
        pipeline,
        url,
        limits=ProxyLimits.within(settings.limits, service),
        on_asset=operations.protected,
        on_refused=operations.refused,
    )

    def direct(picture: bytes) -> float:
        began = time.process_time()
        pipeline.protect([picture], prompts=[PROMPT])
        return time.process_time() - began

    async def main() -> None:
        beating = asyncio.create_task(beat.run())
        await server.serve(sockets=[listener])
        beating.cancel()

    with run.listen("127.0.0.1", 0) as listener:
        server = run.server(operations.around(app, needs_key, metrics_path=METRICS_PATH), service)
        known = {"usage": usage, "direct": direct, "beat": beat.start, "rest": beat.stop}
        _obeying(line, known, lambda: setattr(server, "should_exit", True))
        line.send(_url(listener))
        with runner() as running:
            running.run(main())


# The clients


@dataclass
class Seen:
    """What clients were given."""

    answers: int = 0
    faults: list[str] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)
    sample: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, answer: httpx.Response, every: int) -> None:
        self.answers += 1
        fault = self._fault(answer, every)
        if fault:
            self.faults.append(fault)

    def _fault(self, answer: httpx.Response, every: int) -> str:
        if answer.status_code != 200:
            return f"{answer.status_code} {answer.text[:100]}"
        data = picture_of(answer)
        name = answer.headers.get("provenance-manifest", "")
        if not name or name.encode() not in data or carried(data, "image/jpeg") is None:
            return "no credentials of its own"
        if self.answers % every == 0:
            self.sample.append(data)
        self.manifests.append(name)
        return ""


def clients(line: Connection, config: Path, url: str) -> None:
    """Ask the proxy as told."""
    pipeline = Pipeline.from_config(config)

    def once(path: str) -> str:
        with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
            answer = client.post(path, json={"prompt": PROMPT})
        answer.raise_for_status()
        return answer.headers["provenance-manifest"]

    def told(seen: Seen) -> dict[str, Any]:
        unmarked = sum(not pipeline.issued(data) for data in seen.sample)
        twice = len(seen.manifests) - len(set(seen.manifests))
        return {"answers": seen.answers, "faults": seen.faults[:5], "wrong": len(seen.faults),
                "read": len(seen.sample), "unmarked": unmarked, "twice": twice,
                "seconds": seen.seconds, "manifests": seen.manifests}  # fmt: skip

    def sustained(seconds: float, connections: int) -> dict[str, Any]:
        seen, ends = Seen(), time.monotonic() + seconds
        seen.seconds = asyncio.run(
            _many(url, connections, seen, 20, lambda _: time.monotonic() < ends)
        )
        return told(seen)

    def crowd(connections: int) -> dict[str, Any]:
        seen = Seen()
        seen.seconds = asyncio.run(_many(url, connections, seen, 10, lambda turn: turn < ROUNDS))
        return told(seen)

    done = threading.Event()
    known = {"usage": usage, "once": once, "sustained": sustained, "crowd": crowd}
    line.send("")
    _obeying(line, known, done.set)
    done.wait()


async def _many(
    url: str, connections: int, seen: Seen, every: int, go_on: Callable[[int], bool]
) -> float:
    """Each connection asks again as soon as it was answered; the seconds it took all of them."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(
        base_url=url, timeout=300, limits=limits, trust_env=False
    ) as client:

        async def one() -> None:
            turn = 0
            while go_on(turn):
                turn += 1
                try:
                    seen.take(await client.post(JSON, json={"prompt": PROMPT}), every)
                except httpx.HTTPError as error:
                    seen.faults.append(type(error).__name__)

        began = time.monotonic()
        await asyncio.gather(*(one() for _ in range(connections)))
        return time.monotonic() - began


def picture_of(answer: httpx.Response) -> bytes:
    if answer.headers["content-type"].startswith("image/"):
        return answer.content
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


# Between the processes


def usage() -> dict[str, float]:
    """CPU seconds of this process so far, and its resident memory in MiB (Linux)."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = int(text.partition("VmRSS:")[2].split()[0])
    return {"cpu": time.process_time(), "rss": kibibytes / 1024}


def _obeying(
    line: Connection, known: dict[str, Callable[..., Any]], end: Callable[[], Any]
) -> None:
    def obey() -> None:
        with line:  # whatever goes wrong ends all of it
            while (order := line.recv())[0] != "end":
                line.send(known[order[0]](*order[1:]))
        end()

    threading.Thread(target=obey, daemon=True).start()


def _url(listener: Any) -> str:
    address, port = listener.getsockname()
    return f"http://{address}:{port}"


class Other:
    """A process that does what it is told."""

    def __init__(self, line: Connection, greeting: str) -> None:
        self._line = line
        self.greeting = greeting

    def tell(self, *order: Any) -> None:
        self._line.send(order)

    def ready(self, seconds: float) -> bool:
        return self._line.poll(seconds)

    def answer(self) -> Any:
        return self._line.recv()

    def ask(self, *order: Any) -> Any:
        self.tell(*order)
        return self.answer()


@contextmanager
def started(target: Callable[..., None], *arguments: Any) -> Iterator[Other]:
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        other = Other(ours, ours.recv())
        yield other
        other.tell("end")
        process.join(60)
    finally:
        process.kill()
        process.join()


# The measurements


@dataclass(frozen=True)
class Row:
    what: str
    wanted: str
    measured: str
    holds: bool | None = None


def overhead(server: Other, asking: Other, path: str, picture: bytes, pairs: int) -> Row:
    """CPU of a request less CPU of the pipeline, alternating which comes first."""
    differences, alone = [], []
    for number in range(pairs + 2):  # two to warm up
        spent = {}
        for what in ("direct", "proxied")[:: 1 if number % 2 else -1]:
            if what == "direct":
                spent[what] = server.ask("direct", picture)
            else:
                before = server.ask("usage")["cpu"]
                asking.ask("once", path)
                time.sleep(0.02)  # what is left to do after the answer counts as well
                spent[what] = server.ask("usage")["cpu"] - before
        if number >= 2:
            differences.append(1000 * (spent["proxied"] - spent["direct"]))
            alone.append(1000 * spent["direct"])
    low, middle, high = interval(differences)
    kind = "JSON with base64" if path == JSON else "`image/jpeg`"
    return Row(
        f"CPU beside the pipeline's own, {kind}",
        "≤ 5 ms a picture",
        f"{middle:.1f} ms ({low:.1f} to {high:.1f}; n = {pairs}; the pipeline alone "
        f"{statistics.median(alone):.0f} ms)",
        middle <= 5,
    )


def interval(values: list[float]) -> tuple[float, float, float]:
    """The median within its 95 % bootstrap interval."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], statistics.median(values), medians[1949]


@dataclass
class Watched:
    """What the processes and the machine did during a load."""

    told: dict[str, Any]
    lag: dict[str, float]
    memory: list[tuple[float, float]]
    cpu: float
    others: float

    @property
    def loop(self) -> str:
        return (
            f"{1000 * self.lag['longest']:.0f} ms late at most, {self.lag['late']:.0f} of "
            f"{self.lag['beats']:,.0f} beats over 50 ms; its own work took "
            f"{1000 * self.lag['busiest']:.0f} ms at most"
        )

    @property
    def clean(self) -> bool:
        return not (self.told["wrong"] or self.told["unmarked"] or self.told["twice"])

    @property
    def faults(self) -> str:
        told = self.told
        shown = f" ({'; '.join(told['faults'])})" if told["faults"] else ""
        return (
            f"{told['answers']:,} answers, {told['wrong']} errors or without credentials{shown}, "
            f"{told['twice']} with another's; {told['read']} read back, {told['unmarked']} unmarked"
        )


def watched(everybody: tuple[Other, ...], *order: Any) -> Watched:
    """Have the clients (the last) ask, and look at the proxy (the first) meanwhile."""
    server, asking = everybody[0], everybody[-1]
    busy, before = _machine(), [each.ask("usage")["cpu"] for each in everybody]
    server.ask("beat")
    asking.tell(*order)
    began, memory = time.monotonic(), []
    while not asking.ready(1.0):
        memory.append((time.monotonic() - began, server.ask("usage")["rss"]))
    told, lag = asking.answer(), server.ask("rest")
    after = [each.ask("usage")["cpu"] for each in everybody]
    spent = [b - a for a, b in zip(before, after, strict=True)]
    used, available = (b - a for a, b in zip(busy, _machine(), strict=True))
    return Watched(told, lag, memory, spent[0], max(0.0, used - sum(spent)) / available)


def _machine() -> tuple[float, float]:
    """Seconds of CPU that the machine has spent, and that it had (Linux)."""
    fields = [
        int(text) for text in Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]
    ]
    tick = os.sysconf("SC_CLK_TCK")
    return (sum(fields) - fields[3] - fields[4]) / tick, sum(fields) / tick


def sustained(load: Watched, seconds: float, connections: int) -> list[Row]:
    rate = load.told["answers"] / load.told["seconds"]
    begun = [rss for at, rss in load.memory if at <= STEADY_AFTER]
    first = begun[-1]
    last = statistics.median(rss for _, rss in load.memory[-5:])
    at = f"{STEADY_AFTER:.0f} s" if load.memory[-1][0] > STEADY_AFTER else "the end"
    return [
        Row(
            f"rate for {seconds:.0f} s, {connections} connections",
            "≥ 8 a second",
            f"{rate:.1f} a second; {1000 * load.cpu / max(1, load.told['answers']):.0f} ms CPU of "
            f"the proxy each; other programs took {100 * load.others:.0f} % of the machine",
            rate >= 8,
        ),
        Row(
            "memory of the proxy meanwhile",
            "flat",
            f"{first:.0f} MiB at {at}, {last:.0f} MiB in the end, "
            f"{max(rss for _, rss in load.memory):.0f} MiB at most",
            last <= 1.1 * first if at != "the end" else None,
        ),
        Row("answers meanwhile", "none unmarked", load.faults, load.clean),
        Row("event loop meanwhile", "≤ 50 ms", load.loop, load.lag["longest"] <= LATE),
    ]


def crowded(load: Watched, connections: int) -> list[Row]:
    return [
        Row(
            f"{connections} connections at once, {ROUNDS} requests each",
            "no error, none unmarked",
            f"{load.faults}; {load.told['seconds']:.0f} s; other programs took "
            f"{100 * load.others:.0f} % of the machine",
            load.clean and load.told["answers"] == ROUNDS * connections,
        ),
        Row("event loop meanwhile", "≤ 50 ms", load.loop, load.lag["longest"] <= LATE),
    ]


def recorded(config: Path, manifests: list[str]) -> Row:
    settings = Config.load(config)
    registry, log = settings.registry(), settings.log()
    assert registry is not None
    assert log is not None
    with closing(registry):
        known = {record.manifest_id for record in registry.iterate()}
    missing = sum(name not in known for name in manifests)
    sound = log.verify().holds
    return Row(
        "pictures handed out that the registry does not have",
        "0, and the log holds",
        f"{missing} of {len(manifests):,}; the log {'holds' if sound else 'does not hold'}",
        not missing and sound,
    )


def measure(options: argparse.Namespace, folder: Path) -> list[Row]:
    config = home.create(folder / "home").config
    pictures = photographs()
    with ExitStack() as stack:
        behind = stack.enter_context(started(upstream, pictures))
        server = stack.enter_context(started(proxy, config, behind.greeting))
        asking = stack.enter_context(started(clients, config, server.greeting))
        rows = [
            overhead(server, asking, path, pictures[0], options.pairs) for path in (JSON, PLAIN)
        ]
        everybody = (server, behind, asking)
        steady = watched(everybody, "sustained", options.seconds, options.connections)
        rows += sustained(steady, options.seconds, options.connections)
        crowd = watched(everybody, "crowd", options.crowd)
        rows += crowded(crowd, options.crowd)
    return [*rows, recorded(config, steady.told["manifests"] + crowd.told["manifests"])]


def table(rows: list[Row], loads: tuple[float, float]) -> str:
    answers = {True: "yes", False: "**no**", None: "not measured"}
    return "\n".join(
        [
            f"provenance {provenance.__version__}, Python {platform.python_version()}, "
            f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}; JPEG of "
            f"{SIDE}×{SIDE}; upstream and clients on the same machine; load average "
            f"{loads[0]:.1f} at the start, {loads[1]:.1f} in the end",
            "",
            "| | required | measured | holds |",
            "|---|---|---|---|",
            *(f"| {r.what} | {r.wanted} | {r.measured} | {answers[r.holds]} |" for r in rows),
        ]
    )


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300, help="of the sustained load")
    parser.add_argument("--connections", type=int, default=8, help="of the sustained load")
    parser.add_argument("--pairs", type=int, default=40, help="for the overhead")
    parser.add_argument("--crowd", type=int, default=200, help="connections at once")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    if options.readme and START not in README.read_text(encoding="utf-8"):
        parser.error(f"README.md has no {START} and {END}; put them where the table belongs")
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options, Path(folder))
    text = table(rows, (before, os.getloadavg()[0]))
    print(text)
    if options.readme:
        head, rest = README.read_text(encoding="utf-8").split(START)
        README.write_text(f"{head}{START}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
