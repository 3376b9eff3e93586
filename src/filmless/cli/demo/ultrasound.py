"""Synthetic ultrasound: a sector with speckle, a beating four-chamber heart or a kidney beside the liver.

Start at `heart_cine` and `abdomen_image`.
"""

from __future__ import annotations

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from filmless.cli.demo.drawing import Plane, Slice, band_noise

ROWS, COLUMNS = 480, 640
_BEAMS, _SAMPLES = 220, 440  # Lines of the sector and depths on each.
_DEPTH_MM, _APEX_ROW = 160.0, 30
Bytes = NDArray[numpy.uint8]


class Sector:
    """Where each point of the screen lies in the fan: computed once, then a lookup a frame."""

    def __init__(self, half_angle: float = 0.72, near_mm: float = 2.0) -> None:
        scale = (ROWS - _APEX_ROW - 18) / _DEPTH_MM
        rows, columns = numpy.mgrid[0:ROWS, 0:COLUMNS].astype(numpy.float32)
        y, x = (rows - _APEX_ROW) / scale, (columns - COLUMNS / 2) / scale
        radius, angle = numpy.hypot(x, y), numpy.arctan2(x, numpy.maximum(y, 1e-3))
        self.inside = (numpy.abs(angle) < half_angle) & (radius > near_mm) & (radius < _DEPTH_MM) & (y > 0)
        beam = numpy.clip((angle / half_angle + 1) / 2 * (_BEAMS - 1), 0, _BEAMS - 1)
        sample = numpy.clip(radius / _DEPTH_MM * (_SAMPLES - 1), 0, _SAMPLES - 1)
        self._index = (sample.astype(numpy.int32) * _BEAMS + beam.astype(numpy.int32))[self.inside]
        depth = numpy.linspace(0, _DEPTH_MM, _SAMPLES, dtype=numpy.float32)[:, None]
        fan = numpy.linspace(-half_angle, half_angle, _BEAMS, dtype=numpy.float32)[None, :]
        self.x, self.y = depth * numpy.sin(fan), depth * numpy.cos(fan)
        self.depth = numpy.broadcast_to(depth, self.x.shape)

    def sample(self, tissue: Slice) -> Plane:
        """Echogenicity along the beams, from a picture of 1 mm points whose top middle is the probe."""
        rows, columns = tissue.values.shape
        row = numpy.clip(self.y, 0, rows - 1).astype(numpy.int32)
        column = numpy.clip(self.x + columns / 2, 0, columns - 1).astype(numpy.int32)
        sampled: Plane = tissue.values[row, column]
        return sampled

    def screen(self, beams: Plane) -> Bytes:
        """Beams to the screen."""
        shown = numpy.zeros((ROWS, COLUMNS), numpy.uint8)
        shown[self.inside] = numpy.clip(beams.reshape(-1)[self._index], 0, 255).astype(numpy.uint8)
        return shown


def _speckle(random: numpy.random.Generator) -> Plane:
    """Rayleigh speckle, longer across the beams than along them."""
    shape = (_SAMPLES * 2, _BEAMS * 2)
    parts = [band_noise(random, shape, 2.3, 0) for _ in range(2)]
    return numpy.hypot(*parts).astype(numpy.float32)


def _compressed(echo: Plane, speckle: Plane, depth: Plane) -> Plane:
    """Log compression, as every machine does it, and the loss with depth that gain does not quite make up."""
    amplitude = echo * speckle * numpy.exp(-depth / 420)
    compressed: Plane = 108 * numpy.log10(1 + 26 * amplitude) - 16
    return compressed


def heart_cine(seed: int, frames: int) -> NDArray[numpy.uint8]:
    """An apical four-chamber view through one beat: (frames, rows, columns), grey."""
    random = numpy.random.default_rng(seed)
    sector, speckle = Sector(), _speckle(random)
    cine = numpy.empty((frames, ROWS, COLUMNS), numpy.uint8)
    for frame in range(frames):
        beat = frame / frames
        squeeze = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * min(1.0, beat / 0.62)) if beat < 0.62 else 0.0
        opening = max(0.0, float(numpy.sin(2 * numpy.pi * (beat - 0.55) / 0.5))) if beat > 0.55 else 0.05
        echo = sector.sample(_heart(float(squeeze), opening))
        shift = int(3 * squeeze)
        moving = speckle[20 + shift : 20 + shift + _SAMPLES, 10 : 10 + _BEAMS]
        flicker = speckle[_SAMPLES - 40 + frame % 7 :, _BEAMS - 30 :][:_SAMPLES, :_BEAMS]
        cine[frame] = sector.screen(_compressed(echo, 0.8 * moving + 0.2 * flicker, sector.depth))
    return cine


