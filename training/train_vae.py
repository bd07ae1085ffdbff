"""Stage 2: the autoencoder (diffusers' AutoencoderTiny, the layout of TAESD, four times smaller sides, 4 channels).

    python train_vae.py --work WORK --state DIR --init VAE_DIR --crops 30000

Starts from the weights in --init; blocks that the new layout has more than the old one start as identities. Losses: L1 and
squared error, L1 of gradients, L1 at two coarser scales (there also of chroma). Latents are kept near those of --init
(weight --anchor), so that a UNet trained on the old latents is a good start on the new ones. A little noise is added to the
latents before decoding, because a UNet's latents are never exact. Give the command again to go on; the learning rate
depends on the crops seen, not on the run.
"""
from __future__ import annotations

import argparse
import copy
import glob
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

from data import KEYS
from runstate import RunState, lowest_priority

SHARE = dict(src=0.12, anime=0.19, oil=0.15, watercolor=0.12, sketch=0.18, comic=0.18, pixel=0.05, degraded=0.01)
ENCODER_BLOCKS, DECODER_BLOCKS, WIDTH = (0, 2, 5), (7, 4, 1), 32


def build(init: str) -> AutoencoderTiny:
    """The larger layout with the weights of `init` in it."""
    old = AutoencoderTiny.from_pretrained(init).float()
    new = AutoencoderTiny(encoder_block_out_channels=(WIDTH,) * 3, decoder_block_out_channels=(WIDTH,) * 3,
                          num_encoder_blocks=ENCODER_BLOCKS, num_decoder_blocks=DECODER_BLOCKS, latent_channels=4,
                          scaling_factor=old.config.scaling_factor, upsample_fn="nearest")
    copy_blocks(old.encoder.layers, new.encoder.layers)
    copy_blocks(old.decoder.layers, new.decoder.layers)
    return new


def stages(layers: torch.nn.Sequential) -> list[list[torch.nn.Module]]:
    """Split a layer list into stages: runs of residual blocks, and everything else one by one."""
    out: list[list[torch.nn.Module]] = [[]]
    for layer in layers:
        if type(layer).__name__ == "AutoencoderTinyBlock":
            out[-1].append(layer)
        else:
            out += [[layer], []]
    return out


def copy_blocks(old: torch.nn.Sequential, new: torch.nn.Sequential) -> None:
    """Copy stage by stage; surplus residual blocks get a zero last convolution, which makes them identities."""
    for a, b in zip(stages(old), stages(new), strict=True):
        for i, layer in enumerate(b):
            if i < len(a):
                layer.load_state_dict(a[i].state_dict())
            else:
                torch.nn.init.zeros_(layer.conv[-1].weight)
                torch.nn.init.zeros_(layer.conv[-1].bias)


class Crops:
    """Random crops of random versions of random contents; looks for new shards now and then."""

    def __init__(self, work: str):
        self.work, self.shards, self.count = work, {}, 0
        share = np.array([SHARE[k] for k in KEYS])
        self.share = share / share.sum()

    def batch(self, n: int, side: int, r: np.random.Generator) -> torch.Tensor:
        """(n, 3, side, side), -1..1, channels last."""
        if self.count % 200 == 0:
            for f in sorted(glob.glob(f"{self.work}/shards/?????.npy")):
                self.shards.setdefault(f, np.load(f, mmap_mode="r"))
        self.count += 1
        files, out = list(self.shards), np.empty((n, side, side, 3), np.uint8)
        for i in range(n):
            a = self.shards[files[r.integers(len(files))]]
            y, x = 4 * r.integers(0, (256 - side) // 4 + 1, 2)
            out[i] = a[r.integers(len(a)), r.choice(len(KEYS), p=self.share), y:y + side, x:x + side]
        return torch.from_numpy(out).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def reconstruction_loss(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Difference of two pictures (-1..1) as the docstring of the module says."""
    d = y - x
    loss = d.abs().mean() + 1.5 * d.square().mean() + 0.5 * ((d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean())
    for _ in range(2):
        d = F.avg_pool2d(d, 2)
        chroma = d - d.mean(1, keepdim=True)
        loss = loss + 0.3 * d.abs().mean() + 0.8 * chroma.abs().mean()
    return loss


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", required=True)
    p.add_argument("--state", required=True, help="folder of this run")
    p.add_argument("--init", required=True, help="vae folder to start from")
    p.add_argument("--crops", type=int, default=30000, help="crops in all")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--side", type=int, default=112)
    p.add_argument("--lr", type=float, default=8e-4)
    p.add_argument("--anchor", type=float, default=0.03)
    p.add_argument("--noise", type=float, default=0.05, help="largest deviation of the noise on latents")
    p.add_argument("--decoder-only", action="store_true", help="freeze the encoder: latents and UNets stay valid")
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    lowest_priority(args.threads)
    run = RunState(args.state)
    model = build(args.init).train().to(memory_format=torch.channels_last)
    anchor = AutoencoderTiny.from_pretrained(args.init).float().encoder.eval().to(memory_format=torch.channels_last)
    if args.decoder_only:
        model.encoder.requires_grad_(False)
    weights = [q for q in model.parameters() if q.requires_grad]
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(weights, args.lr, betas=(0.9, 0.99), weight_decay=0, foreach=True)
    r = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    step = seen = 0
    if saved := run.load():
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        r.bit_generator.state, step, seen = saved["numpy"], saved["step"], saved["seen"]
        torch.set_rng_state(saved["torch"])

    def save() -> None:
        run.save(dict(model=model.state_dict(), average=average.state_dict(), optimizer=optimizer.state_dict(), step=step, seen=seen,
                      numpy=r.bit_generator.state, torch=torch.get_rng_state()))
        average.save_pretrained(f"{args.state}/vae")

    crops, errors, started, begun = Crops(args.work), [], time.time(), seen
    run.log(f"start at crop {seen} of {args.crops}, {sum(q.numel() for q in weights)} weights")
    while seen < args.crops and not run.stopping:
        started += run.wait_while_paused()
        done = seen / args.crops
        lr = args.lr * min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * max(0, done - 0.1) / 0.9)))
        for group in optimizer.param_groups:
            group["lr"] = lr
        x = crops.batch(args.batch, args.side, r).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            z = model.encode(x).latents
            with torch.no_grad():
                z0 = anchor(x)
            noisy = z + args.noise * r.random() * torch.randn_like(z)
            y = model.decode(noisy).sample
        y, z = y.float(), z.float()
        loss = reconstruction_loss(y, x)
        if not args.decoder_only:
            loss = loss + args.anchor * (z - z0.float()).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 0.5)
        optimizer.step()
        optimizer.zero_grad()
        step, seen = step + 1, seen + args.batch
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - min(0.998, (1 + step) / (10 + step)))
        errors.append(((y.detach() - x).square().mean().item() / 4, (z.detach() - z0.float()).square().mean().item()))
        if step % 50 == 0:
            mse, moved = np.mean(errors[-50:], 0)
            run.log(f"step {step} crops {seen} psnr {-10 * math.log10(mse):.2f} moved {moved:.4f} lr {lr:.2e} {(seen - begun) / (time.time() - started):.1f}/s")
        if run.due():
            save()
    save()
    run.log(f"stopped at crop {seen}")


if __name__ == "__main__":
    main()
