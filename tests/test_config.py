"""Every key of `provenance.toml`, and every way in which a value can be wrong."""

from __future__ import annotations

import traceback
from dataclasses import fields
from pathlib import Path

import pytest

from provenance.codec.limits import Limits
from provenance.config import VARIABLE, Config, default_path, find
from provenance.errors import ConfigError, KeyUnusable
from provenance.moderate import policy_file
from provenance.moderate.interface import Action
from provenance.sign.interface import Generator, SourceType
from tests import signed

KEY = "00112233445566778899aabbccddeeff" * 2

FULL = """\
[generator]
name = "studio"
version = "3.1"
source_type = "compositeWithTrainedAlgorithmicMedia"
[moderation]
policy = "art"
review = "/var/review"
[watermark]
key = "secret/mark.key"
strength = 44.5
too_small = "sign-only"
existing = "replace"
[signing]
certificates = "/etc/keys/chain.pem"
key = "secret/signing.key"
passphrase_env = "SIGNING_PASSPHRASE"
signer = "files"
[trust]
anchors = ["a.pem", "/etc/b.pem"]
timestamp_anchors = ["t.pem"]
[registry]
url = "postgresql+psycopg://me@db/kept"
log = "history/log.jsonl"
when_down = "queue"
queue = "waiting"
[output]
keep_metadata = true
publish_prompt = true
no_training = true
[limits]
max_bytes = 1000
max_pixels = 2000
[service]
log = "text"
"""


@pytest.fixture
def write(tmp_path: Path):
    def to_file(text: str | bytes) -> Path:
        path = tmp_path / "provenance.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


@pytest.fixture
def load(write):
    return lambda text: Config.load(write(text))


def test_every_key_is_read(load, tmp_path):
    config = load(FULL)
    assert config == Config(
        path=tmp_path / "provenance.toml",
        generator=Generator("studio", "3.1"),
        source_type=SourceType.EDITED,
        policy=policy_file.preset("art"),
        review=Path("/var/review"),
        watermark_key=tmp_path / "secret/mark.key",
        strength=44.5,
        sign_too_small=True,
        replace_mark=True,
        certificates=Path("/etc/keys/chain.pem"),
        signing_key=tmp_path / "secret/signing.key",
        passphrase_env="SIGNING_PASSPHRASE",
        signing={
            "certificates": "/etc/keys/chain.pem",
            "key": "secret/signing.key",
            "passphrase_env": "SIGNING_PASSPHRASE",
            "signer": "files",
        },
        trust=(tmp_path / "a.pem", Path("/etc/b.pem")),
        timestamp_trust=(tmp_path / "t.pem",),
        registry_url="postgresql+psycopg://me@db/kept",
        registry_queue=tmp_path / "waiting",
        log_path=tmp_path / "history/log.jsonl",
        keep_metadata=True,
        publish_prompt=True,
        no_training=True,
        limits=Limits(max_bytes=1000, max_pixels=2000),
        service_section={"log": "text"},
    )


def test_no_value_of_the_full_file_is_its_default(load):
    full, empty = load(FULL), load("")
    same = [f.name for f in fields(Config) if getattr(full, f.name) == getattr(empty, f.name)]
    assert same == ["path"]


def test_an_empty_file_is_cautious(load, tmp_path):
    config = load("")
    assert config.trust == ()
    assert config.policy == policy_file.preset("standard")
    assert not config.publish_prompt
    assert not config.keep_metadata
    assert not config.sign_too_small
    assert not config.replace_mark
    assert config.watermark_key == tmp_path / "keys/watermark.key"
    assert config.limits == Limits()
    assert config.registry_url == str(tmp_path / "registry.db")
    assert config.log_path == tmp_path / "issued.jsonl"


def test_registry_and_log_may_be_switched_off(load):
    config = load('[registry]\nurl = ""\nlog = ""')
    assert config.registry() is None
    assert config.log() is None


