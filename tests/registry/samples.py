"""Records, disks and users for the tests of the registry."""

import os
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from provenance.registry.fingerprint import Fingerprint, Probes
from provenance.registry.interface import Record

NOBODY = 65534
START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def a_fingerprint(seed):
    data = np.random.default_rng(seed).bytes(64)
    return Fingerprint.from_bytes(data)


def a_record(number, **others):
    facts = {
        "manifest_id": f"urn:c2pa:{number}",
        "manifest": f"manifest {number} ".encode() * 50,
        "sha256": f"{number:064x}",
        "media_type": "image/png",
        "width": 640,
        "height": 480,
        "created_at": START + timedelta(seconds=number),
        "key_id": "cd" * 32,
        "policy": "standard",
        "action": "allow",
        "watermark_algorithm": "org.example.mark",
        "payload": f"{number:016x}",
        "tiles": 12.5,
        "fingerprint": a_fingerprint(number),
    }
    return Record(**facts | others)


def probes_of(kept):
    return Probes((kept.whole,), (kept.middle,))


def with_flipped_bits(data, count, seed=0):
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    places = np.random.default_rng(seed).choice(len(bits), count, replace=False)
    bits[places] ^= 1
    return np.packbits(bits).tobytes()


@contextmanager
def unprivileged():
    """Root may write everywhere, so tests of permissions act as nobody."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def mounted(folder, options):
    """A small file system of its own, where this machine allows it."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file systems may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
