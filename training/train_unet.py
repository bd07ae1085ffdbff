"""Stage 4: text encoder and UNet together, the InstructPix2Pix layout (Brooks et al. 2023).

    python train_unet.py --work WORK --state DIR --init MODEL_DIR --samples 200000 --bf16

The UNet sees the noisy latent and the unscaled latent of the source, the target is the styled picture of the same scene.
v-prediction (Salimans and Ho 2022) with min-SNR weights (Hang et al. 2023). Most samples lie on the img2img
path: their noise still carries what is left of the source, exactly as in a render that starts from the noised source at
strength < 1. Some samples have no caption (captions.py) or no source, for guidance on either.

Give the command again to go on from DIR; the learning rate depends on the samples seen. New shards are picked up every few
minutes. `touch DIR/pause` makes it sleep. Every save also writes the averaged weights as DIR/unet and DIR/text_encoder.
"""
from __future__ import annotations

import argparse
import copy
import glob
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from captions import caption
from data import KEYS
from runstate import RunState, lowest_priority

#: share of each version among the targets
SHARE = dict(src=0.04, anime=0.22, oil=0.17, watercolor=0.15, sketch=0.15, comic=0.15, pixel=0.08, degraded=0.04)
#: (share, crop in latents, batch): equal work per step; crops start at multiples of four latents, the UNet's stride
SHAPES = [(0.76, 32, 8), (0.14, 48, 4), (0.10, 64, 2)]


class Latents:
    """Random crops of random contents from the latent shards found so far."""

    def __init__(self, work: str, scale: float):
        self.work, self.scale, self.asked = work, scale, 0
        self.arrays: list[np.ndarray] = []
        self.facts: list[list[dict]] = []
        self.known: set[str] = set()
        share = np.array([SHARE[k] for k in KEYS])
        self.share = share / share.sum()

    def look_again(self) -> None:
        """Open the shards that are new."""
        for path in sorted(set(glob.glob(f"{self.work}/latents/?????.npy")) - self.known):
            self.known.add(path)
            self.arrays.append(np.load(path, mmap_mode="r"))
            with open(f"{self.work}/shards/{os.path.basename(path)[:-4]}.json") as f:
                self.facts.append(json.load(f))

    def batch(self, n: int, side: int, r: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
        """Scaled targets and sources (n, 4, side, side), captions."""
        if self.asked % 300 == 0:
            self.look_again()
        self.asked += 1
        target = np.empty((n, 4, side, side), np.float32)
        source, words = np.empty_like(target), []
        for i in range(n):
            s = r.integers(len(self.arrays))
            c = r.integers(len(self.arrays[s]))
            k = int(r.choice(len(KEYS), p=self.share))
            last = (64 - side) // 4
            y, x = 4 * r.integers(-1, last + 2, 2).clip(0, last)  # twice as often at the border, which looks different to the encoder
            # now and then a picture is restyled that is already styled
            from_key = int(r.integers(1, 7)) if r.random() < 0.03 else 0
            target[i] = self.arrays[s][c, k, :, y:y + side, x:x + side]
            source[i] = self.arrays[s][c, from_key, :, y:y + side, x:x + side]
            words.append(caption(KEYS[k], self.facts[s][c]["tags"], r))
        return torch.from_numpy(target) * self.scale, torch.from_numpy(source) * self.scale, words


def diffusion_batch(target: torch.Tensor, source: torch.Tensor, alphas: torch.Tensor, source_drop: float, path_share: float):
    """Noise a batch. Returns (noisy, v, t, condition share, min-SNR weight)."""
    n = len(target)
    u = torch.rand(n)
    t = torch.where(torch.rand(n) < 0.88, 5 + u * 715, u * 999).long()
    # where the render began: between t and 820, seldom below 250
    low = t.clamp(min=250)
    begin = (low + torch.rand(n) * (820 - low).clamp(min=0)).long().clamp(max=999)
    left = (alphas[begin] / (1 - alphas[begin])).sqrt() * (torch.rand(n) < path_share)
    noise = torch.randn_like(target) + left[:, None, None, None] * (source - target)
    a = alphas[t][:, None, None, None]
    noisy, v = a.sqrt() * target + (1 - a).sqrt() * noise, a.sqrt() * noise - (1 - a).sqrt() * target
    keep = (torch.rand(n) > source_drop).float()[:, None, None, None]
    snr = alphas[t] / (1 - alphas[t])
    return noisy, v, t, keep, torch.clamp(5 / (snr + 1), max=1)


def mottling(error: torch.Tensor) -> torch.Tensor:
    """Squared error at 1/2 and 1/4 size, a sample: the optimum is the same, but blotches, which the eye sees first, count more
    than single latents, which hardly show."""
    half = F.avg_pool2d(error, 2)
    return 2 * half.square().mean((1, 2, 3)) + 4 * F.avg_pool2d(half, 2).square().mean((1, 2, 3))


def rate(done: float, flat: float) -> float:
    """Share of the peak learning rate when `done` (0..1) of all samples are seen: flat, then a cosine to 1 %."""
    return 1 if done < flat else 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (done - flat) / (1 - flat)))


