#!/usr/bin/python3
"""Writes src/mail/charset_tables.c: run as `src/mail/tables/make_tables.py >src/mail/charset_tables.c`.

The tables come from the decoders of Debian's python3 and, where python3 knows too little, of the C library's iconv. Corrections stand
below with their reasons; some are data of others, see NOTICE. tests/unit/check_mail_charset_tables.c compares the result with the
indexes of the WHATWG Encoding Standard.
"""

import subprocess
import textwrap

LINE = 108

SINGLE_BYTE = [  # the order of enum charset_single in charset_tables.h
    "cp437", "cp850", "cp852", "cp866", "cp874", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8", "iso8859_10", "iso8859_13", "iso8859_14",
    "iso8859_15", "iso8859_16", "koi8_r", "koi8_u", "mac_roman", "mac_cyrillic",
]

# What python3 has from an older edition, or not at all.
SINGLE_BYTE_CORRECTIONS = {
    ("koi8_u", 0xAE): 0x045E, ("koi8_u", 0xBE): 0x040E,  # KOI8-RU, which senders mean: Belarusian letters
    ("cp1255", 0xCA): 0x05BA,  # HEBREW POINT HOLAM HASER FOR VAV, as Windows has it
}

# GB 18030-2005 and -2022 gave these real characters; python3 still has private use ones.
GB18030_CORRECTIONS = {
    6555: 0x3000,
    7182: 0xFE10, 7183: 0xFE12, 7184: 0xFE11, 7185: 0xFE13, 7186: 0xFE14, 7187: 0xFE15, 7188: 0xFE16, 7201: 0xFE17, 7202: 0xFE18,
    7208: 0xFE19, 7533: 0x1E3F,
    23775: 0x9FB4, 23783: 0x9FB5, 23788: 0x9FB6, 23789: 0x9FB7, 23795: 0x9FB8, 23812: 0x9FB9, 23829: 0x9FBA, 23845: 0x9FBB,
}

# JIS X 0212 has a wide tilde: as "~" it would be ASCII out of a sequence of three bytes.
JISX0212_CORRECTIONS = {116: 0xFF5E}

# Hong Kong's older codes for characters that Big5 has elsewhere, and ETEN's control pictures: in use, in no decoder at hand. From the
# index of the WHATWG Encoding Standard (NOTICE).
BIG5_ADDITIONS = {
    2082: 0x7BB8, 2088: 0x7C06, 2103: 0x7CCE, 2114: 0x7DD2, 2123: 0x7E1D, 2148: 0x8005, 2151: 0x8028, 2221: 0x83C1,
    2239: 0x84A8, 2244: 0x840F, 2303: 0x89A6, 2304: 0x89A9, 2354: 0x8D77, 2400: 0x90FD, 2413: 0x92B9, 2477: 0x975C,
    2498: 0x97FF, 2605: 0x9F16, 2673: 0x8503, 2746: 0x5159, 2747: 0x515B, 2748: 0x515D, 2749: 0x515E, 2771: 0x936E,
    2780: 0x7479, 2990: 0x6D67, 3087: 0x799B, 3259: 0x9097, 3301: 0x975D, 3436: 0x701E, 3451: 0x5B28, 4136: 0x7201,
    4138: 0x77D7, 4141: 0x7E87, 4182: 0x99D6, 4206: 0x91D4, 4220: 0x60DE, 4230: 0x6FB6, 4241: 0x8F36, 4258: 0x4FBB,
    4273: 0x71DF, 4279: 0x9104, 4282: 0x9DF0, 4294: 0x83CF, 4329: 0x5C10, 4330: 0x79E3, 4349: 0x5A67, 4419: 0x8F0B,
    4422: 0x7B51, 4494: 0x62D0, 4624: 0x6062, 4694: 0x75F9, 4708: 0x6C4A, 4742: 0x9B2E, 4748: 0x9F17, 4815: 0x50ED,
    4828: 0x5F0C, 4902: 0x880F, 4922: 0x62CE, 4982: 0x7468, 4992: 0x7162, 4997: 0x7250, 5432: 0x2400, 5433: 0x2401,
    5434: 0x2402, 5435: 0x2403, 5436: 0x2404, 5437: 0x2405, 5438: 0x2406, 5439: 0x2407, 5440: 0x2408, 5441: 0x2409,
    5442: 0x240A, 5443: 0x240B, 5444: 0x240C, 5445: 0x240D, 5446: 0x240E, 5447: 0x240F, 5448: 0x2410, 5449: 0x2411,
    5450: 0x2412, 5451: 0x2413, 5452: 0x2414, 5453: 0x2415, 5454: 0x2416, 5455: 0x2417, 5456: 0x2418, 5457: 0x2419,
    5458: 0x241A, 5459: 0x241B, 5460: 0x241C, 5461: 0x241D, 5462: 0x241E, 5463: 0x241F, 5464: 0x2421, 10942: 0x5EF4,
    10946: 0x65E0, 10948: 0x7676, 10950: 0x96B6, 10957: 0x3003, 10958: 0x4EDD, 19028: 0x5029, 19035: 0x507D, 19088: 0x5305,
    19096: 0x5344, 19112: 0x537F, 19162: 0x5605, 19240: 0x5A77, 19299: 0x5E75, 19305: 0x5ED0, 19326: 0x5F58, 19355: 0x60A4,
    19398: 0x6490, 19439: 0x6674, 19454: 0x675E, 19553: 0x6C9C, 19554: 0x6E1D, 19557: 0x6E2F, 19611: 0x716E, 19643: 0x732A,
    19672: 0x745C, 19697: 0x74E9, 19748: 0x7809,
}


