"""Standards: what the world agreed. Pure values: bytes in, values out.

No disk, no sockets, no database, no settings; imports nothing of ours but `standards`.
Start at `dicom` for the images.
"""
