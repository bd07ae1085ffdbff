"""The UNet of `node bench/run.mjs start` in diffusers on PyTorch, with random weights of the same size.

By hand, with Python that has torch, diffusers and safetensors (not needed by ofgen):

    python bench/against-diffusers.py [sd15|sdxl] [EVALUATIONS] [float32|bfloat16|float16] [cpu|cuda]

Prints seconds and CPU seconds of load, first and steady evaluation, and the most memory the process held; one
evaluation is batch 1, without cfg, as there. Compare ratios of runs on the same, idle machine.
"""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

SIZES = {
    "sd15": dict(
        side=64,
        config=dict(
            sample_size=64,
            block_out_channels=(320, 640, 1280, 1280),
            cross_attention_dim=768,
            attention_head_dim=8,
        ),
    ),
    "sdxl": dict(
        side=128,
        config=dict(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ),
    ),
}


class Lap:
    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu


def peak_gb():
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e9


def load(folder, dtype, device, evaluations, size):
    side, width = SIZES[size]["side"], SIZES[size]["config"]["cross_attention_dim"]
    with Lap() as loading:
        unet = UNet2DConditionModel.from_pretrained(folder, torch_dtype=dtype).to(device).eval()
    make = lambda *shape: torch.randn(*shape, dtype=dtype, device=device)
    extra = {}
    if size == "sdxl":
        ids = torch.tensor([[1024, 1024, 0, 0, 1024, 1024]], dtype=dtype, device=device)
        extra = dict(added_cond_kwargs=dict(text_embeds=make(1, 1280), time_ids=ids))
    sample, states = make(1, 4, side, side), make(1, 77, width)
    laps = []
    with torch.inference_mode():
        for _ in range(1 + evaluations):
            with Lap() as lap:
                unet(sample, 500, encoder_hidden_states=states, **extra).sample.float().cpu()
            laps.append(lap)
    steady = laps[1:]
    print(f"{'':16} load s  CPU-s  first s  steady s  CPU-s  peak GB")
    print(
        f"{'diffusers ' + str(dtype).split('.')[-1]:19}{loading.wall:4.1f}{loading.cpu:7.1f}{laps[0].wall:9.2f}"
        f"{statistics.median(lap.wall for lap in steady):10.2f}{statistics.median(lap.cpu for lap in steady):7.2f}{peak_gb():9.2f}"
    )


def main():
    size, evaluations, dtype, device = (sys.argv[1:] + ["sd15", "3", "float32", "cpu"][len(sys.argv) - 1 :])[:4]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {device}")
    if len(sys.argv) == 6:
        load(sys.argv[5], getattr(torch, dtype), device, int(evaluations), size)
        return
    # Making the weights takes memory of its own, so what is measured runs in another process.
    import subprocess

    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(1)
        UNet2DConditionModel(**SIZES[size]["config"]).half().save_pretrained(folder)
        weights = sum(path.stat().st_size for path in Path(folder).glob("*.safetensors"))
        print(f"{size} UNet, {weights / 1e9:.2f} GB fp16")
        subprocess.run([sys.executable, __file__, size, evaluations, dtype, device, folder], check=True)


main()
