"""A synthetic head, slice by slice: tissues first, then what CT and MR make of them.

Anatomy is schematic but in its place and in millimetres; folds of the cortex are the zero lines of a smooth
random field, which looks like the real thing because both are surfaces that fill a space.
Start at `Head.tissues`; z = 0 is the skull base at the level of the orbits, z grows to the vertex.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray

from filmless.cli.demo.drawing import Grain, Plane, Slice, band_noise, resized

# Tissues are painted as numbers along one axis so that soft edges mix neighbours, not strangers.
AIR, FAT, MUSCLE, BONE, MARROW, CSF, GREY, WHITE, LESION, EYE, BLOOD = range(11)
TISSUES = 11

CT_HU = numpy.array([-1000, -85, 52, 1250, 420, 8, 38, 29, 16, 14, 68], numpy.float32)
T1 = numpy.array([8, 1000, 420, 40, 620, 140, 520, 740, 400, 160, 560], numpy.float32)
T2 = numpy.array([8, 620, 260, 30, 380, 1150, 560, 400, 900, 1100, 300], numpy.float32)
FLAIR = numpy.array([8, 520, 250, 30, 300, 90, 600, 470, 1050, 120, 420], numpy.float32)

NDArrayInt16 = NDArray[numpy.int16]

VERTEX_MM = 118.0
FOLD_SIDE, FOLD_LAYERS, FOLD_MM = 96, 64, 2.4


@dataclass
class Head:
    """One person's head. `lesion`: None, "bleed", "infarct" or "plaques"."""

    seed: int
    width: float = 74.0
    length: float = 93.0
    ventricles: float = 1.0
    lesion: str | None = None
    _folds: Plane = field(init=False, repr=False)
    _bone: Plane = field(init=False, repr=False)
    _random: numpy.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = numpy.random.default_rng(self.seed)
        shape = (FOLD_LAYERS, FOLD_SIDE, FOLD_SIDE)
        self._folds = band_noise(self._random, shape, 3.6, 7.5)
        self._bone = band_noise(self._random, (512, 512), 3.0, 0.0)
        self._plaques = [
            (side * self._random.uniform(14, 34), self._random.uniform(-40, 45), self._random.uniform(62, 88))
            for side in (-1, 1, -1, 1, -1, 1, 1, -1)
        ]

    def scale(self, z: float) -> float:
        """How wide the head is at height z, the widest being 1."""
        above, below = (z - 38.0) / (VERTEX_MM - 38.0), (38.0 - z) / 150.0
        return float(numpy.sqrt(max(0.0, 1 - abs(above) ** 2.3))) if z > 38 else 1 - below**2 * 2.2

    def tissues(self, z: float, shape: tuple[int, int], spacing_mm: float) -> list[Plane]:
        """How much of each tissue every point of the slice at height z holds; they add up to one."""
        layers = _Layers(shape, spacing_mm)
        scale = self.scale(z)
        if scale * self.width < 8:
            if scale * self.width > 1:
                layers.ellipse(MUSCLE, 0, 0, scale * self.width, scale * self.length)
            return layers.covers
        self._draw_skull(layers, z, scale)
        self._draw_brain(layers, z, scale)
        self._draw_ventricles(layers, z)
        if z < 34:
            self._draw_base(layers, z)
        self._draw_lesion(layers, z)
        return layers.covers

    # --- parts -------------------------------------------------------------------------------------------

    def _outline(self, scale: float, inset: float) -> tuple[float, float, float, float]:
        return 0.0, 3.0, max(2.0, self.width * scale - inset), max(2.0, self.length * scale - inset * 1.05)

    def _draw_skull(self, layers: _Layers, z: float, scale: float) -> None:
        egg = ((3, 0.0, -0.022), (1, 0.0, 0.02))
        low = max(0.0, (62 - z) / 62)
        x, y, half_width, half_length = self._outline(scale, -7.5)
        if z < 34:  # Cheeks, brow and nose.
            face = float(numpy.sqrt(1 - z / 34))
            layers.ellipse(MUSCLE, 0, -52, 62, 42 + 6 * face, wobble=((4, 0.03, 0.0),))
            layers.ellipse(FAT, 0, -52, 60.5, 40.5 + 6 * face, wobble=((4, 0.03, 0.0),))
            layers.ellipse(MUSCLE, 0, -92, 10 * face, 13 * face)
        layers.ellipse(MUSCLE, x, y, half_width + 5 * low, half_length + 2 * low, wobble=egg)
        layers.ellipse(FAT, x, y, half_width + 5 * low - 1.6, half_length + 2 * low - 1.6, wobble=egg)
        scalp = layers.slice.full(
            layers.slice.ellipse(x, y, half_width + 5 * low - 3, half_length + 2 * low - 3, wobble=egg)
        )
        for side in (-1, 1):  # Temporal muscles, muscles of the neck.
            if low:
                place, cover = layers.slice.ellipse(
                    side * (self.width * scale), -20, 2.5 + 5 * low, 38, angle=side * 0.16
                )
                layers.paint(MUSCLE, (place, cover * scalp[place]))
            if z < 30:
                place, cover = layers.slice.ellipse(
                    side * 20, self.length * scale - 2, 20, 7 + 5 * low, side * -0.28
                )
                layers.paint(MUSCLE, (place, cover * scalp[place]))
        layers.ellipse(BONE, *self._outline(scale, 0), wobble=egg)
        thickness = 6.4 + 1.5 * max(0.0, z - 80) / 40
        diploe = layers.slice.full(layers.slice.ellipse(*self._outline(scale, 2.0), wobble=egg))
        inner = layers.slice.full(layers.slice.ellipse(*self._outline(scale, thickness - 1.8), wobble=egg))
        marrow = numpy.clip(diploe - inner, 0, 1) * numpy.clip(
            0.55 + 0.25 * self._bone[: diploe.shape[0], : diploe.shape[1]], 0, 1
        )
        layers.paint(MARROW, layers.slice.whole(marrow))
        layers.ellipse(CSF, *self._outline(scale, thickness), wobble=egg)
        if z < 70:  # Internal occipital protuberance and frontal crest.
            layers.ellipse(BONE, 0, self.length * scale - thickness + 2, 4, 6)
            layers.ellipse(BONE, 0, -self.length * scale + thickness + 5, 2.2, 6)

    def _draw_brain(self, layers: _Layers, z: float, scale: float) -> None:
        thickness = 8.6
        x, y, half_width, half_length = self._outline(scale, thickness)
        if half_width < 6:
            return
        canvas = layers.slice
        egg = ((3, 0.0, -0.02), (1, 0.0, 0.02))
        brain = canvas.full(canvas.ellipse(x, y, half_width, half_length, wobble=egg))
        core = canvas.full(canvas.ellipse(x, y, half_width * 0.74, half_length * 0.8, wobble=egg, edge_mm=14))
        deep = canvas.full(canvas.ellipse(x, y - 2, half_width * 0.5, half_length * 0.56, edge_mm=10))
        folds = self._fold_plane(z, brain.shape)
        distance = numpy.abs(folds)
        rim = numpy.clip(
            brain
            - canvas.full(canvas.ellipse(x, y, half_width - 3.2, half_length - 3.4, wobble=egg, edge_mm=2)),
            0,
            1,
        )
        # Near a zero line is a sulcus, beside it the cortex, between two lines white matter.
        sulcus = _below(distance, 0.105, 0.13) * (1 - core)
        cortex = numpy.maximum(_below(distance, 0.52, 0.25), rim) * (1 - deep)
        layers.paint(WHITE, canvas.whole(brain))
        layers.paint(GREY, canvas.whole(brain * cortex))
        layers.paint(CSF, canvas.whole(brain * sulcus * numpy.float32(0.9)))
        if z > 30:
            self._draw_midline(layers, z, half_length, y)
        if 34 < z < 66:  # Sylvian fissures, insula.
            for side in (-1, 1):
                layers.ellipse(CSF, side * half_width * 0.66, -12, 2.0, 17, angle=side * -0.42, edge_mm=2)
                layers.ellipse(CSF, side * half_width * 0.9, -20, 11, 2.1, angle=side * 0.3, edge_mm=2)
        if 50 < z < 78:
            self._draw_nuclei(layers, z)

    def _draw_midline(self, layers: _Layers, z: float, half_length: float, y: float) -> None:
        """The fissure between the hemispheres with the falx in it."""
        gap = 1.5 if z > 84 else 1.15
        front, back = (-half_length, -24.0), (34.0, half_length)
        spans = [(-half_length, half_length)] if z > 92 else [front, back]
        for first, last in spans:
            middle, half = (first + last) / 2 + y, (last - first) / 2
            layers.ellipse(CSF, 0, middle, gap, half, edge_mm=1.6)
            layers.ellipse(MUSCLE, 0, middle, 0.45, half, edge_mm=1.0)

    def _draw_nuclei(self, layers: _Layers, z: float) -> None:
        fade = 1 - abs(z - 63) / 16
        if fade <= 0.05:
            return
        for side in (-1, 1):
            layers.ellipse(
                GREY, side * 25, -8, 6.0 * fade + 1, 15 * fade + 1, angle=side * -0.28, edge_mm=2.5
            )
            layers.ellipse(
                GREY, side * 10.5, 14, 7.5 * fade + 1, 12 * fade + 1, angle=side * -0.35, edge_mm=2.5
            )
            layers.ellipse(GREY, side * 13, -25, 4.2 * fade + 1, 8 * fade + 1, angle=side * -0.35, edge_mm=2)

    def _draw_ventricles(self, layers: _Layers, z: float) -> None:
        size = self.ventricles
        for side in (-1, 1):
            if 56 < z < 90:
                grow = 1 - abs(z - 74) / 18
                layers.ellipse(
                    CSF,
                    side * (7 + 2 * grow),
                    -24,
                    (2.2 + 2.6 * grow) * size,
                    11 + 4 * grow,
                    angle=side * -0.38,
                    edge_mm=1.6,
                )
            if 70 < z < 90:
                grow = 1 - abs(z - 80) / 11
                layers.ellipse(
                    CSF,
                    side * (9 + 3 * grow),
                    4,
                    (1.5 + 3.0 * grow) * size,
                    26 * grow + 6,
                    angle=side * 0.13,
                    edge_mm=1.6,
                )
            if 56 < z < 80:
                grow = 1 - abs(z - 68) / 13
                layers.ellipse(
                    CSF,
                    side * (20 + 2 * grow),
                    37,
                    (1.6 + 2.6 * grow) * size,
                    8 + 9 * grow,
                    angle=side * 0.30,
                    edge_mm=1.6,
                )
                layers.ellipse(BONE, side * 19, 31, 2.2 * grow + 0.4, 2.6 * grow + 0.4, edge_mm=1.6)
        if 48 < z < 66:
            layers.ellipse(CSF, 0, 5, 1.6 * size, 11, edge_mm=1.4)
            layers.ellipse(CSF, 0, 28, 9, 3.2, wobble=((3, 0.3, 0.1),), edge_mm=2)
        if 58 < z < 64:
            layers.ellipse(BONE, 0, 22, 1.8, 1.8)
        if 38 < z < 50:  # The suprasellar star.
            layers.ellipse(CSF, 0, -6, 11, 10, wobble=((5, 0.30, 0.12),), edge_mm=2)
            layers.ellipse(GREY, 0, 12, 11, 10, wobble=((2, 0.2, 0.0),), edge_mm=2)
            layers.ellipse(CSF, 0, 24, 9, 2.5, edge_mm=2)
        if 16 < z < 34:
            layers.ellipse(CSF, 0, 30, 6 * size, 3.6, wobble=((2, 0.15, 0.1),), edge_mm=1.6)

    def _draw_base(self, layers: _Layers, z: float) -> None:
        """Orbits, sinuses, petrous bones, posterior fossa: all that is below the brain proper."""
        low = 1 - z / 34
        for side in (-1, 1):
            layers.ellipse(
                BONE, side * 38, 18, 27 * low + 5, 6.5, angle=side * -0.55, wobble=((4, 0.10, 0.06),)
            )
            layers.ellipse(
                AIR, side * 56, 27, 8 * low + 1, 7 * low + 1, wobble=((5, 0.22, 0.1), (3, 0.1, 0.2))
            )
            layers.ellipse(BONE, side * 52, 25, 1.5, 8)
            layers.ellipse(BONE, side * 40, -42, 4, 22, angle=side * 0.55)
            if z < 26:
                fade = float(numpy.sqrt(max(0.0, 1 - ((z - 10) / 17) ** 2)))
                layers.ellipse(BONE, side * 31, -62, 21, 23, angle=side * 0.2)
                layers.ellipse(FAT, side * 31, -65, 18.5, 23, angle=side * 0.2)
                layers.ellipse(MUSCLE, side * 45, -56, 2.2, 15, angle=side * 0.35)
                layers.ellipse(MUSCLE, side * 18.5, -56, 2.0, 15, angle=side * -0.2)
                layers.ellipse(MUSCLE, side * 31, -55, 1.9, 16, angle=side * -0.3)
                layers.ellipse(MUSCLE, side * 31, -77, 12.6 * fade + 0.5, 12.6 * fade + 0.5)
                layers.ellipse(EYE, side * 31, -77, 11.3 * fade + 0.1, 11.3 * fade + 0.1)
                layers.ellipse(MUSCLE, side * 31, -85.5, 4.2 * fade, 2.4 * fade)
        if z < 30:
            layers.ellipse(BONE, 0, -36, 15, 17, wobble=((4, 0.08, 0.0),))
            layers.ellipse(AIR, -6, -38, 6.4, 11)
            layers.ellipse(AIR, 6.4, -36, 6.0, 10)
            layers.ellipse(BONE, 0, -68, 10, 22)
            for side in (-1, 1):
                for cell in range(4):
                    layers.ellipse(AIR, side * 4.6, -82 + 9.6 * cell, 3.5, 4.2, wobble=((3, 0.1, 0.1),))
        self._draw_posterior_fossa(layers, z)

    def _draw_posterior_fossa(self, layers: _Layers, z: float) -> None:
        layers.ellipse(CSF, 0, 12, 15, 13, edge_mm=2)
        layers.ellipse(WHITE, 0, 14, 12.5, 10.5, wobble=((2, 0.08, 0.0),), edge_mm=2)
        for side in (-1, 1):
            canvas = layers.slice
            lobe = canvas.ellipse(side * 24, 46, 25, 21, angle=side * -0.25, edge_mm=2)
            layers.paint(GREY, lobe)
            waves = self._fold_plane(z, canvas.values.shape)[lobe[0]]
            phase = canvas.y[lobe[0][0]] * 1.35 + numpy.abs(canvas.x[:, lobe[0][1]]) * 0.8 + waves
            folia = 0.5 + 0.5 * numpy.sin(phase)
            layers.paint(WHITE, (lobe[0], (lobe[1] * folia * 0.35).astype(numpy.float32)))
        layers.ellipse(CSF, 0, 29, 7.0 * self.ventricles, 3.6, wobble=((2, 0.15, 0.1),), edge_mm=1.6)
        layers.ellipse(CSF, 0, 68, 3.5, 4.5, edge_mm=2)

    def _draw_lesion(self, layers: _Layers, z: float) -> None:
        ragged = ((3, 0.12, 0.08), (5, 0.08, -0.06), (2, 0.1, 0.1))
        if self.lesion == "bleed" and 52 < z < 84:
            size = float(numpy.sqrt(max(0.0, 1 - ((z - 68) / 16) ** 2)))
            layers.ellipse(LESION, 26, -2, 18 * size + 1, 23 * size + 1, 0.25, wobble=ragged, edge_mm=5)
            layers.ellipse(BLOOD, 26, -2, 13 * size, 18 * size + 0.1, 0.25, wobble=ragged, edge_mm=2)
        if self.lesion == "infarct" and 48 < z < 92:
            size = float(numpy.sqrt(max(0.0, 1 - ((z - 70) / 22) ** 2)))
            wedge = layers.slice.ellipse(
                -47, -4, 22 * size + 1, 33 * size + 1, -0.2, wobble=ragged, edge_mm=6
            )
            inside = (
                1
                - layers.covers[BONE][wedge[0]]
                - layers.covers[MARROW][wedge[0]]
                - layers.covers[MUSCLE][wedge[0]]
            )
            outside = layers.covers[FAT][wedge[0]] + layers.covers[AIR][wedge[0]]
            layers.paint(
                LESION, (wedge[0], wedge[1] * numpy.clip(inside - outside, 0, 1) * numpy.float32(0.85))
            )
        if self.lesion == "plaques":
            for x, y, height in self._plaques:
                size = 1 - abs(z - height) / 9
                if size > 0:
                    layers.ellipse(LESION, x, y, 2.2 + 3.5 * size, 3.2 + 5.0 * size, x * 0.02, edge_mm=3)

    def _fold_plane(self, z: float, shape: tuple[int, int]) -> Plane:
        """The folding field at height z, stretched over the slice."""
        layer = z / FOLD_MM % FOLD_LAYERS
        low = int(layer)
        part = numpy.float32(layer - low)
        plane = self._folds[low] * (1 - part) + self._folds[(low + 1) % FOLD_LAYERS] * part
        return resized(plane, shape)


