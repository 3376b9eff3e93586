"""Synthetic radiographs: chests projected from the anatomy of `chest`, and mammograms.

Start at `chest_radiograph` and `mammogram`. Values are as detectors deliver them for presentation, 12 bits,
brighter where denser (MONOCHROME2).
"""

from __future__ import annotations

import itertools

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from filmless.cli.demo.drawing import Grain, Plane, band_noise, blurred, resized

Detected = NDArray[numpy.uint16]

WHITE = 4095


def chest_radiograph(
    projected: Plane,
    random: numpy.random.Generator,
    grain: Grain,
    shape: tuple[int, int],
    finding: str | None = None,
    marker: str = "R",
) -> Detected:
    """A chest film of `shape` from a projection: this patient's build, finding, noise and side marker."""
    half = (shape[0] // 2, shape[1] // 2)
    margin = 24
    padded = numpy.pad(projected, margin, mode="edge")
    # Nobody stands or is built quite like the one who was projected.
    step_x = random.uniform(0.90, 1.05) * projected.shape[1] / half[1]
    step_y = random.uniform(0.94, 1.04) * projected.shape[0] / half[0]
    tilt = random.uniform(-0.018, 0.018)
    origin_x = margin + projected.shape[1] / 2 - step_x * half[1] / 2 - tilt * half[0] / 2
    origin_y = margin + projected.shape[0] / 2 - step_y * half[0] / 2 + tilt * half[1] / 4
    image = Image.fromarray(padded).transform(
        (half[1], half[0]),
        Image.Transform.AFFINE,
        (step_x, tilt, origin_x + random.uniform(-4, 4), -tilt / 2, step_y, origin_y),
        Image.Resampling.BICUBIC,
    )
    film = blurred(numpy.asarray(image, dtype=numpy.float32), 1)
    _add_finding(film, finding, random)
    film = _processed(film)
    if finding == "pacemaker":
        _add_pacemaker(film)
    film = resized(film, shape)
    film = (film + grain.take(shape) * (8 + 22 * (1 - film / WHITE))).astype(numpy.float32)
    _mark(film, marker, (int(shape[1] * 0.06), int(shape[0] * 0.06)))
    return numpy.clip(film, 0, WHITE).astype(numpy.uint16)


def _processed(film: Plane) -> Plane:
    """What the modality does before it sends: flatten the large scale, lift the fine, fit to the range."""
    broad = resized(blurred(film[::4, ::4], 9), film.shape)
    fine = film - blurred(film, 3)
    flattened = film - 0.42 * broad + 1.1 * fine
    body = film > 45
    low, high = numpy.percentile(flattened[body][::31], [2, 99.3]) if body.any() else (0.0, 1.0)
    level = numpy.clip((flattened - low) / (high - low), -0.05, 1.15)
    toned = numpy.where(level > 0, numpy.abs(level) ** 0.92, level)
    processed: Plane = (toned * 3300 + 260) * numpy.clip(film / 60, 0.0, 1.0)
    return processed


def _add_finding(film: Plane, finding: str | None, random: numpy.random.Generator) -> None:
    rows, columns = film.shape
    y, x = numpy.mgrid[0:rows, 0:columns].astype(numpy.float32)
    y, x = y / rows, x / columns
    if finding == "nodule":
        at_x, at_y = random.uniform(0.28, 0.36), random.uniform(0.36, 0.5)
        film += 17 * numpy.clip(1 - ((x - at_x) ** 2 + (y - at_y) ** 2) / 0.019**2, 0, 1) ** 0.5
    elif finding == "pneumonia":
        cloud = resized(band_noise(random, (64, 64), 3, 0), film.shape)
        film += 42 * numpy.exp(-(((x - 0.33) / 0.085) ** 2 + ((y - 0.60) / 0.085) ** 2)) * (1 + 0.35 * cloud)
    elif finding == "effusion":
        level = 0.70 - 0.9 * numpy.clip(x - 0.70, 0, None)
        film += 62 * numpy.clip((y - level) / 0.05, 0, 1) * numpy.clip((x - 0.57) / 0.05, 0, 1) * _cage(x, y)


def _cage(x: Plane, y: Plane) -> Plane:
    """Where the lungs can be on the film, softly."""
    distance = numpy.sqrt(((x - 0.5) / 0.325) ** 2 + (numpy.minimum(y - 0.52, 0) / 0.46) ** 4)
    cover: Plane = numpy.clip((1 - distance) / 0.14, 0, 1) * numpy.clip((0.9 - y) / 0.12, 0, 1)
    return cover


def _add_pacemaker(film: Plane) -> None:
    rows, columns = film.shape
    drawn = Image.new("F", (columns, rows))
    draw = ImageDraw.Draw(drawn)
    x, y, size = 0.74 * columns, 0.24 * rows, 0.045 * columns
    draw.rounded_rectangle((x - size, y - size, x + size, y + size * 0.8), size * 0.7, fill=1300)
    draw.rounded_rectangle(
        (x - size * 0.6, y - size * 0.4, x + size * 0.6, y + size * 0.5), size * 0.3, fill=2400
    )
    path = [
        (0.70, 0.22),
        (0.62, 0.19),
        (0.545, 0.23),
        (0.485, 0.32),
        (0.475, 0.47),
        (0.49, 0.58),
        (0.55, 0.655),
        (0.60, 0.66),
    ]
    points = _smooth([(px * columns, py * rows) for px, py in path])
    draw.line(points, fill=1500, width=max(2, columns // 300), joint="curve")
    film += numpy.asarray(drawn)


def _smooth(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Round the corners of a line (Chaikin, three times)."""
    for _ in range(3):
        cut = [points[0]]
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            cut += [
                (0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1),
                (0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1),
            ]
        points = [*cut, points[-1]]
    return points


def _mark(film: Plane, text: str, place: tuple[int, int]) -> None:
    """A lead letter, as radiographers put them."""
    size = film.shape[0] // 22
    drawn = Image.new("L", (size * 4, size * 2))
    draw = ImageDraw.Draw(drawn)
    draw.text((size // 2, size // 3), text, fill=255, font=ImageFont.load_default(size))
    lead = numpy.asarray(drawn, dtype=numpy.float32) / 255
    target = film[place[1] : place[1] + lead.shape[0], place[0] : place[0] + lead.shape[1]]
    target += (WHITE - target) * lead[: target.shape[0], : target.shape[1]]


def mammogram(
    random: numpy.random.Generator, grain: Grain, laterality: str, view: str, dense: float
) -> Detected:
    """A breast of 1024 x 768 points, chest wall left for "L" and right for "R"; view "CC" or "MLO"."""
    rows, columns = 1024, 768
    y, x = numpy.mgrid[0:rows, 0:columns].astype(numpy.float32)
    middle, half, reach = (520, 400, 560) if view == "CC" else (560, 440, 600)
    drop = 0.0 if view == "CC" else 0.16
    across = (y - middle - drop * x) / half
    outline = reach * numpy.sqrt(numpy.clip(1 - numpy.abs(across) ** 2.3, 0, 1))
    distance = outline - x  # To the skin, along the ray to the nipple.
    inside = numpy.clip(distance / 3 + 0.5, 0, 1)
    thickness = numpy.clip(distance / 130, 0, 1) ** 0.42
    tissue = band_noise(random, (rows, columns), 2.2, 210, power=1.55)
    strands = band_noise(random, (rows, columns), 2.0, 60, power=0.9)
    cone = numpy.exp(-((((x - 250) / 215) ** 2 + ((y - middle - drop * 250) / 205) ** 2) ** 1.3))
    glandular = numpy.clip(cone * (0.62 + 0.62 * tissue + 0.2 * strands) * (0.5 + dense), 0, 1.6)
    fibres = 0.055 * numpy.clip(1.6 - numpy.abs(strands) * 3.4, 0, 1) * numpy.clip(distance / 60, 0, 1)
    film = 1.5 * inside * (820 * thickness + 1050 * glandular * thickness + 1500 * fibres + 40 * tissue)
    skin = numpy.exp(-(((distance - 7) / 4.5) ** 2)) * (inside > 0)
    film += 420 * skin + 520 * numpy.exp(
        -(((x - reach + 4) / 16) ** 2 + ((y - middle - drop * reach) / 22) ** 2)
    )
    if view == "MLO":  # The chest muscle in the corner.
        edge = 265 * (1 - y / 720) + 12 * numpy.sin(y / 90)
        film += 900 * numpy.clip((edge - x) / 16, 0, 1) * (0.92 + 0.08 * strands) * inside
    for _ in range(int(random.integers(2, 9))):  # Some scattered calcifications.
        cx, cy = random.uniform(120, 400), random.uniform(middle - 180, middle + 180)
        film += 900 * numpy.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / random.uniform(1.0, 3.5)))
    film = numpy.clip(film + grain.take((rows, columns)) * 16 * (inside + 0.15), 0, WHITE)
    if laterality == "R":
        film = film[:, ::-1]
    film = numpy.ascontiguousarray(film)
    _mark(film, f"{laterality}{view}", (columns - 250 if laterality == "L" else 40, 60))
    return film.astype(numpy.uint16)
