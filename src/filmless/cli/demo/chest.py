"""A synthetic chest, slice by slice, in CT numbers; also projected, as a radiograph sees it.

z = 0 is above the lung apices, z grows to the feet; 300 mm reach below the domes of the diaphragm. x grows to
the patient's left, y to the back. Start at `Chest.anatomy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray

from filmless.cli.demo.drawing import Grain, Plane, Slice, band_noise, resized

LENGTH_MM = 300.0
CARINA_MM = 108.0
RIBS = 12
Point = NDArray[numpy.float64]
Segment = tuple[float, float, float, float, float, float, float]


@dataclass
class Chest:
    """One person's chest. `finding`: None, "nodule", "pneumonia", "effusion" or "large heart"."""

    seed: int
    width: float = 168.0
    depth: float = 112.0
    female: bool = False
    contrast: bool = True
    finding: str | None = None
    _vessels: list[list[Segment]] = field(init=False, repr=False)
    _texture: Plane = field(init=False, repr=False)

    def __post_init__(self) -> None:
        random = numpy.random.default_rng(self.seed)
        self._vessels = [[] for _ in range(int(LENGTH_MM) + 1)]
        for segment in _vascular_tree(random, -1) + _vascular_tree(random, 1):
            low, high = sorted((segment[2], segment[5]))
            for layer in range(
                max(0, int(low - segment[6])), min(int(LENGTH_MM), int(high + segment[6]) + 1) + 1
            ):
                self._vessels[layer].append(segment)
        self._texture = band_noise(random, (512, 512), 3.0, 40.0)

    def anatomy(
        self,
        z: float,
        shape: tuple[int, int],
        spacing_mm: tuple[float, float],
        edge_mm: float = 1.0,
        vessel_mm: float = 0.0,
    ) -> Plane:
        """CT numbers in HU of the slice at height z, without noise, nor vessels finer than `vessel_mm`."""
        canvas = Slice(shape, spacing_mm, -1000.0, edge_mm)
        texture = self._texture if shape == self._texture.shape else resized(self._texture, shape)
        self._draw_body(canvas, z)
        self._draw_chest_wall(canvas, z)
        lungs = self._draw_lungs(canvas, z, texture)
        self._draw_mediastinum(canvas, z, lungs)
        self._draw_vessels(canvas, z, lungs, vessel_mm)
        self._draw_finding(canvas, z, lungs, texture)
        self._draw_abdomen(canvas, z, lungs, texture)
        self._draw_ribs(canvas, z)
        self._draw_spine(canvas, z, texture)
        self._draw_shoulders(canvas, z)
        return canvas.values

    # --- wall --------------------------------------------------------------------------------------------

    def _cage(self, z: float) -> tuple[float, float]:
        """Half width and half depth of the rib cage at height z."""
        grow = min(1.0, max(0.0, (z + 6) / 130)) ** 0.55
        return (self.width - 34) * (0.26 + 0.74 * grow), (self.depth - 28) * (0.40 + 0.60 * grow)

    def _draw_body(self, canvas: Slice, z: float) -> None:
        cage_width, cage_depth = self._cage(z)
        shoulder = max(0.0, 1 - z / 110)
        half_width = max(cage_width + 34, (self.width + 26) * shoulder + self.width * (1 - shoulder))
        half_depth = max(cage_depth + 26, self.depth * (0.78 + 0.17 * min(1.0, max(0.0, z) / 100)))
        square = ((4, -0.04, 0.0),)
        canvas.paint(canvas.ellipse(0, 4, half_width, half_depth, wobble=square), 40)
        canvas.paint(canvas.ellipse(0, 4, half_width - 2, half_depth - 2, wobble=square), -98)
        if self.female and 122 < z < 222:
            size = 1 - ((z - 172) / 56) ** 2
            for side in (-1, 1):
                canvas.paint(canvas.ellipse(side * 76, -half_depth + 6, 58 * size, 40 * size), 40)
                canvas.paint(canvas.ellipse(side * 76, -half_depth + 7, 56 * size, 39 * size), -98)
                canvas.paint(
                    canvas.ellipse(side * 76, -half_depth - 6, 30 * size, 19 * size, edge_mm=12),
                    25,
                    0.7,
                )

    def _draw_chest_wall(self, canvas: Slice, z: float) -> None:
        cage_width, cage_depth = self._cage(z)
        wall = 15 + 12 * max(0.0, 1 - z / 190)
        canvas.paint(canvas.ellipse(0, 4, cage_width + wall, cage_depth + 13, wobble=((4, -0.03, 0.0),)), 54)
        for side in (-1, 1):
            if z < 190:  # Pectoral, latissimus and back muscles with fat between them.
                fade = min(1.0, (190 - z) / 60)
                canvas.paint(
                    canvas.ellipse(side * 66, -cage_depth - 6, 58, 11 * fade + 1, angle=side * 0.30), 56
                )
                canvas.paint(canvas.ellipse(side * 70, -cage_depth + 2, 46, 1.6, angle=side * 0.34), -90, 0.8)
            canvas.paint(canvas.ellipse(side * 26, self.depth - 28, 21, 16, angle=side * 0.15), 56)
            canvas.paint(canvas.ellipse(side * (cage_width + 15), 34, 9, 40, angle=side * 0.16), 57)
            canvas.paint(canvas.ellipse(side * (cage_width + 8), 30, 1.4, 44, angle=side * 0.16), -88, 0.8)

    def _draw_ribs(self, canvas: Slice, z: float) -> None:
        """Each rib is a hoop that falls to the front; a slice cuts it once on each side."""
        for rib in range(RIBS):
            start, fall = -34 + 23.5 * rib, 62 + 3.6 * min(rib, 8)
            part = (z - start) / fall  # 0 at the spine, 1 at the front.
            if not -0.06 < part < (0.98 if rib < 9 else 0.62):
                continue
            at = max(0.0, part) ** 0.85 * 2.55 + 0.25
            slope = fall / 230
            cage_width, cage_depth = self._cage(max(z, start + 26))
            x, y = (cage_width + 2) * numpy.sin(at), 4 + (cage_depth + 3) * numpy.cos(at)
            tangent = float(numpy.arctan2(-(cage_depth) * numpy.sin(at), cage_width * numpy.cos(at)))
            half_length = min(26.0, 5.6 / slope * (1.0 if part > 0.05 else 0.6))
            is_cartilage = part > 0.86
            for side in (-1, 1):
                angle = tangent if side > 0 else -tangent
                shell = canvas.ellipse(side * x, y, half_length, 4.3, angle)
                canvas.paint(shell, 120 if is_cartilage else 980)
                if not is_cartilage:
                    canvas.paint(canvas.ellipse(side * x, y, half_length - 2, 2.3, angle), 260)

    def _draw_spine(self, canvas: Slice, z: float, texture: Plane) -> None:
        y = self._cage(max(z, 90))[1] - 16
        phase = z / 24.0 % 1
        is_disc = phase < 0.16
        body = canvas.ellipse(0, y, 17.5, 14.5, wobble=((2, 0.0, 0.0), (3, 0.0, -0.06)))
        canvas.paint(body, 95 if is_disc else 620)
        if not is_disc:
            trabeculae = (215 + 55 * texture).astype(numpy.float32)
            canvas.paint(canvas.ellipse(0, y, 15.3, 12.3, wobble=((3, 0.0, -0.06),)), trabeculae)
        back = y + 23
        canvas.paint(canvas.ellipse(0, back, 13.5, 11.5), 560)
        arch = _dome(phase, 0.55, 0.30)
        for side in (-1, 1):
            canvas.paint(canvas.ellipse(side * 13, back + 1, 6, 6), 560)
            if arch > 0.05:  # Pedicle and transverse process.
                canvas.paint(canvas.ellipse(side * 12, y + 13, 4.6 * arch, 9 * arch, angle=side * -0.2), 680)
                canvas.paint(
                    canvas.ellipse(side * 25, back + 1, 17 * arch, 5.4 * arch, angle=side * 0.35), 560
                )
                canvas.paint(canvas.ellipse(side * 25, back + 1, 15 * arch, 3 * arch, angle=side * 0.35), 240)
        process = 0.55 + 0.45 * _dome(phase, 0.7, 0.35)
        canvas.paint(canvas.ellipse(0, back + 19, 3.2 * process, 15 * process), 480)
        canvas.paint(canvas.ellipse(0, back + 19, 1.7 * process, 13 * process), 240)
        canvas.paint(canvas.ellipse(0, back - 1.5, 8.8, 8.2), 12)
        canvas.paint(canvas.ellipse(0, back - 1.5, 5, 4.3), 40)
        front = self._cage(z)[1]
        if 62 < z < 225:
            half = 23 if z < 95 else 15
            canvas.paint(canvas.ellipse(0, 6 - front - 4, half, 6), 520)
            canvas.paint(canvas.ellipse(0, 6 - front - 4, half - 1.8, 4.2), 170)

    def _draw_shoulders(self, canvas: Slice, z: float) -> None:
        cage_width, cage_depth = self._cage(z)
        for side in (-1, 1):
            if 12 < z < 62:  # Clavicles fall towards the middle.
                x = 30 + (62 - z) * 2.3
                canvas.paint(canvas.ellipse(side * x, -cage_depth * 0.9 - 8, 22, 6, angle=side * 0.25), 820)
                canvas.paint(canvas.ellipse(side * x, -cage_depth * 0.9 - 8, 19, 3.6, angle=side * 0.25), 230)
            if 18 < z < 165:  # Shoulder blades.
                reach = 31 * float(numpy.sqrt(max(0.0, 1 - ((z - 82) / 84) ** 2))) + 4
                x = max(cage_width + 18, 96) - 6
                canvas.paint(canvas.ellipse(side * x, cage_depth * 0.62, reach, 3.0, angle=side * -0.75), 720)
                canvas.paint(
                    canvas.ellipse(side * (x - 6), cage_depth * 0.62 - 9, reach * 0.8, 8, angle=side * -0.75),
                    56,
                    0.6,
                )
            if z < 58:  # Heads of the humerus.
                size = float(numpy.sqrt(max(0.0, 1 - ((z - 26) / 34) ** 2)))
                if size > 0.1:
                    canvas.paint(canvas.ellipse(side * 158, 14, 25 * size, 25 * size, edge_mm=3), 420)

    # --- inside ------------------------------------------------------------------------------------------

    def _draw_lungs(self, canvas: Slice, z: float, texture: Plane) -> Plane:
        """Paint the lungs; returns how much lung each point is, for what lies in them."""
        lungs = numpy.zeros_like(canvas.values)
        if not 14 < z < 292:
            return lungs
        cage_width, cage_depth = self._cage(z)
        apex = min(1.0, (z - 14) / 34) ** 0.5
        cage = canvas.full(
            canvas.ellipse(0, 4, (cage_width - 4) * apex, (cage_depth - 3) * apex, wobble=((4, -0.03, 0.0),))
        )
        middle = self._mediastinal_cover(canvas, z)
        lungs = cage * (1 - middle)
        for side, top, depth in ((-1, 196.0, 1.0), (1, 208.0, 0.92)):  # The domes of the diaphragm.
            rise = z - top
            if rise > 0:
                reach = min(1.03, (rise / 96) ** 0.36)
                x, y = side * cage_width * 0.50, -8 * depth
                dome = canvas.full(canvas.ellipse(x, y, cage_width * 0.57 * reach, cage_depth * 1.02 * reach))
                lungs *= 1 - dome * (canvas.x * side > -12)
        air = (-868 + 34 * texture * 0.5 + 0.42 * (canvas.y + 0 * canvas.x)).astype(numpy.float32)
        canvas.paint(canvas.whole(lungs), air)
        return lungs

    def _mediastinal_cover(self, canvas: Slice, z: float) -> Plane:
        """Everything between the lungs as one cover."""
        spine_y = self._cage(max(z, 90))[1] - 16
        parts = [
            canvas.ellipse(0, spine_y + 8, 24, 32, edge_mm=3),
            canvas.ellipse(0, -10, 31 - 7 * min(1.0, max(0.0, (z - 120) / 40)), 62, edge_mm=3),
            canvas.ellipse(0, -self._cage(z)[1] + 6, 14, 30, edge_mm=3),
            canvas.ellipse(22, spine_y - 4, 17, 17, edge_mm=2),
        ]
        if z < 76:
            parts.append(canvas.ellipse(0, -8, 38 - 10 * max(0.0, z - 40) / 36, 44, edge_mm=3))
        heart = self._heart(z)
        if heart is not None:
            parts.append(canvas.ellipse(*heart, edge_mm=2))
        for side in (-1, 1):
            hilum = float(numpy.sqrt(max(0.0, 1 - ((z - 128) / 30) ** 2)))
            if hilum > 0.05:
                parts.append(canvas.ellipse(side * 34, 2, 20 * hilum + 1, 17 * hilum + 1, edge_mm=6))
        cover = numpy.zeros_like(canvas.values)
        for place, part in parts:
            cover[place] = numpy.maximum(cover[place], part)
        return cover

    def _heart(self, z: float) -> tuple[float, float, float, float, float] | None:
        """Middle, half axes and turn of the heart at height z."""
        size = 1 - ((z - 188) / 58) ** 2
        if size <= 0:
            return None
        grow = float(numpy.sqrt(size)) * (1.22 if self.finding == "large heart" else 1.0)
        shift = 8 + 14 * min(1.0, max(0.0, (z - 140) / 70))
        return shift * (1.25 if self.finding == "large heart" else 1.0), -26.0, 65 * grow, 48 * grow, 0.42

    def _draw_mediastinum(self, canvas: Slice, z: float, lungs: Plane) -> None:
        inside = numpy.clip(self._mediastinal_cover(canvas, z) - lungs, 0, 1)
        if z < 14:
            inside = canvas.full(canvas.ellipse(0, 0, 44, 40, edge_mm=4))
        canvas.paint(canvas.whole(inside), -82, 0.9)
        blood = 265.0 if self.contrast else 44.0
        spine_y = self._cage(max(z, 90))[1] - 16
        heart = self._heart(z)
        if heart is not None:
            self._draw_heart(canvas, z, heart, blood)
        if z < 70:  # Neck and thoracic inlet: muscle around the windpipe, great vessels beside it.
            canvas.paint(canvas.ellipse(0, -2, 30, 34, edge_mm=4), 48, 0.8)
            for side in (-1, 1):
                canvas.paint(canvas.ellipse(side * 20, -6, 7, 7), blood)
                canvas.paint(
                    canvas.ellipse(side * 28, -20, 9, 6, angle=side * 0.5), blood * (1.5 if side < 0 else 0.8)
                )
                if z < 40:
                    canvas.paint(canvas.ellipse(side * 15, -12, 9, 14), 95)
        self._draw_great_vessels(canvas, z, blood, spine_y)
        canvas.paint(canvas.ellipse(8, spine_y - 22, 7.5, 5.5), 42)
        canvas.paint(canvas.ellipse(8, spine_y - 22, 2.2, 1.4), -500, 0.7)
        self._draw_airways(canvas, z, spine_y)

    def _draw_great_vessels(self, canvas: Slice, z: float, blood: float, spine_y: float) -> None:
        if z > 84:
            canvas.paint(canvas.ellipse(22, spine_y - 5, 12.3, 12.3), blood + 6)
        arch = _dome(z, 84, 13)
        if arch:  # The arch, cut lengthwise.
            canvas.paint(canvas.ellipse(11, 0, 13 * arch, 41 * arch**0.4, angle=0.42), blood)
        if 88 < z < 152:
            canvas.paint(canvas.ellipse(-9, -25, 16, 16), blood)
        if 70 < z < 160:
            canvas.paint(canvas.ellipse(-29, -15, 9, 10.5), blood * 1.35)
        trunk = _dome(z, 129, 17)
        if trunk:  # Pulmonary trunk and its two branches.
            canvas.paint(canvas.ellipse(19, -26, 15 * trunk, 14 * trunk), blood * 1.12)
            branch = _dome(z, 124, 12)
            if branch:
                canvas.paint(canvas.ellipse(-12, -4, 38 * branch, 9 * branch, angle=0.16), blood * 1.12)
                canvas.paint(canvas.ellipse(36, -8, 21 * branch, 10 * branch, angle=0.55), blood * 1.12)
        if z > 236:
            canvas.paint(canvas.ellipse(-22, 0, 13, 11), blood * 0.6)

    def _draw_heart(
        self, canvas: Slice, z: float, heart: tuple[float, float, float, float, float], blood: float
    ) -> None:
        x, y, half_width, half_height, turn = heart
        canvas.paint(canvas.ellipse(x, y, half_width, half_height, turn), -60)
        canvas.paint(
            canvas.ellipse(x, y, half_width - 4, half_height - 3.5, turn), 92 if self.contrast else 46
        )
        if not self.contrast:
            return
        size = half_width / 60
        left = canvas.ellipse(
            x + 22 * size,
            y + 6 * size,
            26 * size,
            15 * size,
            turn + 0.1,
            wobble=((3, 0.08, 0.06),),
            edge_mm=3,
        )
        canvas.paint(left, blood * 0.95)
        canvas.paint(
            canvas.ellipse(
                x + 3 * size, y - 20 * size, 30 * size, 13 * size, turn, wobble=((3, 0.1, 0.05),), edge_mm=3
            ),
            blood * 0.86,
        )
        canvas.paint(
            canvas.ellipse(x - 36 * size, y - 4 * size, 17 * size, 22 * size, 0.2, edge_mm=3), blood * 0.9
        )
        if z < 190:
            canvas.paint(canvas.ellipse(x - 6, y + 31 * size, 29 * size, 13 * size, 0.12, edge_mm=3), blood)
        for muscle in (-5, 9):  # Papillary muscles.
            canvas.paint(
                canvas.ellipse(x + (28 + muscle) * size, y + (8 + muscle * 0.4) * size, 4 * size, 3 * size),
                95,
            )

    def _draw_airways(self, canvas: Slice, z: float, spine_y: float) -> None:
        y = spine_y - 38
        if z < CARINA_MM:
            canvas.paint(canvas.ellipse(-2, y, 10.5, 10.5), 48)
            canvas.paint(canvas.ellipse(-2, y, 8.6, 8.2, wobble=((1, 0.0, 0.05),)), -998)
        elif z < 136:
            apart = z - CARINA_MM
            for side, slope in ((-1, 0.95), (1, 1.35)):
                x = side * (7 + apart * slope) - 2
                for radius, hu in ((8.4, 40.0), (6.6, -998.0)):
                    canvas.paint(
                        canvas.ellipse(x, y + apart * 0.12, radius * 1.35, radius, angle=side * 0.1), hu
                    )
        elif z < 190:
            apart = z - 136
            for side in (-1, 1):
                for x, depth, radius in (
                    (33 + apart * 0.35, 2 + apart * 0.55, 5.0),
                    (38 + apart * 0.7, -14 - apart * 0.4, 3.4),
                ):
                    size = radius * (1 - apart / 90)
                    canvas.paint(canvas.ellipse(side * x, y + depth, size + 1.3, size + 1.3), 20)
                    canvas.paint(canvas.ellipse(side * x, y + depth, size, size), -985)

    def _draw_vessels(self, canvas: Slice, z: float, lungs: Plane, vessel_mm: float) -> None:
        """Where branches of the vascular trees cross the slice."""
        for x0, y0, z0, x1, y1, z1, radius in self._vessels[min(max(0, int(z)), int(LENGTH_MM))]:
            low, high = (z0, z1) if z0 < z1 else (z1, z0)
            if radius < vessel_mm or not low - radius <= z <= high + radius:
                continue
            run = z1 - z0
            part = min(1.0, max(0.0, (z - z0) / run)) if abs(run) > 1e-3 else 0.5
            across = float(numpy.hypot(x1 - x0, y1 - y0))
            # A branch that lies in the slice is cut lengthwise.
            half_length = min(
                across / 2 + radius, radius * float(numpy.hypot(across, run)) / max(abs(run), 1e-3)
            )
            place, cover = canvas.ellipse(
                x0 + (x1 - x0) * part,
                y0 + (y1 - y0) * part,
                max(radius, half_length),
                radius,
                float(numpy.arctan2(y1 - y0, x1 - x0)),
            )
            if cover.size:
                canvas.paint(
                    (place, cover * lungs[place]),
                    120.0 if self.contrast else 40.0,
                    min(1.0, 0.35 + radius * 0.5),
                )

    def _draw_abdomen(self, canvas: Slice, z: float, lungs: Plane, texture: Plane) -> None:
        if z < 190:
            return
        cage_width, cage_depth = self._cage(z)
        inside = canvas.full(canvas.ellipse(0, 4, cage_width - 3, cage_depth - 2, wobble=((4, -0.03, 0.0),)))
        chest = numpy.maximum(lungs, self._mediastinal_cover(canvas, z))
        below = numpy.clip(inside - chest, 0, 1)
        liver = (108 + 5 * texture).astype(numpy.float32) if self.contrast else numpy.full_like(texture, 58)
        canvas.paint(canvas.whole(below * (canvas.x < 18)), liver)
        left = below * (canvas.x >= 18)
        canvas.paint(canvas.whole(left), -95)
        spleen = canvas.ellipse(cage_width * 0.74, 36, 26, 44, angle=0.35)
        canvas.paint((spleen[0], spleen[1] * left[spleen[0]]), 118)
        stomach = canvas.ellipse(cage_width * 0.42, -24, 36, 36, wobble=((3, 0.06, 0.05),))
        canvas.paint((stomach[0], stomach[1] * left[stomach[0]]), 52)
        bubble = canvas.ellipse(cage_width * 0.42, -34, 29, 20, wobble=((3, 0.06, 0.05),))
        canvas.paint((bubble[0], bubble[1] * left[bubble[0]]), -960)

    def _draw_finding(self, canvas: Slice, z: float, lungs: Plane, texture: Plane) -> None:
        ragged = ((3, 0.10, 0.08), (5, 0.08, -0.06), (7, 0.05, 0.05))
        if self.finding == "nodule":
            size = 1 - ((z - 96) / 11) ** 2
            if size > 0:
                radius = 10 * float(numpy.sqrt(size))
                canvas.paint(
                    canvas.ellipse(-76, -6, radius + 3, radius + 3, wobble=ragged, edge_mm=7), -500, 0.5
                )
                canvas.paint(canvas.ellipse(-76, -6, radius, radius, wobble=ragged, edge_mm=2), 35)
        if self.finding == "pneumonia":
            size = 1 - ((z - 176) / 44) ** 2
            if size > 0:
                radius = 46 * float(numpy.sqrt(size))
                place, cover = canvas.ellipse(-82, 26, radius, radius * 0.9, wobble=ragged, edge_mm=22)
                patchy = numpy.clip(0.72 + 0.42 * texture[place], 0, 1)
                canvas.paint((place, cover * lungs[place] * patchy), -60, 0.9)
        if self.finding == "effusion" and z > 150:
            level = self._cage(z)[1] * (0.95 - 0.010 * (z - 150))
            fluid = numpy.clip((canvas.y - level) / 2, 0, 1) * (canvas.x > 20) * lungs
            canvas.paint(canvas.whole(fluid.astype(numpy.float32)), 12)


