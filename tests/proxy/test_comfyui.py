"""ComfyUI's API through the proxy: graphs are checked, pictures are protected where they leave."""

import pytest

from provenance.proxy.apis.comfyui import ComfyUI
from provenance.proxy.asked import Asked
from tests.proxy.backends import Backend
from tests.proxy.conftest import png, staged


def graph(positive="a hill", negative="blurry", **more):
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "nude.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": positive, "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": negative, "clip": ["1", 1]}},
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0],
                "positive": ["2", 0],
                "negative": ["3", 0],
                "sampler_name": "euler",
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "9": {
            "class_type": "SaveImage",
            "inputs": {"images": ["5", 0], "filename_prefix": "ComfyUI"},
        },
        **more,
    }


def test_a_whole_run(stage, client):
    made = client.post("/prompt", json={"prompt": graph(), "client_id": "c"})
    assert made.json()["prompt_id"] == "p1"
    found = client.get("/history/p1").json()["p1"]["outputs"]["9"]["images"][0]
    answer = client.get("/view", params=found)
    assert stage.ours(answer.content)
    again = client.get("/view", params=found)
    assert again.content == answer.content
    assert len(stage.assets) == 1


def test_refused_words(stage, client):
    answer = client.post("/api/prompt", json={"prompt": graph("forbidden")})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "content_policy_violation"
    assert answer.json()["node_errors"] == {}
    assert stage.backend.asked == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("//prompt", {"prompt": graph("forbidden")}),
        ("/API//Prompt", {"prompt": graph("forbidden")}),
        ("/run", {"input": {"workflow": graph("forbidden")}}),
    ],
)
def test_a_graph_is_one_wherever_it_goes(stage, client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert stage.backend.asked == []


def test_hosts_do_not_change_the_path(stage, client):
    """Starlette takes the path of a URL from behind what stands in Host."""
    for host in ("a/view?", "a/view#", "a/v1/models?x="):
        answer = client.post("/prompt", json={"prompt": graph("forbidden")}, headers={"Host": host})
        assert answer.status_code == 400
    assert stage.backend.asked == []


def words(nodes):
    (prompt,) = ComfyUI().prompts(Asked("POST", "/prompt", json={"prompt": nodes}))
    return set(prompt.split("\n")), set(getattr(prompt, "negative", "").split("\n"))


def test_sides():
    assert words(graph()) == ({"a hill"}, {"blurry"})


def test_sides_through_other_nodes():
    more = {
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["1", 1]}},
        "8": {"class_type": "String", "inputs": {"value": "blurry"}},
        "2": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["7", 0]}},
        "7": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": "hill", "text_l": "sun"}},
    }
    assert words(graph() | more) == ({"hill", "sun"}, {"blurry"})


@pytest.mark.parametrize(
    "lure",
    [
        # Nodes that nothing runs, by which a wish could pass for what is to be kept away.
        {"class_type": "X", "inputs": {"negative": ["2", 0], "positive": ["3", 0]}},
        {"class_type": "X", "inputs": {"negative": ["9", 0], "positive": ["3", 0]}},
        {"class_type": "X", "inputs": {"negative": ["4", 0], "positive": ["3", 0]}},
        {"class_type": "X", "inputs": {"negative": ["66", 0], "positive": ["66", 0]}},
    ],
)
def test_a_wish_cannot_pass_for_its_opposite(lure):
    assert "a hill" in words(graph(**{"66": lure}))[0]


def test_circles_are_no_negatives():
    more = {
        "3": {"class_type": "A", "inputs": {"a": ["8", 0], "text": "one"}},
        "8": {"class_type": "A", "inputs": {"a": ["3", 0], "text": "two"}},
    }
    assert words(graph() | more)[0] == {"a hill", "one", "two"}


def test_a_large_graph_is_read_at_once():
    chain = {
        str(n): {"class_type": "A", "inputs": {"text": f"t{n}", "a": [str(n - 1), 0]}}
        for n in range(100, 1100)
    }
    assert "t1099" in words(graph(**chain))[0]


@pytest.mark.parametrize("body", [{}, {"prompt": "forbidden"}, {"prompt": {"1": "x"}}, [1]])
def test_what_is_no_graph(stage, client, body):
    assert client.post("/prompt", json=body).status_code == 400
    assert stage.backend.asked == []


def test_uploaded_pictures_are_not_shown(stage, client):
    """They would be marked as generated."""
    answer = client.get("/view", params={"filename": "a.png", "type": "input"})
    assert answer.status_code == 403
    assert stage.backend.asked == []


def test_websockets_are_refused(stage, client):
    head = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    answer = client.get("/ws?clientId=1", headers=head)
    assert answer.status_code == 501
    assert "/history" in answer.json()["error"]["message"]
    assert stage.backend.asked == []


def test_the_real_mark(config, pipeline):
    with (
        staged(config, Backend(png(side=384)), pipeline=pipeline) as stage,
        stage.client() as client,
    ):
        assert pipeline.issued(client.get("/view?filename=a.png").content)
