"""Figures in three dimensions, each as a soft render and as a cel drawing of exactly the same view.

A figure is a set of round cones (two spheres of different size and the skin between them). Seen in parallel projection, the
nearest surface point of a round cone is well approximated per pixel by the sphere at the nearest point of its axis, so a
figure needs no mesh: a depth buffer of such spheres gives part number, normal and depth, and from these follow both pictures:
the render (wrapped diffuse light, highlight, ambient shade, contact shadow, slight blur and grain) and the drawing (two or three
tones, an outline where the part or the depth changes).
"""
from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

import toon
from styles import blur, from_lab, to_lab, to_u8

OVERSAMPLE = 2


@dataclass
class Part:
    """A round cone: ends (x right, y up, z to the viewer; units of body height about 1.7), radii, colour, what is drawn on it."""

    a: np.ndarray
    b: np.ndarray
    ra: float
    rb: float
    colour: np.ndarray
    gloss: float = 0.15
    face: dict | None = None
    group: int = 0  # no line between parts of a group


@dataclass
class Figure:
    """Parts, the head's centre and size (for close-ups), tags."""

    parts: list[Part] = field(default_factory=list)
    head: np.ndarray = field(default_factory=lambda: np.zeros(3))
    head_size: float = 0.12
    tags: list[str] = field(default_factory=list)

    def cone(self, a, b, ra: float, rb: float, colour, **more) -> None:
        self.parts.append(Part(np.asarray(a, float), np.asarray(b, float), ra, rb, np.asarray(colour, np.float32), **more))

    def ball(self, a, radius: float, colour, **more) -> None:
        self.cone(a, np.asarray(a, float) + [0, 1e-4, 0], radius, radius, colour, **more)


def direction(polar: float, azimuth: float) -> np.ndarray:
    """Unit vector `polar` radians away from straight down, turned by `azimuth` (0 = to the right, pi/2 = to the viewer)."""
    return np.array([np.sin(polar) * np.cos(azimuth), -np.cos(polar), np.sin(polar) * np.sin(azimuth)])


def turn_matrix(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation: roll about z, then pitch about x, then yaw about y."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    return (np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
            @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]))


def any_colour(r: np.random.Generator) -> np.ndarray:
    """A cloth colour: grey or vivid."""
    return toon.hsv(r.random(), r.uniform(0, 0.15) if r.random() < 0.3 else r.uniform(0.4, 0.9), r.uniform(0.3, 1))


def face_of(r: np.random.Generator, iris: np.ndarray) -> dict:
    """What is drawn on a head, in radians on its sphere."""
    return dict(apart=r.uniform(0.34, 0.44), up=r.uniform(-0.02, 0.12), width=r.uniform(0.13, 0.22), height=r.uniform(0.14, 0.28), iris=iris,
                closed=r.random() < 0.1, mouth=int(r.integers(3)), mouth_width=r.uniform(0.14, 0.3), brow=r.normal() * 0.06, look=r.normal(0, 0.03, 2))


