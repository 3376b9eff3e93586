"""Neutral pictures for objects without pixels: a sheet, a wave or a film with the kind of the object on it.

Not here: pictures of pixels (`rendering`). Start at `pictogram`.
"""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from filmless.standards.dicom.rendering import Rendition, encode

_GROUND, _SHEET, _LINE, _TEXT = (24, 28, 34), (44, 51, 61), (98, 110, 126), (226, 232, 240)
_SIDE = 512  # Drawn large and scaled down: Pillow's lines have no smoothing of their own.
_LABEL_CHARACTERS_MAX = 8  # Modality is CS: two letters in practice, up to 16 allowed; more would not fit.

# By prefix of the SOP Class UID; the first that fits.
_LABELS = (
    ("1.2.840.10008.5.1.4.1.1.104.1", "PDF"),
    ("1.2.840.10008.5.1.4.1.1.104.2", "CDA"),
    ("1.2.840.10008.5.1.4.1.1.104.", "3D"),
    ("1.2.840.10008.5.1.4.1.1.88.59", "KO"),
    ("1.2.840.10008.5.1.4.1.1.88.67", "DOSE SR"),
    ("1.2.840.10008.5.1.4.1.1.88.", "SR"),
    ("1.2.840.10008.5.1.4.1.1.9.1.", "ECG"),
    ("1.2.840.10008.5.1.4.1.1.9.4.", "AUDIO"),
    ("1.2.840.10008.5.1.4.1.1.9.", "WAVE"),
    ("1.2.840.10008.5.1.4.1.1.11.", "PR"),
    ("1.2.840.10008.5.1.4.1.1.66.5", "SURFACE"),
    ("1.2.840.10008.5.1.4.1.1.66.", "REG"),
    ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT"),
    ("1.2.840.10008.5.1.4.1.1.481.5", "RTPLAN"),
    ("1.2.840.10008.5.1.4.1.1.91.", "ANN"),
    ("1.2.840.10008.5.1.4.1.1.4.2", "MRS"),
)
_WAVES = ("ECG", "WAVE", "AUDIO", "MRS")


def label_of(dataset: Dataset) -> str:
    """A few letters for the kind of an object: by SOP class, else its modality, else "DICOM"."""
    sop_class_uid = str(dataset.get("SOPClassUID") or "")
    for prefix, label in _LABELS:
        if sop_class_uid.startswith(prefix):
            return label
    modality = "".join(c for c in str(dataset.get("Modality") or "") if c.isascii() and c.isalnum())
    return modality[:_LABEL_CHARACTERS_MAX] or "DICOM"


def pictogram(label: str, longest_side: int, rendition: Rendition) -> bytes:
    """A square picture with `label`, `longest_side` pixels wide."""
    image = Image.new("RGB", (_SIDE, _SIDE), _GROUND)
    draw = ImageDraw.Draw(image)
    if label in _WAVES:
        _draw_wave(draw)
    elif label == "VIDEO":
        _draw_film(draw)
    else:
        _draw_sheet(draw)
    size = {1: 112, 2: 112, 3: 112, 4: 96, 5: 84}.get(len(label), 60)
    draw.text((_SIDE // 2, 350), label, fill=_TEXT, font=ImageFont.load_default(size), anchor="mm")
    side = max(1, min(longest_side, _SIDE))
    return encode(image.resize((side, side), Image.Resampling.LANCZOS), rendition)


def _draw_sheet(draw: ImageDraw.ImageDraw) -> None:
    """A sheet of paper with a folded corner and lines of text."""
    left, top, right, bottom, fold = 116, 56, 396, 456, 76
    outline = [(left, top), (right - fold, top), (right, top + fold), (right, bottom), (left, bottom)]
    draw.polygon(outline, fill=_SHEET, outline=_LINE, width=6)
    draw.line([(right - fold, top), (right - fold, top + fold), (right, top + fold)], fill=_LINE, width=6)
    for row, length in enumerate((120, 200, 180, 200)):
        y = 130 + 38 * row
        draw.line([(left + 40, y), (left + 40 + length, y)], fill=_LINE, width=10)


def _draw_wave(draw: ImageDraw.ImageDraw) -> None:
    """Three heart beats on a grid."""
    draw.rounded_rectangle((56, 56, 456, 456), 24, fill=_SHEET, outline=_LINE, width=6)
    for step in range(1, 10):
        draw.line([(56 + 40 * step, 60), (56 + 40 * step, 452)], fill=(58, 66, 78), width=2)
        draw.line([(60, 56 + 40 * step), (452, 56 + 40 * step)], fill=(58, 66, 78), width=2)
    # P, Q, R, S and T: place in the beat, width, height in pixels.
    bumps = ((0.22, 0.030, 16), (0.37, 0.010, -14), (0.41, 0.014, 104), (0.45, 0.010, -28), (0.66, 0.055, 30))
    points = []
    for x in range(72, 441, 2):
        beat = (x - 72) / 123 % 1
        height = sum(size * math.exp(-((beat - at) ** 2) / (2 * width**2)) for at, width, size in bumps)
        points.append((x, 216 - height))
    draw.line(points, fill=_TEXT, width=7, joint="curve")


def _draw_film(draw: ImageDraw.ImageDraw) -> None:
    """A strip of film with a play sign."""
    draw.rounded_rectangle((56, 56, 456, 456), 24, fill=_SHEET, outline=_LINE, width=6)
    for step in range(8):
        for x in (72, 412):
            draw.rounded_rectangle((x, 76 + 46 * step, x + 28, 102 + 46 * step), 6, fill=_GROUND)
    draw.polygon([(216, 120), (216, 270), (336, 195)], fill=_TEXT)
