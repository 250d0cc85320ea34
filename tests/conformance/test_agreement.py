"""Independent readers say of our files what we say, in every format and every state.

One table holds it: `expected.py`. Where a reader says something else, the table says why, and the
test holds it to that, so that a repaired reader is noticed too.
"""

from __future__ import annotations

import pytest

from provenance.codec.limits import Limits
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.media import media_type
from provenance.verify.verifier import Verifier
from tests.conformance.conftest import FROM_PIPELINE, Made
from tests.conformance.expected import EXPECTED, UNSUPPORTED, WHY, answer
from tests.conformance.readers import READERS, word
from tests.conformance.states import SOURCES, pixels

SAME = {
    "trusted": "trusted",
    "untrusted-signer": "unlisted",
    "altered": "changed",
    "damaged": "damaged",
    "unreadable": "refused",
    "expired": "expired",
    "none": "none",
    "parent-altered": "history changed",
}
"""Our class, and the word for it."""


def kinds(state: str) -> tuple[str, ...]:
    return FROM_PIPELINE if state == "from the pipeline" else tuple(SOURCES)


@pytest.mark.parametrize("state", EXPECTED)
def test_we_say_it_in_every_format(made: Made, state):
    check = CredentialsCheck([made.signers], [made.authorities])
    verifier = Verifier([check])
    found = {}
    for suffix in kinds(state):
        data = made.samples[state, suffix].data
        evidence = check.examine(Subject(data, media_type(data), Limits()))
        classes = tuple(e.code.removeprefix("credentials.") for e in evidence)
        found[suffix] = (classes, str(verifier.verify(data).verdict.outcome.value))
    assert found == dict.fromkeys(kinds(state), EXPECTED[state][:2])


@pytest.mark.online
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("state", EXPECTED)
def test_a_reader_says_it_in_every_format(made: Made, said, reader, state):
    answers = said(reader)
    found, wanted = {}, {}
    for suffix in kinds(state):
        sample = made.samples[state, suffix]
        record = answers[sample.name]
        found[suffix] = (word(record), record.get("active_manifest") or "")
        expected = answer(reader, state, suffix)
        silent = expected in {"none", "unsupported", "refused"}
        wanted[suffix] = (expected, "" if silent else sample.manifest_id)
    assert found == wanted


def test_the_table_gives_a_reason_for_each_disagreement():
    for state, line in EXPECTED.items():
        ours = SAME[line.ours[0]] + (", bad parent" if len(line.ours) > 1 else "")
        for reader in READERS:
            differs = getattr(line, reader.replace("-", "_")) != ours
            assert differs == ((reader, state) in WHY), (reader, state)
    assert all(why for kinds in UNSUPPORTED.values() for _, why in kinds.values())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tiff", "avif", "dng", "heic"])
def test_what_was_changed_is_still_a_picture_and_another(made: Made, suffix):
    before, after = (
        pixels(suffix, made.samples[state, suffix].data) for state in ("trusted", "changed")
    )
    assert before is not None
    assert after is not None
    assert before != after


def test_all_kinds_are_there(made: Made):
    assert len(SOURCES) == 14
    assert {suffix for _, suffix in made.samples} == set(SOURCES)
    assert {state for state, _ in made.samples} == set(EXPECTED)
