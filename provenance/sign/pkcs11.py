"""A signer whose key is in a token behind PKCS#11: an HSM, a smart card, SoftHSM.

Needs `pip install provenance-kit[pkcs11]`, and the module (a shared library) of the token's maker.
"""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenance._per_process import PerProcess
from provenance.errors import KeyUnusable, ProvenanceError, SigningFailed
from provenance.sign.callback import CallbackSigner, digest


@dataclass(frozen=True, slots=True)
class Token:
    """Where the key is.

    Attributes:
        module: absolute path of the PKCS#11 module. It is loaded into this process: name one that
            only an administrator may write.
        token: label of the token.
        key: label of the private key.
        pin: of the user; secret.

    Raises:
        ValueError: the module's path is not absolute.
    """

    module: Path
    token: str
    key: str
    pin: str = field(repr=False)

    def __post_init__(self) -> None:
        """Hold the promise that no module comes out of the current folder."""
        if not self.module.is_absolute():
            raise ValueError(
                f"the PKCS#11 module {self.module} has no absolute path; give it whole"
            )


class Pkcs11Signer(CallbackSigner):
    """Signs with a key in a token. One session, one signature at a time, another after `fork`.

    Args:
        where: the token and the key.
        certificates: the chain of its public key in PEM, leaf first.

    Raises:
        KeyUnusable: the chain cannot sign claims.
        ProvenanceError: python-pkcs11 is not installed.
    """

    def __init__(self, where: Token, certificates: bytes) -> None:
        _pkcs11()
        self._where = where
        self._session = PerProcess(self._connect)
        super().__init__(self._ask, certificates, source=f"the token {where.token!r}")

    def _ask(self, data: bytes) -> bytes:
        pkcs11 = _pkcs11()
        session = self._session()
        try:
            with session.lock:  # PKCS#11 2.40, 6.7.6: a session has one operation at a time
                return self._sign(session.key, data)
        except pkcs11.PKCS11Error as error:
            # The session may be gone with the card; the next signature opens another.
            self._session = PerProcess(self._connect)
            raise SigningFailed(
                f"{self._source} gave no signature: {type(error).__name__}; check that it is there "
                "and that its key may sign"
            ) from error

    def _sign(self, key: Any, data: bytes) -> bytes:
        pkcs11 = _pkcs11()
        mechanism = pkcs11.Mechanism
        if self.algorithm == "ed25519":
            return bytes(key.sign(data, mechanism=mechanism.EDDSA))
        hashed = digest(data, self.algorithm)
        if self.algorithm == "ps256":
            salt = (mechanism.SHA256, pkcs11.MGF.SHA256, 32)
            signed = key.sign(hashed, mechanism=mechanism.RSA_PKCS_PSS, mechanism_param=salt)
            return bytes(signed)
        return bytes(key.sign(hashed, mechanism=mechanism.ECDSA))

    def _connect(self) -> _Session:
        """Open the token and find the key.

        Raises:
            KeyUnusable: no module, token or key of that name, or a wrong PIN.
        """
        pkcs11 = _pkcs11()
        where = self._where
        try:
            library = _library(where.module)
            token = library.get_token(token_label=where.token)
            try:
                session = token.open(user_pin=where.pin)
            except pkcs11.UserAlreadyLoggedIn:  # by another signer: a login is the process's
                session = token.open()
            key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=where.key)
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
            # The cause is left out where it may quote the PIN.
            raise KeyUnusable(
                f"the key {where.key!r} in the token {where.token!r} ({where.module}) cannot be "
                f"used: {_REASONS.get(type(error).__name__, type(error).__name__)}"
            ) from None
        return _Session(key, threading.Lock(), session)


_REASONS = {
    "PinIncorrect": "the PIN is wrong; more wrong ones lock the token",
    "PinLocked": "the PIN is locked; unlock it with the security officer's",
    "PinLenRange": "the PIN is too short or too long",
    "NoSuchToken": "there is no token of that label",
    "NoSuchKey": "there is no private key of that label in it",
    "MultipleTokensReturned": "there are several tokens of that label",
    "MultipleObjectsReturned": "there are several keys of that label",
    "RuntimeError": "the module cannot be loaded",
    "PKCS11Error": "the module cannot be loaded, or is none for PKCS#11",
}


@dataclass(frozen=True, slots=True)
class _Session:
    key: Any
    lock: threading.Lock
    session: Any
    """Kept: the key dies with it."""


_loading = threading.Lock()
_process: dict[str, int] = {}


def _library(module: Path) -> Any:
    """The module, set up for this process: PKCS#11 is not carried over `fork` (2.40, 6.6)."""
    import os

    pkcs11 = _pkcs11()
    name, current = str(module), os.getpid()
    with _loading:
        library = pkcs11.lib(name)
        if _process.setdefault(name, current) != current:
            library.reinitialize()
            _process[name] = current
    return library


def _pkcs11() -> Any:
    try:
        return importlib.import_module("pkcs11")
    except ImportError as error:
        raise ProvenanceError(
            "signing through PKCS#11 needs python-pkcs11; install it with: "
            "pip install provenance-kit[pkcs11]"
        ) from error
