/* wash_sniff: what kind of file the bytes are. */
#include "mail/wash_sniff.h"

#include <string.h>

#include "mail/header_octets.h"

#define MAGIC(literal) literal, sizeof(literal) - 1

/* What a file begins with. The first that matches counts. */
static const struct {
	size_t offset;
	const char *bytes;
	size_t length;
	const char *type;
} magics[] = {
	{ 0, MAGIC("%PDF-"), "application/pdf" },
	{ 0, MAGIC("PK\3\4"), "application/zip" },
	{ 0, MAGIC("PK\5\6"), "application/zip" },
	{ 0, MAGIC("PK\7\10PK\3\4"), "application/zip" },
	{ 0, MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "application/x-ole-storage" },
	{ 0, MAGIC("Rar!\x1a\7"), "application/vnd.rar" },
	{ 0, MAGIC("7z\xbc\xaf\x27\x1c"), "application/x-7z-compressed" },
	{ 0, MAGIC("\x1f\x8b\x08"), "application/gzip" },
	{ 0, MAGIC("BZh"), "application/x-bzip2" },
	{ 0, MAGIC("\xfd" "7zXZ\0"), "application/x-xz" },
	{ 0, MAGIC("\x28\xb5\x2f\xfd"), "application/zstd" },
	{ 0, MAGIC("MSCF\0\0\0\0"), "application/vnd.ms-cab-compressed" },
	{ 2, MAGIC("-lh"), "application/x-lzh-compressed" },
	{ 2, MAGIC("-lz"), "application/x-lzh-compressed" },
	{ 257, MAGIC("ustar"), "application/x-tar" },
	{ 0, MAGIC("\x89PNG\r\n\x1a\n"), "image/png" },
	{ 0, MAGIC("\xff\xd8\xff"), "image/jpeg" },
	{ 0, MAGIC("GIF87a"), "image/gif" },
	{ 0, MAGIC("GIF89a"), "image/gif" },
	{ 0, MAGIC("II*\0"), "image/tiff" },
	{ 0, MAGIC("MM\0*"), "image/tiff" },
	{ 8, MAGIC("WEBP"), "image/webp" },
	{ 8, MAGIC("WAVE"), "audio/x-wav" },
	{ 8, MAGIC("AVI "), "video/x-msvideo" },
	{ 4, MAGIC("ftypheic"), "image/heic" },
	{ 4, MAGIC("ftypqt"), "video/quicktime" },
	{ 4, MAGIC("ftyp"), "video/mp4" },
	{ 0, MAGIC("\xd7\xcd\xc6\x9a"), "image/wmf" },
	{ 0, MAGIC("ID3"), "audio/mpeg" },
	{ 0, MAGIC("OggS"), "audio/ogg" },
	{ 0, MAGIC("MThd"), "audio/midi" },
	{ 0, MAGIC("\x7f" "ELF"), "application/x-elf" },
	{ 0, MAGIC("\xca\xfe\xba\xbe"), "application/java-vm" },
	{ 0, MAGIC("L\0\0\0\1\x14\2\0"), "application/x-ms-shortcut" },
	{ 0, MAGIC("{\\rtf"), "application/rtf" },
	{ 0, MAGIC("\x78\x9f\x3e\x22"), "application/vnd.ms-tnef" },
	{ 0, MAGIC("!BDN"), "application/vnd.ms-outlook-pst" },
	{ 0, MAGIC("ITSF"), "application/vnd.ms-htmlhelp" },
	{ 0, MAGIC("%!PS"), "application/postscript" },
	{ 0, MAGIC("DOC\0"), "application/x-ichitaro" },
	{ 0, MAGIC("conectix"), "application/x-vhd" },
	{ 0, MAGIC("vhdxfile"), "application/x-vhdx" },
	{ 0, MAGIC("-----BEGIN PGP MESSAGE-----"), "application/pgp-encrypted" },
	{ 0, MAGIC("-----BEGIN PGP SIGNATURE-----"), "application/pgp-signature" },
	{ 0, MAGIC("#!"), "text/x-script" },
};