def _dome(z: float, middle: float, half_height: float) -> float:
    """The relative width, at height z, of something round that reaches `half_height` up and down; or 0."""
    return float(numpy.sqrt(max(0.0, 1 - ((z - middle) / half_height) ** 2)))


def _point(point: Point) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])


def _vascular_tree(random: numpy.random.Generator, side: int) -> list[Segment]:
    """Branches from the hilum outwards, halving in section at each fork (Murray's law, roughly)."""
    segments: list[Segment] = []
    tips: list[tuple[Point, Point, float]] = []
    hilum = numpy.array([side * 38.0, 2.0, 128.0])
    for _ in range(15):
        direction = numpy.array(
            [side * random.uniform(0.25, 1.0), random.uniform(-0.9, 0.9), random.uniform(-1.0, 1.1)]
        )
        tips.append(
            (
                hilum + random.normal(0, 5, 3),
                direction / numpy.linalg.norm(direction),
                random.uniform(3.0, 4.6),
            )
        )
    while tips:
        start, direction, radius = tips.pop()
        end = start + direction * (7.0 + 4.2 * radius) * random.uniform(0.7, 1.3)
        segments.append((*_point(start), *_point(end), float(radius)))
        if radius < 0.62:
            continue
        for factor in (random.uniform(0.78, 0.9), random.uniform(0.55, 0.75)):
            bend = direction + random.normal(0, 0.36, 3) + numpy.array([side * 0.05, 0.0, 0.0])
            tips.append((end, bend / numpy.linalg.norm(bend), radius * factor))
    return segments


