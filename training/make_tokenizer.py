"""The tokenizer: a small CLIP-style byte-level BPE from the words people type in prompts.

    python make_tokenizer.py OUT

Word counts of local package documentation weigh a vocabulary that the list of tags below dominates. The embedded model's
tokenizer (2,714 entries) was made by this and is kept: other documentation on another machine gives other merges, and with
them another text encoder. Algorithm: Sennrich et al. 2016; byte alphabet: GPT-2.
"""
from __future__ import annotations

import argparse
import collections
import glob
import json
import os
import re
import site

TAGS = """
masterpiece best quality high detailed highres absurdres ultra 4k 8k intricate sharp focus worst low normal lowres bad anatomy hands blurry
jpeg artifacts signature watermark username text error cropped missing fingers extra digit fewer noise grain ugly deformed mutated anime
style cel shading screencap flat color lineart clean lines manga oil painting medium brush strokes impasto canvas watercolor traditional
media wet paper pencil sketch graphite drawing hatching comic book halftone ink pop art western comics pixel 8-bit 16-bit retro game photo
photorealistic realistic raw photography render 3d cartoon toon disney ghibli person people 1girl 2girls 1boy 2boys girl boy girls boys
woman man women men female male child children kid kids solo multiple couple crowd no humans animal cat dog rabbit bunny bird horse fish
bear fox wolf dragon monster robot flower flowers rose plant tree trees grass leaf forest jungle nature landscape scenery mountain mountains
hill field desert sand beach ocean sea river lake water waterfall sky cloud clouds cloudy sunny rain snow winter summer spring autumn
outdoors indoors room bedroom kitchen classroom street city cityscape town building house castle church architecture bridge road car train
ship boat bike vehicle machine industrial science fiction cyberpunk fantasy space star stars planet moon sun night day evening morning
sunset sunrise dawn dusk dark bright light lighting shadow backlight cinematic dramatic red orange yellow green blue cyan purple pink brown
black white grey gray golden silver theme colors colorful vivid pastel warm cold muted monochrome greyscale sepia simple background gradient
blurry background detailed smile smiling happy sad angry crying open closed mouth eyes looking at viewer long short hair medium ponytail
twintails braid bangs blonde blond hat cap glasses cat ears bow ribbon dress skirt shirt t-shirt jacket coat hoodie pants jeans shorts socks
shoes boots school uniform suit tie armor cape gloves scarf swimsuit kimono clothes clothing face portrait upper body full body cowboy shot
close-up from above below side behind standing sitting lying jumping running walking dancing dance singing playing fighting flying skating
sports music guitar toy food fruit drink still life object house smooth crisp vibrant beautiful pretty cute cool elegant delicate soft hard
glowing shiny texture pattern abstract minimalist vintage modern old young large small big tiny tall wide thick thin outline outlines bold
stylized illustration artwork drawing painting print poster art artist gogh van monet impressionism expressionism cubism baroque renaissance
ukiyo-e mosaic stained glass crayon charcoal chalk acrylic gouache marker a an the of in on at with and or by for from to very more less
many few one two three is are video frame temporal consistent
""".split()

END = "</w>"


def word_weights() -> dict[str, float]:
    """Words and how much they count: the square root of their frequency, 400 more for every use in a tag."""
    counts: collections.Counter[str] = collections.Counter()
    readmes = glob.glob("/usr/share/doc/**/README*", recursive=True)[:400]
    code = [p for d in ("diffusers", "skimage", "transformers/models/clip", "PIL")
            for p in glob.glob(f"{site.getsitepackages()[0]}/{d}/**/*.py", recursive=True)[:300]]
    for path in readmes + code:
        try:
            with open(path, errors="ignore") as f:
                text = f.read(200_000).lower()
        except OSError:
            continue
        for part in re.findall(r'"""(.*?)"""', text, re.S) if path.endswith(".py") else [text]:
            counts.update(re.findall(r"(?<![_a-z0-9.])[a-z]{2,14}(?![_a-z0-9.(])", part))
    weights = {w: n**0.5 for w, n in counts.most_common(5000)}
    for tag in TAGS:
        for piece in re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", tag.lower()):
            weights[piece] = weights.get(piece, 0) + 400
    return weights


def byte_alphabet() -> list[str]:
    """One printable character for each byte, in GPT-2's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("\u00a1"), ord("\u00ac") + 1), *range(ord("\u00ae"), ord("\u00ff") + 1)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def join(word: tuple[str, ...], a: str, b: str) -> tuple[str, ...]:
    """The word with every neighbouring a, b made one symbol."""
    out: list[str] = []
    for symbol in word:
        if out and out[-1] == a and symbol == b:
            out[-1] = a + b
        else:
            out.append(symbol)
    return tuple(out)


def learn_merges(weights: dict[str, float], count: int) -> list[tuple[str, str]]:
    """The most frequent pairs, one after the other."""
    words = {(*w[:-1], w[-1] + END): n for w, n in weights.items()}
    merges: list[tuple[str, str]] = []
    while len(merges) < count:
        pairs: collections.Counter[tuple[str, str]] = collections.Counter()
        for word, n in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        if not pairs:
            break
        a, b = pairs.most_common(1)[0][0]
        merges.append((a, b))
        words = {join(w, a, b): n for w, n in words.items()}
    return merges


def write(out: str, merges: list[tuple[str, str]]) -> None:
    """The four files of a CLIPTokenizer."""
    alphabet = byte_alphabet()
    entries = list(dict.fromkeys([*alphabet, *(c + END for c in alphabet), *(a + b for a, b in merges)]))
    entries += ["<|startoftext|>", "<|endoftext|>"]
    special = {k: dict(content=v, lstrip=False, rstrip=False, normalized=True, single_word=False)
               for k, v in dict(bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>").items()}
    config = dict(add_prefix_space=False, bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>", pad_token="<|endoftext|>",
                  do_lower_case=True, errors="replace", model_max_length=77, tokenizer_class="CLIPTokenizer")
    os.makedirs(out, exist_ok=True)
    for name, value in (("vocab.json", {e: i for i, e in enumerate(entries)}), ("special_tokens_map.json", {**special, "pad_token": "<|endoftext|>"}),
                        ("tokenizer_config.json", config)):
        with open(f"{out}/{name}", "w") as f:
            json.dump(value, f, ensure_ascii=False)
    with open(f"{out}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "\n".join(f"{a} {b}" for a, b in merges) + "\n")
    print(f"{len(entries)} entries, {len(merges)} merges")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--merges", type=int, default=2200)
    args = p.parse_args()
    write(args.out, learn_merges(word_weights(), args.merges))


if __name__ == "__main__":
    main()