def person(r: np.random.Generator) -> Figure:
    """A person in some pose; proportions from toddler-like toon to grown-up."""
    f = Figure(tags=["person", str(r.choice(["1girl", "1boy"]))])
    big = r.uniform(0.95, 1.9)  # size of the head
    hr = 0.115 * big
    skin = toon.hsv(*toon.SKIN[r.integers(len(toon.SKIN))])
    hair = toon.hsv(*[(0.07, 0.55, 0.35), (0.1, 0.6, 0.75), (0.12, 0.55, 0.95), (0.0, 0.1, 0.15), (0.95, 0.5, 0.9), (0.6, 0.5, 0.8), (0.02, 0.75, 0.7)][r.integers(7)])
    shirt, trousers, shoe, extra = (any_colour(r) for _ in range(4))
    wide = r.uniform(0.85, 1.25)
    hip = np.array([0, 0.86, 0.0])
    lean = np.array([r.normal() * 0.08, 0.45, r.normal() * 0.06])
    neck = hip + lean * r.uniform(0.95, 1.05)
    chest = hip * 0.35 + neck * 0.65
    energy = r.choice([0.25, 1.0], p=[0.4, 0.6])
    f.cone(hip, chest, 0.125 * wide, 0.15 * wide, shirt, group=1)
    f.cone(chest, neck - [0, 0.03, 0], 0.15 * wide, 0.09, shirt, group=1)
    f.ball(hip - [0, 0.02, 0], 0.13 * wide, trousers, group=2)
    sleeve, short = r.integers(3), r.random() < 0.4
    for side in (-1, 1):
        shoulder = neck + np.array([side * 0.15 * wide, -0.055, 0])
        up = direction(abs(r.normal(0.35, 0.15 + 0.9 * energy)), (0 if side > 0 else np.pi) + r.normal(0, 0.9 * energy))
        low = direction(abs(r.normal(0.3, 0.1 + 1.2 * energy)), (0 if side > 0 else np.pi) + r.normal(0.6 * side, 1.0 * energy))
        elbow = shoulder + up * 0.26
        hand = elbow + low * 0.24
        upper, lower = (shirt if sleeve > 0 else skin), (shirt if sleeve > 1 else skin)
        f.cone(shoulder, elbow, 0.062 * wide, 0.05, upper, group=1 if sleeve > 0 else 0)
        f.cone(elbow, hand, 0.05, 0.04, lower, group=1 if sleeve > 1 else 3 + side)
        f.ball(hand + low * 0.04, 0.058, skin)
        thigh = direction(abs(r.normal(0.1, 0.12 + 0.45 * energy)), r.uniform(-np.pi, np.pi) * energy + (0 if side > 0 else np.pi))
        knee = hip + np.array([side * 0.075 * wide, -0.04, 0]) + thigh * 0.4
        shin = direction(abs(r.normal(0.08, 0.08 + 0.4 * energy)), r.uniform(-np.pi, np.pi))
        foot = knee + shin * 0.38
        f.cone(hip + np.array([side * 0.075 * wide, -0.04, 0]), knee, 0.09 * wide, 0.07, trousers, group=2)
        f.cone(knee, foot, 0.07, 0.05, skin if short else trousers, group=2 if not short else 6 + side)
        f.cone(foot, foot + [side * 0.03, -0.03, 0.11], 0.056, 0.05, shoe)
    if r.random() < 0.4:  # a skirt or coat
        length = r.uniform(0.18, 0.45)
        f.cone(hip + [0, 0.04, 0], hip - [r.normal() * 0.03, length, 0], 0.13 * wide, r.uniform(0.19, 0.3), extra if r.random() < 0.6 else shirt, group=9)
    f.cone(neck - [0, 0.02, 0], neck + [0, 0.06, 0], 0.045, 0.045, skin, group=10)
    if r.random() < 0.3:
        f.cone(neck - [0.07, 0.01, 0], neck + [0.07, -0.01, 0.02], 0.055, 0.055, extra)
    head = neck + np.array([lean[0] * 0.1, 0.03 + hr, 0.02])
    pose = turn_matrix(r.normal() * 0.5, r.normal() * 0.18, r.normal() * 0.15)
    f.cone(head, head + pose @ [0, -0.28 * hr, 0.08 * hr], hr, hr * 0.86, skin, face=dict(face_of(r, toon.hsv(r.random(), 0.6, 0.7)), pose=pose, radius=hr), group=10)
    f.ball(head + pose @ [0, -0.18 * hr, 1.02 * hr], hr * 0.1, skin * 0.97, group=10)
    for side in (-1, 1):
        f.ball(head + pose @ [side * 0.97 * hr, -0.12 * hr, 0], hr * 0.2, skin * 0.96, group=10)
    f.ball(head + pose @ [0, 0.2 * hr, -0.2 * hr], hr * 1.06, hair, gloss=0.3, group=11)
    style = r.integers(6)
    if style in (0, 1):  # fringe
        for x in np.linspace(-0.75, 0.75, int(r.integers(3, 7))):
            tip = pose @ [x * hr * 1.1, (0.25 + 0.25 * abs(x)) * hr, (1.0 - 0.45 * x * x) * hr]
            f.cone(head + pose @ [x * 0.6 * hr, 0.85 * hr, 0.35 * hr], head + tip, hr * 0.36, hr * 0.07, hair, gloss=0.3, group=11)
    if style in (1, 2):  # long
        end = head + np.array([r.normal() * 0.1, -hr * r.uniform(1.5, 4), -hr * 0.7])
        f.cone(head + pose @ [0, 0, -0.45 * hr], end, hr * 1.0, hr * 0.55, hair, gloss=0.3, group=11)
    if style == 3:  # bunches
        for side in (-1, 1):
            root = head + pose @ [side * 1.05 * hr, 0.35 * hr, -0.1 * hr]
            f.cone(root, root + [side * hr * r.uniform(0.2, 0.9), -hr * r.uniform(0.5, 1.8), 0], hr * 0.34, hr * 0.12, hair, gloss=0.3)
    if style == 4:
        f.ball(head + pose @ [0, 1.15 * hr, -0.5 * hr], hr * 0.45, hair, gloss=0.3)
    if r.random() < 0.2:  # cap
        f.ball(head + pose @ [0, 0.38 * hr, -0.05 * hr], hr * 1.08, extra, group=12)
        f.cone(head + pose @ [-0.4 * hr, 0.5 * hr, 1.1 * hr], head + pose @ [0.4 * hr, 0.5 * hr, 1.1 * hr], hr * 0.2, hr * 0.2, extra * 0.9, group=12)
    f.head, f.head_size = head, hr
    return f


