"""Keys that are elsewhere: both forms of a signature, every algorithm, and errors as themselves."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils

from provenance.errors import KeyUnusable, SigningFailed
from provenance.sign.callback import CallbackSigner, pss
from provenance.sign.interface import Statement
from provenance.sign.sign import sign
from tests import signed
from tests.sign.chains import issued

P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def der(data: bytes) -> bytes:
    return P256.sign(data, ec.ECDSA(hashes.SHA256()))


def raw(data: bytes) -> bytes:
    r, s = utils.decode_dss_signature(der(data))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SIGNS = {
    "es256 DER": (P256, der),
    "es256 raw": (P256, raw),
    "es384": (P384, lambda d: P384.sign(d, ec.ECDSA(hashes.SHA384()))),
    "ps256": (RSA, lambda d: RSA.sign(d, pss(), hashes.SHA256())),
    "ed25519": (ED, ED.sign),
}


def test_every_algorithm_and_form_is_trusted():
    for name, (key, function) in SIGNS.items():
        leaf, root = issued(key)
        signer = CallbackSigner(function, leaf)
        assert signer.algorithm == name.split()[0]
        assert signed.codes(signed.signed(by=signer).data, root) == ["trusted"]


class Locked(Exception):
    """An error of the user's own."""


@pytest.mark.parametrize("error", [Locked("the HSM is locked"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_surfaces_as_itself(error):
    def fails(data: bytes) -> bytes:
        raise error

    signer = CallbackSigner(fails, issued(P256)[0])
    with pytest.raises(type(error)) as info:
        signed.signed(by=signer)
    assert info.value is error
    # And the next signature works.
    assert signed.signed(by=CallbackSigner(der, issued(P256)[0])).data


@pytest.mark.parametrize(
    "answer",
    [
        lambda d: b"",
        lambda d: None,
        lambda d: b"x" * 64,
        lambda d: b"\x30" + b"x" * 70,
        lambda d: der(d)[:-1],
        lambda d: P256.sign(d, ec.ECDSA(hashes.SHA384())),
        lambda d: ec.generate_private_key(ec.SECP256R1()).sign(d, ec.ECDSA(hashes.SHA256())),
        lambda d: der(d + b"!"),
        lambda d: b"\xff" * 100_000,
    ],
    ids=["empty", "None", "64", "DER-like", "cut", "hash", "other key", "other bytes", "huge"],
)
def test_what_is_no_signature_is_named(answer):
    signer = CallbackSigner(answer, issued(P256)[0])
    with pytest.raises(SigningFailed, match="not a es256 signature by the key of CN=leaf"):
        signed.signed(by=signer)


def test_the_algorithm_must_be_the_certificates():
    leaf = issued(P256)[0]
    assert CallbackSigner(der, leaf, "es256").algorithm == "es256"
    with pytest.raises(KeyUnusable, match="a key for es256, and ed25519 was asked for"):
        CallbackSigner(der, leaf, "ed25519")


def test_unsupported_keys_are_named():
    key = ec.generate_private_key(ec.SECP521R1())
    with pytest.raises(KeyUnusable, match="on the curve secp521r1; expected P-256"):
        CallbackSigner(der, issued(key)[0])


def test_threads_share_a_signer_and_keep_their_errors_apart():
    leaf, root = issued(P256)
    count = 24

    def one(n: int) -> object:
        def maybe(data: bytes) -> bytes:
            if n % 3 == 0:
                raise Locked(str(n))
            return der(data)

        try:
            return sign(
                signed.encoded(), Statement(signed.GENERATOR), CallbackSigner(maybe, leaf)
            ).data
        except Locked as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(count)))
    for n, result in enumerate(results):
        if n % 3 == 0:
            assert result == str(n)
        else:
            assert signed.codes(result, root) == ["trusted"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads, which is the point
def test_a_signer_works_after_fork():
    leaf, root = issued(P256)
    signer = CallbackSigner(der, leaf)
    signed.signed(by=signer)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(signed.signed(by=signer).data))
    child.start()
    assert ours.poll(20)
    assert signed.codes(ours.recv(), root) == ["trusted"]
    child.join(10)


def test_repr_names_the_subject():
    signer = CallbackSigner(der, issued(P256)[0])
    assert repr(signer) == "CallbackSigner('CN=leaf,O=Kinds of keys', es256)"
