"""uvicorn's HTTP/1.1, with patience that ends.

uvicorn waits for ever for the rest of a head, so that a client could hold any number of connections
by sending nothing, or a byte a minute. It also receives the rest of a body that was refused, so
that the client can finish sending and read the answer: rightly, but for ever too. Bodies that are
wanted have a time of their own in `request.read`.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class ImpatientProtocol(H11Protocol):
    """Ends connections on which nothing is going on.

    Attributes:
        patience: seconds from the connection, or from the first byte after an answer, to a
            complete head or to the end of a refused body.
    """

    patience = 10.0

    _alarm: asyncio.TimerHandle | None = None

    # uvicorn narrows what asyncio.Protocol declares, and so do we.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Wait on while nothing can be done; the time is not begun anew by every byte."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._rest()

    def _watch(self) -> None:
        if not self._in_vain():
            self._rest()
        elif self._alarm is None:
            self._alarm = self.loop.call_later(self.patience, self._give_up)

    def _in_vain(self) -> bool:
        """True while there is no whole head, or a body that nobody reads."""
        answered = self.cycle is not None and self.cycle.response_complete
        state = self.conn.their_state
        return state is h11.IDLE or (state is h11.SEND_BODY and answered)

    def _rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self) -> None:
        self._alarm = None
        if self._in_vain() and not self.transport.is_closing():
            self.transport.close()
