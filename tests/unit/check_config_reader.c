/*
 * The reader: each mistake of a zone file gives its finding at its line, all of them in one run, and what is
 * good is kept.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/catalogue.h"
#include "config/reader.h"
#include "config/schema.h"
#include "config/syntax.h"

/* Line 1 of every row's file: all that is required. The row begins at line 2. */
#define MINIMAL                                                                                                            \
	"town = \"海野町\"; model = \"alpha\"; "                                                                           \
	"zones = ( { name = \"a\"; tier = \"lgwan\"; interfaces = \"e0\"; networks = \"10.0.0.0/8\"; } );\n"
#define HOST(REST) "hosts = (\n{ name = \"h\"; zone = \"a\"; addresses = \"10.0.0.1\"; " REST " } );\n"
#define RELAY(REST) "relays = (\n{ name = \"r\"; from = \"a\"; to = \"a\"; accept_from = \"h\"; next_hops = \"h\"; domains = \"d\"; " REST " } );\n"
#define LIMIT(REST) "limits = (\n{ from = \"a\"; to = \"b\"; " REST " } );\n"
#define FLOW(REST)                                                                                                         \
	"flows = (\n{ name = \"f\"; from = \"a\"; to = \"a\"; method = \"internal\"; source = \"any\"; destination = \"any\"; " \
	REST " } );\n"
#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

struct row {
	const char *what;
	const char *text;	/* after MINIMAL */
	const char *expected;	/* "id:line id:line" in the order of findings_sort() */
	int result;
};