def test_paths_may_begin_at_home(load, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert load('[watermark]\nkey = "~/mark.key"').watermark_key == tmp_path / "me/mark.key"
    with pytest.raises(ConfigError, match="~nobody-of-this-name/x cannot be found"):
        load('[trust]\nanchors = ["~nobody-of-this-name/x"]')


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[generater]", r"has \[generater\]; did you mean 'generator'\?"),
        ("[whatever]", r"has \[whatever\]; expected one of generator, moderation, watermark"),
        ("moderation = 1", r"has \[moderation\]"),
        ("[output]\npublish_promt = true", r"'publish_promt' in \[output\]; did you mean"),
        ("[output]\nzzz = 1", r"'zzz' in \[output\]; expected one of keep_metadata, publish_"),
        ("[limits]\nmax_side = 5", r"'max_side' in \[limits\]"),
        ('[output]\npublish_prompt = "no"', "publish_prompt = 'no' in .*; expected bool"),
        ("[output]\nkeep_metadata = 0", "keep_metadata = 0 in .*; expected bool"),
        ('[generator]\nname = " "', r"an empty name in \[generator\]; expected your system's name"),
        ("[generator]\nname = 5", "name = 5 in .*; expected str"),
        ("[watermark]\nstrength = true", "strength = True in .*; expected str or int or float"),
        ("[limits]\nmax_bytes = true", "max_bytes = True in .*; expected int"),
        ("[limits]\nmax_bytes = 1e9", "max_bytes = 1000000000.0 in .*; expected int"),
        ("[limits]\nmax_pixels = 0", r"max_pixels = 0 in \[limits\]; expected at least 1"),
        ("[limits]\nmax_pixels = -5", "expected at least 1"),
        ('[trust]\nanchors = "a.pem"', "anchors = 'a.pem' in .*; expected list"),
        ("[trust]\nanchors = [5]", r"has 5 in \[trust\] anchors; expected file names"),
        ('[trust]\nanchors = [""]', r"has '' in \[trust\] anchors; expected file names"),
        ('[generator]\nsource_type = "photo"', r"source_type = 'photo'; expected one of trained"),
        ('[watermark]\ntoo_small = "skip"', "too_small = 'skip'; expected one of refuse, sign-on"),
        ('[watermark]\nexisting = "keep"', "existing = 'keep'; expected one of refuse, replace"),
        ("[moderation]\nthresholds = 5", r"'thresholds' in \[moderation\]"),
    ],
)
def test_wrong_names_and_values_are_refused(load, text, message):
    with pytest.raises(ConfigError, match=message) as info:
        load(text)
    assert "provenance.toml" in str(info.value)


def test_a_preset_by_its_name(load):
    assert load('[moderation]\npolicy = "strict"').policy == policy_file.preset("strict")


def test_a_policy_file_lies_beside_the_configuration(load, tmp_path):
    (tmp_path / "house.toml").write_text("[categories.nudity]\nblock = 0.4\n")
    policy = load('[moderation]\npolicy = "house.toml"').policy
    assert policy.name == "house"
    assert policy.rules["nudity"].picture == {Action.BLOCK: 0.4}


def test_a_policy_that_is_not_there(load):
    with pytest.raises(ConfigError, match=r"policy .*strikt.*did you mean"):
        load('[moderation]\npolicy = "strikt"')


def test_a_policy_that_cannot_be_obeyed(load, tmp_path):
    (tmp_path / "house.toml").write_text("[categories.nudty]\nblock = 0.4\n")
    with pytest.raises(ConfigError, match=r"provenance.toml: .*house.toml names the category"):
        load('[moderation]\npolicy = "house.toml"')


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"no configuration at .*; run provenance init"):
        Config.load(tmp_path / "nothing.toml")


@pytest.mark.parametrize("text", ["[generator", "a = ", "[a]\n[a]", "\0"])
def test_no_toml(load, text):
    with pytest.raises(ConfigError, match=r"is not valid TOML: .*; mend that line"):
        load(text)


