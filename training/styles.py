"""The six styles as procedures: RGB picture in, RGB picture out (uint8, sides multiples of 16, made for 256 to 400 px).

A small network trained for an hour learns what can be told from the source and averages away what cannot. So every style is
a *function* of the picture: no random palette, no random grain. What looks random (dots of a screen, hatching, brush
strokes, dither) sits on lattices that repeat every `PERIOD` = 16 px, the stride of autoencoder and UNet together, so that
the network can know its phase. Training crops must therefore start at multiples of 16 px, and pictures may not be mirrored
after styling.

Sources of the methods: flow-guided difference-of-Gaussians lines (Kang et al. 2007), soft luminance quantisation
(Winnemoeller et al. 2006), painterly rendering with brush strokes of several sizes (Hertzmann 1998), edge darkening of
watercolour (Bousseau et al. 2006), ordered dither (Bayer 1973).
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Callable

import cv2
import numpy as np

PERIOD = 16


def blur(a: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur, sigma in px."""
    return cv2.GaussianBlur(a, (0, 0), sigma)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """RGB 0..255 -> CIE Lab float32 (L 0..100)."""
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def from_lab(lab: np.ndarray) -> np.ndarray:
    """CIE Lab -> RGB float32 0..255, clipped."""
    return np.clip(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB) * 255, 0, 255)


def to_u8(a: np.ndarray) -> np.ndarray:
    """Clip to 0..255 and round down to uint8."""
    return np.clip(a, 0, 255).astype(np.uint8)