def _heart(squeeze: float, opening: float) -> Slice:
    """Four chambers, apex at the probe. Points of 1 mm; echogenicity 0-1."""
    canvas = Slice((170, 260), (1.0, 1.0), 0.10, edge_mm=3.5)
    canvas.y += 85  # From here on y is depth.
    wall = 0.36
    canvas.paint(_at(canvas, 0, 78, 56, 72), 0.5)
    canvas.paint(_at(canvas, 0, 78, 51, 68), wall)
    left, right = 1 - 0.30 * squeeze, 1 - 0.24 * squeeze
    canvas.paint(_at(canvas, 18, 68, 18 * left, 43 * (1 - 0.12 * squeeze), 0.14), 0.006)
    canvas.paint(_at(canvas, -23, 76, 13 * right, 33 * (1 - 0.10 * squeeze), -0.20), 0.008)
    canvas.paint(_at(canvas, 22, 128, 21 * (1 + 0.12 * squeeze), 18 * (1 + 0.15 * squeeze)), 0.006)
    canvas.paint(_at(canvas, -25, 127, 19 * (1 + 0.1 * squeeze), 17 * (1 + 0.1 * squeeze)), 0.008)
    canvas.paint(_at(canvas, -1, 124, 1.6, 26, 0.02), 0.55)
    base = 106 - 7 * squeeze
    for x, reach, sign in ((20, 17, 1), (-24, 14, 1)):
        swing = 0.25 + 0.95 * opening
        for side in (-1, 1):  # Two leaflets, hinged at the ring.
            hinge = x + side * reach
            canvas.paint(
                _at(
                    canvas,
                    hinge - side * reach * 0.42,
                    base - 9 * swing,
                    reach * 0.48,
                    1.5,
                    -side * swing * sign,
                ),
                1.0,
            )
    canvas.paint(_at(canvas, -2, 146, 60, 3.0), 1.3)
    return canvas


def _at(
    canvas: Slice, x: float, y: float, half_width: float, half_height: float, angle: float = 0.0
) -> tuple[tuple[slice, slice], Plane]:
    """An ellipse at a depth; the whole grid, for its rows are numbered from the probe."""
    u, v = canvas.x - numpy.float32(x), canvas.y - numpy.float32(y)
    cosine, sine = numpy.float32(numpy.cos(angle)), numpy.float32(numpy.sin(angle))
    radius = numpy.sqrt(
        ((u * cosine + v * sine) / half_width) ** 2 + ((v * cosine - u * sine) / half_height) ** 2
    )
    distance = (radius - 1) * numpy.float32(min(half_width, half_height))
    return (slice(None), slice(None)), numpy.clip(0.5 - distance / canvas.edge_mm, 0, 1)


def abdomen_image(seed: int) -> Bytes:
    """Liver and right kidney, in some with a stone and its shadow: grey."""
    random = numpy.random.default_rng(seed)
    tilt, scale, has_stone = random.uniform(0.05, 0.38), random.uniform(0.86, 1.08), random.random() < 0.4
    sector, speckle = Sector(half_angle=0.78, near_mm=6), _speckle(random)
    canvas = Slice((170, 260), (1.0, 1.0), 0.30, edge_mm=2.5)
    canvas.y += 85
    canvas.paint(_at(canvas, 0, 6, 200, 7), 0.75)
    canvas.paint(_at(canvas, 0, 12, 200, 1.4), 1.4)
    for x, y, size, angle in (
        (-30, 40, 3.2, 0.6),
        (-44, 62, 4.6, 0.2),
        (-14, 34, 2.4, 0.9),
        (8, 52, 2.2, 1.1),
    ):
        canvas.paint(_at(canvas, x, y, size * 3.2, size, angle), 0.8)
        canvas.paint(_at(canvas, x, y, size * 2.7, size * 0.6, angle), 0.004)
    canvas.paint(_at(canvas, 16, 96, 59 * scale, 28 * scale, tilt), 1.1)
    canvas.paint(_at(canvas, 16, 96, 55 * scale, 24.5 * scale, tilt), 0.17)
    for step in range(7):  # Pyramids.
        angle = -2.6 + step * 0.75
        canvas.paint(
            _at(
                canvas, 16 + 36 * numpy.cos(angle), 97 + 14 * numpy.sin(angle) + 8 * numpy.cos(angle), 6.5, 5
            ),
            0.05,
        )
    canvas.paint(_at(canvas, 16, 97, 33 * scale, 8.5 * scale, tilt), 0.85)
    if has_stone:
        canvas.paint(_at(canvas, 30, 100, 3.4, 2.6), 3.0)
    canvas.paint(_at(canvas, -10, 150, 110, 7, -0.08), 1.2)
    echo = sector.sample(canvas)
    shadow = has_stone & (numpy.abs(sector.x / numpy.maximum(sector.y, 1) - 0.30) < 0.028) & (sector.y > 103)
    echo = numpy.where(shadow, echo * 0.07, echo).astype(numpy.float32)
    return sector.screen(_compressed(echo, speckle[:_SAMPLES, :_BEAMS], sector.depth))


def with_annotation(frame: Bytes, lines: tuple[str, ...], colour: bool) -> Bytes:
    """The machine's text and depth scale burnt in; RGB when `colour`, as scanners send it."""
    image = Image.fromarray(frame)
    if colour:
        image = image.convert("RGB")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    ink = (120, 200, 255) if colour else 210
    for row, line in enumerate(lines):
        draw.text((10, 10 + 17 * row), line, fill=ink, font=font)
    for tick in range(9):
        y = _APEX_ROW + tick * (ROWS - _APEX_ROW - 18) // 8
        draw.line([(COLUMNS - 14, y), (COLUMNS - (26 if tick % 2 == 0 else 20), y)], fill=ink)
    if colour:
        for row in range(120):
            grey = 255 - row * 2
            draw.line([(COLUMNS - 52, 40 + row), (COLUMNS - 42, 40 + row)], fill=(grey, grey, grey))
    return numpy.asarray(image)
