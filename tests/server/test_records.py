"""What anybody may know of an issued picture."""

from provenance.registry.fingerprint import ALGORITHM as FINGERPRINT
from tests.server.answers import guarded, refused
from tests.server.conftest import PROMPT

ASK = "/v1/records/"


def test_facts_of_a_record(visitor, assets, registry):
    asset = assets[0]
    answer = visitor.get(ASK + asset.manifest_id)
    guarded(answer)
    said = answer.json()
    assert said["manifestId"] == asset.manifest_id
    assert said["sha256"] == asset.report.sha256
    assert (said["mediaType"], said["width"], said["height"]) == ("image/png", 640, 512)
    for binding in said["softBindings"]:
        found = visitor.get("/v1/matches/byBinding", params=binding).json()["matches"]
        assert asset.manifest_id in [each["manifestId"] for each in found]
    assert FINGERPRINT in [each["alg"] for each in said["softBindings"]]


def test_nothing_private(visitor, assets, registry):
    record = registry.by_manifest(assets[0].manifest_id)
    text = visitor.get(ASK + assets[0].manifest_id).text
    assert PROMPT not in text
    assert record.policy not in text
    assert "allow" not in text


def test_ids_that_are_unknown_or_none(visitor):
    refused(visitor.get(ASK + "urn:c2pa:none"), 404, "unknown-manifest")
    refused(visitor.get(ASK + "etc/passwd%00"), 400, "invalid-request")
