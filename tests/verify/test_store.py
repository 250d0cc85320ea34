"""Facts are read from whatever a signer wrote, without trusting its shape."""

from __future__ import annotations

import pytest

from provenance.evidence import Origin
from provenance.verify import store as stores

AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def actions(*sources: str) -> list[dict]:
    return [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.x", "digitalSourceType": s} for s in sources]},
        }
    ]


def of(**manifests: dict) -> dict:
    return {"active_manifest": next(iter(manifests)), "manifests": manifests}


@pytest.mark.parametrize("junk", [5, "x", None, {}, [], [5], [None], [{}], {"a": [1]}])
def test_any_shape_gives_facts(junk):
    manifest = {
        "claim_generator_info": junk if isinstance(junk, list) else [junk],
        "ingredients": [],
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": junk}},
            {"label": "c2pa.actions.v2", "data": junk},
            {"label": "c2pa.soft-binding", "data": {"alg": junk, "blocks": junk}},
            {"label": "c2pa.soft-binding__1", "data": {"blocks": [{"value": junk}]}},
        ],
    }
    facts = stores.facts(of(m=manifest))
    assert facts["actions"] == [] or facts["actions"][0]["source_type"] is None
    assert stores.origin(of(m=manifest), trusted=True) is Origin.UNKNOWN


@pytest.mark.parametrize("value", ["AAEC", "!!", "ä", [1, 2], 7])
def test_a_foreign_soft_binding_has_an_empty_payload(value):
    manifest = {
        "assertions": [
            {"label": "c2pa.soft-binding", "data": {"alg": "x", "blocks": [{"value": value}]}}
        ]
    }
    (binding,) = stores.facts(of(m=manifest))["soft_bindings"]
    assert binding["payload"] == ("000102" if value == "AAEC" else "")


def test_the_origin_of_an_opened_picture_is_its_parents():
    child = {"ingredients": [{"relationship": "parentOf", "active_manifest": "p"}]}
    parent = {"assertions": actions(AI)}
    assert stores.origin(of(c=child, p=parent), trusted=True) is Origin.GENERATED


def test_a_camera_in_the_history_is_not_taken_from_an_ancestor():
    child = {"ingredients": [{"relationship": "parentOf", "active_manifest": "p"}]}
    parent = {"assertions": actions(CAMERA)}
    assert stores.origin(of(c=child, p=parent), trusted=True) is Origin.UNKNOWN
    assert stores.origin(of(p=parent), trusted=True) is Origin.OTHER


def test_an_edit_with_ai_outweighs_the_camera():
    edited = CAMERA.replace("digitalCapture", "compositeWithTrainedAlgorithmicMedia")
    assert stores.origin(of(m={"assertions": actions(CAMERA, edited)}), trusted=True) is (
        Origin.EDITED
    )


def test_a_history_that_turns_in_a_circle_ends():
    ingredients = [{"relationship": "parentOf", "active_manifest": "m"}]
    assert stores.origin(of(m={"ingredients": ingredients}), trusted=True) is Origin.UNKNOWN


def test_components_are_not_the_history():
    child = {"ingredients": [{"relationship": "componentOf", "active_manifest": "p"}]}
    parent = {"assertions": actions(AI)}
    assert stores.origin(of(c=child, p=parent), trusted=True) is Origin.UNKNOWN


def test_a_time_counts_only_if_its_authority_is_on_a_list():
    store = of(m={"signature_info": {"time": "2026-01-01T00:00:00+00:00"}})
    assert stores.time(store) == "2026-01-01T00:00:00+00:00"
    assert stores.trusted_time(store) is None
    listed = {**store, "validation_results": {"timestampTrustListUri": "urn:x"}}
    assert stores.trusted_time(listed) == stores.time(store)
