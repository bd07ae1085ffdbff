"""Numbers of the embedded model from PyTorch, diffusers and transformers, which the package's tests hold its engine to.

usage: golden.py MODEL OUT IMAGE     IMAGE is any picture; it is scaled to 128 x 96
Writes OUT/golden.safetensors and OUT/golden.json: token ids, text encoder, UNet at two sizes (one with odd sides), autoencoder, and one
InstructPix2Pix run (DDIM, eta 0, cfg on the text, image scale 1) with its noise and its latents after every step.
"""
import argparse
import json
from pathlib import Path

import cv2
import torch
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

PROMPTS = ['masterpiece, best quality, anime, cel shading', 'worst quality, low quality, normal quality']
STEPS, STRENGTH, CFG = 12, 0.7, 2.0


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('model', 'out', 'image'):
        parser.add_argument(name)
    args = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    unet = UNet2DConditionModel.from_pretrained(args.model, subfolder='unet').float().eval()
    text = CLIPTextModel.from_pretrained(args.model, subfolder='text_encoder').float().eval()
    vae = AutoencoderTiny.from_pretrained(args.model, subfolder='vae').float().eval()
    tokenizer = CLIPTokenizer.from_pretrained(args.model, subfolder='tokenizer')
    scheduler = DDIMScheduler.from_pretrained(args.model, subfolder='scheduler')
    scale = vae.config.scaling_factor
    tensors: dict[str, torch.Tensor] = {}

    ids = tokenizer(PROMPTS, padding='max_length', max_length=77, truncation=True, return_tensors='pt').input_ids
    hidden = text(ids).last_hidden_state
    tensors.update(ids=ids, text=hidden)
    for i, (height, width, timestep) in enumerate([(16, 24, 301), (17, 22, 701)]):
        x = torch.randn(len(PROMPTS), unet.config.in_channels, height, width, generator=generator)
        tensors[f'unet{i}.in'] = x
        tensors[f'unet{i}.timestep'] = torch.tensor(timestep)
        tensors[f'unet{i}.out'] = unet(x, timestep, hidden).sample

    picture = cv2.cvtColor(cv2.resize(cv2.imread(args.image), (128, 96), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    tensors['image_u8'] = torch.from_numpy(picture)
    latent = vae.encode(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1).latents
    tensors.update(encode=latent, decode=vae.decode(latent).sample)

    scheduler.set_timesteps(STEPS)
    timesteps = scheduler.timesteps[STEPS - min(int(STEPS * STRENGTH), STEPS) :]
    noise = torch.randn(*latent.shape, generator=generator)
    x = scheduler.add_noise(latent * scale, noise, timesteps[:1])
    tensors.update({'run.noise': noise, 'run.timesteps': timesteps})
    latents = [x]
    for timestep in timesteps:
        both = torch.cat([torch.cat([x, x]), torch.cat([latent, latent])], 1)
        wanted, unwanted = unet(both, timestep, hidden).sample.chunk(2)
        x = scheduler.step(unwanted + CFG * (wanted - unwanted), timestep, x).prev_sample
        latents.append(x)
    tensors['run.latents'] = torch.cat(latents)
    tensors['run.image'] = ((vae.decode(x / scale).sample + 1) / 2).clamp(0, 1)

    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, out / 'golden.safetensors')
    note = (
        'encode is the unscaled latent (the condition of InstructPix2Pix); the run starts from encode * scaling_factor noised to '
        'the first timestep; decode takes latent / scaling_factor.'
    )
    run = {'steps': STEPS, 'strength': STRENGTH, 'cfg': CFG, 'prompt': 0, 'negative': 1, 'image_scale': 1}
    (out / 'golden.json').write_text(json.dumps({'prompts': PROMPTS, 'run': run, 'tolerance': 5e-4, 'note': note}, indent=1))


if __name__ == '__main__':
    main()