static const struct row rows[] = {
	{ "nothing more than required", "", "", 0 },
	{ "all good", HOST("macs = [ \"02:00:00:00:00:01\" ]; sanitizer = true;") RELAY("listen_port = 0x19;"), "", 0 },
	{ "Windows line ends", "\r\n# ok\r\nservices = ( );\r\n", "", 0 },
	{ "last line is a comment without line end", "# the end", "", 0 },
	{ "a long text in two pieces", FLOW("record = { reason = \"one \"\n\"two\"; };"), "", 0 },

	{ "unknown key", "color = 1;", "key-unknown:2", 0 },
	{ "misspelled key", "flow = ( );", "key-misspelled:2", 0 },
	{ "misspelled key in a group", HOST("\nadresses = 1;"), "key-misspelled:4", 0 },
	{ "unknown key whose value stands below", "color =\n\n\"red\";", "key-unknown:2", 0 },
	{ "NAT", "nat = { };", "key-refused:2", 0 },
	{ "NAT in a flow", FLOW("masquerade = true;"), "key-refused:3", 0 },
	{ "refused key in another spelling", "Port-Forward = ( );", "key-refused:2", 0 },
	{ "missing keys", "hosts = (\n{ name = \"h\"; }\n);", "key-missing:3 key-missing:3", 0 },
	{ "missing keys of a nested group", "relays = ( );\ngateway = { egress = ( { name = \"n\";\nuser = \"u\"; zone = \"a\"; } ); };",
	  "key-missing:3", 0 },
	{ "a missing key that is misspelled", "hosts = (\n{ name = \"h\"; zone = \"a\";\nadresses = 1; }\n);", "key-misspelled:4", 0 },
	{ "key twice", "hosts = ( );\n\nhosts = ( );", "key-duplicate:4", -EBADMSG },
	{ "key twice in an inner group", HOST("zone = \"b\";"), "key-duplicate:3", -EBADMSG },
	{ "same key in two groups", "hosts = ( { name = \"h\"; zone = \"a\"; addresses = \"1\"; },\n{ name = \"i\"; zone = \"a\"; addresses = \"2\"; } );",
	  "", 0 },

	{ "full-width digits in an address", HOST("macs = \"０２:00:00:00:00:01\";"), "text-full-width:3", 0 },
	{ "a full-width space in an address", HOST("macs = [ \"02:00:00:00:00:01　\" ];"), "text-full-width:3", 0 },
	{ "a full-width word of a choice", FLOW("peer = \"ｊｕｋｉ-net\";"), "text-full-width:3", 0 },
	{ "full-width characters in a label", HOST("label = \"１階　ＰＣ\";"), "", 0 },

	{ "number for a text", HOST("label = 1;"), "kind-text:3", 0 },
	{ "list for a text", HOST("label = [ \"a\" ];"), "kind-text:3", 0 },
	{ "truth value in a list", HOST("macs = [ true ];"), "kind-text-list:3", 0 },
	{ "fraction in a list", FLOW("ports = [\n1.5 ];"), "kind-text-list:4", 0 },
	{ "group for a list", HOST("macs = { };"), "kind-text-list:3", 0 },
	{ "text for a number", RELAY("listen_port = \"25\";"), "kind-number:3", 0 },
	{ "fraction for a number", RELAY("listen_port = 25.0;"), "kind-number:3", 0 },
	{ "text for a truth value", HOST("sanitizer = \"true\";"), "kind-flag:3", 0 },
	{ "number for a truth value", HOST("sanitizer = 1;"), "kind-flag:3", 0 },
	{ "text for a group", FLOW("record = \"x\";"), "kind-group:3", 0 },
	{ "group for a list of groups", "hosts = { };", "kind-records:2", 0 },
	{ "text in a list of groups", "hosts = (\n\"h\" );", "kind-records:3", 0 },
	{ "array for a list of groups", "hosts = [ ];", "kind-records:2", 0 },

	{ "choice nobody knows", FLOW("peer = \"world\";"), "choice-unknown:3", 0 },
	{ "misspelled choice", FLOW("peer = \"juki-nett\";"), "choice-misspelled:3", 0 },
	{ "choice in capitals", FLOW("peer = \"ELTAX\";"), "choice-misspelled:3", 0 },
	{ "part of a choice", FLOW("peer = \"juki\";"), "choice-unknown:3", 0 },
	{ "two choices", FLOW("peer = \"eltax|convenience\";"), "choice-unknown:3", 0 },
	{ "smallest port", RELAY("listen_port = 1;"), "", 0 },
	{ "below the smallest port", RELAY("listen_port = 0;"), "number-range:3", 0 },
	{ "largest port", RELAY("listen_port = 65535;"), "", 0 },
	{ "above the largest port", RELAY("listen_port = 65536;"), "number-range:3", 0 },
	{ "negative port", RELAY("listen_port = -25;"), "number-range:3", 0 },
	{ "port as a long number", RELAY("listen_port = 25L;"), "", 0 },
	{ "largest number of 31 bits", RELAY("listen_port = 2147483647;"), "number-range:3", 0 },
	{ "number of 32 bits", RELAY("listen_port = 2147483648;"), "number-too-large:3", -EBADMSG },
	{ "port of 33 bits is not cut to 25", RELAY("listen_port = 4294967321;"), "number-too-large:3", -EBADMSG },
	{ "long port of 33 bits", RELAY("listen_port = 4294967321L;"), "number-range:3", 0 },
	{ "hexadecimal port with the highest bit", RELAY("listen_port = 0xffffffff;"), "number-range:3", 0 },
	{ "hexadecimal port of 33 bits is not cut to 25", RELAY("listen_port = 0x100000019;"), "number-too-large:3", -EBADMSG },
	{ "smallest values of a relay", RELAY("limits = { message_mib = 1; recipients = 100; sessions = 1; sessions_per_client = 1; };"
	  "originals = { days = 1; free_mib = 64; };"), "", 0 },
	{ "below the smallest", RELAY("limits = { message_mib = 0;\nrecipients = 99;\nsessions = 0;\nsessions_per_client = 0; };"
	  "originals = {\ndays = 0;\nfree_mib = 63; };"),
	  "number-range:3 number-range:4 number-range:5 number-range:6 number-range:7 number-range:8", 0 },
	{ "largest values of a relay", RELAY("limits = { message_mib = 200; recipients = 1000; sessions = 1024; sessions_per_client = 1024; };"
	  "originals = { days = 3660; free_mib = 1048576; };"), "", 0 },
	{ "above the largest", RELAY("limits = { message_mib = 201;\nrecipients = 1001;\nsessions = 1025;\nsessions_per_client = 1025; };"
	  "originals = {\ndays = 3661;\nfree_mib = 1048577; };"),
	  "number-range:3 number-range:4 number-range:5 number-range:6 number-range:7 number-range:8", 0 },
	{ "the smallest limit of connections", LIMIT("connections = 1;"), "", 0 },
	{ "the largest limit", LIMIT("connections = 100000000;"), "", 0 },
	{ "a limit of nothing, and one more than the largest", LIMIT("connections = 0; }, { from = \"b\"; to = \"a\";\nconnections = 100000001;"),
	  "number-range:3 number-range:4", 0 },
	{ "a limit without a number", LIMIT(""), "key-missing:3", 0 },
	{ "unknown keys of a relay's groups", RELAY("limits = { message_mb = 30; };\ntext = { colour = 1; };\noriginals = { day = 1; };"),
	  "key-misspelled:3 key-unknown:4 key-misspelled:5", 0 },
	{ "a way to show links that is none", RELAY("text = { links = \"hxxps\";\nlanguage = \"fr\"; };"),
	  "choice-misspelled:3 choice-unknown:4", 0 },
	{ "a line break in a footer", RELAY("text = { footer = \"a\\nb\"; };"), "text-hidden:3", 0 },
	{ "an empty line of a footer", RELAY("text = { footer = [ \"a\",\n\"\" ]; };"), "text-empty:4", 0 },
	{ "an empty line of a footer as a space", RELAY("text = { footer = [ \"a\", \" \", \"b\" ]; };"), "", 0 },
	{ "a tag character", RELAY("text = { footer = \"a\xf3\xa0\x81\xa1\"; };"), "text-hidden:3", 0 },
	{ "a Hangul filler", RELAY("text = { subject_prefix = \"a\xe3\x85\xa4\"; };"), "text-hidden:3", 0 },
	{ "a noncharacter of another plane", RELAY("text = { subject_prefix = \"a\xf0\x9f\xbf\xbe\"; };"), "text-hidden:3", 0 },
	{ "a variation selector", RELAY("text = { subject_prefix = \"葛\xf3\xa0\x84\x80\"; };"), "", 0 },
	{ "nine digits, but zeros", RELAY("listen_port = 0x000000019;"), "", 0 },
	{ "nineteen digits", RELAY("listen_port = 1234567890123456789;"), "number-too-large:3", -EBADMSG },

	{ "empty text", HOST("label = \"\";"), "text-empty:3", 0 },
	{ "empty text in a list", HOST("macs = [ \"\",\n\"\" ];"), "text-empty:3 text-empty:4", 0 },
	{ "list that needs an item", "hosts = ( { name = \"h\"; zone = \"a\"; addresses = [ ]; } );", "list-empty:2", 0 },
	{ "list that needs none", HOST("macs = [ ];") "relays = ( );", "", 0 },
	{ "text that is not UTF-8", HOST("label = \"\\xff\";"), "text-encoding:3", 0 },
	{ "overlong UTF-8 of two bytes", HOST("label = \"\\xc0\\xaf\";"), "text-encoding:3", 0 },
	{ "overlong UTF-8 of three bytes", HOST("label = \"\\xe0\\x80\\xaf\";"), "text-encoding:3", 0 },
	{ "overlong UTF-8 of four bytes", HOST("label = \"\\xf0\\x80\\x80\\xaf\";"), "text-encoding:3", 0 },
	{ "surrogate in UTF-8", HOST("label = \"\\xed\\xa0\\x80\";"), "text-encoding:3", 0 },
	{ "beyond U+10FFFF", HOST("label = \"\\xf4\\x90\\x80\\x80\";"), "text-encoding:3", 0 },
	{ "cut UTF-8", HOST("label = \"\\xe6\\xb5\";"), "text-encoding:3", 0 },
	{ "UTF-8 in escapes", HOST("label = \"\\xe6\\xb5\\xb7\";"), "", 0 },
	{ "line end in a text", HOST("label = \"a\\nb\";"), "text-hidden:3", 0 },
	{ "tabulator in a text", HOST("label = \"a\tb\";"), "text-hidden:3", 0 },
	{ "escape character in a text", HOST("label = \"\\x1b[2J\";"), "text-hidden:3", 0 },
	{ "right-to-left override in a text", HOST("label = \"a\xe2\x80\xae" "b\";"), "text-hidden:3", 0 },
	{ "zero-width space in a name", "networks = ( { name = \"a\xe2\x80\x8b\"; zone = \"a\"; prefixes = \"10.0.0.1\"; } );", "text-hidden:2", 0 },
	{ "quotes in a name", "services = ( { name = \"a\\\"b\"; protocol = \"tcp\"; } );", "name-form:2", 0 },
	{ "slash in a name", "services = ( { name = \"relay/mail\"; protocol = \"tcp\"; } );", "name-form:2", 0 },
	{ "backslash in a name", "services = ( { name = \"a\\\\b\"; protocol = \"tcp\"; } );", "name-form:2", 0 },
	{ "Japanese name", "services = ( { name = \"住基 照会(本番)\"; protocol = \"tcp\"; } );", "", 0 },
	{ "name of 60 bytes", "services = ( { name = \"" SIXTY "\"; protocol = \"tcp\"; } );", "", 0 },
	{ "name of 61 bytes", "services = ( { name = \"" SIXTY "1\"; protocol = \"tcp\"; } );", "name-long:2", 0 },

	{ "missing quote", "hosts = ( );\nflows = ( { name = \"a; } );\nrelays = ( );\n", "text-not-closed:3", -EBADMSG },
	{ "missing quote, later quotes close it", HOST("label = \"a;\nmacs = \"b\";"), "text-not-closed:3", -EBADMSG },
	{ "comment without end", "/* hosts = ( );", "comment-not-closed:2", -EBADMSG },
	{ "full-width semicolon", "hosts = ( )；\n", "full-width:2", -EBADMSG },
	{ "full-width equals sign", "hosts ＝ ( );\n", "full-width:2", -EBADMSG },
	{ "full-width space", "hosts = ( );\n\xe3\x80\x80relays = ( );", "full-width-space:3", -EBADMSG },
	{ "curved quotes", HOST("label = “a”;"), "full-width:3", -EBADMSG },
	{ "Japanese without quotes", HOST("label = 端末;"), "quotes-missing:3", -EBADMSG },
	{ "stray sign", "hosts = ( ) !", "stray-character:2", -EBADMSG },
	{ "byte order mark in the middle", "hosts = ( );\xef\xbb\xbf", "stray-character:2", -EBADMSG },
	{ "include in the middle of a line", "hosts = ( ); @include \"x\"", "include-form:2", -EBADMSG },
	{ "include without quotes", "@include x.conf", "include-form:2", -EBADMSG },
	{ "include in a text", "@include \"x.conf\"", "include-unavailable:2", -EBADMSG },
	{ "include in a comment", "/*\n@include \"x.conf\"\n*/", "", 0 },
	{ "word without quotes", HOST("label = tanmatsu;"), "quotes-missing:3", -EBADMSG },
	{ "yes instead of true", HOST("sanitizer = yes;"), "kind-flag:3", -EBADMSG },
	{ "address without quotes", "hosts = ( { addresses = 10.1.0.0/24; } );", "quotes-missing:2", -EBADMSG },
	{ "IPv6 address without quotes", "hosts = ( { addresses = [ fd00::1 ]; } );", "quotes-missing:2", -EBADMSG },
	{ "IPv6 address of digits without quotes", "hosts = ( { addresses = [ 2001:db8::1 ]; } );", "quotes-missing:2", -EBADMSG },
	{ "MAC without quotes", HOST("macs = [ 02:00:00:01:00:10 ];"), "quotes-missing:3", -EBADMSG },
	{ "range without quotes", FLOW("ports = 80-443;"), "quotes-missing:3", -EBADMSG },
	{ "equals sign missing", "hosts ( );", "equals-missing:2", -EBADMSG },
	{ "equals sign missing, next line noted", "hosts\n( );", "equals-missing:2", -EBADMSG },
	{ "value missing", HOST("label = ;"), "value-missing:3", -EBADMSG },
	{ "value missing before the next key", HOST("label =\nmacs = \"x\";"), "value-missing:3", -EBADMSG },
	{ "value missing at the end", "relays = ", "value-missing:2", -EBADMSG },
	{ "key in quotes", "\"hosts\" = ( );", "key-expected:2", -EBADMSG },
	{ "two semicolons", "hosts = ( );;", "key-expected:2", -EBADMSG },
	{ "comma missing between groups", "services = (\n{ name = \"a\"; protocol = \"tcp\"; }\n{ name = \"b\"; protocol = \"tcp\"; } );",
	  "comma-missing:4", -EBADMSG },
	{ "comma missing between numbers", FLOW("ports = [ 80 443 ];"), "comma-missing:3", -EBADMSG },
	{ "comma missing between texts", HOST("macs = [ \"a\"\n\"b\" ];"), "texts-joined:4", -EBADMSG },
	{ "comma after the last item", "services = ( { name = \"a\"; protocol = \"tcp\"; },\n);", "comma-extra:3", -EBADMSG },
	{ "two commas", FLOW("ports = [ 80,, 443 ];"), "comma-extra:3", -EBADMSG },
	{ "bracket that closes nothing", "hosts = ( );\n};", "bracket-extra:3", -EBADMSG },
	{ "group not closed", "hosts = (\n{ name = \"h\";\n);", "bracket-wrong:4", -EBADMSG },
	{ "group not closed before the next", "hosts = (\n{ name = \"h\";\n{ name = \"i\"; } );", "bracket-wrong:4", -EBADMSG },
	{ "list not closed before the next key", HOST("macs = [ \"a\"\nlabel = \"b\";"), "bracket-wrong:4", -EBADMSG },
	{ "list not closed before the semicolon", HOST("macs = [ \"a\";"), "bracket-wrong:3", -EBADMSG },
	{ "wrong bracket", FLOW("ports = [ 80 );"), "bracket-wrong:3", -EBADMSG },
	{ "bracket open at the end", "hosts = (\n{ name = \"h\"; }\n", "bracket-open:2", -EBADMSG },
	{ "groups in square brackets", "hosts = [\n{ name = \"h\"; } ];", "bracket-kind:3", -EBADMSG },
	{ "numbers and texts in square brackets", FLOW("ports = [ 80, \"8000-8080\" ];"), "list-mixed:3", -EBADMSG },
	{ "numbers and texts in round brackets", FLOW("ports = ( 80, \"8000-8080\" );"), "", 0 },
	{ "four mistakes of values in one run", HOST("label = \"\"; color = 1;\nsanitizer = 3;") RELAY("listen_port = 0;"),
	  "text-empty:3 key-unknown:3 kind-flag:4 number-range:6", 0 },
};