def test_no_text(load, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read .* expected a TOML file"):
        load(b"name = '\xff'")
    with pytest.raises(ConfigError, match=r"cannot be read .*Is a directory"):
        Config.load(tmp_path)


# Where it is looked for


def test_the_path_given_comes_first(write, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other.toml"))
    path = write('[generator]\nname = "given"')
    assert Config.load(path).generator.name == "given"
    assert Config.load(str(path)).generator.name == "given"


def test_then_the_environment(write, monkeypatch, tmp_path):
    path = write('[generator]\nname = "from the environment"')
    monkeypatch.setenv(VARIABLE, str(path))
    assert Config.load().generator.name == "from the environment"
    monkeypatch.setenv(VARIABLE, "~/x.toml")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find() == tmp_path / "x.toml"


def test_then_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    assert find() == default_path() == tmp_path / "settings/provenance/provenance.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find() == tmp_path / ".config/provenance/provenance.toml"


# Keys and certificates


def test_the_signer_and_the_mark_of_a_home(config):
    assert config.signer().algorithm == "es256"
    assert config.watermarker().smallest_side > 0
    assert config.anchors()[0].startswith("-----BEGIN CERTIFICATE-----")


def test_the_passphrase_comes_from_the_environment(load, monkeypatch, tmp_path):
    from provenance.sign.development import create

    made = create("Locked", passphrase="pässphrase".encode())
    (tmp_path / "c.pem").write_bytes(made.certificates)
    (tmp_path / "k.pem").write_bytes(made.key)
    config = load('[signing]\ncertificates = "c.pem"\nkey = "k.pem"\npassphrase_env = "PHRASE"')
    monkeypatch.setenv("PHRASE", "pässphrase")
    assert config.signer().algorithm == "es256"
    monkeypatch.setenv("PHRASE", "wrong-one")
    with pytest.raises(KeyUnusable, match="the passphrase is wrong") as info:
        config.signer()
    assert "wrong-one" not in "".join(traceback.format_exception(info.value))
    monkeypatch.delenv("PHRASE")
    with pytest.raises(KeyUnusable, match="no passphrase was given"):
        config.signer()


@pytest.mark.parametrize(
    "content",
    ["", KEY[:-2], KEY + "00", "x" + KEY[1:], KEY.replace("00", "é"), "\0", KEY + " # mine"],
)
def test_a_damaged_watermark_key_is_not_quoted(load, tmp_path, content):
    (tmp_path / "mark.key").write_text(content, encoding="utf-8")
    config = load('[watermark]\nkey = "mark.key"')
    with pytest.raises(KeyUnusable, match="is damaged; expected 64 hexadecimal digits") as info:
        config.watermarker()
    error: BaseException | None = info.value
    while error is not None:
        said = "".join(traceback.format_exception(error)) + repr(error.args)
        assert content[:32] not in said or not content
        assert KEY[2:34] not in said
        error = error.__cause__ or error.__context__


def test_a_missing_watermark_key(load):
    with pytest.raises(KeyUnusable, match=r"cannot be read .* restore it from your backup"):
        load("").watermarker()


@pytest.mark.parametrize("strength", ['"loud"', "5", "nan", "inf", "-1"])
def test_a_strength_that_cannot_be(load, tmp_path, strength):
    (tmp_path / "mark.key").write_text(KEY)
    config = load(f'[watermark]\nkey = "mark.key"\nstrength = {strength}')
    with pytest.raises(ConfigError, match=r"\[watermark\] strength in .*provenance.toml"):
        config.watermarker()


@pytest.mark.parametrize("strength", ['"balanced"', '"stealth"', '"robust"', "44", "44.5"])
def test_strengths_that_can(load, tmp_path, strength):
    (tmp_path / "mark.key").write_text(KEY + "\n")
    assert load(f'[watermark]\nkey = "mark.key"\nstrength = {strength}').watermarker()


def test_missing_trust_anchors(load):
    config = load('[trust]\nanchors = ["gone.pem"]')
    with pytest.raises(ConfigError, match=r"gone.pem cannot be read \(No such file .*restore it"):
        config.anchors()


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xfe", signed.chain().anchors[:200]])
def test_damaged_trust_anchors(load, tmp_path, content):
    (tmp_path / "trust.pem").write_bytes(content)
    config = load('[trust]\nanchors = ["trust.pem"]')
    with pytest.raises(ConfigError, match=r"no certificate, or a damaged one.*trust.pem"):
        config.anchors()


def test_one_damaged_certificate_among_good_ones(load, tmp_path):
    good = signed.chain().anchors
    (tmp_path / "trust.pem").write_bytes(good + good.replace(b"M", b"N", 1))
    with pytest.raises(ConfigError, match="a damaged one"):
        load('[trust]\nanchors = ["trust.pem"]').anchors()


def test_names_between_the_certificates_may_be_in_any_language(load, tmp_path):
    (tmp_path / "trust.pem").write_bytes(
        "# Ağ\n".encode() + b"# caf\xe9\n" + signed.chain().anchors
    )
    (bundle,) = load('[trust]\nanchors = ["trust.pem"]').anchors()
    assert signed.codes(signed.signed().data, bundle) == ["trusted"]
