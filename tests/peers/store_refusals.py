"""Which of the test files are not stored, and why; the tables of `test_store_peers`.

Each reason is something a reader of the files can check, and `test_the_reasons_are_true` does.
"""

from enum import Enum


class Reason(Enum):
    """Why an instance is set aside, and the status that its sender hears."""

    SAME_UID = 0x0111  # An earlier file of the collection has this SOP Instance UID and other bytes.
    ANNOUNCED_OTHERWISE = 0xA900  # The file meta information names another instance than the data set.
    NOT_IN_A_STUDY = 0xA901  # Study, Series or SOP Instance UID is missing in the data set.
    TRUNCATED = 0xC000  # The file ends inside an element.

    @property
    def status(self) -> int:
        """The DIMSE status."""
        return 0xA900 if self is Reason.NOT_IN_A_STUDY else int(self.value)


def _table(files: dict[Reason, str]) -> dict[str, Reason]:
    return {name: reason for reason, names in files.items() for name in names.split()}


_NOT_IN_A_STUDY = """
    palettes/fall.dcm palettes/hotiron.dcm palettes/hotmetalblue.dcm palettes/pet.dcm palettes/pet20step.dcm
    palettes/spring.dcm palettes/summer.dcm palettes/winter.dcm test_files/JPEGLSNearLossless_08.dcm
    test_files/JPEGLSNearLossless_16.dcm test_files/SC_rgb_jls_lossy_line.dcm
    test_files/SC_rgb_jls_lossy_sample.dcm
"""
_SAME_UID = """
    charset_files/chrFrenMulti.dcm test_files/JPEG2000.dcm test_files/JPGExtended.dcm
    test_files/MR_small_RLE.dcm test_files/MR_small_bigendian.dcm test_files/MR_small_expb.dcm
    test_files/MR_small_implicit.dcm test_files/MR_small_jp2klossless.dcm
    test_files/MR_small_jpeg_ls_lossless.dcm test_files/MR_small_padded.dcm test_files/SC_rgb_rle.dcm
    test_files/SC_rgb_rle_16bit.dcm test_files/SC_rgb_rle_16bit_2frame.dcm test_files/SC_rgb_rle_2frame.dcm
    test_files/SC_rgb_rle_32bit.dcm test_files/SC_rgb_rle_32bit_2frame.dcm
    test_files/SC_rgb_small_odd_big_endian.dcm test_files/SC_ybr_full_422_uncompressed.dcm
    test_files/liver_expb_1frame.dcm test_files/reportsi_with_empty_number_tags.dcm
"""
_HTJ2K = "wg04_htj2k/test/fixtures/htj2k"  # The same instances as the uncompressed ones, compressed.

# pynetdicom announces what the file meta information says.
PYDICOM_BY_PYNETDICOM = _table(
    {
        Reason.SAME_UID: _SAME_UID + "test_files/SC_rgb_jpeg_dcmd.dcm test_files/rtdose_rle_1frame.dcm",
        Reason.ANNOUNCED_OTHERWISE: """
            charset_files/chrJapMulti.dcm charset_files/chrJapMultiExplicitIR6.dcm test_files/badVR.dcm
            test_files/rtdose.dcm test_files/rtdose_1frame.dcm test_files/rtdose_expb.dcm
            test_files/rtdose_expb_1frame.dcm test_files/rtplan.dcm test_files/rtplan_truncated.dcm
        """,
        Reason.NOT_IN_A_STUDY: _NOT_IN_A_STUDY
        + """
            charset_files/chrSQEncoding.dcm charset_files/chrSQEncoding1.dcm test_files/UN_sequence.dcm
            test_files/no_meta_group_length.dcm test_files/priv_SQ.dcm
        """,
        Reason.TRUNCATED: "test_files/MR_truncated.dcm",
    }
)
SHARED_BY_PYNETDICOM = _table(
    {
        Reason.SAME_UID: f"""
            highdicom/data/test_files/sm_image_control.dcm {_HTJ2K}/CT1_JPH {_HTJ2K}/CT2_JPH {_HTJ2K}/MR1_JPH
            {_HTJ2K}/MR3_JPH {_HTJ2K}/NM1_JPH {_HTJ2K}/US1_JPH {_HTJ2K}/VL1_JPH {_HTJ2K}/XA1_JPH
        """,
        Reason.ANNOUNCED_OTHERWISE: """
            highdicom/data/test_files/sm_image_dots.dcm highdicom/data/test_files/sm_image_grayscale.dcm
            highdicom/data/test_files/sm_image_grayscale_reversed.dcm
            highdicom/data/test_files/sm_image_numbers.dcm
        """,
    }
)

# storescu announces what the data set says, so nothing is announced otherwise.
PYDICOM_BY_STORESCU = _table(
    {
        Reason.SAME_UID: _SAME_UID
        + """
            charset_files/chrJapMultiExplicitIR6.dcm test_files/rtdose.dcm test_files/rtdose_1frame.dcm
            test_files/rtdose_expb.dcm test_files/rtdose_expb_1frame.dcm
        """,
        Reason.NOT_IN_A_STUDY: _NOT_IN_A_STUDY,
    }
)
SHARED_BY_STORESCU = _table({Reason.SAME_UID: "highdicom/data/test_files/sm_image_control.dcm"})

# storescu 3.6.7 ends before it connects. It says: "missing SOP class (or instance)" of files without them, of
# truncated ones, and of rtdose_rle (odd length); "unknown storage SOP class" of the label maps.
NOT_SENT_BY_STORESCU = {
    "charset_files/chrSQEncoding.dcm",
    "charset_files/chrSQEncoding1.dcm",
    "test_files/MR_truncated.dcm",
    "test_files/SC_rgb_jpeg.dcm",
    "test_files/UN_sequence.dcm",
    "test_files/no_meta_group_length.dcm",
    "test_files/priv_SQ.dcm",
    "test_files/rtdose_rle.dcm",
    "test_files/rtdose_rle_1frame.dcm",
    "test_files/rtplan_truncated.dcm",
    "highdicom/data/test_files/seg_image_sm_control_labelmap.dcm",
    "highdicom/data/test_files/seg_image_sm_control_labelmap_palette_color.dcm",
}