/* "id:line id:line" of all findings, sorted. */
static const char *findings_summary(struct findings *findings)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);

	findings_sort(findings);
	for (size_t i = 0; i < findings->count; i++)
		buf_printf(&text, "%s%s:%u", i ? " " : "", findings->items[i].kind->id,
			   (unsigned int)findings->items[i].origin.line);
	return arena_strdup(findings->arena, buf_text(&text));
}

/* No sentence may have an empty place. */
static void findings_check_sentences(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		ck_assert_ptr_null(strstr(finding_sentence(findings, &findings->items[i], LANGUAGE_EN), "?"));
		ck_assert_ptr_null(strstr(finding_sentence(findings, &findings->items[i], LANGUAGE_JA), "?"));
		ck_assert_ptr_null(strstr(finding_action(findings, &findings->items[i], LANGUAGE_JA), "?"));
	}
}

static int text_read(struct arena *arena, const char *text, struct findings *findings,
		     struct settings **ret_settings)
{
	const char *whole = arena_printf(arena, "%s%s", MINIMAL, text);

	*findings = findings_in(arena);
	return settings_read_text(arena, "test.conf", whole, strlen(whole), findings, ret_settings);
}

START_TEST(mistake_gives_its_finding)
{
	const struct row *row = &rows[_i];
	struct arena *arena = arena_new();
	struct settings *settings = NULL;
	struct findings findings;
	int result = text_read(arena, row->text, &findings, &settings);
	const char *summary = findings_summary(&findings);

	ck_assert_msg(result == row->result, "%s: result %d, findings %s", row->what, result, summary);
	ck_assert_msg(strcmp(summary, row->expected) == 0, "%s: got \"%s\", expected \"%s\"", row->what,
		      summary, row->expected);
	ck_assert_msg((settings != NULL) == (result == 0), "%s", row->what);
	findings_check_sentences(&findings);
	arena_free(arena);
}
END_TEST

