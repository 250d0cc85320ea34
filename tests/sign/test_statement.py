"""What a statement becomes: edits, composites, inputs, requests, preferences."""

from __future__ import annotations

import pytest

from provenance.evidence import Origin
from provenance.sign.interface import (
    Edit,
    Generation,
    Generator,
    Ingredient,
    SourceType,
    Statement,
    TrainingMining,
)
from provenance.sign.manifest import GENERATION
from provenance.sign.mining import Permission
from provenance.sign.prompt import plain_hash
from provenance.sign.sign import sign
from tests import signed
from tests.sign.test_sign import assertion, manifest


def file(seed: int, **named: str) -> Ingredient:
    plain = signed.encoded("JPEG", seed)
    return Ingredient(plain.data, plain.media_type, **named)


def made(**says) -> bytes:
    statement = Statement(Generator("maker", "2"), **says)
    data = sign(signed.encoded(), statement, signed.signer(), signed.anchors()).data
    assert signed.codes(data, *signed.anchors())[0] == "trusted"
    return data


def actions(data: bytes) -> list[dict]:
    return assertion(data, "c2pa.actions.v2")["actions"]


def related(data: bytes, action: dict) -> list[str]:
    """Titles of the ingredients that an action names."""
    urls = [i["url"] for i in action["parameters"]["ingredients"]]
    found = {i["label"]: i["title"] for i in manifest(data)["ingredients"]}
    return [found[url.rsplit("/", 1)[-1]] for url in urls]


def test_an_edit_keeps_its_parent_and_says_what_made_the_change():
    data = made(parent=file(1, title="photo.jpg"), edits=(Edit(description="sky replaced"),))
    opened, edited = actions(data)
    assert opened["action"] == "c2pa.opened"
    assert related(data, opened) == ["photo.jpg"]
    assert edited["action"] == "c2pa.edited"
    assert edited["digitalSourceType"] == SourceType.EDITED.uri
    assert edited["softwareAgent"] == {"name": "maker", "version": "2"}
    assert edited["description"] == "sky replaced"
    (evidence,) = signed.examined(data, *signed.anchors())
    assert evidence.origin is Origin.EDITED


def test_the_history_of_the_parent_is_kept():
    parent = signed.signed(seed=1)
    edit = Edit("c2pa.resized", None, agent=Generator("scaler"))
    data = made(parent=Ingredient(parent.data, "image/png"), edits=(edit,))
    assert parent.manifest_id.encode() in data
    assert actions(data)[1]["softwareAgent"] == {"name": "scaler"}
    assert "digitalSourceType" not in actions(data)[1]
    assert signed.examined(data, *signed.anchors())[0].origin is Origin.GENERATED


def test_a_composite_names_what_was_placed():
    data = made(placed=(file(1, title="logo"), file(2, title="face")))
    created, first, second = actions(data)
    assert created["action"] == "c2pa.created"
    assert [a["action"] for a in (first, second)] == ["c2pa.placed"] * 2
    assert related(data, first) + related(data, second) == ["logo", "face"]
    assert {i["relationship"] for i in manifest(data)["ingredients"]} == {"componentOf"}


def test_reference_pictures_are_inputs_of_what_made_the_pixels():
    pose = file(1, title="pose", description="ControlNet pose")
    data = made(references=(pose, file(2, title="style")))
    (created,) = actions(data)
    assert related(data, created) == ["pose", "style"]
    assert {i["relationship"] for i in manifest(data)["ingredients"]} == {"inputTo"}
    data = made(parent=file(3, title="photo"), edits=(Edit(),), references=(pose,))
    opened, edited = actions(data)
    assert related(data, opened) == ["photo"]
    assert related(data, edited) == ["pose"]


def test_an_opening_names_its_parent_alone():
    """Other readers refuse an opening with inputs, which c2pa-rs signs."""
    data = made(parent=file(1, title="photo"), references=(file(2),), placed=(file(3, title="x"),))
    opened, placed = actions(data)
    assert related(data, opened) == ["photo"]
    assert related(data, placed) == ["x"]
    assert len(manifest(data)["ingredients"]) == 3


def test_a_signed_reference_keeps_its_credentials():
    source = signed.signed(seed=1)
    data = made(references=(Ingredient(source.data, "image/png"),))
    assert source.manifest_id.encode() in data
    assert signed.examined(data, *signed.anchors())[0].origin is Origin.GENERATED


def test_everything_at_once():
    data = made(
        parent=file(1), edits=(Edit(), Edit("c2pa.cropped", SourceType.HUMAN_EDITS)),
        placed=(file(2),), references=(file(3),), title="all.png",
    )  # fmt: skip
    assert [a["action"] for a in actions(data)] == [
        "c2pa.opened", "c2pa.edited", "c2pa.cropped", "c2pa.placed",
    ]  # fmt: skip
    assert manifest(data)["title"] == "all.png"


def test_an_ingredient_that_is_no_file_is_refused_without_its_bytes():
    assert "secret" not in repr(Ingredient(b"secret", "image/png"))


def test_outputs_of_one_request_share_its_id():
    generation = Generation("sdxl", "1.0", 2**63 + 1, "request-7", plain_hash("a cat"))
    both = [assertion(made(generation=generation), GENERATION) for _ in range(2)]
    assert both[0] == both[1]
    assert both[0].pop("prompt_digest")["alg"] == "sha256"
    assert both[0] == {
        "model": "sdxl",
        "model_version": "1.0",
        "seed": "9223372036854775809",
        "request_id": "request-7",
    }


def test_a_seed_of_zero_is_said():
    assert assertion(made(generation=Generation(seed=0)), GENERATION) == {"seed": "0"}


def test_nothing_to_say_of_the_generation_is_not_said():
    labels = [a["label"] for a in manifest(made(generation=Generation()))["assertions"]]
    assert GENERATION not in labels


def test_preferences_on_training_and_mining():
    mining = TrainingMining(
        generative_training=Permission.NOT_ALLOWED,
        data_mining=Permission.CONSTRAINED,
        constraint="https://example.com/licence",
    )
    assert assertion(made(mining=mining), "cawg.training-mining") == {
        "entries": {
            "cawg.ai_generative_training": {"use": "notAllowed"},
            "cawg.data_mining": {
                "use": "constrained",
                "constraint_info": "https://example.com/licence",
            },
        }
    }
    entries = TrainingMining.all(Permission.ALLOWED).data()["entries"]
    assert [e["use"] for e in entries.values()] == ["allowed"] * 4


def test_a_constraint_must_be_named():
    with pytest.raises(ValueError, match="constrained without a constraint"):
        TrainingMining(inference=Permission.CONSTRAINED)