def train(rank: int, args: argparse.Namespace, unet: UNet2DConditionModel, text: CLIPTextModel, saved: dict | None, counts: torch.Tensor) -> None:
    """One worker. All share the weights and `counts` (steps, samples) and keep their own optimizer (Hogwild, Niu et al. 2011):
    no worker waits for another, which on a busy machine is worth more than exact gradients. Worker 0 averages, logs and saves."""
    lowest_priority(args.threads)
    parent = os.getppid()
    run = RunState(args.state, log=rank == 0)
    tokenizer = CLIPTokenizer.from_pretrained(f"{args.init}/tokenizer")
    alphas = DDIMScheduler.from_pretrained(f"{args.init}/scheduler").alphas_cumprod
    scale = AutoencoderTiny.load_config(args.vae or f"{args.init}/vae")["scaling_factor"]
    weights = list(unet.parameters()) + list(text.parameters())
    words = [q for name, q in unet.named_parameters() if "attn2" in name] + list(text.parameters())
    listens = {id(q) for q in words}
    groups = [dict(params=[q for q in weights if id(q) not in listens], gain=1.0), dict(params=words, gain=args.text_gain)]
    optimizer = torch.optim.AdamW(groups, args.lr, betas=(0.9, 0.99), weight_decay=0.01, foreach=True)
    seed = args.seed + 1000 * rank + int(counts[1])
    r = np.random.default_rng(seed)
    torch.manual_seed(seed)
    if saved and "optimizer" in saved:  # a compact state (export.py --compact) has none
        try:
            optimizer.load_state_dict(saved["optimizer"])
        except (ValueError, KeyError):
            run.log("the optimizer's layout has changed, it starts anew")
    if rank == 0:
        unet_ema, text_ema = copy.deepcopy(unet), copy.deepcopy(text)
        if saved:
            unet_ema.load_state_dict(saved["unet_ema"])
            text_ema.load_state_dict(saved["text_ema"])
            if "numpy" in saved:
                r.bit_generator.state = saved["numpy"]
                torch.set_rng_state(saved["torch"])
        averages = list(unet_ema.parameters()) + list(text_ema.parameters())

    def save() -> None:
        run.save(dict(unet=unet.state_dict(), text=text.state_dict(), unet_ema=unet_ema.state_dict(), text_ema=text_ema.state_dict(),
                      optimizer=optimizer.state_dict(), counts=counts.clone(), numpy=r.bit_generator.state, torch=torch.get_rng_state()))
        unet_ema.save_pretrained(f"{args.state}/unet")
        text_ema.save_pretrained(f"{args.state}/text_encoder")

    data, losses, started, begun, fresh, logged = Latents(args.work, scale), [], time.time(), int(counts[1]), 0, int(counts[0])
    run.log(f"start at sample {begun} of {args.samples}, {sum(q.numel() for q in weights)} weights")
    while int(counts[1]) < args.samples and not run.stopping:
        started += run.wait_while_paused()
        if rank and os.getppid() != parent:  # the command was killed
            return
        lr = args.lr * min(1, (fresh + 1) / 60) * rate(int(counts[1]) / args.samples, args.flat)
        for group in optimizer.param_groups:
            group["lr"] = lr * group["gain"]
        _, side, n = SHAPES[int(r.choice(len(SHAPES), p=[s[0] for s in SHAPES]))]
        target, source, prompts = data.batch(n, side, r)
        noisy, v, t, keep, weight = diffusion_batch(target, source, alphas, args.source_drop, args.path)
        ids = tokenizer(prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            x = torch.cat([noisy, keep * source / scale], 1).contiguous(memory_format=torch.channels_last)
            predicted = unet(x, t, encoder_hidden_states=text(ids)[0]).sample
        error = predicted.float() - v
        each = error.square().mean((1, 2, 3))
        ((each + mottling(error)) * weight).mean().backward()
        torch.nn.utils.clip_grad_norm_(weights, 1)
        optimizer.step()
        optimizer.zero_grad()
        counts += torch.tensor([1, n])
        fresh += 1
        if rank:
            continue
        decay = min(args.ema, 1 - 1 / (10 + 0.12 * int(counts[0]) / args.workers))  # the last eighth of the run, at first
        with torch.no_grad():
            torch._foreach_lerp_(averages, weights, 1 - decay)
        losses.append((each.mean().item(), (each * weight).mean().item()))
        if int(counts[0]) - logged >= 100:
            logged = int(counts[0])
            plain, weighted = np.mean(losses[-200:], 0)
            run.log(f"step {logged} seen {int(counts[1])} v {plain:.4f} weighted {weighted:.4f} lr {lr:.2e} shards {len(data.arrays)} "
                    f"{(int(counts[1]) - begun) / (time.time() - started):.1f}/s")
        if run.due():
            save()
    if rank == 0:
        save()
        run.log(f"stopped at sample {int(counts[1])}")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", required=True)
    p.add_argument("--state", required=True, help="folder of this run")
    p.add_argument("--init", required=True, help="model folder to start from (tokenizer, text_encoder, unet, scheduler)")
    p.add_argument("--vae", help="vae folder whose scaling factor is used (default: the one in --init)")
    p.add_argument("--samples", type=int, default=200_000, help="samples in all; the learning rate falls to the end of them")
    p.add_argument("--lr", type=float, default=6e-4)
    p.add_argument("--text-gain", type=float, default=2.0, help="learning rate of text encoder and cross-attention, times --lr")
    p.add_argument("--flat", type=float, default=0.4, help="share of the samples before the learning rate begins to fall")
    p.add_argument("--ema", type=float, default=0.9985, help="decay a step of the averaged weights")
    p.add_argument("--source-drop", type=float, default=0.04)
    p.add_argument("--path", type=float, default=0.85, help="share of samples on the img2img path")
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--threads", type=int, default=1, help="threads of each worker")
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()
    saved = RunState(args.state).load()
    text = CLIPTextModel.from_pretrained(f"{args.init}/text_encoder").float().train()
    unet = UNet2DConditionModel.from_pretrained(f"{args.init}/unet").float().train().to(memory_format=torch.channels_last)
    if saved:
        unet.load_state_dict(saved["unet"])
        text.load_state_dict(saved["text"])
    counts = saved["counts"].clone() if saved else torch.zeros(2, dtype=torch.long)
    for shared in (unet, text, counts):
        shared.share_memory() if isinstance(shared, torch.nn.Module) else shared.share_memory_()
    spawn = torch.multiprocessing.get_context("spawn")
    others = [spawn.Process(target=train, args=(k, args, unet, text, saved, counts), daemon=True) for k in range(1, args.workers)]
    for w in others:
        w.start()
    train(0, args, unet, text, saved, counts)
    for w in others:
        w.terminate()
        w.join()


if __name__ == "__main__":
    main()
