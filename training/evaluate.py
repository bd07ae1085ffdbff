"""One table for one or more models, on frames none of them was trained on, and contact sheets to look at.

    python evaluate.py MODEL_DIR [MODEL_DIR ...] --clips CLIPS --out OUT [--strengths 0.35,0.5,0.65] [--frames 8]

The styles are procedures, so what a style should make of a frame is known. Of every output, against the procedural picture:
  psnr     dB
  style    mean of four distances (0 = alike): `tone` (lightness histogram), `grad` (histogram of gradient directions, by
           strength), `line` (share of dark line pixels, log ratio), `pal` (chroma histogram)
  colour   mean CIE76 difference of the pictures at 1/16 size
  grain    noise in flat areas (deviation of the high-pass where the procedural picture is flat, grey levels)
against the source:
  edges    correlation of edge strength, tolerant to 1-2 px
  layout   correlation of lightness at 1/8 size
and
  wins     share of outputs that are nearest (by `style`) to their own style's procedural picture among all six
The autoencoder alone: PSNR and SSIM of each style's procedural picture.
"""
from __future__ import annotations

import argparse
import os

import cv2
import numpy as np
import torch
from skimage.metrics import structural_similarity

import figures
import styles
from captions import PROMPT, QUALITY
from restyle import Model

WIDTH, HEIGHT = 384, 256
#: held-out frames: the last third of clips, clips never used, a figure whose seed is never used
FRAMES = [("bedroom.mp4", 60), ("figure", -5), ("cartoon.mp4", 40), ("big-buck-bunny.mp4", 120), ("friday.mp4", 170),
          ("tears-of-steel.webm", 1300), ("flower.mp4", 140), ("tears-of-steel.webm", 1500), ("figure", -3), ("bedroom.mp4", 150)]
MEASURES = ["psnr", "style", "tone", "grad", "line", "pal", "colour", "grain", "edges", "layout", "wins"]


def frame(clips: str, name: str, number: int) -> np.ndarray:
    """A 384 x 256 frame, centre crop."""
    if name == "figure":
        picture = figures.scene(2**31 + number, HEIGHT)[0]
        return cv2.copyMakeBorder(picture, 0, 0, (WIDTH - HEIGHT) // 2, (WIDTH - HEIGHT) // 2, cv2.BORDER_REPLICATE)
    video = cv2.VideoCapture(f"{clips}/{name}")
    video.set(cv2.CAP_PROP_POS_FRAMES, number)
    picture = video.read()[1][..., ::-1]
    s = max(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    picture = cv2.resize(picture, (max(WIDTH, round(picture.shape[1] * s)), max(HEIGHT, round(picture.shape[0] * s))), interpolation=cv2.INTER_AREA)
    y, x = (picture.shape[0] - HEIGHT) // 2, (picture.shape[1] - WIDTH) // 2
    return np.ascontiguousarray(picture[y:y + HEIGHT, x:x + WIDTH])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(np.float32) - b) ** 2))))


def signature(rgb: np.ndarray) -> dict[str, np.ndarray]:
    """The statistics the style distances compare."""
    lab = styles.to_lab(rgb)
    light = lab[..., 0]
    gx, gy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    strength, angle = np.hypot(gx, gy), np.arctan2(gy, gx) % np.pi
    grad = np.histogram(angle, 16, (0, np.pi), weights=strength)[0]
    dog = styles.blur(light, 0.9) - styles.blur(light, 1.5)
    chroma = np.histogram2d(lab[..., 1].ravel(), lab[..., 2].ravel(), 12, [[-80, 80], [-80, 80]])[0]
    return dict(tone=np.cumsum(np.histogram(light, 32, (0, 100))[0]) / light.size,
                grad=np.r_[grad / (grad.sum() + 1e-6), 0.25 * np.log(strength.mean() + 1)],
                line=np.array([np.log((dog < -2).mean() + 0.01)]),
                pal=cv2.GaussianBlur(chroma / light.size, (0, 0), 0.8))


def distances(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> dict[str, float]:
    """Distances of two signatures, each about 0..1, and their mean as `style`."""
    d = dict(tone=float(np.abs(a["tone"] - b["tone"]).mean() * 4), grad=float(np.abs(a["grad"] - b["grad"]).sum()),
             line=float(min(1, np.abs(a["line"] - b["line"])[0] / 2)), pal=float(np.abs(a["pal"] - b["pal"]).sum() / 2))
    return dict(d, style=float(np.mean(list(d.values()))))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-9))


def edge_map(rgb: np.ndarray) -> np.ndarray:
    grey = styles.blur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), 1.2)
    return np.minimum(styles.blur(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), 1.5), 80)


