"""Put the pipeline around a generator: its prompts are moderated, its pictures come out finished.

provenance init && python examples/wrap_a_generator.py
"""

from __future__ import annotations

import numpy as np

from provenance import Asset, Blocked, Pipeline


def paint(prompt: str, *, count: int = 2) -> list[np.ndarray]:
    """Stands in for your model: returns pictures as arrays. Pillow images work as well."""
    pictures = []
    for seed in range(count):
        rng = np.random.default_rng([len(prompt), seed])
        coarse = rng.uniform(60, 200, (16, 16, 3))
        smooth = np.kron(coarse, np.ones((32, 32, 1)))
        pictures.append(np.clip(smooth + rng.normal(0, 8, (512, 512, 1)), 0, 255).astype(np.uint8))
    return pictures


def main() -> list[Asset]:
    """Generate, and save what comes back."""
    protected = Pipeline.from_config().wrap(paint, encoding=".webp")
    try:
        assets: list[Asset] = protected("coloured squares", count=2)
    except Blocked as refusal:
        raise SystemExit(f"refused: {refusal}") from refusal
    for number, asset in enumerate(assets):
        path = asset.save(f"painting-{number}.webp", overwrite=True)
        print(f"{path}  watermark {asset.watermark_id}  {asset.report.verdict.headline}")
    return assets


if __name__ == "__main__":
    main()
