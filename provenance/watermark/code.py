"""Error correction: a tail-biting convolutional code, decoded from soft values, and a CRC.

The code's rate adapts to the room: every information bit gets as many output bits as fit, so a
128-bit payload uses the same carrier as a 64-bit one at less protection. Decoding is a
wrap-around Viterbi over all start states at once, vectorised over states and over candidates.

Source: Ma and Wolf 1986 (tail-biting), Shao, Lin and Fossorier 2003 (wrap-around Viterbi).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CONSTRAINT = 11
"""Bits in the shift register; 2**(CONSTRAINT - 1) states."""

GENERATORS = (0o2353, 0o2671, 0o3175, 0o2327, 0o2353)
"""First three: the rate-1/3 code of largest free distance at this length; first four: the same
for rate 1/4 (Larsen 1973). The fifth, used at rate 1/5, repeats the first."""

CRC_BITS = 24
CRC_POLYNOMIAL = 0x864CFB
"""CRC-24 of RFC 4880, section 6.1."""

WRAPS = 2.5
"""Turns of the trellis that the decoder makes; the last half turn only settles the end state."""

Bits = NDArray[np.uint8]
Floats = NDArray[np.float32]


def crc(bits: Bits) -> Bits:
    """The CRC-24 of a bit array, as 24 bits."""
    register = 0xB704CE
    for bit in bits.tolist():
        register ^= bit << 23
        register = (register << 1) ^ CRC_POLYNOMIAL if register & 0x800000 else register << 1
        register &= 0xFFFFFF
    return np.array([register >> (23 - i) & 1 for i in range(CRC_BITS)], np.uint8)


def message_bits(value: int, bits: int) -> Bits:
    """Payload and CRC, most significant bit first; the CRC covers the length too."""
    payload = np.array([value >> (bits - 1 - i) & 1 for i in range(bits)], np.uint8)
    return np.concatenate([payload, crc(np.append(payload, bits == 128).astype(np.uint8))])


def checked_value(message: Bits, bits: int) -> int | None:
    """The payload of a message whose CRC holds, else None."""
    payload = message[:bits]
    if not np.array_equal(crc(np.append(payload, bits == 128).astype(np.uint8)), message[bits:]):
        return None
    return int("".join(map(str, payload.tolist())), 2)


@lru_cache(maxsize=8)
def _schedule(message: int, room: int) -> NDArray[np.intp]:
    """Which (stage, generator) each of the `room` positions carries, as stage * G + generator.

    Every stage gets room // message generators; the rest go to stages spread evenly.
    """
    whole, rest = divmod(room, message)
    extra = {int((i + 0.5) * message / rest) for i in range(rest)} if rest else set()
    count = len(GENERATORS)
    return np.array(
        [
            stage * count + generator % count
            for stage in range(message)
            for generator in range(whole + (stage in extra))
        ],
        np.intp,
    )


def encode(message: Bits, room: int) -> Bits:
    """`room` code bits of a message; `room` must be at least twice the message's length."""
    outputs = np.empty((message.size, len(GENERATORS)), np.uint8)
    shifted = [np.roll(message, delay) for delay in range(CONSTRAINT)]
    for column, generator in enumerate(GENERATORS):
        taps = [shifted[d] for d in range(CONSTRAINT) if generator >> d & 1]
        outputs[:, column] = np.bitwise_xor.reduce(taps)
    return outputs.reshape(-1)[_schedule(message.size, room)]


@lru_cache(maxsize=1)
def _branch_signs() -> Floats:
    """Sign of each generator's output for every register content: G × 2**CONSTRAINT.

    Register contents are ordered by their newest bit, then their oldest, then those between.
    """
    register = np.arange(1 << CONSTRAINT)
    signs = np.empty((len(GENERATORS), register.size), np.float32)
    for row, generator in enumerate(GENERATORS):
        masked = register & generator
        parity = np.zeros_like(masked)
        for d in range(CONSTRAINT):
            parity ^= masked >> d & 1
        signs[row] = 1.0 - 2.0 * parity
    by_bits = signs.reshape(len(GENERATORS), 2, -1, 2).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(by_bits).reshape(len(GENERATORS), -1)


def decode(soft: Floats, message: int) -> Bits:
    """The most likely messages for soft values.

    Args:
        soft: B×room; positive means bit 0, size in proportion to certainty.
        message: length of each message in bits.

    Returns:
        B×message bits.
    """
    batch, room = soft.shape
    count = len(GENERATORS)
    values = np.zeros((batch, message * count), np.float32)
    np.add.at(values.T, _schedule(message, room), soft.T)
    half = 1 << (CONSTRAINT - 2)
    branch = (values.reshape(-1, count) @ _branch_signs()).reshape(batch, message, 2, 2, half)
    turn = [np.ascontiguousarray(branch[:, stage]) for stage in range(message)]
    steps = int(message * WRAPS)
    # By newest bit, then oldest bit, then the bits between: loops run along memory.
    both = np.empty((batch, 2, 2, half), np.float32)
    upper = np.empty((steps, batch, 2, half), np.bool_)
    metric = np.zeros((batch, 2 * half), np.float32)
    before = metric.reshape(batch, 1, 2, half)
    after = metric.reshape(batch, half, 2).transpose(0, 2, 1)
    zero, one = both[:, :, 0], both[:, :, 1]
    for step in range(steps):
        np.add(before, turn[step % message], out=both)
        np.greater(one, zero, out=upper[step])
        np.maximum(zero, one, out=after)
    ends = metric.argmax(axis=1).tolist()
    paths = [_back(upper[:, row].tobytes(), end, message) for row, end in enumerate(ends)]
    return np.array(paths, np.uint8).reshape(batch, message)


def _back(upper: bytes, state: int, message: int) -> list[int]:
    """The message along the survivor of an end state; in plain numbers, quicker than by arrays.

    Args:
        upper: for each step, newest bit and other bits, whether the oldest bit was one.
        state: at the end.
        message: length in bits.
    """
    top, half = CONSTRAINT - 2, 1 << (CONSTRAINT - 2)
    steps = len(upper) // (2 * half)
    settled = steps - message // 2
    decoded = [0] * message
    for step in range(steps - 1, settled - 1 - message, -1):
        if step < settled:
            decoded[step % message] = state & 1
        oldest = upper[(2 * step + (state & 1)) * half + (state >> 1)]
        state = state >> 1 | oldest << top
    return decoded
