#!/usr/bin/python3
"""Writes src/mail/html_entities.c: the named character references of HTML, from Python's html.entities.html5.

usage: make_entities.py > ../html_entities.c
"""
from html.entities import html5

names = sorted(html5, key=lambda name: name.encode())
letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

print("/* html_entities: made by tables/make_entities.py; do not edit. */")
print('#include "mail/html_entities.h"\n')
print("const char html_entity_names[] =")
place, places = 0, []
for name in names:
    print(f'\t"{name}"')
    places.append(place)
    place += len(name)
assert place < 65536
print("\t;\n")
print("const struct html_entity html_entities[HTML_ENTITY_COUNT] = {")
for name, at in zip(names, places):
    text = html5[name].encode()
    assert len(text) <= 6 and len(name) <= 32
    shown = "".join(f"\\{byte:03o}" for byte in text)
    print(f'\t{{ {at}, {len(name)}, {len(text)}, "{shown}" }},')
print("};\n")
print("const uint16_t html_entity_starts[HTML_ENTITY_LETTERS + 1] = {")
for letter in letters:
    print(f"\t{next(i for i, name in enumerate(names) if name >= letter)},\t/* {letter} */")
print(f"\t{len(names)},\n}};")
