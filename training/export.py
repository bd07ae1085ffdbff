"""Stage 5: the model folder in diffusers' layout (fp16 safetensors), or a compact state to go on from elsewhere.

    python export.py --init MODEL_DIR --weights STATE_DIR --vae VAE_DIR --out OUT     the model
    python export.py --state STATE_DIR --compact OUT                                   OUT/state.pt, under 40 MB

--init gives tokenizer and scheduler. The compact state holds weights and averages in half precision and the counters; the
optimizer starts anew from it (train_unet.py warms up again).
"""
from __future__ import annotations

import argparse
import json
import os
import shutil

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

TOKENIZER = ("vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json")


def drop_local_names(folder: str) -> None:
    """Remove the paths of this machine from the configs."""
    for parent, _, files in os.walk(folder):
        for name in files:
            if name == "config.json":
                path = os.path.join(parent, name)
                with open(path) as f:
                    config = json.load(f)
                config.pop("_name_or_path", None)
                if config.get("_class_name") == "AutoencoderTiny":
                    config.pop("block_out_channels", None)  # written by diffusers, not read by it
                with open(path, "w") as f:
                    json.dump(config, f, indent=2)


def export_model(init: str, weights: str, vae: str, out: str) -> None:
    """Write the model folder; prints its size."""
    os.makedirs(f"{out}/tokenizer", exist_ok=True)
    AutoencoderTiny.from_pretrained(vae).half().save_pretrained(f"{out}/vae")
    UNet2DConditionModel.from_pretrained(f"{weights}/unet").half().save_pretrained(f"{out}/unet")
    CLIPTextModel.from_pretrained(f"{weights}/text_encoder").half().save_pretrained(f"{out}/text_encoder")
    for name in TOKENIZER:
        shutil.copyfile(f"{init}/tokenizer/{name}", f"{out}/tokenizer/{name}")
    shutil.copytree(f"{init}/scheduler", f"{out}/scheduler", dirs_exist_ok=True)
    shutil.copyfile(f"{init}/model_index.json", f"{out}/model_index.json")
    drop_local_names(out)
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(out) for f in files)
    print(f"{out}: {size / 1e6:.1f} MB")


def export_state(state: str, out: str) -> None:
    """Write the compact state."""
    os.makedirs(out, exist_ok=True)
    saved = torch.load(f"{state}/state.pt", map_location="cpu", weights_only=False)
    half = {k: {n: q.half() if q.is_floating_point() else q for n, q in saved[k].items()} for k in ("unet", "text", "unet_ema", "text_ema")}
    torch.save({**half, "counts": saved["counts"]}, f"{out}/state.pt")
    print(f"{out}/state.pt: {os.path.getsize(f'{out}/state.pt') / 1e6:.1f} MB")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--init", help="model folder whose tokenizer and scheduler are kept")
    p.add_argument("--weights", help="folder with unet and text_encoder")
    p.add_argument("--vae")
    p.add_argument("--out")
    p.add_argument("--state", help="state folder of train_unet.py")
    p.add_argument("--compact", help="folder of the compact state")
    args = p.parse_args()
    if args.out:
        export_model(args.init, args.weights, args.vae, args.out)
    if args.compact:
        export_state(args.state, args.compact)


if __name__ == "__main__":
    main()