def animal(r: np.random.Generator) -> Figure:
    """A four-legged or sitting toon animal."""
    f = Figure(tags=["animal", str(r.choice(["cat", "dog", "rabbit", "bear"]))])
    coat = toon.hsv(r.choice([0.07, 0.09, 0.1, 0.6, 0.03]) + r.normal() * 0.02, r.choice([0.08, 0.4, 0.6]), r.uniform(0.3, 0.95))
    pale, dark = coat * 0.4 + 150, coat * 0.35
    upright = r.random() < 0.5
    hr = r.uniform(0.16, 0.28)
    if upright:
        rear, front = np.array([0, 0.4, 0.0]), np.array([r.normal() * 0.05, 0.85, 0.03])
        f.cone(rear, front, r.uniform(0.2, 0.32), r.uniform(0.12, 0.2), coat, group=1)
        f.cone(rear + [0, 0.05, 0.12], front + [0, -0.12, 0.09], 0.19, 0.09, pale, group=1)
    else:
        rear, front = np.array([-0.4, 0.55, -0.1]), np.array([0.35, 0.65, 0.1])
        f.cone(rear, front, r.uniform(0.17, 0.25), r.uniform(0.15, 0.23), coat, group=1)
    for side in (-1, 1):
        for at in (rear, front):
            root = at + ([side * 0.15, -0.05, 0.05] if upright else [0.05, -0.1, side * 0.1])
            stretch = 0.32 if upright else root[1] - 0.05
            tip = root + direction(abs(r.normal(0.3, 0.3)), r.uniform(0, np.pi)) * stretch
            f.cone(root, tip, 0.08, 0.055, coat, group=1)
            f.ball(tip, 0.068, pale if r.random() < 0.4 else coat)
    head = front + np.array([0.02 if upright else 0.15, hr + 0.05, 0.08])
    pose = turn_matrix(r.normal() * 0.5 + (0 if upright else 0.5), r.normal() * 0.15, r.normal() * 0.12)
    f.cone(front, head, 0.13, 0.12, coat, group=1)
    f.ball(head, hr, coat, face=dict(face_of(r, toon.hsv(r.random(), 0.6, 0.6)), pose=pose, radius=hr, mouth=9), group=1)
    muzzle = head + pose @ [0, -0.35 * hr, 0.85 * hr]
    f.ball(muzzle, hr * r.uniform(0.35, 0.55), pale)
    f.ball(muzzle + pose @ [0, 0.22 * hr, 0.38 * hr], hr * 0.13, dark, gloss=0.6)
    tall = r.choice([0.35, 0.7, 1.8])
    for side in (-1, 1):
        root = head + pose @ [side * 0.62 * hr, 0.75 * hr, -0.05 * hr]
        f.cone(root, root + pose @ [side * hr * r.uniform(0.1, 0.5), tall * hr, 0], hr * 0.3, hr * 0.12, coat, group=1)
    f.cone(rear + [-0.1, 0, -0.15], rear + [-0.35, r.uniform(-0.2, 0.4), -0.2], 0.05, 0.03, coat)
    f.head, f.head_size = head, hr
    return f


