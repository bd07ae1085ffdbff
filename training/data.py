"""Stage 1: content pictures and their styled versions, in shards.

    python data.py --clips CLIPS --debs DEBS --work WORK --shards 0:40 [--workers 2]

Shard s holds contents 32 s to 32 s + 31 as WORK/shards/SSSSS.npy (uint8, n x K x 256 x 256 x 3, K in the order of KEYS) and
WORK/shards/SSSSS.json (kind and tags of each). A shard that exists is skipped, files appear by rename, so the command may be
killed and given again, and more shards can be made while the trainer runs.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import os

import cv2
import numpy as np

import sources
import styles

KEYS = ["src", "anime", "oil", "watercolor", "sketch", "comic", "pixel", "degraded"]
PER_SHARD = 32


def one(material: sources.Sources, number: int, only: str | None) -> tuple[np.ndarray, dict]:
    """All versions (K, 256, 256, 3) of content `number`, and what is known about it."""
    kind, picture, cel, tags = material.content(number, only)
    r = np.random.default_rng(77 + number)
    made = {"src": picture, **styles.stylise(picture)}
    if cel is not None:
        made["anime"] = styles.cel_tone(cel)
    spoilt = str(r.choice(["src", "anime", "oil", "watercolor", "sketch", "comic"]))
    made["degraded"] = styles.degrade(made[spoilt], r)
    return np.stack([made[k] for k in KEYS]), dict(kind=kind, tags=list(tags), spoilt=spoilt, number=number)


def make_shards(work: str, debs: str, shards: list[int], only: str | None) -> None:
    """One worker's share."""
    cv2.setNumThreads(1)
    material = sources.Sources(f"{work}/frames", debs)
    parent = os.getppid()
    for s in shards:
        if os.getppid() != parent:  # the command was killed
            return
        stem = f"{work}/shards/{s:05d}"
        if os.path.exists(stem + ".npy"):
            continue
        pairs = [one(material, PER_SHARD * s + i, only) for i in range(PER_SHARD)]
        with open(stem + ".json", "w") as f:
            json.dump([m for _, m in pairs], f)
        np.save(stem + ".tmp.npy", np.stack([a for a, _ in pairs]))
        os.rename(stem + ".tmp.npy", stem + ".npy")
        print(stem, flush=True)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", required=True, help="folder of the clips")
    p.add_argument("--debs", required=True, help="folder of the unpacked packages (x_NAME each)")
    p.add_argument("--work", required=True, help="folder for everything made here")
    p.add_argument("--shards", default="0:40", help="first:end")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--kind", choices=list(sources.KINDS), help="make these shards of one kind only")
    args = p.parse_args()
    first, end = (int(x) for x in args.shards.split(":"))
    os.makedirs(f"{args.work}/shards", exist_ok=True)
    sources.extract_frames(args.clips, f"{args.work}/frames")
    spawn = multiprocessing.get_context("spawn")  # OpenCV's threads do not survive a fork
    workers = [spawn.Process(target=make_shards, args=(args.work, args.debs, list(range(first + w, end, args.workers)), args.kind))
               for w in range(args.workers)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()


if __name__ == "__main__":
    main()
