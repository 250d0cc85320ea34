"""Writers that are killed at any moment, and a log cut at any byte."""

import random
import signal
import subprocess
import sys
import time

from provenance.registry.log import Log
from provenance.registry.proof import Head
from tests.registry.test_log import issued

APPEND_FOR_EVER = """
import sys
from provenance.registry.log import Log
from tests.registry.test_log import issued
log = Log(sys.argv[1])
while True:
    receipt = log.append(issued(1))
    print(receipt.head, flush=True)
"""


def test_what_was_acknowledged_survives_kill(tmp_path):
    """Two writers at once, each killed at a random moment, again and again."""
    log, rng = Log(tmp_path / "log"), random.Random(11)
    acknowledged = []
    for _ in range(6):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", APPEND_FOR_EVER, str(log.path)], stdout=subprocess.PIPE
            )
            for _ in range(2)
        ]
        try:
            for writer in writers:
                acknowledged.append(writer.stdout.readline().decode())
            time.sleep(rng.uniform(0.0, 0.1))
        finally:
            for writer in writers:
                writer.send_signal(signal.SIGKILL)
        for writer in writers:
            with writer:
                acknowledged += writer.stdout.read().decode().split("\n")[:-1]
        log.append(issued(2))
    heads = [Head.parse(text) for text in acknowledged]
    assert len({head.size for head in heads}) == len(heads)
    some = rng.sample(heads, min(25, len(heads)))
    for head in (*some, max(heads, key=lambda h: h.size)):
        assert log.verify(head).holds
    # Nothing beside what was acknowledged, but for what died between disk and answer.
    assert log.head().size <= len(heads) + 6 + 12


def test_a_log_cut_at_any_byte_keeps_all_whole_entries(tmp_path):
    log = Log(tmp_path / "log")
    receipts = [log.append(issued(n)) for n in range(3)]
    whole = log.path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        log.path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        reopened = Log(log.path)
        if cut % 7 == 0 or cut in ends:  # each append waits for the disk
            assert reopened.append(issued(9)).index == kept
        result = reopened.verify(receipts[kept - 1].head if kept else None)
        assert result.holds
        assert result.head.size in (kept, kept + 1)