/*
 * Files and includes have a test of their own; "syntax" is for what this check and libconfig see differently:
 * nothing that is known.
 */
START_TEST(every_kind_of_finding_has_a_row)
{
	static const char *const elsewhere[] = { "syntax", "zone-name", "text-long", "list-long",
						 "nested-deeply" };
	const char *id = config_catalogue[_i].id;
	bool found = strncmp(id, "file-", 5) == 0 || strncmp(id, "include-", 8) == 0;

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		found |= strcmp(id, elsewhere[i]) == 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !found; i++)
		found = strstr(rows[i].expected, id) != NULL;
	ck_assert_msg(found, "%s", id);
}
END_TEST

/* What a text of many equal pieces gives. */
struct limit_row {
	const char *what;
	const char *before, *piece, *after;
	size_t count;
	const char *expected;
	int result;
};

#define ZONE_BEFORE "town = \"t\"; model = \"beta\"; zones = ( { name = \""
#define ZONE_AFTER "\"; tier = \"lgwan\"; interfaces = \"e0\"; networks = \"10.0.0.0/8\"; } );"
#define LABEL_BEFORE MINIMAL "hosts = ( { name = \"h\"; zone = \"a\"; addresses = \"10.0.0.1\"; label = \""
#define PORTS_BEFORE MINIMAL "services = ( { name = \"s\"; protocol = \"tcp\"; ports = [ 1"

