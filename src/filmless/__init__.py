"""Filmless: a PACS and a RIS in one."""
