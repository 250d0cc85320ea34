"""Creates the configuration and the keys: what `provenance init` does."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provenance.config import FILE_NAME
from provenance.errors import ConfigError, OutputError
from provenance.files import make_private_folder, write_atomically
from provenance.keys import new_watermark_key
from provenance.sign.development import create as create_chain

TEMPLATE = """\
# Configuration of Provenance. Paths are relative to this file.
# Every setting is shown with its default, but for names and keys; an unknown one is refused.

[generator]
# Named in the manifest of every picture, as the law asks: system and version.
name = {name}
version = ""
# IPTC source type: trainedAlgorithmicMedia, compositeWithTrainedAlgorithmicMedia, algorithmicMedia
source_type = "trainedAlgorithmicMedia"

[moderation]
# standard, strict, art, medical, or a policy file of your own: see docs/moderation.md.
policy = "standard"
# Folder for the pictures that wait for a person, if the policy says "review".
review = "review"

[watermark]
# Secret, and the only way to read your marks: back it up.
key = "keys/watermark.key"
# balanced, stealth, robust, or a PSNR in dB such as 44.0
strength = "balanced"
# What to do with a picture that is too small to mark: "refuse", or "sign-only".
too_small = "refuse"
# What to do with a picture that carries a mark of this key: "refuse", or "replace" its mark.
existing = "refuse"

[signing]
# Certificate chain in PEM, leaf first, and its private key.
certificates = "keys/signing.pem"
key = "keys/signing.key"
# Name of the environment variable that holds the key's passphrase; empty for a key without one.
passphrase_env = {passphrase_env}
# Where the key is: files, environment, pkcs11, kms or remote. See docs/signing.md.
signer = "files"
# pkcs11 = {{ module = "/usr/lib/libsofthsm2.so", token = "t", key = "k", pin_env = "PIN" }}
# kms = {{ key_id = "alias/signing", region = "eu-central-1" }}
# remote = {{ url = "https://signer.example.com/sign", token_env = "SIGNER_TOKEN" }}
# An authority that says when a picture was signed, so that it outlives the certificate.
# timestamp = {{ url = "http://timestamp.example.com/", on_failure = "fail", timeout_s = 10 }}

[trust]
# PEM bundles of the signers whose pictures `verify` calls trusted, besides those that
# `provenance trust add` has put into the folder trust beside this file.
anchors = ["keys/trust.pem"]
# PEM bundles of time-stamp authorities: their time forgives a certificate that has expired since.
timestamp_anchors = []

[registry]
# Keeps the manifest of every picture, so that verify finds it again when a platform strips it.
# A file beside this one, or a URL such as postgresql+psycopg://user@host/name. Empty for none.
url = "registry.db"
# While the database is away: refuse to issue anything, or queue the records in this folder.
when_down = "refuse"
queue = "registry-queue"
# Tamper-evident log of what was issued and refused. Empty for none.
log = "issued.jsonl"

[output]
# Copy EXIF, XMP and text chunks of the input. They often hold prompts, places and serial numbers.
keep_metadata = false
# Write the prompt into the public manifest.
publish_prompt = false
# State that the pictures may not be used for training or mining.
no_training = false

[limits]
max_bytes = 268435456
max_pixels = 100000000

[service]
# For provenance serve and provenance proxy.
# Names and digests of access keys, as provenance keys client makes them. Empty lets everybody in.
clients = ""
# Web origins whose scripts may read answers.
cors_origins = []
# PEM files for HTTPS; with a client CA, clients must show a certificate (mTLS).
tls_certificate = ""
tls_key = ""
tls_client_ca = ""
# A line for each request on standard error: json, text or off.
log = "json"
# Answer Prometheus at /metrics; send OpenTelemetry spans to where its own OTEL_ variables say.
metrics = true
traces = false
# Pictures worked on at a time (0: one for each core), pictures that may wait, bytes held for all.
workers = 0
waiting = 256
memory = 536870912
"""


@dataclass(frozen=True, slots=True)
class Home:
    """What was created.

    Attributes:
        config: the configuration file.
        keys: the folder of the keys, readable by its owner alone.
        expires: when the development certificate does.
        replaced: files that were there before, moved aside under these names.
    """

    config: Path
    keys: Path
    expires: datetime
    replaced: tuple[Path, ...]


def create(
    config: Path,
    *,
    organization: str = "Provenance development",
    name: str = "my-generator",
    passphrase: bytes | None = None,
    passphrase_env: str = "",
    force: bool = False,
) -> Home:
    """Write `provenance.toml` and, in the folder `keys` beside it, keys and certificates.

    The certificate is for development: it is trusted by nobody but the anchors written here.
    Files are 0600, the key folder is 0700. Nothing is lost by `force`: what was there is renamed,
    since pictures marked with an old key can be read with no other.

    Args:
        config: where to write the configuration.
        organization: named in the certificates.
        name: of your generator, as written in manifests.
        passphrase: encrypts the signing key.
        passphrase_env: the environment variable from which the passphrase will be read.
        force: replace what is there.

    Raises:
        ConfigError: the name is empty.
        OutputError: something is there already, or the folder cannot be written.
    """
    if not name.strip():
        raise ConfigError("the generator's name is empty; give the name of your system")
    if config.suffix != ".toml":
        config = config / FILE_NAME
    keys = config.parent / "keys"
    names = ("signing.pem", "signing.key", "trust.pem", "watermark.key")
    targets = [*(keys / n for n in names), config]
    present = [p for p in targets if os.path.lexists(p)]
    if present and not force:
        raise OutputError(
            f"{present[0]} is there already; use --force to replace it "
            "(the old files are kept under another name)"
        )
    try:
        chain = create_chain(organization, passphrase=passphrase)
    except ValueError as error:
        raise OutputError(f"no certificate was made: {error}") from error
    try:
        config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OutputError(
            f"the folder {config.parent} cannot be created ({error.strerror}); "
            "choose another with --dir"
        ) from error
    make_private_folder(keys)
    contents = (
        chain.certificates,
        chain.key,
        chain.anchors,
        new_watermark_key(),
        _configuration(name, passphrase_env),
    )
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    replaced: list[Path] = []
    written: list[Path] = []
    try:
        for path in present:
            replaced.append(_move_aside(path, stamp))
        for path, content in zip(targets, contents, strict=True):
            written.append(write_atomically(path, content, mode=0o600))
    except BaseException:
        # A key without its certificate helps nobody: all as it was before.
        for path in written:
            path.unlink()
        for path, aside in zip(present, replaced, strict=False):
            aside.rename(path)
        raise
    return Home(config, keys, chain.expires, tuple(replaced))


def _configuration(name: str, passphrase_env: str) -> bytes:
    return TEMPLATE.format(
        name=_quoted(name),
        passphrase_env=_quoted(passphrase_env),
    ).encode()


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, but for one control character that JSON lets pass."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _move_aside(path: Path, stamp: str) -> Path:
    """Rename to a name that no other call takes: the stamp counts microseconds."""
    try:
        return path.rename(path.with_name(f"{path.name}.replaced-{stamp}"))
    except OSError as error:
        raise OutputError(f"{path} cannot be renamed ({error.strerror})") from error