def coordinates(h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel, float32 (h, w)."""
    return np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))


def soft_steps(x: np.ndarray, levels: float, sharpness: float) -> np.ndarray:
    """Quantise x (0..1) to `levels` steps joined by sigmoids; sharpness 5 is soft, 15 nearly hard."""
    q = x * levels
    base = np.floor(q)
    s = 1 / (1 + np.exp(-sharpness * (q - base - 0.5)))
    lo, hi = 1 / (1 + np.exp(0.5 * sharpness)), 1 / (1 + np.exp(-0.5 * sharpness))
    return (base + (s - lo) / (hi - lo)) / levels


def toned(rgb: np.ndarray, levels: float, sharpness: float, saturation: float, gamma: float, contrast: float) -> np.ndarray:
    """Contrast about mid-grey, gamma, then soft steps of lightness; saturation scales chroma. Returns RGB float 0..255."""
    lab = to_lab(rgb)
    light = np.clip(0.5 + (lab[..., 0] / 100 - 0.5) * contrast, 0, 1) ** gamma
    lab[..., 0] = np.clip(soft_steps(light, levels, sharpness), 0, 1) * 100
    lab[..., 1:] *= saturation
    return from_lab(lab)


def flow_field(grey: np.ndarray, sigma: float, rest: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors along the edges (smoothed structure tensor). `rest` pulls flat areas to one diagonal direction."""
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    e, f, g = blur(gx * gx, sigma), blur(gx * gy, sigma), blur(gy * gy, sigma)
    if rest:  # a weak gradient across the direction (1, -0.6)
        e, f, g = e + rest * 0.26, f + rest * 0.44, g + rest * 0.74
    angle = 0.5 * np.arctan2(2 * f, e - g) + np.pi / 2
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def along_flow(a: np.ndarray, vx: np.ndarray, vy: np.ndarray, steps: int, length: float) -> np.ndarray:
    """Mean of `a` along the flow, `steps` steps of `length` px to either side, weights falling linearly."""
    x0, y0 = coordinates(*a.shape)
    total, weight = a.copy(), 1.0
    for sign in (1, -1):
        x, y, px, py = x0.copy(), y0.copy(), vx * sign, vy * sign
        for i in range(steps):
            x += px * length
            y += py * length
            nx = cv2.remap(vx, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
            ny = cv2.remap(vy, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
            turn = np.where(nx * px + ny * py < 0, -1, 1).astype(np.float32)
            px, py = nx * turn, ny * turn
            k = 1 - i / steps
            total += k * cv2.remap(a, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            weight += k
    return total / weight


@dataclass
class Analysis:
    """What the styles share: the picture, two flattened versions, difference-of-Gaussians responses."""

    rgb: np.ndarray
    smooth: np.ndarray   # uint8, texture removed, edges kept
    flat: np.ndarray     # uint8, mean-shift flattened
    grey: np.ndarray     # float 0..1 of `smooth`
    fine: np.ndarray     # DoG along edges, negative on lines, sigma 0.9
    broad: np.ndarray    # the same, sigma 1.25


def line_response(lab: np.ndarray, vx: np.ndarray, vy: np.ndarray, sigma: float) -> np.ndarray:
    """Flow-smoothed DoG of lightness, helped by colour edges; negative on the darker side of an edge."""
    d = blur(lab[..., 0] / 100, sigma) - blur(lab[..., 0] / 100, sigma * 1.6)
    for c in (1, 2):
        d = np.minimum(d, -0.35 / 100 * np.abs(blur(lab[..., c], sigma) - blur(lab[..., c], sigma * 1.6)))
    return along_flow(d.astype(np.float32), vx, vy, 4, 0.9) * 1.2


def analyse(rgb: np.ndarray) -> Analysis:
    """Flatten the picture and find its lines."""
    smooth = rgb
    for _ in range(2):
        smooth = cv2.bilateralFilter(smooth, 7, 28, 4)
    flat = cv2.medianBlur(cv2.pyrMeanShiftFiltering(smooth, 6, 18, maxLevel=1), 5)
    lab = to_lab(smooth)
    vx, vy = flow_field(lab[..., 0] / 100, 2.0)
    return Analysis(rgb, smooth, flat, cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255,
                    line_response(lab, vx, vy, 0.9), line_response(lab, vx, vy, 1.25))


def ink(response: np.ndarray, threshold: float, softness: float, smallest: int = 0) -> np.ndarray:
    """Line coverage 0..1 from a DoG response; connected specks of fewer than `smallest` px are dropped."""
    line = np.clip((-response - threshold) / softness, 0, 1).astype(np.float32)
    if smallest:
        _, labels, stats, _ = cv2.connectedComponentsWithStats((line > 0.5).astype(np.uint8), connectivity=8)
        speck = stats[:, 4] < smallest
        speck[0] = False
        line = np.where(cv2.dilate(speck[labels].astype(np.uint8), np.ones((3, 3))) > 0, 0, line)
    return line


def over(base: np.ndarray, cover: np.ndarray, colour) -> np.ndarray:
    """Paint `colour` over `base` where cover (h, w) is 1."""
    return base + (np.asarray(colour, np.float32) - base) * cover[..., None]


def anime(a: Analysis) -> np.ndarray:
    """Cel: few flat tones, bright colours, clear dark lines."""
    t = toned(a.flat, 5, 14, 1.4, 0.72, 1.15)
    return to_u8(over(t, ink(a.fine, 0.016, 0.014, 14) * 0.92, [26, 16, 28]))


def cel_tone(rgb: np.ndarray) -> np.ndarray:
    """A drawn cel in the tones that `anime` gives photographs; else the word would mean two things."""
    return to_u8(toned(rgb, 100, 1, 1.2, 0.72, 1.15))


def oil(a: Analysis) -> np.ndarray:
    """Brush strokes along the edges in two sizes, each with a lit and a shaded flank; strong colour."""
    h, w = a.grey.shape
    lab = to_lab(cv2.bilateralFilter(a.smooth, 9, 30, 5))
    lab[..., 1:] *= 1.4
    lab[..., 0] = np.clip(50 + (lab[..., 0] - 50) * 1.15 + 2, 0, 100)
    base = from_lab(lab)
    vx, vy = flow_field(blur(a.grey, 1), 4.0, rest=2e-3)
    scale = 2
    canvas = cv2.resize(base, (w * scale, h * scale), interpolation=cv2.INTER_LINEAR)
    light = np.float32([-0.6, -0.8])
    table = np.random.default_rng(16)  # the same jitter in every 16 x 16 px cell
    for spacing, length, width, detail in ((8, 26, 9.0, 0.0), (4, 11, 4.0, 18.0)):
        n = PERIOD // spacing
        colours = blur(base, width * 0.3)
        if detail:
            shown = cv2.resize(canvas, (w, h), interpolation=cv2.INTER_AREA)
            error = blur(np.abs(shown - colours).mean(2), 1.5)
        jitter, tint = table.uniform(-0.35, 0.35, (n, n, 2)) * spacing, table.uniform(-1, 1, (n, n))
        for cell in table.permutation(n * n):
            j, i = divmod(int(cell), n)
            y, x = np.mgrid[j * spacing + spacing // 2:h:PERIOD, i * spacing + spacing // 2:w:PERIOD].reshape(2, -1)
            centre = np.clip(np.stack([x, y], 1) + jitter[j, i], 0, [w - 1, h - 1])
            xi, yi = centre.astype(int).T
            if detail:
                keep = error[yi, xi] >= detail
                centre, xi, yi = centre[keep], xi[keep], yi[keep]
            d = np.stack([vx[yi, xi], vy[yi, xi]], 1)
            ends = []
            for sign in (1, -1):  # follow the flow to both ends
                xe, ye = np.clip(centre + sign * d * length / 2, 0, [w - 1, h - 1]).astype(int).T
                e = np.stack([vx[ye, xe], vy[ye, xe]], 1)
                e = np.where((e * d).sum(1, keepdims=True) < 0, -e, e)
                ends.append(centre + sign * (d * 0.6 + e * 0.4) * length / 2)
            strokes = np.stack([ends[1], centre, ends[0]], 1) * scale
            colour = colours[yi, xi] + tint[j, i] * 5
            across = np.stack([-d[:, 1], d[:, 0]], 1)
            across *= np.where((across @ light) > 0, 1, -1)[:, None]
            layers = []
            for shift, thick, gain, lift in ((0, 1.0, 1, 0), (-0.36, 0.22, 0.87, 0), (0.34, 0.24, 0.97, 16)):
                c = np.clip(colour * gain + lift * (0.4 + 0.6 * colour.mean(1, keepdims=True) / 255), 0, 255).tolist()
                q = np.round((strokes + across[:, None] * shift * width * scale) * 8).astype(np.int32)
                layers.append((q, c, max(1, round(thick * width * scale))))
            for k in range(len(strokes)):
                for q, c, thickness in layers:
                    cv2.polylines(canvas, [q[k]], False, c[k], thickness, cv2.LINE_AA, 3)
    return to_u8(cv2.resize(canvas, (w, h), interpolation=cv2.INTER_AREA))


def paper_tile(h: int, w: int) -> np.ndarray:
    """Smooth paper grain of zero mean and unit deviation, repeating every 16 px."""
    n = np.random.default_rng(7).normal(0, 1, (PERIOD, PERIOD)).astype(np.float32)
    n = blur(np.tile(n, (3, 3)), 1.1)[PERIOD:2 * PERIOD, PERIOD:2 * PERIOD]
    n = (n - n.mean()) / n.std()
    return np.tile(n, (-(-h // PERIOD), -(-w // PERIOD)))[:h, :w]


def watercolor(a: Analysis) -> np.ndarray:
    """Light washes with dark rims, white paper in the lights, a light pencil drawing below."""
    h, w = a.grey.shape
    t = toned(cv2.medianBlur(a.flat, 7), 4, 9, 1.45, 0.55, 1.05) / 255
    t = 1 - (1 - t) * 0.9
    soft = blur(t.mean(2), 0.9)
    rim = np.clip(np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)) * 1.2, 0, 0.5)
    density = 1 + 2.2 * rim + 0.03 * paper_tile(h, w) + 0.5 * (blur(soft, 7) - soft)
    t = np.clip(t, 0.004, 1) ** np.clip(density, 0.5, 2.5)[..., None]
    white = np.clip((t.min(2) - 0.74) / 0.18, 0, 1)
    t = over(t, white * 0.8, [0.985, 0.98, 0.965]) * np.float32([0.995, 0.99, 0.975]) * 255
    return to_u8(over(t, ink(a.fine, 0.016, 0.02, 14) * 0.5, [88, 74, 78]))


def lattice_wave(h: int, w: int, kx: int, ky: int) -> np.ndarray:
    """A wave 0..1 with kx, ky periods in 16 px; its period across is 16 / hypot(kx, ky) px."""
    x, y = coordinates(h, w)
    return 0.5 + 0.5 * np.cos(2 * np.pi * (kx * x + ky * y) / PERIOD)


def sketch(a: Analysis) -> np.ndarray:
    """Pencil on white paper: lines, hatching in the half-tones, cross-hatching in the darks."""
    h, w = a.grey.shape
    g = np.clip((a.grey - 0.03) / 0.9, 0, 1) ** 0.85
    t = np.ones_like(g)
    for wave, limit in ((lattice_wave(h, w, 2, 2), 0.60), (lattice_wave(h, w, 2, -1), 0.30)):
        depth = np.clip((limit - g) / 0.3, 0, 1)
        t *= 1 - depth * 0.55 * np.clip((wave - 0.6 + depth * 0.3) / 0.3, 0, 1)
    t *= 0.86 + 0.14 * np.clip(g / 0.7, 0, 1) - 0.16 * np.clip((0.22 - g) / 0.22, 0, 1)
    dodge = np.clip((g / (blur(g, 6) + 0.03) - 0.6) / 0.35, 0, 1)
    t *= 0.62 + 0.38 * dodge
    t *= 1 - 0.85 * ink(a.fine, 0.012, 0.022, 8)
    return to_u8(over(np.broadcast_to(np.float32([251, 249, 244]), (h, w, 3)), 1 - t, [42, 42, 46]))


def comic(a: Analysis) -> np.ndarray:
    """Print: few saturated flats, a staggered 8 px dot screen in the shadows, heavy ink, solid blacks."""
    h, w = a.grey.shape
    lab = to_lab(toned(a.flat, 4, 15, 1.7, 0.70, 1.25))
    chroma = np.sqrt((lab[..., 1:] ** 2).sum(2, keepdims=True)) + 1e-3
    lab[..., 1:] *= soft_steps(chroma / 100, 100 / 17, 8) * 100 / chroma
    t = from_lab(lab)
    g = blur(a.grey, 1.2)
    waves = (lattice_wave(h, w, 2, -1) + lattice_wave(h, w, 2, 1) + lattice_wave(h, w, 0, 2)) / 3  # dots at (8, 0) and (4, 8)
    size = np.clip((0.60 - g) / 0.45, 0, 0.75)
    dots = np.clip((waves - (0.92 - size * 0.75)) / 0.14 + 0.5, 0, 1) * (size > 0)
    t = over(t, dots * 0.5, [20, 14, 40])
    black = np.clip((0.10 - g) / 0.05, 0, 1)
    return to_u8(over(t, np.maximum(ink(a.broad, 0.016, 0.014, 16), black), [12, 10, 16]))


BAYER = np.float32([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 - 0.47


def pixel(a: Analysis, block: int = 4) -> np.ndarray:
    """4 px blocks in a fixed palette (lightness 7 steps, chroma in steps of 18) with ordered dither between steps."""
    h, w = a.grey.shape
    lab = to_lab(cv2.resize(a.smooth, (w // block, h // block), interpolation=cv2.INTER_AREA))
    lab = lab + 0.6 * (lab - blur(lab, 1.0))
    dither = np.tile(BAYER, (h // block // 4 + 1, w // block // 4 + 1))[:h // block, :w // block, None]
    step = np.float32([100 / 7, 18, 18])
    lab[..., 0] = 50 + (lab[..., 0] - 50) * 1.15
    lab[..., 1:] *= 1.4
    lab = np.round(lab / step + dither * np.float32([0.4, 0.15, 0.15])) * step
    lab[..., 0] = np.clip(lab[..., 0], 4, 98)
    return to_u8(cv2.resize(from_lab(lab), (w, h), interpolation=cv2.INTER_NEAREST))


STYLES: dict[str, Callable[[Analysis], np.ndarray]] = dict(
    anime=anime, oil=oil, watercolor=watercolor, sketch=sketch, comic=comic, pixel=pixel)


def stylise(rgb: np.ndarray) -> dict[str, np.ndarray]:
    """Every style of one picture."""
    a = analyse(rgb)
    return {name: style(a) for name, style in STYLES.items()}


def degrade(rgb: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """What the negative prompt means: blur, coarse JPEG, noise, or all of them."""
    h, w = rgb.shape[:2]
    kind = r.integers(4)
    if kind in (0, 3):
        rgb = to_u8(blur(rgb.astype(np.float32), r.uniform(1.5, 3.0)))
    if kind in (1, 3):
        small = cv2.resize(rgb, (w // 2, h // 2))
        rgb = cv2.resize(cv2.imdecode(cv2.imencode(".jpg", small, [1, int(r.integers(6, 20))])[1], 1), (w, h))
    if kind in (2, 3):
        rgb = to_u8(rgb + r.normal(0, r.uniform(10, 25), rgb.shape))
    return rgb


def main() -> None:
    """Write a contact sheet: source and styles of the given pictures."""
    p = argparse.ArgumentParser(description=main.__doc__)
    p.add_argument("pictures", nargs="+")
    p.add_argument("--out", default="styles.png")
    args = p.parse_args()
    rows = []
    for path in args.pictures:
        rgb = cv2.imread(path)[..., ::-1]
        s = 256 / min(rgb.shape[:2])
        rgb = cv2.resize(rgb, None, fx=s, fy=s, interpolation=cv2.INTER_AREA)
        rgb = np.ascontiguousarray(rgb[:256, (rgb.shape[1] - 256) // 2:][:, :256])
        rows.append(np.hstack([rgb, *stylise(rgb).values()]))
    cv2.imwrite(args.out, np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