def decode(data, codec):
    """The code points, or None."""
    try:
        return [ord(c) for c in data.decode(codec)]
    except UnicodeDecodeError:
        return None


def decode_by_iconv(sequences, codec):
    """As decode(), for many byte sequences at once: a line each. What is left of an undecodable sequence is none."""
    text = b"\n".join(sequences)
    run = subprocess.run(["iconv", "-c", "-f", codec, "-t", "UTF-8"], input=text, stdout=subprocess.PIPE, check=False)
    lines = run.stdout.decode().split("\n")
    assert len(lines) == len(sequences)
    return [[ord(c) for c in line] if line and min(line) >= "\x80" else None for line in lines]


def is_private(code):
    return 0xE000 <= code <= 0xF8FF


def jis0208():
    """Rows 1 to 94 and, as Shift_JIS reaches them, 95 to 120. Rows for users are left empty."""
    table = []
    for pointer in range(94 * 120):
        lead, trail = divmod(pointer, 188)
        data = bytes([lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)])
        codes = decode(data, "cp932")
        table.append(codes if codes and not is_private(codes[0]) else None)
    return table


def jis0212():
    """Rows 83 and 84 have the IBM extensions of eucJP-ms, which python3 does not know."""
    table = [decode(bytes([0x8F, p // 94 + 0xA1, p % 94 + 0xA1]), "euc_jp") for p in range(94 * 94)]
    for pointer, code in JISX0212_CORRECTIONS.items():
        table[pointer] = [code]
    rows = [0xF3, 0xF4]
    extensions = decode_by_iconv([bytes([0x8F, row, cell]) for row in rows for cell in range(0xA1, 0xFF)], "EUC-JP-MS")
    for i, codes in enumerate(extensions):
        table[82 * 94 + i] = table[82 * 94 + i] or codes
    return table


def jisx0213():
    """Plane 1, then plane 2. In the rows that plane 2 does not have, python3's decoder answers with JIS X 0212."""
    rows = [1, 3, 4, 5, 8, 12, 13, 14, 15, *range(78, 95)]
    plane1 = [decode(bytes([p // 94 + 0xA1, p % 94 + 0xA1]), "euc_jis_2004") for p in range(94 * 94)]
    plane2 = [decode(bytes([0x8F, p // 94 + 0xA1, p % 94 + 0xA1]), "euc_jis_2004") if p // 94 + 1 in rows else None for p in range(94 * 94)]
    return plane1 + plane2


def gb18030():
    table = [decode(bytes([p // 190 + 0x81, p % 190 + (0x40 if p % 190 < 0x3F else 0x41)]), "gb18030") for p in range(126 * 190)]
    for pointer, code in GB18030_CORRECTIONS.items():
        table[pointer] = [code]
    return table


def gb18030_ranges():
    """(first pointer, first code point) of each run of the four-byte codes below U+10000."""
    ranges = []
    follows = None
    for pointer in range(39420):
        data = bytes([0x81 + pointer // 12600, 0x30 + pointer // 1260 % 10, 0x81 + pointer // 10 % 126, 0x30 + pointer % 10])
        code = (decode(data, "gb18030") or [0])[0]
        if pointer == 7457:
            code = 0xE7C7  # changed places with U+1E3F in 2005
        if code != follows:
            ranges.append((pointer, code))
        follows = code + 1 if code else 0
    return ranges


def big5():
    """Hong Kong's superset; the symbols of the rows A1 to A3 as Microsoft maps them."""
    sequences = []
    for pointer in range(126 * 157):
        lead, trail = divmod(pointer, 157)
        sequences.append(bytes([lead + 0x81, trail + (0x40 if trail < 0x3F else 0x62)]))
    late = decode_by_iconv(sequences, "BIG5-HKSCS")  # the edition of 2008
    table = []
    for pointer, data in enumerate(sequences):
        microsoft = decode(data, "cp950") if 0xA1 <= data[0] <= 0xA3 else None
        added = [BIG5_ADDITIONS[pointer]] if pointer in BIG5_ADDITIONS else None
        hongkong = decode(data, "big5hkscs") or (late[pointer] if data[0] == 0x87 else None)
        table.append(microsoft or hongkong or added)
    return table


def euc_kr():
    return [decode(bytes([p // 190 + 0x81, p % 190 + 0x41]), "cp949") for p in range(126 * 190)]


def single_bytes(codec):
    """The upper half. C1 controls are no characters of a text."""
    table = []
    for byte in range(0x80, 0x100):
        codes = decode(bytes([byte]), codec) or [0]
        code = SINGLE_BYTE_CORRECTIONS.get((codec, byte), codes[0])
        table.append(None if code < 0xA0 else [code])
    return table


def wrap(items, indent="\t"):
    """Items side by side; an item is not broken."""
    text = " ".join(item.replace(" ", "~") for item in items)
    return textwrap.fill(text, LINE - 8 * len(indent), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False).replace("~", " ")


def print_table(name, kind, values, form="0x{:04x},"):
    print(f"\nconst {kind} {name} = {{")
    print(wrap([form.format(v) for v in values]))
    print("};")


def cell(codes, pairs):
    """One cell of a table: 16 bits of the code point, or the number of a pair from 1."""
    if not codes:
        return 0
    assert min(codes) >= 0x80, "a sequence of several bytes must not become ASCII"
    if len(codes) == 1:
        assert codes[0] < 0x10000 or codes[0] >> 16 == 2
        return codes[0] & 0xFFFF
    assert len(codes) == 2 and max(codes) < 0x10000
    if codes not in pairs:
        pairs.append(codes)
    return pairs.index(codes) + 1


def plane2_bits(table):
    bits = [0] * ((len(table) + 7) // 8)
    for pointer, codes in enumerate(table):
        if codes and codes[0] > 0xFFFF:
            bits[pointer // 8] |= 1 << pointer % 8
    return bits


def main():
    pairs = []
    print("/*\n * charset_tables: see charset_tables.h. Written by tables/make_tables.py; change that, not this.\n */")
    print('#include "mail/charset_tables.h"')
    for name, size, table in [
        ("jis0208_codes", "JIS0208_CELLS", jis0208()), ("jis0212_codes", "JIS0212_CELLS", jis0212()),
        ("jisx0213_codes", "JISX0213_CELLS", jisx0213()), ("gb18030_codes", "GB18030_CELLS", gb18030()),
        ("big5_codes", "BIG5_CELLS", big5()), ("euc_kr_codes", "EUC_KR_CELLS", euc_kr()),
    ]:
        print_table(f"{name}[{size}]", "uint16_t", [cell(codes, pairs) for codes in table])
        if name in ("big5_codes", "jisx0213_codes"):
            print_table(f"{name.replace('codes', 'plane2')}[({size} + 7) / 8]", "uint8_t", plane2_bits(table), "0x{:02x},")
    print_table("code_pairs[CODE_PAIRS][2]", "uint16_t", pairs, "{{ 0x{0[0]:04x}, 0x{0[1]:04x} }},")
    print_table("gb18030_ranges[GB18030_RANGES]", "struct gb18030_range", gb18030_ranges(), "{{ {0[0]}, 0x{0[1]:04x} }},")
    print("\nconst uint16_t single_byte_codes[SINGLE_BYTE_COUNT][128] = {")
    for codec in SINGLE_BYTE:
        print(f"\t[SINGLE_BYTE_{codec.upper()}] = {{")
        print(wrap([f"0x{cell(codes, pairs):04x}," for codes in single_bytes(codec)], "\t\t"))
        print("\t},")
    print("};")
    print(f"\n_Static_assert(CODE_PAIRS == {len(pairs)} && GB18030_RANGES == {len(gb18030_ranges())}, \"the header says how many\");")


main()