/* Text that begins so, white space and case aside. */
static const struct {
	const char *begin;	/* lower case */
	const char *type;
} scripts[] = {
	{ "<!doctype html", "text/html" }, { "<html", "text/html" }, { "<head", "text/html" }, { "<body", "text/html" },
	{ "<script", "text/html" }, { "<svg", "image/svg+xml" }, { "<?xml", "text/xml" }, { "<?php", "application/x-php" },
	{ "<hta:application", "application/hta" }, { "begin:vcalendar", "text/calendar" }, { "begin:vcard", "text/vcard" },
};

/* Signs that stand anywhere in a file of a kind. */
static const struct {
	const char *type;
	const char *bytes;
	size_t length;
	uint32_t sign;
} signs[] = {
	{ "application/zip", MAGIC("word/"), WASH_SIGN_WORD },
	{ "application/zip", MAGIC("xl/"), WASH_SIGN_EXCEL },
	{ "application/zip", MAGIC("ppt/"), WASH_SIGN_POWERPOINT },
	{ "application/zip", MAGIC("vbaProject.bin"), WASH_SIGN_MACROS },
	{ "application/x-ole-storage", MAGIC("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"), WASH_SIGN_ENCRYPTED },
	{ "application/x-ole-storage", MAGIC("W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0"), WASH_SIGN_WORD },
	{ "application/x-ole-storage", MAGIC("W\0o\0r\0k\0b\0o\0o\0k\0"), WASH_SIGN_EXCEL },
	{ "application/x-ole-storage", MAGIC("P\0o\0w\0e\0r\0P\0o\0i\0n\0t\0"), WASH_SIGN_POWERPOINT },
	{ "application/x-ole-storage", MAGIC("_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0"), WASH_SIGN_MACROS },
	{ "application/pdf", MAGIC("/Encrypt"), WASH_SIGN_ENCRYPTED },
};

enum {
	ZIP_HEADER_BYTES = 30,	/* of a local header without its name (APPNOTE 4.3.7) */
	ZIP_NAME_BYTES_MAX = WASH_SNIFF_TAIL_BYTES - ZIP_HEADER_BYTES, /* of a name that is looked at */
	ZIP_VERSION_MAX = 63,
	DISC_OFFSET = 32769,	/* of "CD001" (ECMA-119) */
	DISC_NAME_BYTES = 5,
};

static struct span head_of(const struct wash_sniffer *sniffer)
{
	return (struct span){ .data = sniffer->head, .length = sniffer->head_bytes };
}

static const char *magic_type(struct span head)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (head.length >= magics[i].offset + magics[i].length &&
		    memcmp(head.data + magics[i].offset, magics[i].bytes, magics[i].length) == 0)
			return magics[i].type;
	return NULL;
}

/* ---- further in ---- */

/* A local header of a ZIP: is its entry encrypted, what is it called? */
static void zip_header_look(struct wash_sniffer *sniffer, struct span at)
{
	size_t name_length = (uint8_t)at.data[26] | (size_t)(uint8_t)at.data[27] << 8;
	struct span name;

	if ((uint8_t)at.data[4] > ZIP_VERSION_MAX)
		return;
	if (at.data[6] & 1)
		sniffer->signs |= WASH_SIGN_ENCRYPTED;
	name_length = name_length < ZIP_NAME_BYTES_MAX ? name_length : ZIP_NAME_BYTES_MAX;
	name_length = name_length < at.length - ZIP_HEADER_BYTES ? name_length : at.length - ZIP_HEADER_BYTES;
	name = span_part(at, ZIP_HEADER_BYTES, ZIP_HEADER_BYTES + name_length);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strcmp(signs[i].type, "application/zip") == 0 && memmem(name.data, name.length, signs[i].bytes, signs[i].length))
			sniffer->signs |= signs[i].sign;
}

/* Looks at local headers that begin in the first `begins` bytes of the window. */
static void zip_look(struct wash_sniffer *sniffer, struct span window, size_t begins)
{
	size_t at = 0;
	const char *found;

	while (at < begins && (found = memmem(window.data + at, window.length - at, "PK\3\4", 4))) {
		at = (size_t)(found - window.data);
		if (at < begins && window.length - at >= ZIP_HEADER_BYTES)
			zip_header_look(sniffer, span_part(window, at, window.length < at + WASH_SNIFF_TAIL_BYTES
										? window.length : at + WASH_SNIFF_TAIL_BYTES));
		at += 4;
	}
}