def ct_slice(chest: Chest, z: float, grain: Grain, noise_hu: float = 13.0) -> NDArray[numpy.int16]:
    """CT numbers of the slice at height z as scanned: 512 x 512, 0.78 mm pixels, table, field of view."""
    hu = chest.anatomy(z, (512, 512), (0.78, 0.78), edge_mm=1.1, vessel_mm=0.6)
    canvas = Slice((512, 512), (0.78, 0.78), 0)
    table = canvas.full(canvas.ellipse(0, 40, 230, 104)) - canvas.full(canvas.ellipse(0, 38, 228, 102))
    hu += numpy.clip(table, 0, 1) * (canvas.y > 100) * (hu < -900) * 700
    # More photons are lost through the shoulders: more noise there.
    hu += grain.take((512, 512)) * numpy.float32(noise_hu * (1.6 if z < 60 else 1.0))
    hu[(canvas.x**2 + canvas.y**2) > 199**2] = -1024
    clipped: NDArray[numpy.int16] = numpy.clip(hu, -1024, 3071).astype(numpy.int16)
    return clipped


def projection(chest: Chest, from_front: bool, rows: int = 256) -> Plane:
    """Attenuation in mm of water seen from the front, or from the left side; about 1 mm a pixel.

    `rows` planes from above the shoulders to the waist; 480 columns over 403 mm, or 360 over 302 mm.
    """
    shape, spacing = ((104, 480), (2.7, 0.84)) if from_front else ((360, 140), (0.84, 2.9))
    lines = []
    for z in numpy.linspace(-22, LENGTH_MM - 2, rows):
        hu = chest.anatomy(float(z), shape, spacing, edge_mm=1.0, vessel_mm=0.75)
        # Calcium takes more than its density's share.
        density = numpy.clip(hu / 1000 + 1, 0, None) + numpy.clip(hu - 150, 0, None) * 0.0011
        lines.append(density.sum(axis=0 if from_front else 1) * max(spacing))
    return numpy.array(lines, numpy.float32)
