/* Alarms as payloads: round trip, every limit at the limit and one beyond, every truncation. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/alarm.h"
#include "wire/fields.h"

static struct alarm sample(void)
{
	return (struct alarm){ .id = span_of("SKS-NEW-TALKER"), .sentence = span_of("a sentence"), .field_count = 2,
			       .fields = { { span_of("from"), span_of("lgwan") }, { span_of("source"), span_of("10.2.0.10") } } };
}

static int go_round(const struct alarm *alarm, struct buf *payload, struct alarm *ret_alarm)
{
	payload->length = 0;
	alarm_pack(payload, alarm);
	return alarm_unpack(buf_span(payload), ret_alarm);
}

START_TEST(an_alarm_comes_out_as_it_went_in)
{
	struct buf payload = buf_limited(0);
	struct alarm in = sample(), out;

	in.over = true;
	ck_assert_int_eq(go_round(&in, &payload, &out), 0);
	ck_assert(out.over && span_equal(out.id, in.id) && span_equal(out.sentence, in.sentence));
	ck_assert_uint_eq(out.field_count, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert(span_equal(out.fields[i].key, in.fields[i].key) && span_equal(out.fields[i].value, in.fields[i].value));
	for (size_t length = 0; length < payload.length; length++)
		ck_assert_int_eq(alarm_unpack((struct span){ payload.data, length }, &out), -EBADMSG);
	buf_putc(&payload, 'x');
	ck_assert_int_eq(alarm_unpack(buf_span(&payload), &out), -EBADMSG);
	buf_free(&payload);
}
END_TEST

static const struct {
	const char *what, *id, *key;
	bool fine;
} words[] = {
	{ "usual", "SKS-X", "from", true },
	{ "of a finding", "port-of-bridge", "a_b-1", true },
	{ "as long as may be", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
	{ "an id too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "from", false },
	{ "a key too long", "SKS-X", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "no id", "", "from", false },
	{ "no key", "SKS-X", "", false },
	{ "a line end in the id", "SKS\n", "from", false },
	{ "a space in the key", "SKS-X", "fr om", false },
	{ "an equals sign in the key", "SKS-X", "from=x", false },
	{ "upper case in the key", "SKS-X", "From", false },
};

START_TEST(ids_and_keys_are_words)
{
	struct buf payload = buf_limited(0);
	struct alarm in = sample(), out;

	in.id = span_of(words[_i].id);
	in.fields[0].key = span_of(words[_i].key);
	ck_assert_msg((go_round(&in, &payload, &out) == 0) == words[_i].fine, "%s", words[_i].what);
	buf_free(&payload);
}
END_TEST

START_TEST(a_nul_is_no_word)
{
	struct buf payload = buf_limited(0);
	struct alarm in = sample(), out;

	in.id = (struct span){ "SKS\0X", 5 };
	ck_assert_int_eq(go_round(&in, &payload, &out), -EBADMSG);
	buf_free(&payload);
}
END_TEST

START_TEST(long_texts_are_cut_at_a_character)
{
	char text[ALARM_TEXT_BYTES_MAX + 8];
	struct buf payload = buf_limited(0);
	struct alarm in = sample(), out;

	memset(text, 'x', sizeof(text));
	memcpy(text + ALARM_TEXT_BYTES_MAX - 1, "\xe9\x96\xa2", 3);
	in.sentence = (struct span){ text, ALARM_TEXT_BYTES_MAX + 2 };
	in.fields[0].value = (struct span){ text, ALARM_TEXT_BYTES_MAX - 1 };
	ck_assert_int_eq(go_round(&in, &payload, &out), 0);
	ck_assert_uint_eq(out.sentence.length, ALARM_TEXT_BYTES_MAX - 1);
	ck_assert_uint_eq(out.fields[0].value.length, ALARM_TEXT_BYTES_MAX - 1);
	buf_free(&payload);
}
END_TEST

/* What no alarm_pack() writes: a text beyond its limit, more fields than there may be. */
START_TEST(a_role_that_was_taken_over_gets_nothing_in)
{
	char text[ALARM_TEXT_BYTES_MAX + 1];
	struct buf payload = buf_limited(0);
	struct alarm out;

	memset(text, 'x', sizeof(text));
	buf_put_u8(&payload, 0);
	buf_put_text(&payload, span_of("SKS-X"));
	buf_put_text(&payload, (struct span){ text, sizeof(text) });
	buf_put_u8(&payload, 0);
	ck_assert_int_eq(alarm_unpack(buf_span(&payload), &out), -EBADMSG);
	payload.length = 0;
	buf_put_u8(&payload, 0);
	buf_put_text(&payload, span_of("SKS-X"));
	buf_put_text(&payload, span_of(""));
	buf_put_u8(&payload, ALARM_FIELDS_MAX + 1);
	for (int i = 0; i <= ALARM_FIELDS_MAX; i++) {
		buf_put_text(&payload, span_of("k"));
		buf_put_text(&payload, span_of("v"));
	}
	ck_assert_int_eq(alarm_unpack(buf_span(&payload), &out), -EBADMSG);
	payload.data[0] = 2;
	ck_assert_int_eq(alarm_unpack(buf_span(&payload), &out), -EBADMSG);
	buf_free(&payload);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire/alarm");
	TCase *cases = tcase_create("alarm");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, an_alarm_comes_out_as_it_went_in);
	tcase_add_loop_test(cases, ids_and_keys_are_words, 0, sizeof(words) / sizeof(words[0]));
	tcase_add_test(cases, a_nul_is_no_word);
	tcase_add_test(cases, long_texts_are_cut_at_a_character);
	tcase_add_test(cases, a_role_that_was_taken_over_gets_nothing_in);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