/* Looks for signs in a run of the file. Those that begin behind `begins` come again with the next run. */
static void window_look(struct wash_sniffer *sniffer, const char *type, struct span window, size_t begins)
{
	if (strcmp(type, "application/zip") == 0) {
		zip_look(sniffer, window, begins);
		return;
	}
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strcmp(type, signs[i].type) == 0 && memmem(window.data, window.length, signs[i].bytes, signs[i].length))
			sniffer->signs |= signs[i].sign;
}

/* Looks where the last run and this one meet, then at this one. */
static void further_look(struct wash_sniffer *sniffer, const char *type, struct span bytes)
{
	size_t joined = bytes.length < WASH_SNIFF_TAIL_BYTES ? bytes.length : WASH_SNIFF_TAIL_BYTES, begins, kept;

	memcpy(sniffer->tail + sniffer->tail_bytes, bytes.data, joined);
	begins = sniffer->tail_bytes + joined > WASH_SNIFF_TAIL_BYTES ? sniffer->tail_bytes + joined - WASH_SNIFF_TAIL_BYTES : 0;
	window_look(sniffer, type, (struct span){ .data = sniffer->tail, .length = sniffer->tail_bytes + joined }, begins);
	if (bytes.length > WASH_SNIFF_TAIL_BYTES) {
		window_look(sniffer, type, bytes, bytes.length - WASH_SNIFF_TAIL_BYTES);
		memcpy(sniffer->tail, bytes.data + bytes.length - WASH_SNIFF_TAIL_BYTES, WASH_SNIFF_TAIL_BYTES);
		sniffer->tail_bytes = WASH_SNIFF_TAIL_BYTES;
		return;
	}
	kept = sniffer->tail_bytes + joined - begins;
	memmove(sniffer->tail, sniffer->tail + begins, kept);
	sniffer->tail_bytes = kept;
}

/* "CD001" at its place, as far as it lies in these bytes. */
static void disc_look(struct wash_sniffer *sniffer, struct span bytes)
{
	static const char name[DISC_NAME_BYTES] = { 'C', 'D', '0', '0', '1' };

	for (size_t i = 0; i < sizeof(name); i++) {
		uint64_t place = DISC_OFFSET + i;

		if (place >= sniffer->bytes && place - sniffer->bytes < bytes.length)
			sniffer->disc += bytes.data[place - sniffer->bytes] == name[i];
	}
	if (sniffer->disc == sizeof(name))
		sniffer->signs |= WASH_SIGN_DISC;
}

void wash_sniff_begin(struct wash_sniffer *sniffer)
{
	sniffer->head_bytes = sniffer->tail_bytes = sniffer->disc = 0;
	sniffer->bytes = 0;
	sniffer->signs = 0;
	sniffer->type = NULL;
}

/* The beginning is complete: from now on only files of a kind that has signs are looked at. */
static void head_complete(struct wash_sniffer *sniffer)
{
	struct span head = head_of(sniffer);

	sniffer->type = magic_type(head);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (sniffer->type && strcmp(sniffer->type, signs[i].type) == 0) {
			window_look(sniffer, sniffer->type, head, head.length - WASH_SNIFF_TAIL_BYTES);
			memcpy(sniffer->tail, head.data + head.length - WASH_SNIFF_TAIL_BYTES, WASH_SNIFF_TAIL_BYTES);
			sniffer->tail_bytes = WASH_SNIFF_TAIL_BYTES;
			return;
		}
	sniffer->type = NULL;
}

void wash_sniff_feed(struct wash_sniffer *sniffer, struct span bytes)
{
	size_t room = sizeof(sniffer->head) - sniffer->head_bytes, length = bytes.length < room ? bytes.length : room;

	if (bytes.length == 0)
		return;
	if (sniffer->bytes < DISC_OFFSET + DISC_NAME_BYTES)
		disc_look(sniffer, bytes);
	sniffer->bytes += bytes.length;
	memcpy(sniffer->head + sniffer->head_bytes, bytes.data, length);
	sniffer->head_bytes += length;
	if (length > 0 && sniffer->head_bytes == sizeof(sniffer->head))
		head_complete(sniffer);
	if (sniffer->type && bytes.length > length)
		further_look(sniffer, sniffer->type, span_part(bytes, length, bytes.length));
}

