/* The schema and the catalogue as tables: complete, without contradiction, and what "nearest" means. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/catalogue.h"
#include "config/schema.h"
#include "config/settings.h"

static void keys_check(const struct schema_key *keys)
{
	for (const struct schema_key *key = keys; key->name; key++) {
		ck_assert_msg(key->en && key->ja, "%s has no sentence", key->name);
		ck_assert_ptr_eq(schema_key_named(keys, key->name), key);
		ck_assert_msg(!schema_refused_named(key->name), "%s is known and refused", key->name);
		ck_assert_msg(!key->choices || key->kind == SCHEMA_TEXT, "%s", key->name);
		ck_assert_msg(key->kind != SCHEMA_NUMBER ||
				      (key->required ? key->standard < key->minimum : key->minimum <= key->standard && key->standard <= key->maximum),
			      "%s", key->name);
		ck_assert_msg((key->kind == SCHEMA_GROUP || key->kind == SCHEMA_RECORDS) == (key->keys != NULL),
			      "%s", key->name);
		ck_assert_msg(key->kind != SCHEMA_RECORDS || key->item_size > 0, "%s", key->name);
		if (key->keys)
			keys_check(key->keys);
	}
}

START_TEST(every_key_is_described_and_none_is_refused)
{
	keys_check(schema_root);
}
END_TEST

START_TEST(every_refusal_gives_its_reason)
{
	for (const struct schema_refused *row = schema_refused; row->name; row++) {
		ck_assert_ptr_eq(schema_refused_named(row->name), row);
		ck_assert_msg(row->en && *row->en && row->ja && *row->ja, "%s", row->name);
	}
	ck_assert_ptr_nonnull(schema_refused_named("NAT"));
	ck_assert_ptr_nonnull(schema_refused_named("port-forward"));
	ck_assert_ptr_null(schema_refused_named("na"));
	ck_assert_ptr_null(schema_refused_named("natt"));
}
END_TEST

START_TEST(every_kind_of_finding_is_whole)
{
	const struct finding_kind *kind = &config_catalogue[_i];

	ck_assert_ptr_nonnull(kind->id);
	ck_assert_msg(kind->en && kind->ja && kind->action_en && kind->action_ja, "%s", kind->id);
	ck_assert_int_eq(kind->severity, SEVERITY_ERROR);
	for (int i = 0; i < _i; i++)
		ck_assert_str_ne(kind->id, config_catalogue[i].id);
}
END_TEST

static const struct {
	const char *what;
	const char *name;
	const char *nearest;	/* in schema_root */
} nearest_rows[] = {
	{ "one letter missing", "zone", "zones" },
	{ "one letter wrong", "zonez", "zones" },
	{ "capitals", "ZONES", "zones" },
	{ "another letter missing", "service", "services" },
	{ "distance 3", "netwroksxx", "networks" },
	{ "distance 4", "netwroksxxx", NULL },
	{ "not less than half its length", "zo", NULL },
	{ "two neighbours exchanged", "twon", "town" },
	{ "exactly half its length", "tiwm", NULL },
	{ "less than half its length", "tiwn", "town" },
	{ "nothing near", "firewall", NULL },
	{ "empty", "", NULL },
	{ "longer than any key", "zoneszoneszoneszoneszoneszoneszoneszoneszoneszoneszoneszoneszones", NULL },
};

START_TEST(nearest_key_is_near)
{
	const char *nearest = schema_nearest(schema_root, nearest_rows[_i].name);

	if (nearest_rows[_i].nearest)
		ck_assert_msg(nearest && strcmp(nearest, nearest_rows[_i].nearest) == 0, "%s: %s",
			      nearest_rows[_i].what, nearest ? nearest : "none");
	else
		ck_assert_msg(!nearest, "%s: %s", nearest_rows[_i].what, nearest);
}
END_TEST

START_TEST(choices_are_whole_words)
{
	ck_assert(schema_choice_allowed("drop|reject", "drop"));
	ck_assert(schema_choice_allowed("drop|reject", "reject"));
	ck_assert(!schema_choice_allowed("drop|reject", "dro"));
	ck_assert(!schema_choice_allowed("drop|reject", "drop|reject"));
	ck_assert(!schema_choice_allowed("drop|reject", ""));
	ck_assert(span_equal(schema_nearest_choice("drop|reject", "rejekt"), span_of("reject")));
	ck_assert(span_equal(schema_nearest_choice("drop|reject", "accept"), span_of("")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/schema");
	TCase *cases = tcase_create("schema");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, every_key_is_described_and_none_is_refused);
	tcase_add_test(cases, every_refusal_gives_its_reason);
	tcase_add_loop_test(cases, every_kind_of_finding_is_whole, 0, CONFIG_FINDING_COUNT);
	tcase_add_loop_test(cases, nearest_key_is_near, 0, sizeof(nearest_rows) / sizeof(nearest_rows[0]));
	tcase_add_test(cases, choices_are_whole_words);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
