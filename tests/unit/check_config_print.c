/*
 * Print-back: what is printed reads back as the same settings, for the example file and for settings made at
 * random from the schema.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "config/schema.h"

enum { GENERATED_COUNT = 300, LIST_ITEMS_MAX = 3 };

/* A small generator of its own: the same settings on every machine. */
struct chance {
	uint64_t state;
	struct arena *arena;
};

static uint32_t chance_below(struct chance *chance, uint32_t limit)
{
	chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance->state >> 33) % limit;
}

/* Texts with everything that could upset a printer. */
static const char *chance_text(struct chance *chance, const struct schema_key *key)
{
	static const char *const pieces[] = { "a", "海", "\"", "\\", "\\x41", "\\n", "/*", "#", "@include \"x\"", "'", ";", "}", " ", "\xf0\x9f\x90\x9f", "//" };
	static const char *const tame[] = { "a", "b-", "1", "z9" };
	bool is_tame = key->form != SCHEMA_FORM_FREE;
	char text[256] = "x";

	if (key->choices)
		return arena_strndup(chance->arena, key->choices, strcspn(key->choices, "|"));
	for (uint32_t i = chance_below(chance, 5); i > 0; i--)
		strcat(text, is_tame ? tame[chance_below(chance, 4)]
				     : pieces[chance_below(chance, sizeof(pieces) / sizeof(pieces[0]))]);
	return arena_strdup(chance->arena, text);
}

static void keys_generate(struct chance *chance, const struct schema_key *keys, void *values);

static void list_generate(struct chance *chance, const struct schema_key *key, struct text_list *list)
{
	list->count = chance_below(chance, LIST_ITEMS_MAX + 1);
	if (key->required && list->count == 0)
		list->count = 1;
	list->items = arena_array(chance->arena, list->count, sizeof(*list->items));
	for (size_t i = 0; i < list->count; i++)
		list->items[i].value = chance_text(chance, key);
}

static void records_generate(struct chance *chance, const struct schema_key *key, char *values)
{
	size_t count = chance_below(chance, LIST_ITEMS_MAX + 1) + key->required;
	char *items = arena_array(chance->arena, count, key->item_size);

	for (size_t i = 0; i < count; i++)
		keys_generate(chance, key->keys, items + i * key->item_size);
	*(void **)(void *)(values + key->offset) = items;
	*(size_t *)(void *)(values + key->count_offset) = count;
}

static void value_generate(struct chance *chance, const struct schema_key *key, char *values)
{
	static const struct source nowhere = { .path = "made" };
	void *value = values + key->offset;

	switch (key->kind) {
	case SCHEMA_TEXT:
		((struct text *)value)->value = chance_text(chance, key);
		break;
	case SCHEMA_TEXT_LIST:
		list_generate(chance, key, value);
		break;
	case SCHEMA_NUMBER:
		((struct number *)value)->value =
			key->minimum + chance_below(chance, (uint32_t)(key->maximum - key->minimum) + 1);
		break;
	case SCHEMA_FLAG:
		((struct flag *)value)->value = chance_below(chance, 2);
		break;
	case SCHEMA_GROUP:
		if (key->item_size > 0)
			((struct origin *)value)->source = &nowhere;
		keys_generate(chance, key->keys, value);
		break;
	case SCHEMA_RECORDS:
		records_generate(chance, key, values);
		break;
	}
}

/* As the reader does: what is not written has its default, also in a group that is not there. */
static void standards_set(const struct schema_key *keys, char *values)
{
	for (; keys->name; keys++) {
		if (keys->kind == SCHEMA_NUMBER)
			((struct number *)(void *)(values + keys->offset))->value = keys->standard;
		else if (keys->kind == SCHEMA_GROUP)
			standards_set(keys->keys, values + keys->offset);
	}
}

static void keys_generate(struct chance *chance, const struct schema_key *keys, void *values)
{
	standards_set(keys, values);
	for (; keys->name; keys++) {
		if (keys->required || chance_below(chance, 2))
			value_generate(chance, keys, values);
	}
}

/* Prints, reads, compares, and prints again: the canonical text is a fixed point. */
static void print_and_read(struct arena *arena, const struct settings *settings, const char *what)
{
	struct findings findings = findings_in(arena);
	struct buf first = buf_limited(0), second = buf_limited(0);
	struct settings *again = NULL;
	int result;

	settings_print(&first, settings);
	result = settings_read_text(arena, what, buf_text(&first), first.length, &findings, &again);
	ck_assert_msg(result == 0 && findings.count == 0, "%s: %d, %s\n%s", what, result,
		      findings.count ? finding_sentence(&findings, &findings.items[0], LANGUAGE_EN) : "",
		      buf_text(&first));
	ck_assert_msg(settings_equal(settings, again), "%s:\n%s", what, buf_text(&first));
	settings_print(&second, again);
	ck_assert_str_eq(buf_text(&first), buf_text(&second));
	buf_free(&first);
	buf_free(&second);
}