static const struct limit_row limit_rows[] = {
	{ "zone name at the limit", ZONE_BEFORE, "a", ZONE_AFTER, 15, "", 0 },
	{ "zone name beyond it", ZONE_BEFORE, "a", ZONE_AFTER, 16, "zone-name:1", 0 },
	{ "zone name of digits", ZONE_BEFORE, "1", ZONE_AFTER, 1, "zone-name:1", 0 },
	{ "zone name of capitals", ZONE_BEFORE, "A", ZONE_AFTER, 1, "zone-name:1", 0 },
	{ "zone name of hyphens", ZONE_BEFORE, "-", ZONE_AFTER, 1, "zone-name:1", 0 },
	{ "text at the limit", LABEL_BEFORE, "a", "\"; } );", SCHEMA_TEXT_BYTES_MAX, "", 0 },
	{ "text beyond it", LABEL_BEFORE, "a", "\"; } );", SCHEMA_TEXT_BYTES_MAX + 1, "text-long:2", 0 },
	{ "nesting at the limit", MINIMAL "hosts = ( ); deep = ", "(", "", READER_BRACKETS_DEPTH_MAX, "bracket-open:2", -EBADMSG },
	{ "nesting beyond it", MINIMAL "hosts = ( ); deep = ", "(", "", READER_BRACKETS_DEPTH_MAX + 1, "nested-deeply:2", -EBADMSG },
	{ "list at the limit, then another mistake", PORTS_BEFORE, ",1", " ]; ) );", READER_LIST_ITEMS_MAX - 1, "bracket-wrong:2", -EBADMSG },
	{ "list beyond it", PORTS_BEFORE, ",1", " ]; } );", READER_LIST_ITEMS_MAX, "list-long:2", -EBADMSG },
};

