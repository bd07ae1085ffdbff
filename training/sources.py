"""Where the content pictures come from: clips, unpacked Debian packages, Python packages, drawn toons. See DATA.md.

A content is chosen by number, so the data set has no end and every shard can be made anew: content n is the same picture
on every machine that has the same material.
"""
from __future__ import annotations

import fnmatch
import functools
import glob
import os

import cv2
import numpy as np
from PIL import Image

import figures
import toon
from styles import to_u8

SIDE = 256

#: clip -> (share among clips, tags, largest zoom). Only the first two thirds of each are used.
CLIPS = {
    "tears-of-steel.webm": (0.55, ["person"], 1.6),
    "big-buck-bunny.mp4": (0.19, ["animal", "rabbit", "grass", "outdoors", "3d"], 2.2),
    "friday.mp4": (0.16, ["person", "2girls", "hat", "indoors", "monochrome", "greyscale"], 2.2),
    "flower.mp4": (0.10, ["flower", "plant", "nature", "outdoors", "close-up"], 1.7),
}

#: share of each kind of content
KINDS = {"frame": 0.32, "figure": 0.27, "toon": 0.14, "picture": 0.16, "sprite": 0.11}

#: share-alike or unlisted files of endless-sky-data that must not be used
EXCLUDED = ["bwerner*", "myrabella*", "dmottl*", "mfield*", "*-sfiera*", "*-striker*", "*-harro*", "*-iridium*", "*-spfld*",
            "lava5*", "geoscan*", "tempest*", "lobby*"]

LAND_TAGS = {
    "mountain": ["mountain", "landscape", "outdoors"], "city": ["city", "cityscape", "outdoors"], "sea": ["ocean", "water", "outdoors"],
    "valley": ["valley", "landscape", "outdoors"], "canyon": ["canyon", "rock", "outdoors"], "fields": ["field", "grass", "outdoors"],
    "snow": ["snow", "landscape", "outdoors"], "beach": ["beach", "ocean", "outdoors"], "water": ["water", "river", "outdoors"],
    "desert": ["desert", "landscape", "outdoors"], "sky": ["sky", "cloud", "outdoors"], "nasa": ["space", "science fiction"],
    "space": ["space", "science fiction"], "lava": ["fire", "outdoors"], "hills": ["hill", "grass", "outdoors"],
    "forest": ["forest", "tree", "nature", "outdoors"], "station": ["indoors", "machine"], "loc": ["person", "indoors"], "army": ["person"],
}

WALLPAPERS = {
    "Wine": ["food", "indoors"], "seeding": ["plant", "nature"], "friends": ["animal", "outdoors"], "sunset": ["sunset", "sky", "outdoors"],
    "picos": ["mountain", "landscape", "outdoors"], "aitz": ["mountain", "landscape", "outdoors"], "life": ["plant", "nature"],
    "umang": ["person", "outdoors"], "Picture_0B": ["nature", "outdoors"], "Picture_1A": ["nature", "outdoors"],
}

CLIPART = {
    "people": (["person"], 60), "animals": (["animal"], 90), "plants": (["plant", "flower"], 25), "buildings/homes": (["building", "house"], 14),
    "food": (["food"], 25), "transportation/vehicles": (["vehicle", "car"], 14), "recreation/sports": (["person", "sports"], 20),
    "recreation/toys": (["toy"], 12),
}


@functools.lru_cache(maxsize=400)
def read_rgb(path: str, alpha: bool = False) -> np.ndarray:
    """Picture as RGB or RGBA uint8, at most 1000 px a side."""
    im = Image.open(path)
    im.draft("RGB", (1000, 1000))  # JPEG files are decoded at a fraction of their size
    im = im.convert("RGBA" if alpha else "RGB")
    im.thumbnail((1000, 1000))
    return np.asarray(im)


def random_crop(a: np.ndarray, r: np.random.Generator, zoom: float) -> np.ndarray:
    """A 256 px square, from the whole short side (zoom 1) down to 1/zoom of it; mirrored half of the times."""
    h, w = a.shape[:2]
    s = SIDE / min(h, w) * r.uniform(1, zoom)
    size = (max(SIDE, round(w * s)), max(SIDE, round(h * s)))
    a = cv2.resize(a, size, interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_CUBIC)
    y, x = r.integers(0, a.shape[0] - SIDE + 1), r.integers(0, a.shape[1] - SIDE + 1)
    a = a[y:y + SIDE, x:x + SIDE]
    return np.ascontiguousarray(a[:, ::-1] if r.random() < 0.5 else a)


