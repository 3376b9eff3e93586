"""What each machine of the demonstration department does with a patient: series, attributes, images.

Every function here takes (department, study, random, finding) and yields Part 10 bytes.
Not here: anatomy (`head`, `chest`, `flat`, `ultrasound`), the plan (`studies`). Start at `head_ct`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy
from pydicom.dataset import Dataset

from filmless.cli.demo import chest, flat, head, ultrasound
from filmless.cli.demo.attributes import (
    Series,
    Study,
    axial_plane,
    code,
    image,
    part10,
    pixels,
    set_attributes,
)
from filmless.cli.demo.drawing import Grain, Plane
from filmless.standards.dicom import transfer_syntaxes as ts

Random = numpy.random.Generator

CT_IMAGE, MR_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
CR_IMAGE, DX_IMAGE = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"
MG_IMAGE = "1.2.840.10008.5.1.4.1.1.1.2"
US_IMAGE, US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
FRAMES_A_BEAT, BEAT_MS = 24, 857.0


class Department:
    """What the studies share because it takes a second to make: projected chests, noise."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._fields: dict[float, list[Plane]] = {}

    @cached_property
    def front_male(self) -> Plane:
        """A man's chest from the front."""
        return chest.projection(chest.Chest(self.seed), from_front=True)

    @cached_property
    def front_female(self) -> Plane:
        """A woman's chest from the front."""
        return chest.projection(chest.Chest(self.seed + 1, 156, 104, female=True), from_front=True)

    @cached_property
    def side(self) -> Plane:
        """A chest from the left."""
        return chest.projection(chest.Chest(self.seed), from_front=False)

    def grain(self, random: Random, softness: float) -> Grain:
        """Noise of a scanner, its windows chosen by this study's random numbers."""
        if softness not in self._fields:
            self._fields[softness] = Grain.fields(numpy.random.default_rng(self.seed), softness, 1600)
        return Grain(random, self._fields[softness])


# --- CT ----------------------------------------------------------------------------------------------------


def _ct_instance(
    series: Series,
    number: int,
    hu: Any,
    z_mm: float,
    *,
    geometry: tuple[float, float],
    window: tuple[int, int],
    syntax: str,
) -> bytes:
    """A CT Image: stored values are HU + 1024, so that they need no sign."""
    spacing_mm, thickness_mm = geometry
    stored = (hu.astype(numpy.int32) + 1024).astype(numpy.uint16)
    dataset = image(series, number, ("ORIGINAL", "PRIMARY", "AXIAL"))
    pixels(dataset, stored, 12)
    axial_plane(dataset, series, z_mm, spacing_mm, thickness_mm)
    set_attributes(
        dataset,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        RescaleType="HU",
        WindowCenter=window[0],
        WindowWidth=window[1],
        PixelPaddingValue=0,
        KVP=120,
        XRayTubeCurrent=220,
        ExposureTime=500,
        Exposure=110,
        ScanOptions="HELICAL MODE",
        DataCollectionDiameter=500,
        ReconstructionDiameter=round(spacing_mm * 512, 1),
        GantryDetectorTilt=0,
        TableHeight=150,
        RotationDirection="CW",
        FilterType="BODY FILTER",
        ConvolutionKernel="SHARP" if window[1] > 1800 else "STANDARD",
        AcquisitionNumber=1,
    )
    if "contrast" in series.study.description and "without" not in series.study.description:
        dataset.ContrastBolusAgent = "SYNTHETIC CONTRAST"
    return part10(dataset, stored, syntax)


def _ct_series(study: Study, number: int, description: str) -> Series:
    return Series(study, number, "CT", CT_IMAGE, description, "CT1", "Synthetic CT 64", study.description)