def draw_face(p: Part, normal: np.ndarray, colour: np.ndarray, drawn: np.ndarray) -> None:
    """Eyes, brows and mouth by direction on the head's sphere; writes into colour (h, w, 3), marks line ink in drawn (h, w)."""
    f = p.face
    local = normal @ f["pose"]  # = pose^T n
    u = np.arctan2(local[..., 0], local[..., 2])
    v = np.arcsin(np.clip(local[..., 1], -1, 1))
    ink = np.float32([40, 26, 32])
    for side in (-1, 1):
        x, y = (u - side * f["apart"]) / f["width"], (v - f["up"]) / f["height"]
        if f["closed"]:
            lid = (np.abs(y + 0.25 * x * x) < 0.16) & (np.abs(x) < 1)
        else:
            inside = x * x + y * y < 1
            colour[inside] = (250, 250, 252)
            gx, gy = x - f["look"][0] * 5, y - f["look"][1] * 5
            iris = inside & (gx * gx * 1.9 + gy * gy * 1.25 < 0.8)
            colour[iris] = f["iris"]
            colour[iris & (y > 0.15)] *= 0.6
            colour[inside & (gx * gx + gy * gy * 0.8 < 0.16)] = ink * 0.6
            colour[inside & ((gx + 0.22) ** 2 + (gy - 0.3) ** 2 < 0.05)] = 255
            rim = np.sqrt(x * x + y * y)
            lid = (rim > 0.9) & (rim < 1.2) & (y > -0.1) | (rim > 0.97) & (rim < 1.06)
        brow = (np.abs(y - 1.6 - f["brow"] * 10 * side * x + 0.2 * x * x) < 0.18) & (np.abs(x) < 1.1)
        for mark in (lid, brow):
            colour[mark] = ink
            drawn |= mark
    if f["mouth"] < 3:
        x, y = u / f["mouth_width"], (v + 0.42) / 0.1
        shape = np.abs(x) < 1
        if f["mouth"] == 0:
            mark = shape & (np.abs(y - 0.5 * x * x + 0.3) < 0.28)
        elif f["mouth"] == 1:
            mark = shape & (y < 0.35) & (y > -1.4 * np.sqrt(np.clip(1 - x * x, 0, 1)))
            colour[mark] = (150, 45, 55)
            mark = mark & ((y > 0.1) | (y < -1.15 * np.sqrt(np.clip(1 - x * x, 0, 1))))
        else:
            mark = shape & (np.abs(y) < 0.25)
        colour[mark] = ink * 1.3
        drawn |= mark


