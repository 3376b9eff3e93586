"""Soft shapes and textures on a grid in millimetres: what the anatomy is drawn with.

Not here: anatomy (`head`, `chest`, `ultrasound`, `mammogram`). Start at `Slice`.
"""

from __future__ import annotations

import numpy
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[numpy.float32]


class Slice:
    """A picture under construction; x to the patient's left, y to the back, in mm from the middle.

    Shapes are painted in order, each over what is there; their edges are as soft as a scanner's focus.
    """

    def __init__(
        self, shape: tuple[int, int], spacing_mm: tuple[float, float], background: float, edge_mm: float = 1.0
    ) -> None:
        rows, columns = shape
        self.values: Plane = numpy.full(shape, background, numpy.float32)
        self.edge_mm = edge_mm
        self._spacing = spacing_mm
        self.y: Plane = ((numpy.arange(rows, dtype=numpy.float32) - (rows - 1) / 2) * spacing_mm[0])[:, None]
        self.x: Plane = ((numpy.arange(columns, dtype=numpy.float32) - (columns - 1) / 2) * spacing_mm[1])[
            None, :
        ]

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """The part of the grid within `reach` mm of a point, so that small shapes cost little."""
        rows, columns = self.values.shape
        row, column = y / self._spacing[0] + (rows - 1) / 2, x / self._spacing[1] + (columns - 1) / 2
        half_rows, half_columns = reach / self._spacing[0] + 2, reach / self._spacing[1] + 2
        return (
            slice(max(0, int(row - half_rows)), max(0, min(rows, int(row + half_rows) + 1))),
            slice(max(0, int(column - half_columns)), max(0, min(columns, int(column + half_columns) + 1))),
        )

    def ellipse(
        self,
        x: float,
        y: float,
        half_width: float,
        half_height: float,
        angle: float = 0.0,
        *,
        wobble: tuple[tuple[int, float, float], ...] = (),
        edge_mm: float | None = None,
    ) -> tuple[tuple[slice, slice], Plane]:
        """Where an ellipse is, and how much it covers each point there (0-1).

        `angle` in radians, clockwise on screen; `wobble`: (lobes, cosine part, sine part) of the radius.
        """
        edge = self.edge_mm if edge_mm is None else edge_mm
        swell = 1 + sum(abs(cosine) + abs(sine) for _, cosine, sine in wobble)
        place = self.window(x, y, max(half_width, half_height) * swell + edge)
        u, v = self.x[:, place[1]] - x, self.y[place[0]] - y
        if angle:
            cosine, sine = numpy.float32(numpy.cos(angle)), numpy.float32(numpy.sin(angle))
            u, v = u * cosine + v * sine, v * cosine - u * sine
        u, v = u / numpy.float32(half_width), v / numpy.float32(half_height)
        radius = numpy.sqrt(u * u + v * v)
        border: Plane | numpy.float32 = numpy.float32(1)
        if wobble:
            border = _lobes(u, v, radius, wobble)
        distance = (radius - border) * numpy.float32(min(half_width, half_height))
        return place, numpy.clip(numpy.float32(0.5) - distance / numpy.float32(edge), 0, 1)

    def paint(
        self, shape: tuple[tuple[slice, slice], Plane], value: float | Plane, opacity: float = 1.0
    ) -> None:
        """Cover with `value` (a number, or a plane of the whole slice) as far as the shape covers."""
        place, cover = shape
        if cover.size == 0:
            return
        target = self.values[place]
        colour = value[place] if isinstance(value, numpy.ndarray) else numpy.float32(value)
        target += (colour - target) * (cover if opacity == 1.0 else cover * numpy.float32(opacity))

    def whole(self, cover: Plane) -> tuple[tuple[slice, slice], Plane]:
        """A cover computed for the whole slice as a shape."""
        return (slice(None), slice(None)), cover

    def full(self, shape: tuple[tuple[slice, slice], Plane]) -> Plane:
        """The cover of a shape on the whole slice."""
        cover = numpy.zeros_like(self.values)
        cover[shape[0]] = shape[1]
        return cover