def head_ct(department: Department, study: Study, random: Random, finding: str | None) -> Iterator[bytes]:
    """Twenty-eight slices of 4.5 mm in a brain window; JPEG-LS."""
    series, grain = _ct_series(study, 2, "Brain 4.5 mm"), department.grain(random, 1.2)
    subject = _head(random, finding)
    for index in range(28):
        hu = head.ct_slice(head.ct_anatomy(subject, index * 4.5, 320), grain, 4.2)
        yield _ct_instance(
            series,
            index + 1,
            hu,
            index * 4.5,
            geometry=(0.45, 4.5),
            window=(40, 80),
            syntax=ts.JPEG_LS_LOSSLESS,
        )


def head_ct_thin(
    department: Department, study: Study, random: Random, finding: str | None
) -> Iterator[bytes]:
    """Sixty-four slices twice: a soft kernel in a brain window, a sharp one in a bone window; HTJ2K."""
    soft, sharp = _ct_series(study, 2, "Brain 2 mm"), _ct_series(study, 3, "Bone 2 mm")
    smooth, crisp = department.grain(random, 1.2), department.grain(random, 0.6)
    subject = _head(random, finding)
    for index in range(64):
        z = index * 1.9
        anatomy = head.ct_anatomy(subject, z, 512)
        for series, grain, noise, window in (
            (soft, smooth, 4.6, (40, 80)),
            (sharp, crisp, 24.0, (500, 2500)),
        ):
            hu = head.ct_slice(anatomy, grain, noise)
            yield _ct_instance(
                series, index + 1, hu, z, geometry=(0.45, 2.0), window=window, syntax=ts.HTJ2K_LOSSLESS_RPCL
            )


def _head(random: Random, finding: str | None) -> head.Head:
    return head.Head(
        int(random.integers(1 << 30)),
        width=random.uniform(70, 77),
        length=random.uniform(88, 96),
        ventricles=random.uniform(0.8, 1.5),
        lesion=finding,
    )


def chest_ct_thin(
    department: Department, study: Study, random: Random, finding: str | None
) -> Iterator[bytes]:
    """Three hundred slices of 1 mm; HTJ2K."""
    series = _ct_series(study, 2, "Chest 1 mm")
    yield from _chest_ct(department, series, random, finding, (300, 1.0), ts.HTJ2K_LOSSLESS_RPCL)


def chest_ct_survey(
    department: Department, study: Study, random: Random, finding: str | None
) -> Iterator[bytes]:
    """Forty-four slices of 6.5 mm, uncompressed: as many scanners still send."""
    series = _ct_series(study, 2, "Chest 6.5 mm")
    yield from _chest_ct(department, series, random, finding, (44, 6.5), ts.EXPLICIT_LE)


def _chest_ct(
    department: Department,
    series: Series,
    random: Random,
    finding: str | None,
    slices: tuple[int, float],
    syntax: str,
) -> Iterator[bytes]:
    count, step_mm = slices
    female = series.study.person.sex == "F"
    subject = chest.Chest(
        int(random.integers(1 << 30)),
        width=random.uniform(160, 172) - 8 * female,
        depth=random.uniform(106, 116) - 4 * female,
        female=female,
        contrast="contrast" in series.study.description,
        finding=finding,
    )
    grain = department.grain(random, 1.4)
    for index in range(count):
        z = 8 + index * step_mm * (290 / (count * step_mm))
        hu = chest.ct_slice(subject, z, grain, 12.0 if step_mm < 2 else 8.0)
        yield _ct_instance(
            series, index + 1, hu, -index * step_mm, geometry=(0.78, step_mm), window=(40, 400), syntax=syntax
        )


# --- MR ----------------------------------------------------------------------------------------------------

_MR_SERIES = (
    ("T1 axial", head.T1, "SE", 480.0, 12.0, None),
    ("T2 axial", head.T2, "SE", 4200.0, 98.0, None),
    ("FLAIR axial", head.FLAIR, "IR", 8800.0, 118.0, 2450.0),
)