def small(rgb: np.ndarray, k: int) -> np.ndarray:
    return cv2.resize(styles.to_lab(rgb), (rgb.shape[1] // k, rgb.shape[0] // k), interpolation=cv2.INTER_AREA)


def grain(rgb: np.ndarray, wanted: np.ndarray) -> float:
    """Deviation (grey levels) of the high-pass of `rgb` where `wanted` is flat."""
    def high(a: np.ndarray) -> np.ndarray:
        g = cv2.cvtColor(a, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return g - styles.blur(g, 2.0)
    activity = styles.blur(high(wanted) ** 2, 4.0)
    flat = activity < max(2.0, float(np.percentile(activity, 20)))
    return float(np.sqrt((high(rgb)[flat] ** 2).mean()))


def measure(out: np.ndarray, style: str, wanted: dict[str, np.ndarray], signatures: dict, source: np.ndarray) -> dict[str, float]:
    """All measures of one output."""
    own = signature(out)
    every = {k: distances(own, signatures[k]) for k in wanted}
    return dict(every[style], psnr=psnr(out, wanted[style]), grain=grain(out, wanted[style]),
                colour=float(np.sqrt(((small(out, 16) - small(wanted[style], 16)) ** 2).sum(2)).mean()),
                edges=correlation(edge_map(out), edge_map(source)), layout=correlation(small(out, 8)[..., 0], small(source, 8)[..., 0]),
                wins=float(min(every, key=lambda k: every[k]["style"]) == style))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+", help="model folders; FOLDER+STATE takes unet and text_encoder from STATE, FOLDER+STATE+VAE also the vae")
    p.add_argument("--clips", required=True)
    p.add_argument("--out", required=True, help="folder of the contact sheets and table.md")
    p.add_argument("--strengths", default="0.35,0.5,0.65")
    p.add_argument("--evaluations", type=int, default=8)
    p.add_argument("--cfg", type=float, default=2.0)
    p.add_argument("--frames", type=int, default=len(FRAMES), help="how many of the held-out frames")
    p.add_argument("--styles", default=",".join(PROMPT))
    p.add_argument("--bf16", action="store_true", help="quicker; for a glance, not for the table")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    names = args.styles.split(",")
    sources = [frame(args.clips, *f) for f in FRAMES[:args.frames]]
    wanted = [styles.stylise(s) for s in sources]
    signatures = [{k: signature(v) for k, v in w.items()} for w in wanted]
    lines = ["| model | strength | style | " + " | ".join(MEASURES) + " |", "|---" * (3 + len(MEASURES)) + "|"]
    tail = ["", "| autoencoder | " + " | ".join(["source", *wanted[0]]) + " |", "|---" * (2 + len(wanted[0])) + "|"]
    columns = lambda pictures: np.vstack([np.hstack(row) for row in pictures])
    write = lambda name, a: cv2.imwrite(f"{args.out}/{name}.png", cv2.resize(a, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)[..., ::-1])
    write("wanted", columns([[s, *(w[k] for k in names)] for s, w in zip(sources, wanted)]))
    for spec in args.models:
        folder, weights, vae = (spec.split("+") + ["", ""])[:3]
        model = Model(folder, weights or None, vae or None, args.bf16)
        label = os.path.basename(os.path.normpath(weights or folder))
        scores = []
        for k in ["source", *wanted[0]]:
            pairs = [(s if k == "source" else w[k]) for s, w in zip(sources, wanted)]
            made = [model.decode(model.encode(a)) for a in pairs]
            scores.append(f"{np.mean([psnr(a, b) for a, b in zip(made, pairs)]):.1f} / {np.mean([structural_similarity(a, b, channel_axis=2) for a, b in zip(made, pairs)]):.3f}")
        tail.append(f"| {label} | " + " | ".join(scores) + " |")
        for strength in (float(s) for s in args.strengths.split(",")):
            rows, results = [], {k: [] for k in names}
            for s, w, g in zip(sources, wanted, signatures):
                outs = model.restyle(s, [f"{QUALITY}, {PROMPT[k]}" for k in names], strength, args.evaluations, args.cfg)
                rows.append([s, *outs])
                for k, o in zip(names, outs):
                    results[k].append(measure(o, k, w, g, s))
            write(f"{label}_s{strength}_cfg{args.cfg:g}", columns(rows))
            for k in [*names, "all"]:
                cells = [np.mean([q[m] for q in (results[k] if k != "all" else sum(results.values(), []))]) for m in MEASURES]
                lines.append(f"| {label} | {strength} | {k} | " + " | ".join(f"{c:.3f}" if abs(c) < 2 else f"{c:.1f}" for c in cells) + " |")
                if k == "all":
                    print(lines[-1], flush=True)
    with open(f"{args.out}/table.md", "w") as f:
        f.write("\n".join(lines + tail) + "\n")
    print("\n".join(lines + tail))


if __name__ == "__main__":
    main()