def _lobes(u: Plane, v: Plane, radius: Plane, wobble: tuple[tuple[int, float, float], ...]) -> Plane:
    """1 + sum of a cos(k t) + b sin(k t), by powers of a complex number: ten times faster than arctan2."""
    safe = numpy.maximum(radius, numpy.float32(1e-3))
    cosine, sine = u / safe, v / safe
    border = numpy.ones_like(radius)
    c, s = cosine, sine
    wanted = {lobes: (a, b) for lobes, a, b in wobble}
    for lobes in range(1, max(wanted) + 1):
        if lobes > 1:
            c, s = c * cosine - s * sine, s * cosine + c * sine
        if lobes in wanted:
            a, b = wanted[lobes]
            border += numpy.float32(a) * c + numpy.float32(b) * s
    return border


class Grain:
    """Scanner noise that costs almost nothing: windows of two prepared noise fields, added.

    `fields` are prepared by `Grain.fields`; `softness` is the width of a grain in pixels.
    The standard deviation of `take` is 1.
    """

    def __init__(self, random: numpy.random.Generator, fields: list[Plane]) -> None:
        self._random = random
        self._fields = fields

    @staticmethod
    def fields(random: numpy.random.Generator, softness: float, side: int) -> list[Plane]:
        """Two noise fields to take windows from; they take half a second and may be shared."""
        shape = (side, side)
        return [band_noise(random, shape, softness, 0.0) * numpy.float32(numpy.sqrt(0.5)) for _ in range(2)]

    def take(self, shape: tuple[int, int]) -> Plane:
        """Noise for one picture."""
        planes = []
        for field in self._fields:
            top = int(self._random.integers(0, field.shape[0] - shape[0] + 1))
            left = int(self._random.integers(0, field.shape[1] - shape[1] + 1))
            piece = field[top : top + shape[0], left : left + shape[1]]
            planes.append(piece[::-1] if self._random.integers(2) else piece)
        return planes[0] + planes[1]


def band_noise(
    random: numpy.random.Generator, shape: tuple[int, ...], finest: float, coarsest: float, power: float = 0.0
) -> Plane:
    """Gaussian noise with detail between `finest` and `coarsest` pixels (0 = no limit), deviation 1.

    `power` > 0 falls off with frequency, as tissue does; the field is periodic.
    """
    spectrum = numpy.fft.rfftn(random.standard_normal(shape, dtype=numpy.float32))
    axes = [numpy.fft.fftfreq(size) for size in shape[:-1]] + [numpy.fft.rfftfreq(shape[-1])]
    frequency = numpy.sqrt(sum(axis**2 for axis in numpy.meshgrid(*axes, indexing="ij", sparse=True)))
    gain = numpy.exp(-((frequency * finest) ** 2) * 2) if finest else numpy.ones_like(frequency)
    if coarsest:
        gain = gain * (1 - numpy.exp(-((frequency * coarsest) ** 2) * 2))
    if power:
        gain = gain / numpy.maximum(frequency, 1 / max(shape)) ** power
    field = numpy.fft.irfftn(spectrum * gain, s=shape, axes=tuple(range(len(shape)))).astype(numpy.float32)
    field -= field.mean()
    deviation = numpy.float32(field.std())
    scaled: Plane = field / deviation
    return scaled


def resized(plane: Plane, shape: tuple[int, int]) -> Plane:
    """The plane at another resolution, bicubic."""
    image = Image.fromarray(plane).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return numpy.asarray(image, dtype=numpy.float32)


def blurred(plane: Plane, sigma: float) -> Plane:
    """A cheap Gaussian blur (three box blurs in each direction)."""
    width = max(1, round(sigma * 1.02))
    for _ in range(3):
        for axis in (0, 1):
            padded = numpy.pad(
                plane, [(width + 1, width) if a == axis else (0, 0) for a in (0, 1)], mode="edge"
            )
            total = numpy.cumsum(padded, axis=axis, dtype=numpy.float64)
            size = 2 * width + 1
            high = numpy.take(total, range(size, total.shape[axis]), axis=axis)
            low = numpy.take(total, range(total.shape[axis] - size), axis=axis)
            plane = ((high - low) / size).astype(numpy.float32)
    return plane