def brain_mr(department: Department, study: Study, random: Random, finding: str | None) -> Iterator[bytes]:
    """T1, T2 and FLAIR, twenty-two slices each; JPEG 2000, RLE and HTJ2K, one for each series."""
    subject, grain = _head(random, finding), department.grain(random, 0.8)
    slices = [subject.tissues(2 + index * 5.0, (256, 256), 0.9) for index in range(22)]
    syntaxes = (ts.JPEG_2000_LOSSLESS, ts.RLE_LOSSLESS, ts.HTJ2K_LOSSLESS_RPCL)
    for number, (scan, syntax) in enumerate(zip(_MR_SERIES, syntaxes, strict=True), start=2):
        description, contrast, sequence, repetition_ms, echo_ms, inversion_ms = scan
        series = Series(study, number, "MR", MR_IMAGE, description, "MR1", "Synthetic MR 1.5T", description)
        for index, tissues in enumerate(slices):
            signal = head.mr_slice(tissues, grain, contrast).astype(numpy.uint16)
            dataset = image(series, index + 1, ("ORIGINAL", "PRIMARY", "M", sequence))
            pixels(dataset, signal, 12)
            axial_plane(dataset, series, index * 5.0, 0.9, 4.4)
            set_attributes(
                dataset,
                ScanningSequence=sequence,
                SequenceVariant="SK",
                ScanOptions="",
                MRAcquisitionType="2D",
                RepetitionTime=repetition_ms,
                EchoTime=echo_ms,
                EchoTrainLength=1 if echo_ms < 50 else 15,
                MagneticFieldStrength=1.5,
                ImagingFrequency=63.87,
                ImagedNucleus="1H",
                SpacingBetweenSlices=5.0,
                FlipAngle=90,
                PixelBandwidth=150,
                AcquisitionNumber=1,
                WindowCenter=560 if contrast is head.T2 else 480,
                WindowWidth=1200 if contrast is head.T2 else 960,
            )
            if inversion_ms is not None:
                dataset.InversionTime = inversion_ms
            yield part10(dataset, signal, syntax)


# --- Radiographs -------------------------------------------------------------------------------------------

_PA, _LATERAL = ("R-10214", "postero-anterior"), ("R-10236", "left lateral")


def chest_dx(department: Department, study: Study, random: Random, finding: str | None) -> Iterator[bytes]:
    """One digital radiograph from behind; HTJ2K."""
    film = _front(department, study, random, finding)
    yield _dx_instance(study, 1, film, "PA", ts.HTJ2K_LOSSLESS_RPCL)


def chest_dx_lateral(
    department: Department, study: Study, random: Random, finding: str | None
) -> Iterator[bytes]:
    """From behind and from the left; JPEG-LS."""
    yield _dx_instance(study, 1, _front(department, study, random, finding), "PA", ts.JPEG_LS_LOSSLESS)
    grain = department.grain(random, 1.0)
    lateral = flat.chest_radiograph(department.side, random, grain, (1500, 1240), None, "L")
    yield _dx_instance(study, 2, lateral, "LL", ts.JPEG_LS_LOSSLESS)


def chest_cr(department: Department, study: Study, random: Random, finding: str | None) -> Iterator[bytes]:
    """A bedside radiograph on a storage plate: MONOCHROME1, as plate readers send it."""
    film = 4095 - _front(department, study, random, finding)
    series = Series(study, 1, "CR", CR_IMAGE, "Chest AP", "CR1", "Synthetic Plate Reader", "Chest AP")
    dataset = image(series, 1, ("ORIGINAL", "PRIMARY"))
    pixels(dataset, film, 12, "MONOCHROME1")
    set_attributes(
        dataset,
        ViewPosition="AP",
        PatientOrientation=["L", "F"],
        ImagerPixelSpacing=[0.2, 0.2],
        KVP=90,
        Exposure=2,
        CassetteSize="35CMX43CM",
        PlateType="SYNTHETIC",
        Laterality="",
        WindowCenter=2048,
        WindowWidth=4096,
    )
    yield part10(dataset, film, ts.RLE_LOSSLESS if finding is None else ts.JPEG_2000_LOSSLESS)


