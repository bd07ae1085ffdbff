"""Captions: the style words people type, sometimes with content tags and quality words."""
from __future__ import annotations

import numpy as np

QUALITY = "masterpiece, best quality"
NEGATIVE = "worst quality, low quality, normal quality"

#: the prompt of each style that must work first of all (after QUALITY)
PROMPT = {
    "anime": "anime, cel shading", "oil": "oil painting", "watercolor": "watercolor", "sketch": "pencil sketch, monochrome",
    "comic": "comic, halftone", "pixel": "pixel art",
}

WORDS = {
    "anime": ["anime", "anime style", "anime, flat color, lineart", "anime screencap, cel shading", "cel shading", "anime style, clean lines", "cartoon, cel shading"],
    "oil": ["oil painting", "oil painting, brush strokes", "painting, oil on canvas", "oil painting, impasto", "oil painting, thick brush strokes", "painting"],
    "watercolor": ["watercolor", "watercolor painting", "watercolor (medium)", "watercolor, traditional media", "watercolor painting, wet paper"],
    "sketch": ["pencil sketch", "sketch, graphite (medium), monochrome", "pencil drawing, hatching", "sketch, pencil, greyscale", "pencil drawing", "sketch"],
    "comic": ["comic", "comic book", "comic, halftone, ink", "western comics, halftone", "pop art, comic", "comic book style, ink lines", "manga, comic, halftone"],
    "pixel": ["pixel art", "pixel art, 8-bit", "pixel art, retro game", "16-bit, pixel art"],
    "src": ["photo", "photorealistic", "realistic, photo", "raw photo", "photography, realistic"],
}

BAD = [NEGATIVE] * 4 + ["worst quality, low quality", "low quality, blurry", "worst quality, low quality, normal quality, lowres, jpeg artifacts",
                        "lowres, bad quality, blurry", "(worst quality, low quality:1.4)"]


def caption(key: str, tags: list[str], r: np.random.Generator) -> str:
    """A caption of version `key` of a content with these tags; empty for 12 %."""
    if r.random() < 0.12:
        return ""
    if key == "degraded":
        return str(r.choice(BAD))
    if key in PROMPT and r.random() < 0.45:
        return f"{QUALITY}, {PROMPT[key]}"
    style = str(r.choice(WORDS[key]))
    few = [t for t in tags if r.random() < 0.3 and t not in ("monochrome", "greyscale", "3d", "cartoon", "anime")]
    r.shuffle(few)
    quality = str(r.choice([QUALITY, QUALITY, QUALITY, "best quality", "masterpiece", "high quality, detailed", ""]))
    shape = r.random()
    if shape < 0.1:
        return str(r.choice(["{}", "a {}", "{} style", "in the style of {}"])).format(style)
    parts = [quality, style, *few] if shape < 0.85 else [quality, *few, style] if shape < 0.93 else [style, *few, quality]
    return ", ".join(q for q in parts if q)