START_TEST(limit_holds)
{
	const struct limit_row *row = &limit_rows[_i];
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct buf text = buf_limited(0);
	struct settings *settings;
	const char *summary;
	int result;

	buf_puts(&text, row->before);
	for (size_t i = 0; i < row->count; i++)
		buf_puts(&text, row->piece);
	buf_puts(&text, row->after);
	result = settings_read_text(arena, "test.conf", buf_text(&text), text.length, &findings, &settings);
	summary = findings_summary(&findings);
	ck_assert_msg(result == row->result, "%s: result %d, findings %s", row->what, result, summary);
	ck_assert_msg(strcmp(summary, row->expected) == 0, "%s: got \"%s\", expected \"%s\"", row->what,
		      summary, row->expected);
	findings_check_sentences(&findings);
	buf_free(&text);
	arena_free(arena);
}
END_TEST

/* Bytes that no text in a C file can show: NUL, a Shift_JIS comment, a control character. */
struct bytes_row {
	const char *what;
	const char *bytes;
	size_t length;
	const char *expected;
};

#define BYTES(TEXT) TEXT, sizeof(TEXT) - 1

static const struct bytes_row bytes_rows[] = {
	{ "NUL would hide the rest of the file", BYTES("town = \"t\";\n\0nat = 1;\n"), "file-control:2" },
	{ "Shift_JIS in a comment, reported once", BYTES("# \n# \x8a\x43\x96\xec\x92\xac\n# \x8a\x43\n"), "file-encoding:2" },
	{ "UTF-16", BYTES("\xff\xfet\0o\0"), "file-utf16:0" },
	{ "UTF-16 in the other order", BYTES("\xfe\xff\0t\0o"), "file-utf16:0" },
	{ "form feed and tabulator are blanks", BYTES("\f\t"), "key-missing:0 key-missing:0 key-missing:0" },
	{ "vertical tabulator", BYTES("\n\v"), "file-control:2" },
	{ "DEL", BYTES("\x7f"), "file-control:1" },
	{ "byte order mark at the beginning", BYTES("\xef\xbb\xbf# x"), "key-missing:0 key-missing:0 key-missing:0" },
	{ "nothing at all", BYTES(""), "key-missing:0 key-missing:0 key-missing:0" },
};

START_TEST(bytes_are_checked_first)
{
	const struct bytes_row *row = &bytes_rows[_i];
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct settings *settings;
	const char *summary;

	settings_read_text(arena, "test.conf", row->bytes, row->length, &findings, &settings);
	summary = findings_summary(&findings);
	ck_assert_msg(strcmp(summary, row->expected) == 0, "%s: got \"%s\", expected \"%s\"", row->what,
		      summary, row->expected);
	findings_check_sentences(&findings);
	arena_free(arena);
}
END_TEST

static const char placed[] =
	"town =\n"						/* 1 */
	"  \"t\";\n"						/* 2 */
	"model = \"alpha\";\n"					/* 3 */
	"zones = (\n"						/* 4 */
	"  {\n"							/* 5 */
	"    name = \"a\"; tier = \"lgwan\"; interfaces = \"e0\";\n" /* 6 */
	"    networks = [\n"					/* 7 */
	"      \"10.0.0.0/8\",\n"				/* 8 */
	"      \"fd00::/8\"\n"					/* 9 */
	"    ];\n"						/* 10 */
	"  }\n"							/* 11 */
	");\n"							/* 12 */
	"services = ( { name = \"s\"; protocol = \"tcp\";\n"	/* 13 */
	"  ports = ( 80, 0x1bb,\n"				/* 14 */
	"    \"8000-8080\"\n"					/* 15 */
	"  ); } );\n";						/* 16 */