/* ---- what it is ---- */

/* What an archive or a document is by its signs. */
static const char *signed_type(const char *type, uint32_t found)
{
	static const struct {
		const char *type;
		uint32_t sign;
		const char *plain, *macros;
	} documents[] = {
		{ "application/zip", WASH_SIGN_WORD, "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		  "application/vnd.ms-word.document.macroenabled.12" },
		{ "application/zip", WASH_SIGN_EXCEL, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		  "application/vnd.ms-excel.sheet.macroenabled.12" },
		{ "application/zip", WASH_SIGN_POWERPOINT,
		  "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		  "application/vnd.ms-powerpoint.presentation.macroenabled.12" },
		{ "application/x-ole-storage", WASH_SIGN_WORD, "application/msword", "application/msword" },
		{ "application/x-ole-storage", WASH_SIGN_EXCEL, "application/vnd.ms-excel", "application/vnd.ms-excel" },
		{ "application/x-ole-storage", WASH_SIGN_POWERPOINT, "application/vnd.ms-powerpoint",
		  "application/vnd.ms-powerpoint" },
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		if (strcmp(type, documents[i].type) == 0 && found & documents[i].sign)
			return found & WASH_SIGN_MACROS ? documents[i].macros : documents[i].plain;
	return type;
}

/* The first byte of an archive by RAR says where its flags are (RAR 4: byte 10; RAR 5: the first header is of type 4). */
static bool rar_is_encrypted(struct span head)
{
	if (head.length > 12 && head.data[6] == 1)
		return head.length > 14 && head.data[13] == 4;
	return head.length > 11 && head.data[9] == 0x73 && (head.data[10] & 0x80);
}

static bool is_executable(struct span head)
{
	return head.length > 64 && head.data[0] == 'M' && head.data[1] == 'Z';
}

/* Cryptographic messages (RFC 5652): a sequence whose first object is an identifier of PKCS #7. */
static bool is_cms(struct span head)
{
	static const char identifier[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x07";
	size_t length = head.length < 32 ? head.length : 32;

	return length > 0 && head.data[0] == 0x30 && memmem(head.data, length, identifier, sizeof(identifier) - 1);
}

static const char *script_type(struct span head)
{
	size_t at = head.length >= 3 && memcmp(head.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < head.length && header_is_space(head.data[at]))
		at++;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		size_t length = strlen(scripts[i].begin);

		if (head.length - at >= length && header_word_is(span_part(head, at, at + length), scripts[i].begin))
			return scripts[i].type;
	}
	return NULL;
}

/* Kinds that are text, and may be shown when they are declared as text. */
static bool is_text_type(const char *type)
{
	return strncmp(type, "text/", 5) == 0 || strcmp(type, "image/svg+xml") == 0 || strncmp(type, "application/pgp-", 16) == 0 ||
	       strcmp(type, "application/x-php") == 0 || strcmp(type, "application/hta") == 0 ||
	       strcmp(type, "application/postscript") == 0 || strcmp(type, "application/rtf") == 0;
}

struct wash_sniffed wash_sniff_result(const struct wash_sniffer *sniffer)
{
	struct span head = head_of(sniffer);
	struct wash_sniffer whole = { .signs = sniffer->signs };
	const char *type = magic_type(head);

	if (type && sniffer->bytes < sizeof(sniffer->head))
		window_look(&whole, type, head, head.length);
	if (type)
		type = signed_type(type, whole.signs);
	else if (is_executable(head))
		type = "application/vnd.microsoft.portable-executable";
	else if (is_cms(head))
		type = "application/pkcs7-mime";
	else if (whole.signs & WASH_SIGN_DISC)
		type = "application/x-iso9660-image";
	else
		type = script_type(head);
	return (struct wash_sniffed){
		.type = type ? span_of(type) : (struct span){ .data = NULL, .length = 0 },
		.encrypted = whole.signs & WASH_SIGN_ENCRYPTED || (type && strcmp(type, "application/vnd.rar") == 0 && rar_is_encrypted(head)),
		.text = !type || is_text_type(type),
	};
}
