#!/usr/bin/python3
"""Writes src/mail/text_marks.c: the ranges of combining marks (general categories Mn and Me), from Python's unicodedata.

usage: make_marks.py > ../text_marks.c
"""
import sys
import unicodedata

ranges = []
for codepoint in range(0x110000):
    if unicodedata.category(chr(codepoint)) not in ("Mn", "Me"):
        continue
    if ranges and ranges[-1][1] == codepoint - 1:
        ranges[-1][1] = codepoint
    else:
        ranges.append([codepoint, codepoint])

print(f"/* text_marks: made by tables/make_marks.py from Unicode {unicodedata.unidata_version}; do not edit. */")
print('#include "mail/text_marks.h"\n')
print("const struct text_mark_range text_marks[] = {")
for first, last in ranges:
    print(f"\t{{ 0x{first:04x}, 0x{last:04x} }},")
print("};\n")
print("const size_t text_mark_count = sizeof(text_marks) / sizeof(text_marks[0]);")
sys.stdout.flush()