def rasterise(f: Figure, side: int, centre: np.ndarray, zoom: float):
    """Depth buffer at `side` px. `zoom` px per unit about `centre`. Returns part number (-1 none), group, depth, normal, colour, ink."""
    n = side
    ids, groups = np.full((n, n), -1, np.int32), np.full((n, n), -1, np.int32)
    depth = np.full((n, n), -1e9, np.float32)
    normal, colour = np.zeros((n, n, 3), np.float32), np.zeros((n, n, 3), np.float32)
    ink = np.zeros((n, n), bool)
    gloss = np.zeros((n, n), np.float32)
    for k, p in enumerate(f.parts):
        a, b = (np.array([n / 2 + (q[0] - centre[0]) * zoom, n / 2 - (q[1] - centre[1]) * zoom]) for q in (p.a, p.b))
        ra, rb = p.ra * zoom, p.rb * zoom
        lo = np.floor(np.minimum(a - ra, b - rb)).astype(int).clip(0, n)
        hi = np.ceil(np.maximum(a + ra, b + rb)).astype(int).clip(0, n) + 1
        x0, y0, x1, y1 = lo[0], lo[1], min(hi[0], n), min(hi[1], n)
        if x0 >= x1 or y0 >= y1:
            continue
        xs, ys = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
        axis = b - a
        t = np.clip(((xs - a[0]) * axis[0] + (ys - a[1]) * axis[1]) / max(1e-6, axis @ axis), 0, 1)
        radius = ra + (rb - ra) * t
        dx, dy = (xs - a[0] - axis[0] * t) / radius, (ys - a[1] - axis[1] * t) / radius
        d2 = dx * dx + dy * dy
        nz = np.sqrt(np.clip(1 - d2, 0, 1))
        z = (p.a[2] + (p.b[2] - p.a[2]) * t) * zoom + radius * nz
        old = depth[y0:y1, x0:x1]
        nearer = (d2 < 1) & (z > old)
        if not nearer.any():
            continue
        nn = np.stack([dx, -dy, nz], -1).astype(np.float32)
        c = np.broadcast_to(p.colour, nn.shape).copy()
        marks = np.zeros(nn.shape[:2], bool)
        if p.face:
            draw_face(p, nn, c, marks)
        for buffer, value in ((ids, k), (groups, p.group if p.group else 100 + k), (depth, z), (normal, nn), (colour, c), (ink, marks), (gloss, p.gloss)):
            view = buffer[y0:y1, x0:x1]
            view[nearer] = value[nearer] if isinstance(value, np.ndarray) else value
    return ids, groups, depth, normal, colour, ink, gloss