def _front(department: Department, study: Study, random: Random, finding: str | None) -> flat.Detected:
    projected = department.front_female if study.person.sex == "F" else department.front_male
    return flat.chest_radiograph(projected, random, department.grain(random, 1.0), (1500, 1500), finding)


def _dx_instance(study: Study, number: int, film: flat.Detected, view: str, syntax: str) -> bytes:
    description = "Chest PA" if view == "PA" else "Chest lateral"
    series = Series(study, number, "DX", DX_IMAGE, description, "DX1", "Synthetic Flat Panel", description)
    dataset = image(series, 1, ("ORIGINAL", "PRIMARY", ""))
    pixels(dataset, film, 12)
    value, meaning = _PA if view == "PA" else _LATERAL
    set_attributes(
        dataset,
        ViewPosition=view,
        PatientOrientation=["L", "F"] if view == "PA" else ["P", "F"],
        ImageLaterality="U",
        AnatomicRegionSequence=[code("51185008", "SCT", "Chest")],
        ViewCodeSequence=[code(value, "SRT", meaning)],
        ImagerPixelSpacing=[0.2, 0.2],
        KVP=125,
        ExposureInuAs=1800,
        WindowCenter=2048,
        WindowWidth=4096,
    )
    _projection_for_presentation(dataset)
    return part10(dataset, film, syntax)


def _projection_for_presentation(dataset: Dataset) -> None:
    """What DX and MG add to every image (PS3.3 C.8.11.1-4)."""
    set_attributes(
        dataset,
        PresentationIntentType="FOR PRESENTATION",
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=-1,
        RescaleSlope=1,
        RescaleIntercept=0,
        RescaleType="US",
        PresentationLUTShape="IDENTITY",
        DetectorType="DIRECT",
        DetectorID="SYN-PANEL",
        AcquisitionContextSequence=[],
    )


def mammography(department: Department, study: Study, random: Random, finding: str | None) -> Iterator[bytes]:
    """Both breasts from above and obliquely; HTJ2K."""
    del finding  # Screening of the healthy.
    dense, grain = random.uniform(0.15, 0.6), department.grain(random, 1.0)
    views = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
    number = 0
    for view, (value, meaning) in views.items():
        for laterality in "RL":
            number += 1
            name = f"{laterality} {view}"
            series = Series(study, number, "MG", MG_IMAGE, name, "MG1", "Synthetic Mammo", name)
            film = flat.mammogram(random, grain, laterality, view, dense)
            dataset = image(series, 1, ("ORIGINAL", "PRIMARY", ""))
            pixels(dataset, film, 12)
            # The chest wall is on the right of a right breast; obliquely, down is also toward the feet.
            rightward, inward = ("P", "L") if laterality == "R" else ("A", "R")
            view_code = code(value, "SCT", meaning)
            view_code.ViewModifierCodeSequence = []
            set_attributes(
                dataset,
                ViewPosition=view,
                ImageLaterality=laterality,
                PatientOrientation=[rightward, inward if view == "CC" else f"F{inward}"],
                AnatomicRegionSequence=[code("76752008", "SCT", "Breast")],
                ViewCodeSequence=[view_code],
                OrganExposed="BREAST",
                ImagerPixelSpacing=[0.23, 0.23],
                PositionerType="MAMMOGRAPHIC",
                PartialView="NO",
                BreastImplantPresent="NO",
                KVP=28,
                AnodeTargetMaterial="RHODIUM",
                CompressionForce=90,
                BodyPartThickness=55,
                WindowCenter=2048,
                WindowWidth=4096,
            )
            _projection_for_presentation(dataset)
            yield part10(dataset, film, ts.HTJ2K_LOSSLESS_RPCL)


# --- Ultrasound --------------------------------------------------------------------------------------------


