"""What is added is found again, as it was, by each of its names."""

import pickle
import stat
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from provenance.errors import RegistryConflict
from provenance.registry.interface import Record
from provenance.registry.store import SqlRegistry
from tests.registry.samples import START, a_fingerprint, a_record, probes_of, with_flipped_bits


def test_a_record_comes_back_as_it_was(registry):
    full = a_record(1, fingerprint=a_fingerprint(1))
    bare = a_record(2, watermark_algorithm=None, payload=None, tiles=None, fingerprint=None)
    for record in (full, bare):
        assert registry.add(record)
        assert registry.by_manifest(record.manifest_id) == record
    assert registry.count() == 2
    assert list(registry.iterate()) == [full, bare]


def test_times_are_kept_in_utc(registry):
    local = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    registry.add(a_record(1, created_at=local))
    found = registry.by_manifest("urn:c2pa:1").created_at
    assert found == local
    assert found.utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match=r"no time zone"):
        a_record(1, created_at=datetime(2026, 7, 1))


def test_nothing_is_found_in_an_empty_registry(registry):
    assert registry.by_manifest("urn:c2pa:1") is None
    assert registry.by_payload("org.example.mark", "00") == ()
    assert registry.by_fingerprint(probes_of(a_fingerprint(1))) == ()
    assert registry.count() == 0
    assert list(registry.iterate()) == []


def test_adding_twice_keeps_one(registry):
    record = a_record(1)
    assert registry.add(record) is True
    assert registry.add(record) is False
    assert registry.add(replace(record, created_at=START + timedelta(days=1))) is False
    assert registry.count() == 1
    assert registry.by_manifest(record.manifest_id).created_at == record.created_at


@pytest.mark.parametrize(
    "change", [{"manifest": b"other"}, {"sha256": "ff" * 32}, {"payload": "ff" * 8}]
)
def test_other_content_under_a_known_id_is_refused(registry, change):
    record = a_record(1)
    registry.add(record)
    with pytest.raises(RegistryConflict, match=r"other content under urn:c2pa:1; the old record"):
        registry.add(replace(record, **change))
    assert list(registry.iterate()) == [record]


def test_a_payload_may_lead_to_several_records(registry):
    first, second = a_record(1, payload="aa" * 8), a_record(2, payload="aa" * 8)
    foreign = a_record(3, payload="aa" * 8, watermark_algorithm="org.example.other")
    for record in (first, second, foreign, a_record(4)):
        registry.add(record)
    assert registry.by_payload("org.example.mark", "aa" * 8) == (first, second)
    assert registry.by_payload("org.example.other", "aa" * 8) == (foreign,)


def test_the_nearest_fingerprints_come_first(registry):
    near = a_record(1)
    kept = near.fingerprint
    nearer = a_record(2, fingerprint=replace(kept, whole=with_flipped_bits(kept.whole, 5)))
    for record in (near, nearer, *map(a_record, range(3, 40))):
        registry.add(record)
    wanted = probes_of(replace(kept, whole=with_flipped_bits(kept.whole, 5)))
    assert [(m.record, m.distance) for m in registry.by_fingerprint(wanted)] == [
        (nearer, 0),
        (near, 5),
    ]
    assert [m.record for m in registry.by_fingerprint(wanted, limit=1)] == [nearer]
    assert [m.record for m in registry.by_fingerprint(wanted, max_distance=4)] == [nearer]


def test_the_index_follows_what_another_registry_adds(registry, where):
    other = SqlRegistry(where)
    assert registry.by_fingerprint(probes_of(a_fingerprint(1))) == ()
    for number in range(1, 4):
        other.add(a_record(number))
        (match,) = registry.by_fingerprint(probes_of(a_fingerprint(number)))
        assert match.record == a_record(number)
    other.close()
    fresh = SqlRegistry(where)  # its index is built from the database
    assert fresh.by_fingerprint(probes_of(a_fingerprint(2)))[0].record == a_record(2)
    fresh.close()


def test_all_are_iterated_over_many_pages(registry, monkeypatch):
    monkeypatch.setattr("provenance.registry.store._PAGE", 3)
    monkeypatch.setattr("provenance.registry.store._INDEX_PAGE", 2)
    for number in range(8):
        registry.add(a_record(number))
    assert [r.sha256 for r in registry.iterate()] == [f"{n:064x}" for n in range(8)]
    assert registry.by_fingerprint(probes_of(a_fingerprint(7)))[0].record == a_record(7)


def test_it_can_be_used_after_closing_and_travels_in_a_pickle(registry):
    registry.add(a_record(1))
    registry.close()
    assert registry.count() == 1
    copy = pickle.loads(pickle.dumps(registry))
    assert copy.by_manifest("urn:c2pa:1") == a_record(1)
    copy.close()


def test_the_files_are_private(tmp_path):
    registry = SqlRegistry(tmp_path / "new" / "registry.db")
    registry.add(a_record(1))
    files = sorted((tmp_path / "new").iterdir())
    assert [f.name for f in files] == ["registry.db", "registry.db-shm", "registry.db-wal"]
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    registry.close()


def test_no_password_is_shown():
    assert "secret" not in repr(SqlRegistry("postgresql://me:secret@host/db"))
    assert "secret" not in repr(SqlRegistry("postgresql://host/db?password=secret"))
    assert "secret" not in repr(SqlRegistry("postgresql://me:secret@[host/db"))


def test_a_record_shows_neither_manifest_nor_fingerprint():
    shown = repr(a_record(1))
    assert "manifest 1" not in shown
    assert "Fingerprint" not in shown
    assert isinstance(a_record(1), Record)