START_TEST(values_keep_their_lines)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct settings *settings;

	ck_assert_int_eq(settings_read_text(arena, "test.conf", placed, strlen(placed), &findings, &settings), 0);
	ck_assert_uint_eq(findings.count, 0);
	ck_assert_uint_eq(settings->source_count, 1);
	ck_assert_uint_eq(settings->town.at.line, 2);
	ck_assert_ptr_eq(settings->town.at.source, &settings->sources[0]);
	ck_assert_uint_eq(settings->zones[0].at.line, 5);
	ck_assert_uint_eq(settings->zones[0].networks.at.line, 7);
	ck_assert_uint_eq(settings->zones[0].networks.items[0].at.line, 8);
	ck_assert_uint_eq(settings->zones[0].networks.items[1].at.line, 9);
	ck_assert_uint_eq(settings->services[0].at.line, 13);
	ck_assert_uint_eq(settings->services[0].ports.items[1].at.line, 14);
	ck_assert_uint_eq(settings->services[0].ports.items[2].at.line, 15);
	arena_free(arena);
}
END_TEST

START_TEST(values_are_what_was_written)
{
	struct arena *arena = arena_new();
	struct settings *settings;
	struct findings findings;
	const struct service_settings *service;

	ck_assert_int_eq(text_read(arena,
				   "services = ( { name = \"s\"; protocol = \"tcp\"; ports = ( 80, 0x1bb, "
				   "\"8000-8080\", 25L ); } );" RELAY("next_hop_port = 2525;"),
				   &findings, &settings),
			 0);
	ck_assert_uint_eq(findings.count, 0);
	service = &settings->services[0];
	ck_assert_uint_eq(service->ports.count, 4);
	ck_assert_str_eq(service->ports.items[0].value, "80");
	ck_assert_str_eq(service->ports.items[1].value, "443");
	ck_assert_str_eq(service->ports.items[2].value, "8000-8080");
	ck_assert_str_eq(service->ports.items[3].value, "25");
	ck_assert_uint_eq(settings->zones[0].interfaces.count, 1);
	ck_assert_str_eq(settings->zones[0].interfaces.items[0].value, "e0");
	ck_assert_ptr_null(settings->zones[0].label.value);
	ck_assert_ptr_null(settings->zones[0].uplink.at.source);
	ck_assert_int_eq(settings->relays[0].listen_port.value, 25);
	ck_assert_ptr_null(settings->relays[0].listen_port.at.source);
	ck_assert_int_eq(settings->relays[0].next_hop_port.value, 2525);
	ck_assert_int_eq(settings->relays[0].limits.message_mib.value, 30);
	ck_assert_ptr_null(settings->relays[0].limits.message_mib.at.source);
	ck_assert_ptr_null(settings->relays[0].limits.at.source);
	ck_assert_int_eq(settings->relays[0].originals.days.value, 400);
	ck_assert_uint_eq(settings->flow_count, 0);
	arena_free(arena);
}
END_TEST

/* A wrong value is left out, but a wrong name is kept, so that what refers to it is not reported as well. */
START_TEST(bad_values_do_not_reach_the_settings)
{
	struct arena *arena = arena_new();
	struct settings *settings;
	struct findings findings;

	ck_assert_int_eq(text_read(arena,
				   "hosts = ( { name = \"a/b\"; zone = \"\\xff\"; addresses = [ \"1\", \"\", "
				   "\"2\" ]; }, 1 );" RELAY("listen_port = 70000;"),
				   &findings, &settings),
			 0);
	ck_assert_uint_eq(settings->host_count, 1);
	ck_assert_str_eq(settings->hosts[0].name.value, "a/b");
	ck_assert_ptr_null(settings->hosts[0].zone.value);
	ck_assert_ptr_nonnull(settings->hosts[0].zone.at.source);
	ck_assert_uint_eq(settings->hosts[0].addresses.count, 2);
	ck_assert_str_eq(settings->hosts[0].addresses.items[1].value, "2");
	ck_assert_int_eq(settings->relays[0].listen_port.value, 25);
	arena_free(arena);
}
END_TEST

/* How many items a long list has; libconfig gets it in parts of SYNTAX_PART_ITEMS. */
static const size_t long_rows[] = { SYNTAX_PART_ITEMS, SYNTAX_PART_ITEMS + 1, 2 * SYNTAX_PART_ITEMS, 2 * SYNTAX_PART_ITEMS + 1 };

