"""A model folder as a function: frames and prompts in, pictures out. What the product does at run time, in a few lines."""
from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from captions import NEGATIVE


class Model:
    """tokenizer, text_encoder, vae, unet and scheduler of `folder`; `weights` may name another folder for unet and text_encoder
    (a training state), `vae` another autoencoder; bf16 is quicker and a little less exact."""

    def __init__(self, folder: str, weights: str | None = None, vae: str | None = None, bf16: bool = False):
        self.bf16 = bf16
        self.tokenizer = CLIPTokenizer.from_pretrained(f"{folder}/tokenizer")
        self.text = CLIPTextModel.from_pretrained(f"{weights or folder}/text_encoder").float().eval()
        self.unet = UNet2DConditionModel.from_pretrained(f"{weights or folder}/unet").float().eval().to(memory_format=torch.channels_last)
        self.vae = AutoencoderTiny.from_pretrained(vae or f"{folder}/vae").float().eval().to(memory_format=torch.channels_last)
        self.scheduler = DDIMScheduler.from_pretrained(f"{folder}/scheduler")
        self.scale = self.vae.config.scaling_factor

    def embed(self, prompt: str) -> torch.Tensor:
        ids = self.tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        return self.text(ids)[0]

    @torch.no_grad()
    def encode(self, frame: np.ndarray) -> torch.Tensor:
        """(h, w, 3) uint8 -> unscaled latent (1, 4, h/4, w/4)."""
        x = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        return self.vae.encode(x.contiguous(memory_format=torch.channels_last)).latents

    @torch.no_grad()
    def decode(self, latent: torch.Tensor) -> np.ndarray:
        """Unscaled latent -> (h, w, 3) uint8."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            y = self.vae.decode(latent).sample.float()
        return ((y + 1) * 127.5).clamp(0, 255)[0].permute(1, 2, 0).round().byte().numpy()

    @torch.no_grad()
    def restyle(self, frame: np.ndarray, prompts: list[str], strength: float, evaluations: int = 8, cfg: float = 2.0, seed: int = 0) -> list[np.ndarray]:
        """Every prompt's picture of the frame. DDIM from the noised source; image guidance 1."""
        source = self.encode(frame)
        self.scheduler.set_timesteps(max(evaluations, round(evaluations / strength)))
        times = self.scheduler.timesteps[-evaluations:]
        noise = torch.randn(source.shape, generator=torch.Generator().manual_seed(seed))
        n = len(prompts)
        z = self.scheduler.add_noise(source * self.scale, noise, times[:1]).repeat(n, 1, 1, 1)
        context = torch.cat([self.embed(p) for p in prompts] + ([self.embed(NEGATIVE)] * n if cfg != 1 else []))
        condition = source.repeat(len(context), 1, 1, 1)
        for t in times:
            x = torch.cat([z.repeat(len(context) // n, 1, 1, 1), condition], 1).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                v = self.unet(x, t, encoder_hidden_states=context).sample
            v = v.float()
            if cfg != 1:
                v = v[n:] + cfg * (v[:n] - v[n:])
            z = self.scheduler.step(v, t, z).prev_sample
        return [self.decode(q[None] / self.scale) for q in z]
