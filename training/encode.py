"""Stage 3: latents of every shard.

    python encode.py --work WORK --vae VAE_DIR [--watch]

Writes WORK/latents/SSSSS.npy (float16, n x K x 4 x 64 x 64, unscaled), by rename; what exists is skipped unless it was made by
another autoencoder (a fingerprint of the encoder lies in WORK/latents/encoder.txt). With --watch it waits for more shards.
"""
from __future__ import annotations

import argparse
import glob
import hashlib
import os
import shutil
import time

import numpy as np
import torch
from diffusers import AutoencoderTiny

from runstate import lowest_priority


def fingerprint(model: AutoencoderTiny) -> str:
    """Hash of the encoder's weights."""
    digest = hashlib.sha256()
    for q in model.encoder.parameters():
        digest.update(q.detach().half().numpy().tobytes())
    return digest.hexdigest()[:16]


@torch.no_grad()
def encode_shard(model: AutoencoderTiny, pictures: np.ndarray) -> np.ndarray:
    """(n, K, 256, 256, 3) uint8 -> (n, K, 4, 64, 64) float16."""
    out = []
    for group in pictures:
        x = torch.from_numpy(np.array(group)).permute(0, 3, 1, 2).float().div(127.5).sub(1)
        with torch.autocast("cpu", torch.bfloat16):
            out.append(model.encode(x.contiguous(memory_format=torch.channels_last)).latents.half().contiguous().numpy())
    return np.stack(out)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", required=True)
    p.add_argument("--vae", required=True)
    p.add_argument("--watch", action="store_true", help="keep waiting for new shards")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    lowest_priority(args.threads)
    model = AutoencoderTiny.from_pretrained(args.vae).float().eval().to(memory_format=torch.channels_last)
    folder, mark = f"{args.work}/latents", fingerprint(model)
    if os.path.exists(f"{folder}/encoder.txt") and open(f"{folder}/encoder.txt").read() != mark:
        shutil.rmtree(folder)
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/encoder.txt", "w") as f:
        f.write(mark)
    while True:
        for path in sorted(glob.glob(f"{args.work}/shards/?????.npy")):
            target = f"{folder}/{os.path.basename(path)}"
            if not os.path.exists(target):
                np.save(target + ".tmp.npy", encode_shard(model, np.load(path, mmap_mode="r")))
                os.rename(target + ".tmp.npy", target)
                print(target, flush=True)
        if not args.watch:
            break
        time.sleep(20)


if __name__ == "__main__":
    main()
