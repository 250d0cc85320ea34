"""Let a pipe of diffusers make pictures that are moderated, marked and signed.

pip install provenance-kit[diffusers] && provenance init
python examples/diffusers_pipe.py path/to/stable-diffusion-xl "a lighthouse in fog"
"""

from __future__ import annotations

import sys

from diffusers import DiffusionPipeline

from provenance import Asset, Blocked, Pipeline
from provenance.integrations.diffusers import attach


def main(model: str, prompt: str, **options: int) -> list[Asset]:
    """Load the model in a folder, protect it, and save what it makes."""
    pipe = attach(DiffusionPipeline.from_pretrained(model), Pipeline.from_config())
    try:
        result = pipe(prompt, **options)
    except Blocked as refusal:
        raise SystemExit(f"refused: {refusal}") from refusal
    # `result.images` are marked as well, but only the asset's file holds the signed manifest.
    for number, asset in enumerate(result.assets):
        path = asset.save(f"picture-{number}.png", overwrite=True)
        print(f"{path}  watermark {asset.watermark_id}  {asset.report.verdict.headline}")
    return list(result.assets)


if __name__ == "__main__":
    main(*sys.argv[1:3])
