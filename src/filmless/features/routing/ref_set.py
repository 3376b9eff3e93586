"""Sets of instances, small: row ids in ascending order, each as the step from the one before. Pure.

A study of 300 slices takes some 300 bytes. The steps are LEB128 numbers, seven bits a byte.
"""

from collections.abc import Iterable


def pack_refs(refs: Iterable[int]) -> bytes:
    """The set as bytes; refs are positive."""
    packed = bytearray()
    before = 0
    for ref in sorted(set(refs)):
        assert ref > 0
        step, before = ref - before, ref
        while step > 0x7F:
            packed.append(step & 0x7F | 0x80)
            step >>= 7
        packed.append(step)
    return bytes(packed)


def unpack_refs(packed: bytes) -> list[int]:
    """The set that `pack_refs` made into bytes, ascending."""
    refs: list[int] = []
    ref = step = shift = 0
    for byte in packed:
        step |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            ref += step
            refs.append(ref)
            step = shift = 0
    return refs