class _Layers:
    """Covers of all tissues; painting one takes its share from all others."""

    def __init__(self, shape: tuple[int, int], spacing_mm: float) -> None:
        self.slice = Slice(shape, (spacing_mm, spacing_mm), 0.0)
        self.covers: list[Plane] = [numpy.zeros(shape, numpy.float32) for _ in range(TISSUES)]
        self.covers[AIR][:] = 1
        self._used = {AIR}

    def ellipse(
        self,
        tissue: int,
        x: float,
        y: float,
        half_width: float,
        half_height: float,
        angle: float = 0.0,
        *,
        wobble: tuple[tuple[int, float, float], ...] = (),
        edge_mm: float | None = None,
    ) -> None:
        if half_width > 0.2 and half_height > 0.2:
            self.paint(
                tissue,
                self.slice.ellipse(x, y, half_width, half_height, angle, wobble=wobble, edge_mm=edge_mm),
            )

    def paint(self, tissue: int, shape: tuple[tuple[slice, slice], Plane]) -> None:
        place, cover = shape
        rest = 1 - cover
        for used in self._used:
            self.covers[used][place] *= rest
        self.covers[tissue][place] += cover
        self._used.add(tissue)


def _below(values: Plane, limit: float, edge: float) -> Plane:
    """1 where values are below the limit, 0 above, with a soft edge."""
    below: Plane = numpy.clip(
        numpy.float32(0.5) - (values - numpy.float32(limit)) / numpy.float32(edge), 0, 1
    )
    return below


