"""What signing costs: CPU of sign and read-back, growth over many signatures, and threads.

    python benchmarks/signing.py [--runs 30] [--signs 1000] [--threads 8] [--each 200] [PICTURE]

CPU time of one process: machines are noisy, and wall time would measure their other work. "Beyond
hashing" takes off what SHA-256 of the file costs, twice: once for signing, once for reading.
Memory is the resident set after a first tenth of the signatures, and after all of them.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from PIL import Image

import provenance
from provenance import Encoding, Picture
from provenance.codec.encode import encode
from provenance.codec.limits import Limits
from provenance.picture import EncodedPicture
from provenance.sign.callback import CallbackSigner
from provenance.sign.development import create
from provenance.sign.development_tsa import DevelopmentAuthority
from provenance.sign.file import read_back
from provenance.sign.interface import ClaimSigner, Generator, Statement
from provenance.sign.local import LocalSigner
from provenance.sign.sign import sign
from provenance.sign.timestamp import Timestamp

PHOTO = Path(__file__).parents[1] / "examples" / "pictures" / "coffee.png"
SIDE = 1024
SAYS = Statement(Generator("benchmark", "1.0"))


def picture(path: Path) -> EncodedPicture:
    """The photograph at 1024×1024, as JPEG 92."""
    with Image.open(path) as image:
        side = min(image.size)
        square = image.convert("RGB").crop((0, 0, side, side))
    pixels = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    return encode(Picture.from_array(pixels), Encoding("JPEG", quality=92))


def cpu_ms(call: Callable[[], Any], runs: int) -> float:
    """Median CPU time of the process for one call, in milliseconds."""
    call()
    spent = []
    for _ in range(runs):
        start = time.process_time()
        call()
        spent.append(1000 * (time.process_time() - start))
    return statistics.median(spent)


def both(encoded: EncodedPicture, signer: ClaimSigner, anchors: tuple[str, ...]) -> None:
    """Sign, and read back as `sign_file` does."""
    made = sign(encoded, SAYS, signer, anchors)
    read_back(made, encoded.media_type, signer, anchors, Limits())


def resident_mb() -> float:
    """Resident set of this process, in MB. Linux only."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_files() -> int:
    """Of this process. Linux only."""
    return len(list(Path("/proc/self/fd").iterdir()))


def algorithms() -> list[tuple[str, ClaimSigner, tuple[str, ...]]]:
    """A signer for each kind of key, under one root, and one behind a callback."""
    found: list[tuple[str, ClaimSigner, tuple[str, ...]]] = []
    chain = create("Benchmark")
    anchors = (chain.anchors.decode(),)
    found.append(("es256", LocalSigner(chain.certificates, chain.key), anchors))
    key = serialization.load_pem_private_key(chain.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    ask = CallbackSigner(lambda d: key.sign(d, ec.ECDSA(hashes.SHA256())), chain.certificates)
    found.append(("es256, callback", ask, anchors))
    template = x509.load_pem_x509_certificate(chain.certificates)
    others = {
        "es384": ec.generate_private_key(ec.SECP384R1()),
        "ps256": rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, other in others.items():
        found.append((name, *_issued(template, other)))
    return found


def _issued(template: x509.Certificate, key: Any) -> tuple[LocalSigner, tuple[str, ...]]:
    """A leaf like the template's for another key, under a root of its own."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Benchmark root")])
    certificates = []
    for subject, public, authority in (
        (template.subject, key.public_key(), False),
        (name, root_key.public_key(), True),
    ):
        builder = x509.CertificateBuilder(
            name,
            subject,
            public,
            x509.random_serial_number(),
            template.not_valid_before_utc,
            template.not_valid_after_utc,
        )
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        else:
            for kind in (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage):
                extension = template.extensions.get_extension_for_class(kind)
                builder = builder.add_extension(extension.value, extension.critical)
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
            builder = builder.add_extension(issuer, critical=False)
        certificates.append(builder.sign(root_key, hashes.SHA256()))
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    root = certificates[1].public_bytes(pem).decode()
    return LocalSigner(certificates[0].public_bytes(pem), private), (root,)


def main() -> None:
    """Measure and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="?", type=Path, default=PHOTO)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--signs", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--each", type=int, default=200)
    options = parser.parse_args()
    encoded = picture(options.picture)
    print(
        f"provenance {provenance.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, {time.strftime('%Y-%m-%d')}; {options.picture.name} at "
        f"{SIDE}×{SIDE}, JPEG 92, {len(encoded.data):,} bytes; CPU ms, median of {options.runs}\n"
    )
    speed(encoded, options.runs)
    print()
    growth(encoded, options.signs)
    threads(encoded, options.threads, options.each)


def speed(encoded: EncodedPicture, runs: int) -> None:
    """One row for each way to sign."""
    hashing = 2 * cpu_ms(lambda: hashlib.sha256(encoded.data).digest(), runs)
    print("| signer | sign | sign and read back | beyond hashing | bytes added |")
    print("|---|---:|---:|---:|---:|")
    for name, signer, anchors in algorithms():
        alone = cpu_ms(lambda s=signer, a=anchors: sign(encoded, SAYS, s, a), runs)  # type: ignore[misc]
        whole = cpu_ms(lambda s=signer, a=anchors: both(encoded, s, a), runs)  # type: ignore[misc]
        added = len(sign(encoded, SAYS, signer, anchors).data) - len(encoded.data)
        print(f"| {name} | {alone:.1f} | {whole:.1f} | {whole - hashing:.1f} | {added:,} |")
    with DevelopmentAuthority.create().serve() as url:
        name, signer, anchors = algorithms()[0]

        def stamped() -> bytes:
            return sign(encoded, SAYS, signer, anchors, timestamp=Timestamp(url)).data

        spent, added = cpu_ms(stamped, runs), len(stamped()) - len(encoded.data)
        print(f"| {name}, time-stamp (authority included) | {spent:.1f} | | | {added:,} |")


def growth(encoded: EncodedPicture, signs: int) -> None:
    """Memory and open files over many signatures, with a key in memory and behind a callback."""
    for name, signer, anchors in algorithms()[:2]:
        first = max(1, signs // 10)
        for _ in range(first):
            both(encoded, signer, anchors)
        before, files = resident_mb(), open_files()
        for _ in range(signs - first):
            both(encoded, signer, anchors)
        print(
            f"{signs:,} signatures ({name}), read back: {resident_mb() - before:+.1f} MB of "
            f"{before:.0f} MB, {open_files() - files:+d} open files\n"
        )


def threads(encoded: EncodedPicture, count: int, each: int) -> None:
    """Errors of threads that share a signer."""
    _, signer, anchors = algorithms()[0]

    def work(_: int) -> int:
        failed = 0
        for _ in range(each):
            try:
                both(encoded, signer, anchors)
            except Exception:  # counted
                failed += 1
        return failed

    start = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        failed = sum(pool.map(work, range(count)))
    spent = time.perf_counter() - start
    print(f"{count} threads × {each} signatures, read back: {failed} errors, {spent:.1f} s")


if __name__ == "__main__":
    main()