def relight(rgb: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """Vary exposure, contrast, white balance, saturation and, now and then, remove the colour."""
    if r.random() < 0.35:
        return rgb
    f = rgb.astype(np.float32) / 255
    f = np.clip(f, 0, 1) ** np.exp(r.uniform(-0.5, 0.35))
    f = f * r.uniform(0.75, 1.12) * np.float32([r.uniform(0.88, 1.12), 1, r.uniform(0.88, 1.12)])
    grey = f.mean(2, keepdims=True)
    f = grey + (f - grey) * (0 if r.random() < 0.07 else r.uniform(0.6, 1.35))
    return to_u8(f * 255)


class Sources:
    """Lists the material once, then draws content number n."""

    def __init__(self, frames: str, debs: str):
        import skimage
        import sklearn
        self.frames = {n: sorted(glob.glob(f"{frames}/{n}/*.jpg")) for n in CLIPS}
        land = [p for k in ("land", "scene") for p in sorted(glob.glob(f"{debs}/x_endless-sky-data/**/images/{k}/*.jpg", recursive=True))
                if not any(fnmatch.fnmatch(os.path.basename(p), e) for e in EXCLUDED)]
        pictures = [(p, self._land_tags(p)) for p in land]
        people = [x for x in pictures if x[1][0] == "person"]
        for p in sorted(glob.glob(f"{debs}/x_lomiri*/**/*.jpg", recursive=True)):
            pictures += [(p, t) for k, t in WALLPAPERS.items() if os.path.basename(p).startswith(k)] * 3
        rooms = sorted(p for p in glob.glob(f"{debs}/x_renpy*/**/images/bg *.jpg", recursive=True))
        pictures += [(p, ["scenery", "no humans"]) for p in rooms] * 3 + people * 4
        sk = os.path.join(os.path.dirname(skimage.__file__), "data")
        pictures += [(f"{sk}/astronaut.png", ["person", "1girl", "smile", "face"])] * 12 + [(f"{sk}/chelsea.png", ["animal", "cat"])] * 10
        pictures += [(f"{sk}/coffee.png", ["food", "still life"])] * 3 + [(f"{sk}/rocket.jpg", ["machine", "night"])] * 3
        pictures += [(f"{sk}/camera.png", ["person", "1boy", "outdoors", "monochrome", "greyscale"])] * 6
        lk = os.path.join(os.path.dirname(sklearn.__file__), "datasets", "images")
        pictures += [(f"{lk}/china.jpg", ["building", "outdoors"])] * 4 + [(f"{lk}/flower.jpg", ["flower", "plant"])] * 4
        self.pictures = pictures
        self.backgrounds = land + rooms
        self.girls = sorted(p for p in glob.glob(f"{debs}/x_renpy*/**/images/*.png", recursive=True)
                            if os.path.basename(p).split()[0] in ("sylvie", "eileen", "lucy"))
        self.clipart = self._clipart(debs)
        assert all(self.frames.values()) and self.girls and self.clipart, "material is missing, see DATA.md"

    @staticmethod
    def _land_tags(path: str) -> list[str]:
        key = "".join(c for c in os.path.basename(path).split("-")[0].split(".")[0] if not c.isdigit())
        return LAND_TAGS.get(key, ["scenery", "outdoors"])

    @staticmethod
    def _clipart(debs: str) -> list[tuple[str, list[str]]]:
        """Colourful, not too small drawings; the first ones of a shuffled list of each folder."""
        found = []
        r = np.random.default_rng(5)
        for folder, (tags, count) in CLIPART.items():
            kept = 0
            paths = sorted(glob.glob(f"{debs}/x_openclipart-png/**/png/{folder}/**/*.png", recursive=True))
            for p in r.permutation(paths):
                if kept == count:
                    break
                if "stickmen" in p or os.path.getsize(p) < 6000:
                    continue
                try:
                    a = read_rgb(str(p), True)
                except OSError:
                    continue
                opaque = a[..., 3] > 128
                if min(a.shape[:2]) < 90 or opaque.mean() < 0.15:
                    continue
                c = a[opaque][:, :3].astype(int)
                if (c.max(1) - c.min(1)).mean() > 25:
                    found.append((str(p), tags))
                    kept += 1
        return found

    def content(self, number: int, only: str | None = None) -> tuple[str, np.ndarray, np.ndarray | None, list[str]]:
        """(kind, picture, its cel drawing if one is known, tags) of content `number`, of any kind or of kind `only`."""
        r = np.random.default_rng(10_000 + number)
        kind = only or str(r.choice(list(KINDS), p=list(KINDS.values())))
        if kind in ("toon", "figure"):
            render, cel, tags = (toon if kind == "toon" else figures).scene(1000 + number)
            if r.random() < 0.25:
                return kind, cel, cel, tags + ["cartoon"]
            return kind, render, cel, tags + ["3d", "cartoon"]
        if kind == "frame":
            for _ in range(20):
                name = str(r.choice(list(CLIPS), p=[c[0] for c in CLIPS.values()]))
                path = self.frames[name][r.integers(len(self.frames[name]))]
                im = random_crop(read_rgb(path), r, CLIPS[name][2])
                if im.std() > 14 and im.mean() > 12:
                    break
            return kind, relight(im, r), None, CLIPS[name][1]
        if kind == "picture":
            path, tags = self.pictures[r.integers(len(self.pictures))]
            return kind, relight(random_crop(read_rgb(path), r, 2.0), r), None, tags
        return self._sprite(r)

    def _sprite(self, r: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray | None, list[str]]:
        """A drawn figure before a photo, a drawn room or a plain gradient."""
        girl = r.random() < 0.45
        path, tags = (self.girls[r.integers(len(self.girls))], ["person", "1girl", "anime"]) if girl else self.clipart[r.integers(len(self.clipart))]
        figure = read_rgb(path, True)
        ys, xs = np.where(figure[..., 3] > 40)
        figure = figure[ys.min():ys.max() + 1, xs.min():xs.max() + 1]
        h, w = figure.shape[:2]
        s = SIDE * r.uniform(0.9, 3.0) / h if girl else SIDE * r.uniform(0.55, 1.2) / max(h, w)
        figure = cv2.resize(figure, (max(2, int(w * s)), max(2, int(h * s))), interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_CUBIC)
        h, w = figure.shape[:2]
        if r.random() < 0.5:
            figure = figure[:, ::-1]
        x = int(r.uniform(-0.1, 1.1) * (SIDE - w))
        y = (SIDE - h if h < SIDE else int(r.uniform(0, 0.25) * (SIDE - h))) if girl else int(r.uniform(0, 1) * (SIDE - h))
        if r.random() < 0.7:
            ground = random_crop(read_rgb(self.backgrounds[r.integers(len(self.backgrounds))]), r, 1.5)
        else:
            a, b = (toon.hsv(r.random(), r.uniform(0, 0.5), r.uniform(0.5, 1)) for _ in range(2))
            k = np.linspace(0, 1, SIDE)[:, None, None]
            ground = np.broadcast_to(a * (1 - k) + b * k, (SIDE, SIDE, 3))
        im = np.array(ground, np.float32)
        x0, y0, x1, y1 = max(0, x), max(0, y), min(SIDE, x + w), min(SIDE, y + h)
        part = figure[y0 - y:y1 - y, x0 - x:x1 - x].astype(np.float32)
        im[y0:y1, x0:x1] += (part[..., :3] - im[y0:y1, x0:x1]) * part[..., 3:] / 255
        return "sprite", relight(to_u8(im), r), None, tags if girl else tags + ["cartoon"]


def extract_frames(clips: str, out: str, height: int = 480) -> None:
    """Write the first two thirds of every clip as JPEG files; a folder that is complete is left alone."""
    for name in CLIPS:
        folder = f"{out}/{name}"
        if os.path.exists(f"{folder}/done"):
            continue
        os.makedirs(folder, exist_ok=True)
        video = cv2.VideoCapture(f"{clips}/{name}")
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT) * 2 / 3)
        first = 30 if name.startswith("tears") else 0  # the opening is black
        for i in range(count):
            ok, frame = video.read()
            if not ok:
                break
            if i < first:
                continue
            if frame.shape[0] > height:
                frame = cv2.resize(frame, (round(frame.shape[1] * height / frame.shape[0]), height), interpolation=cv2.INTER_AREA)
            cv2.imwrite(f"{folder}/{i:05d}.jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 97])
        open(f"{folder}/done", "w").close()