def _mix(covers: list[Plane], values: Plane) -> Plane:
    total = numpy.zeros_like(covers[0])
    for cover, value in zip(covers, values, strict=True):
        total += cover * value
    return total


def ct_anatomy(head: Head, z: float, side: int) -> Plane:
    """CT numbers in HU of the slice at height z without noise, 512 x 512; drawn on a grid of `side`."""
    hu = _mix(head.tissues(z, (side, side), 230.4 / side), CT_HU)
    return hu if side == 512 else resized(hu, (512, 512))


def ct_slice(anatomy: Plane, grain: Grain, noise_hu: float) -> NDArrayInt16:
    """What the scanner delivers: noise, head rest, and padding beyond the round field of view."""
    canvas = Slice((512, 512), (0.45, 0.45), 0)
    rest = canvas.full(canvas.ellipse(0, 40, 104, 72)) - canvas.full(canvas.ellipse(0, 38, 101, 71))
    hu = anatomy + numpy.clip(rest, 0, 1) * (canvas.y > 60) * (anatomy < -700) * numpy.float32(820)
    hu += grain.take((512, 512)) * numpy.float32(noise_hu)
    hu[(canvas.x**2 + canvas.y**2) > 114**2] = -1024
    clipped: NDArrayInt16 = numpy.clip(hu, -1024, 3071).astype(numpy.int16)
    return clipped


def mr_slice(tissues: list[Plane], grain: Grain, contrast: Plane) -> NDArrayInt16:
    """MR signal of 256 x 256 tissues with 0.9 mm pixels: contrast, shading by the coil, noise."""
    signal = _mix(tissues, contrast)
    canvas = Slice((256, 256), (0.9, 0.9), 0)
    shading = 1.12 - 0.22 * numpy.exp(-((canvas.x + 12) ** 2 + (canvas.y - 8) ** 2) / 5200)
    signal = signal * shading.astype(numpy.float32)
    # Magnitude of a complex signal: noise in air is all positive (Rician).
    real, imaginary = signal + grain.take((256, 256)) * 14, grain.take((256, 256)) * 14
    magnitude: NDArrayInt16 = numpy.sqrt(real**2 + imaginary**2).astype(numpy.int16)
    return magnitude