def echocardiography(
    department: Department, study: Study, random: Random, finding: str | None
) -> Iterator[bytes]:
    """One beat of four chambers in colour; JPEG baseline, as ultrasound machines send loops."""
    del department, finding
    cine = ultrasound.heart_cine(int(random.integers(1 << 30)), FRAMES_A_BEAT)
    lines = ("DEMO  synthetic", "A4C   16 cm   70/min")
    loop = numpy.stack([ultrasound.with_annotation(frame, lines, colour=True) for frame in cine])
    yield _us_loop(study, loop, "RGB", ts.JPEG_BASELINE)


def echocardiography_palette(
    department: Department, study: Study, random: Random, finding: str | None
) -> Iterator[bytes]:
    """The same in grey with a sepia palette; RLE."""
    del department, finding
    cine = ultrasound.heart_cine(int(random.integers(1 << 30)), FRAMES_A_BEAT)
    loop = numpy.stack(
        [ultrasound.with_annotation(frame, ("DEMO  synthetic",), colour=False) for frame in cine]
    )
    yield _us_loop(study, loop, "PALETTE COLOR", ts.RLE_LOSSLESS)


def _us_loop(study: Study, loop: Any, photometric: str, syntax: str) -> bytes:
    series = Series(study, 1, "US", US_MULTIFRAME, "Apical four chamber", "US1", "Synthetic US", "Cardiac")
    dataset = image(series, 1, ("ORIGINAL", "PRIMARY", "CARDIO", "0001"))
    pixels(dataset, loop, 8, photometric)
    set_attributes(
        dataset,
        NumberOfFrames=len(loop),
        FrameTime=round(BEAT_MS / len(loop), 3),
        FrameIncrementPointer=0x00181063,
        CineRate=round(1000 * len(loop) / BEAT_MS),
        RecommendedDisplayFrameRate=round(1000 * len(loop) / BEAT_MS),
        HeartRate=70,
        BurnedInAnnotation="YES",
    )
    if photometric == "PALETTE COLOR":
        level = numpy.arange(256)
        for colour, tint in (("Red", 1.12), ("Green", 0.98), ("Blue", 0.78)):
            entries = (numpy.clip(level * tint, 0, 255).astype(numpy.uint16) * 257).astype("<u2")
            setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(dataset, f"{colour}PaletteColorLookupTableData", entries.tobytes())
    _us_region(dataset)
    return part10(dataset, loop, syntax)


def abdomen_us(department: Department, study: Study, random: Random, finding: str | None) -> Iterator[bytes]:
    """Two stills of the right kidney; uncompressed RGB."""
    del department, finding
    series = Series(study, 1, "US", US_IMAGE, "Right kidney", "US1", "Synthetic US", "Abdomen")
    for number, plane in enumerate(("longitudinal", "longitudinal 2"), start=1):
        still = ultrasound.abdomen_image(int(random.integers(1 << 30)))
        array = ultrasound.with_annotation(still, ("DEMO  synthetic", f"Kidney R  {plane}"), colour=True)
        dataset = image(series, number, ("ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"))
        pixels(dataset, array, 8, "RGB")
        dataset.BurnedInAnnotation = "YES"
        _us_region(dataset)
        yield part10(dataset, array, ts.EXPLICIT_LE)


def _us_region(dataset: Dataset) -> None:
    """One calibrated region, so that distances can be measured (PS3.3 C.8.5.5)."""
    region = Dataset()
    mm_per_pixel = 160.0 / (ultrasound.ROWS - 48)
    set_attributes(
        region,
        RegionSpatialFormat=1,
        RegionDataType=1,
        RegionFlags=0,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=ultrasound.COLUMNS - 1,
        RegionLocationMaxY1=ultrasound.ROWS - 1,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=mm_per_pixel / 10,
        PhysicalDeltaY=mm_per_pixel / 10,
    )
    dataset.SequenceOfUltrasoundRegions = [region]
