"""A demonstration department: forty invented patients and their synthetic images, the same on every run.

Not here: sending them (the command does). Nothing in here is, or was made from, a real person.
Start at `demo_instances` and `demo_steps`; `pydicom_images` yields the real test images of pydicom.
"""

from filmless.cli.demo.samples import pydicom_images
from filmless.cli.demo.studies import DemoInstance, demo_instances
from filmless.cli.demo.worklist import demo_steps

__all__ = ["DemoInstance", "demo_instances", "demo_steps", "pydicom_images"]