START_TEST(generated_settings_read_back)
{
	struct arena *arena = arena_new();
	struct chance chance = { .state = (uint64_t)_i, .arena = arena };
	struct settings settings = { .source_count = 0 };

	keys_generate(&chance, schema_root, &settings);
	print_and_read(arena, &settings, arena_printf(arena, "generated %d", _i));
	arena_free(arena);
}
END_TEST

START_TEST(example_file_reads_back)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct settings *settings;

	ck_assert_int_eq(settings_read(arena, "conf/sekisho.conf", &findings, &settings), 0);
	ck_assert_uint_eq(findings.count, 0);
	ck_assert_str_eq(settings->town.value, "海野町");
	ck_assert_uint_eq(settings->zone_count, 4);
	ck_assert_uint_eq(settings->flow_count, 8);
	print_and_read(arena, settings, "conf/sekisho.conf");
	arena_free(arena);
}
END_TEST

/* Each row is one change to settings that were equal: a comparison that forgets a key would not see it. */
static const struct {
	const char *what;
	const char *left, *right;
	bool equal;
} pairs[] = {
	{ "same", "town = \"a\";", "town=\"a\"", true },
	{ "text", "town = \"a\";", "town = \"b\";", false },
	{ "text written and not", "town = \"a\";", "", false },
	{ "bare value and list of one", "zones = ( { interfaces = \"e\"; } );", "zones = ( { interfaces = [ \"e\" ]; } );", true },
	{ "number and text", "services = ( { ports = [ 80 ]; } );", "services = ( { ports = \"80\"; } );", true },
	{ "longer list", "zones = ( { interfaces = [ \"e\", \"f\" ]; } );", "zones = ( { interfaces = [ \"e\" ]; } );", false },
	{ "order of a list", "services = ( { ports = [ 1, 2 ]; } );", "services = ( { ports = [ 2, 1 ]; } );", false },
	{ "standard written", "relays = ( { listen_port = 25; } );", "relays = ( { } );", true },
	{ "number", "relays = ( { listen_port = 26; } );", "relays = ( { } );", false },
	{ "number in a group", "relays = ( { originals = { days = 401; }; } );", "relays = ( { originals = { }; } );", false },
	{ "standard written in a group", "relays = ( { originals = { days = 400; }; } );", "relays = ( { originals = { }; } );", true },
	{ "lines of a footer", "relays = ( { text = { footer = [ \"a\", \"b\" ]; }; } );", "relays = ( { text = { footer = \"a b\"; }; } );",
	  false },
	{ "flag", "flows = ( { critical = true; } );", "flows = ( { critical = false; } );", false },
	{ "flag written as it is anyway", "flows = ( { critical = false; } );", "flows = ( { } );", true },
	{ "empty record claims a record", "flows = ( { record = { }; } );", "flows = ( { } );", false },
	{ "value in a group", "flows = ( { record = { number = \"1\"; }; } );", "flows = ( { record = { number = \"2\"; }; } );", false },
	{ "empty gateway", "gateway = { };", "", true },
	{ "group in the gateway", "gateway = { egress = ( { } ); };", "gateway = { services = ( { } ); };", false },
	{ "count", "hosts = ( { } );", "hosts = ( { }, { } );", false },
	{ "order of groups", "hosts = ( { name = \"a\"; }, { name = \"b\"; } );", "hosts = ( { name = \"b\"; }, { name = \"a\"; } );", false },
};

static struct settings *settings_of(struct arena *arena, const char *text)
{
	struct findings findings = findings_in(arena);
	struct settings *settings = NULL;

	ck_assert_int_eq(settings_read_text(arena, "test.conf", text, strlen(text), &findings, &settings), 0);
	return settings;
}

START_TEST(comparison_sees_every_key_and_no_origin)
{
	struct arena *arena = arena_new();
	const struct settings *left = settings_of(arena, pairs[_i].left);
	const struct settings *right = settings_of(arena, pairs[_i].right);

	ck_assert_msg(settings_equal(left, right) == pairs[_i].equal, "%s", pairs[_i].what);
	ck_assert_msg(settings_equal(right, left) == pairs[_i].equal, "%s", pairs[_i].what);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/print");
	TCase *cases = tcase_create("print");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, generated_settings_read_back, 0, GENERATED_COUNT);
	tcase_add_test(cases, example_file_reads_back);
	tcase_add_loop_test(cases, comparison_sees_every_key_and_no_origin, 0, sizeof(pairs) / sizeof(pairs[0]));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
