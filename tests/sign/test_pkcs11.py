"""Keys in a token: a real one in software (SoftHSM), where it is installed."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which

import pytest

from provenance.errors import KeyUnusable, SigningFailed
from provenance.sign.pkcs11 import Pkcs11Signer, Token
from tests import signed
from tests.sign.chains import issued

LABEL, PIN = "provenance", "472918"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


@pytest.fixture(scope="module")
def module() -> Path:
    pytest.importorskip("pkcs11")
    found = next((Path(m) for m in MODULES if Path(m).is_file()), None)
    if found is None or not which("softhsm2-util"):
        pytest.skip("needs SoftHSM")
    return found


@pytest.fixture(scope="module")
def keys(module, tmp_path_factory):
    """The public keys in a fresh token, by label."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    subprocess.run(
        f"softhsm2-util --init-token --free --label {LABEL} --pin {PIN} --so-pin 918273".split(),
        check=True,
        capture_output=True,
    )
    yield _generated(module)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def _generated(module: Path) -> dict:
    import pkcs11
    from asn1crypto.keys import PublicKeyInfo
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
    from pkcs11.util.rsa import encode_rsa_public_key

    def curve(session, kind, name):
        points = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(name)}
        return session.create_domain_parameters(kind, points, local=True)

    public = {}
    token = pkcs11.lib(str(module)).get_token(token_label=LABEL)
    with token.open(rw=True, user_pin=PIN) as session:
        for label, name in (("es256", "secp256r1"), ("es384", "secp384r1")):
            parameters = curve(session, pkcs11.KeyType.EC, name)
            pair = parameters.generate_keypair(store=True, label=label)
            public[label] = load_der_public_key(encode_ec_public_key(pair[0]))
        pair = session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, label="ps256")
        info = PublicKeyInfo.wrap(encode_rsa_public_key(pair[0]), "rsa").dump()
        public["ps256"] = load_der_public_key(info)
        pair = curve(session, pkcs11.KeyType.EC_EDWARDS, "1.3.101.112").generate_keypair(
            mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label="ed25519"
        )
        point = pair[0][pkcs11.Attribute.EC_POINT][-32:]
        public["ed25519"] = Ed25519PublicKey.from_public_bytes(point)
    return public


def signer(path: Path, leaf: bytes, key: str = "es256", **changes) -> Pkcs11Signer:
    where = {"module": path, "token": LABEL, "key": key, "pin": PIN, **changes}
    return Pkcs11Signer(Token(**where), leaf)


@pytest.mark.parametrize("key", ["es256", "es384", "ps256", "ed25519"])
def test_every_algorithm_is_signed_and_trusted(key, keys, module):
    leaf, root = issued(keys[key])
    made = signed.signed(by=signer(module, leaf, key))
    assert signed.codes(made.data, root) == ["trusted"]


def test_threads_share_a_session(keys, module):
    leaf, root = issued(keys["es256"])
    by = signer(module, leaf)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: signed.signed(seed=n, by=by).data, range(24)))
    assert all(signed.codes(data, root) == ["trusted"] for data in made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads, which is the point
def test_a_session_is_opened_anew_after_fork(keys, module):
    leaf, root = issued(keys["es256"])
    by = signer(module, leaf)
    signed.signed(by=by)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(signed.signed(by=by).data))
    child.start()
    assert ours.poll(20)
    assert signed.codes(ours.recv(), root) == ["trusted"]
    child.join(10)
    assert signed.codes(signed.signed(by=by).data, root) == ["trusted"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"token": "other"}, "there is no token of that label"),
        ({"key": "other"}, "there is no private key of that label"),
        ({"module": Path("/nowhere.so")}, "the module cannot be loaded"),
    ],
)
def test_what_is_missing_is_named(changes, match, keys, module):
    leaf, _ = issued(keys["es256"])
    with pytest.raises(KeyUnusable, match=match) as info:
        signed.signed(by=signer(module, leaf, **changes))
    assert PIN not in str(info.value)


def test_the_key_of_another_certificate(keys, module):
    leaf, _ = issued(keys["es256"])
    with pytest.raises(SigningFailed, match="check that the certificate belongs to the key"):
        signed.signed(by=signer(module, leaf, "es384"))


def test_a_wrong_pin_in_a_process_of_its_own(keys, module):
    """A login is the process's, so that here, after others, no PIN would be asked for."""
    leaf, _ = issued(keys["es256"])
    code = (
        "import sys, pathlib\n"
        "from provenance.errors import KeyUnusable\n"
        "from provenance.sign.pkcs11 import Pkcs11Signer, Token\n"
        "module, leaf = sys.argv[1:]\n"
        f"where = Token(pathlib.Path(module), {LABEL!r}, 'es256', '000000')\n"
        "try: Pkcs11Signer(where, leaf.encode())._connect()\n"
        "except KeyUnusable as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(module), leaf.decode()],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "the PIN is wrong; more wrong ones lock the token" in told.stdout
    assert "000000" not in told.stdout + told.stderr


def test_a_module_out_of_the_current_folder_is_refused():
    with pytest.raises(ValueError, match="has no absolute path"):
        Token(Path("libsofthsm2.so"), LABEL, "es256", PIN)


def test_the_pin_is_not_shown():
    assert PIN not in repr(Token(Path("/module.so"), LABEL, "es256", PIN))