/* Items of three lines each; brackets, commas and quotes in comments and texts are none of the list's. */
static void put_long_list(struct buf *text, const char *key, size_t count)
{
	buf_printf(text, "%s = (\n", key);
	for (size_t i = 0; i < count; i++)
		buf_printf(text, "{ name = \"%s%zu\"; # ), {\n zone = \"a\"; addresses = ( \"10.0.0.1\", /* ( */\n \"10.0.0.2\" ); label = \")\"; }%s\n",
			   key, i, i + 1 < count ? "," : "");
	buf_puts(text, ");\n");
}

START_TEST(a_long_list_reads_like_a_short_one)
{
	const size_t count = long_rows[_i];
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct buf text = buf_limited(0);
	struct settings *settings;

	buf_puts(&text, MINIMAL);
	put_long_list(&text, "hosts", count);
	buf_puts(&text, "networks = ( { name = \"n\"; zone = \"a\";\n prefixes = \"10.1.0.0/16\"; } );\n");
	ck_assert_int_eq(settings_read_text(arena, "test.conf", buf_text(&text), text.length, &findings, &settings), 0);
	ck_assert_uint_eq(findings.count, 0);
	ck_assert_uint_eq(settings->host_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct host_settings *host = &settings->hosts[i];
		const uint32_t line = (uint32_t)(3 + 3 * i);

		ck_assert_str_eq(host->name.value, arena_printf(arena, "hosts%zu", i));
		ck_assert_uint_eq(host->at.line, line);
		ck_assert_uint_eq(host->name.at.line, line);
		ck_assert_uint_eq(host->zone.at.line, line + 1);
		ck_assert_uint_eq(host->addresses.at.line, line + 1);
		ck_assert_uint_eq(host->addresses.items[1].at.line, line + 2);
	}
	ck_assert_uint_eq(settings->networks[0].name.at.line, 4 + 3 * count);
	ck_assert_uint_eq(settings->networks[0].prefixes.items[0].at.line, 5 + 3 * count);
	buf_free(&text);
	arena_free(arena);
}
END_TEST

/* Mistakes in a long list, a key that nobody knows with one, and a group of one where a list should be. */
START_TEST(mistakes_in_a_long_list)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct buf text = buf_limited(0);
	struct settings *settings;

	buf_puts(&text, "unheard = (");
	for (size_t i = 0; i <= SYNTAX_PART_ITEMS; i++)
		buf_printf(&text, "%s\"%zu\"", i ? ", " : "", i);
	buf_puts(&text, ");\nhosts = (\n");
	for (size_t i = 0; i < 3 * SYNTAX_PART_ITEMS; i++)
		buf_printf(&text, "%s%s\n", i ? ", " : "",
			   i == 1 || i == 200		       ? "7"
			   : i == SYNTAX_PART_ITEMS || i == 210 ? "{ name = \"h\"; zone = \"a\"; addresses = \"10.0.0.1\"; unheard = 1; }"
							       : "{ name = \"h\"; zone = \"a\"; addresses = \"10.0.0.1\"; }");
	buf_puts(&text, "); services = 1;\n" MINIMAL);
	ck_assert_int_eq(settings_read_text(arena, "test.conf", buf_text(&text), text.length, &findings, &settings), 0);
	ck_assert_str_eq(findings_summary(&findings), "key-unknown:1 kind-records:4 key-unknown:131 kind-records:203 key-unknown:213 kind-records:387");
	ck_assert_uint_eq(settings->host_count, 3 * SYNTAX_PART_ITEMS - 2);
	buf_free(&text);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/reader");
	TCase *cases = tcase_create("reader");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(cases, 120);
	tcase_add_loop_test(cases, mistake_gives_its_finding, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(cases, every_kind_of_finding_has_a_row, 0, CONFIG_FINDING_COUNT);
	tcase_add_loop_test(cases, limit_holds, 0, sizeof(limit_rows) / sizeof(limit_rows[0]));
	tcase_add_loop_test(cases, bytes_are_checked_first, 0, sizeof(bytes_rows) / sizeof(bytes_rows[0]));
	tcase_add_test(cases, values_keep_their_lines);
	tcase_add_loop_test(cases, a_long_list_reads_like_a_short_one, 0, sizeof(long_rows) / sizeof(long_rows[0]));
	tcase_add_test(cases, mistakes_in_a_long_list);
	tcase_add_test(cases, values_are_what_was_written);
	tcase_add_test(cases, bad_values_do_not_reach_the_settings);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