def stage(r: np.random.Generator, side: int, foot: float, x: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Backdrop as render and as drawing: a floor and a wall with a soft contact shadow, or one of toon's places."""
    if r.random() < 0.5:
        kind = str(r.choice(["simple", "out", "sunset", "room"], p=[0.2, 0.4, 0.15, 0.25]))
        seed, both = int(r.integers(1 << 30)), []
        for mode in ("plain", "anime"):
            q = np.random.default_rng(seed)
            c = toon.Canvas(side // OVERSAMPLE, mode)
            toon.backdrop(c, q, side // OVERSAMPLE, kind, dict(b1=toon.hsv(q.random(), q.uniform(0, 0.4), q.uniform(0.6, 1)), b2=toon.hsv(q.random(), 0.3, 0.9)))
            both.append(cv2.resize(c.im, (side, side), interpolation=cv2.INTER_AREA))
        return both[0], both[1], [{"simple": "simple background", "out": "outdoors", "sunset": "sunset", "room": "indoors"}[kind]]
    wall, floor = (toon.hsv(r.random(), r.uniform(0, 0.5), r.uniform(0.5, 1)) for _ in range(2))
    horizon = np.clip(foot - side * r.uniform(0.05, 0.3), 0.1 * side, 1.2 * side)
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    ground = (ys > horizon).astype(np.float32)[..., None]
    flat = wall * (1 - ground) + floor * ground
    spot = np.exp(-(((xs - side * r.uniform(0.2, 0.8)) / side) ** 2 + ((ys - side * r.uniform(0, 0.6)) / side) ** 2) * 2.2)[..., None]
    shadow = np.exp(-((xs - x) / (0.16 * side)) ** 2 - ((ys - foot) / (0.035 * side)) ** 2)[..., None]
    soft = blur(ground[..., 0], side * 0.02)[..., None] if r.random() < 0.6 else ground
    render = (wall * (1 - soft) + floor * soft) * (0.5 + 0.55 * spot) * (1 - 0.5 * shadow)
    drawing = flat * (1 - 0.3 * (shadow > 0.5))
    return render, drawing, ["simple background"]


def scene(seed: int, side: int = 256) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(soft render, cel drawing, tags) of one figure, uint8 RGB."""
    r = np.random.default_rng([seed, 3])
    f = person(r) if r.random() < 0.72 else animal(r)
    view = turn_matrix(r.normal() * 0.6, r.normal() * 0.1, 0)
    for p in f.parts:
        p.a, p.b = view @ p.a, view @ p.b
        if p.face:
            p.face["pose"] = view @ p.face["pose"]
    f.head = view @ f.head
    n = side * OVERSAMPLE
    shot = r.choice(3, p=[0.4, 0.3, 0.3])
    if shot == 0:
        zoom, centre = n / r.uniform(1.9, 2.6), np.array([r.normal() * 0.2, 0.85 + r.normal() * 0.06])
    elif shot == 1:
        zoom, centre = n / r.uniform(1.0, 1.5), f.head[:2] + [r.normal() * 0.12, -0.3 + r.normal() * 0.1]
    else:
        zoom, centre = n / (f.head_size * r.uniform(2.8, 5)), f.head[:2] + np.array([r.normal(), r.normal()]) * 0.3 * f.head_size
    ids, groups, depth, normal, colour, ink, gloss = rasterise(f, n, centre, zoom)
    light = np.array([r.choice([-1, 1]) * r.uniform(0.3, 0.9), r.uniform(0.4, 1), r.uniform(0.3, 1)])
    light = (light / np.linalg.norm(light)).astype(np.float32)
    diffuse = normal @ light
    render, drawing, place = stage(r, n, n / 2 + centre[1] * zoom, n / 2 - centre[0] * zoom)
    body = (ids >= 0)[..., None]
    # soft render: wrapped light, ambient shade from a blurred depth, highlight, rim
    near = np.where(ids >= 0, depth, -0.5 * zoom)
    shade = np.clip((near - blur(near.astype(np.float32), n * 0.015)) / (zoom * 0.03), -1, 0)
    lit = (0.42 + 0.68 * np.clip((diffuse + 0.35) / 1.35, 0, 1) + 0.12 * normal[..., 1]) * (1 + 0.45 * shade)
    half = light + np.float32([0, 0, 1])
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 24 * gloss
    tint = np.float32([r.uniform(0.92, 1.06), 1, r.uniform(0.92, 1.06)])
    soft = colour * lit[..., None] * tint + 255 * shine[..., None] + 30 * ((1 - normal[..., 2:]) ** 3)
    render = np.where(body, soft, render * tint)
    # drawing: steps of the same light, lines where group or depth changes
    vivid = to_lab(np.clip(colour, 0, 255))
    vivid[..., 1:] *= 1.15
    vivid[..., 0] = 100 * (vivid[..., 0] / 100) ** 0.9
    bright = from_lab(vivid)
    edge = r.uniform(0.05, 0.25)
    step = 1 / (1 + np.exp(-(blur(diffuse.astype(np.float32), 1.2) - edge) * 40))
    cel = bright * (step[..., None] * (1 - np.float32([0.66, 0.6, 0.74])) + np.float32([0.66, 0.6, 0.74]))
    cel += 255 * 0.8 * (shine > 0.55 * gloss.max())[..., None] * (gloss > 0.2)[..., None]
    drawing = np.where(body, cel, drawing)
    line = np.zeros((n, n), np.uint8)
    for axis in (0, 1):
        jump = (np.diff(groups, axis=axis) != 0) | (np.abs(np.diff(near, axis=axis)) > 0.045 * zoom)
        line |= np.pad(jump, [(0, 1), (0, 0)] if axis == 0 else [(0, 0), (0, 1)]).astype(np.uint8)
    width = OVERSAMPLE * (1 if shot == 0 else 1.5)
    line = cv2.dilate(line, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(width) + 1,) * 2))
    line = np.maximum(blur(line.astype(np.float32), 0.8), ink)
    drawing = drawing + (np.float32([26, 16, 28]) - drawing) * line[..., None] * 0.92
    render, drawing = (cv2.resize(np.clip(q, 0, 255).astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) for q in (render, drawing))
    render = blur(render, r.uniform(0.3, 0.8)) + r.normal(0, r.uniform(0, 3), render.shape)
    f.tags.append(["full body", "upper body", "face, portrait"][shot])
    return to_u8(render), to_u8(drawing), f.tags + place


def main() -> None:
    """Write a contact sheet of 24 scenes to figures.png."""
    pairs = [np.vstack(scene(i)[:2]) for i in range(24)]
    cv2.imwrite("figures.png", np.vstack([np.hstack(pairs[i:i + 8]) for i in range(0, 24, 8)])[..., ::-1])


if __name__ == "__main__":
    main()
