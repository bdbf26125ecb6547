/* What the roles of sekisho-relay say to each other: every payload reads back, and every other length or value is refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/messages.h"
#include "wire/fields.h"

static const struct netaddr client = { .family = 4, .bytes = { 192, 0, 2, 7 } };

/* ---- a sample of each message ---- */

static struct smtp_address address_of(const char *text)
{
	struct smtp_address address;

	ck_assert_int_eq(smtp_address_parse(span_of(text), SMTP_PATH_REVERSE, &address), 0);
	return address;
}

static void session_sample(struct buf *out)
{
	message_session_pack(out, &(struct message_session){ .plan_number = 7, .relay = 3, .client = client });
}

static void passage_sample(struct buf *out)
{
	message_passage_pack(out, &(struct message_passage){ .number = 9, .client = client, .relay = span_of("a relay") });
}

static void sender_sample(struct buf *out)
{
	message_sender_pack(out, &(struct message_sender){
		.transaction = 1, .address = address_of("a..b.@docomo.ne.jp"), .declared_bytes = 1U << 31, .hello = "mx.example.jp", .hello_length = 13,
	});
}

static void address_sample(struct buf *out)
{
	struct smtp_address address = address_of("soumu@city.example.jp");

	message_address_pack(out, &address);
}

static void original_sample(struct buf *out)
{
	message_original_pack(out, &(struct message_original){ .transaction = 2, .declared_bytes = 12345678901 });
}

static void complete_sample(struct buf *out)
{
	message_complete_pack(out, &(struct message_complete){ .transaction = 2, .fingerprint = { 1, 2, 3 } });
}

static void wash_sample(struct buf *out)
{
	message_wash_pack(out, &(struct message_wash){ .ticket = 77, .relay = span_of("a relay") });
}

static void letter_sample(struct buf *out)
{
	message_letter_pack(out, &(struct message_letter){
		.session = 5, .transaction = 2, .id = "20261128-091530-k3w9x0c1v7b2n4m6", .original_bytes = 99, .received_seconds = -1,
		.stub = LETTER_STUB_COUNT - 1,
	});
}

static void result_sample(struct buf *out)
{
	message_result_pack(out, &(struct message_result){ .session = 5, .transaction = 2, .fate = FATE_UNKNOWN, .reply = smtp_reply_make(451, 4, 2) });
}

static void transaction_sample(struct buf *out)
{
	message_transaction_pack(out, &(struct message_transaction){ .session = 5, .transaction = 2 });
}

static void reply_sample(struct buf *out)
{
	message_reply_pack(out, smtp_reply_make(550, 1, 1));
}

static void number_sample(struct buf *out)
{
	message_number_pack(out, 0x01020304);
}

/* ---- each of them read, and what was read written again ---- */

static int session_repeat(struct span payload, struct buf *again)
{
	struct message_session session;
	int error = message_session_unpack(payload, &session);

	if (!error)
		message_session_pack(again, &session);
	return error;
}

static int passage_repeat(struct span payload, struct buf *again)
{
	struct message_passage passage;
	int error = message_passage_unpack(payload, &passage);

	if (!error)
		message_passage_pack(again, &passage);
	return error;
}

static int sender_repeat(struct span payload, struct buf *again)
{
	struct message_sender sender;
	int error = message_sender_unpack(payload, &sender);

	if (!error)
		message_sender_pack(again, &sender);
	return error;
}

static int address_repeat(struct span payload, struct buf *again)
{
	struct smtp_address address;
	int error = message_address_unpack(payload, SMTP_PATH_FORWARD, &address);

	if (!error)
		message_address_pack(again, &address);
	return error;
}

static int original_repeat(struct span payload, struct buf *again)
{
	struct message_original original;
	int error = message_original_unpack(payload, &original);

	if (!error)
		message_original_pack(again, &original);
	return error;
}

static int complete_repeat(struct span payload, struct buf *again)
{
	struct message_complete complete;
	int error = message_complete_unpack(payload, &complete);

	if (!error)
		message_complete_pack(again, &complete);
	return error;
}

static int wash_repeat(struct span payload, struct buf *again)
{
	struct message_wash wash;
	int error = message_wash_unpack(payload, &wash);

	if (!error)
		message_wash_pack(again, &wash);
	return error;
}

static int letter_repeat(struct span payload, struct buf *again)
{
	struct message_letter letter;
	int error = message_letter_unpack(payload, &letter);

	if (!error)
		message_letter_pack(again, &letter);
	return error;
}

static int result_repeat(struct span payload, struct buf *again)
{
	struct message_result result;
	int error = message_result_unpack(payload, &result);

	if (!error)
		message_result_pack(again, &result);
	return error;
}

static int transaction_repeat(struct span payload, struct buf *again)
{
	struct message_transaction transaction;
	int error = message_transaction_unpack(payload, &transaction);

	if (!error)
		message_transaction_pack(again, &transaction);
	return error;
}

static int reply_repeat(struct span payload, struct buf *again)
{
	struct smtp_reply reply;
	int error = message_reply_unpack(payload, &reply);

	if (!error)
		message_reply_pack(again, reply);
	return error;
}

static int number_repeat(struct span payload, struct buf *again)
{
	uint32_t number;
	int error = message_number_unpack(payload, &number);

	if (!error)
		message_number_pack(again, number);
	return error;
}

static const struct message_row {
	const char *what;
	void (*sample)(struct buf *out);
	int (*repeat)(struct span payload, struct buf *again);
} message_rows[] = {
	{ "session", session_sample, session_repeat }, { "passage", passage_sample, passage_repeat }, { "sender", sender_sample, sender_repeat },
	{ "address", address_sample, address_repeat }, { "original", original_sample, original_repeat },
	{ "complete", complete_sample, complete_repeat }, { "wash", wash_sample, wash_repeat }, { "letter", letter_sample, letter_repeat },
	{ "result", result_sample, result_repeat }, { "transaction", transaction_sample, transaction_repeat },
	{ "reply", reply_sample, reply_repeat }, { "number", number_sample, number_repeat },
};

/* A payload in memory of its own length. */
static int exact_repeat(const struct message_row *row, struct span payload, struct buf *again)
{
	char *copy = malloc(payload.length + (payload.length == 0));
	int error;

	memcpy(copy, payload.data, payload.length);
	error = row->repeat((struct span){ .data = copy, .length = payload.length }, again);
	free(copy);
	return error;
}

START_TEST(reads_back_and_no_shorter_or_longer_payload_does)
{
	const struct message_row *row = &message_rows[_i];
	struct buf sample = buf_limited(MESSAGE_BYTES_MAX), again = buf_limited(0);

	row->sample(&sample);
	ck_assert_msg(!sample.overflow, "%s", row->what);
	ck_assert_msg(exact_repeat(row, buf_span(&sample), &again) == 0, "%s", row->what);
	ck_assert_msg(span_equal(buf_span(&sample), buf_span(&again)), "%s", row->what);
	for (size_t length = 0; length < sample.length; length++)
		ck_assert_msg(exact_repeat(row, (struct span){ .data = sample.data, .length = length }, &again) == -EBADMSG, "%s, %zu bytes", row->what, length);
	buf_putc(&sample, 0);
	ck_assert_msg(exact_repeat(row, buf_span(&sample), &again) == -EBADMSG, "%s with a byte more", row->what);
	buf_free(&sample);
	buf_free(&again);
}
END_TEST

/* Whatever one byte is turned into: it is refused, or it is that value. */
START_TEST(no_value_has_two_forms)
{
	const struct message_row *row = &message_rows[_i];
	struct buf sample = buf_limited(MESSAGE_BYTES_MAX);

	row->sample(&sample);
	for (size_t at = 0; at < sample.length; at++) {
		char was = sample.data[at];

		for (int byte = 0; byte < 256; byte++) {
			struct buf again = buf_limited(0);

			sample.data[at] = (char)byte;
			if (exact_repeat(row, buf_span(&sample), &again) == 0)
				ck_assert_msg(span_equal(buf_span(&sample), buf_span(&again)), "%s, byte %zu is %d", row->what, at, byte);
			buf_free(&again);
		}
		sample.data[at] = was;
	}
	buf_free(&sample);
}
END_TEST

/* ---- values ---- */

static const struct {
	const char *path;
	enum smtp_path_kind kind;
	int result;
} path_rows[] = {
	{ "<a@b.jp>", SMTP_PATH_FORWARD, 0 },
	{ "<>", SMTP_PATH_REVERSE, 0 },
	{ "<>", SMTP_PATH_FORWARD, -EBADMSG },
	{ "a@b.jp", SMTP_PATH_FORWARD, -EBADMSG },
	{ "<a@b.jp> SIZE=1", SMTP_PATH_FORWARD, -EBADMSG },
	{ "<a@b.jp>\r\nRCPT TO:<c@d>", SMTP_PATH_FORWARD, -EBADMSG },
	{ "<a\r\nRCPT TO:<c@d>@b.jp>", SMTP_PATH_FORWARD, -EBADMSG },
	{ "<@c.jp:a@b.jp>", SMTP_PATH_FORWARD, -EBADMSG },
	{ "<\"a\"@b.jp>", SMTP_PATH_FORWARD, 0 },
	{ "< a@b.jp>", SMTP_PATH_FORWARD, -EBADMSG },
	{ "", SMTP_PATH_FORWARD, -EBADMSG },
};

START_TEST(paths_are_read_by_the_grammar_of_smtp)
{
	struct buf payload = buf_limited(0);
	struct smtp_address address;

	buf_put_text(&payload, span_of(path_rows[_i].path));
	ck_assert_msg(message_address_unpack(buf_span(&payload), path_rows[_i].kind, &address) == path_rows[_i].result, "%s", path_rows[_i].path);
	buf_free(&payload);
}
END_TEST

static const struct {
	uint16_t code, subject, detail;
	int result;
} reply_rows[] = {
	{ 200, 0, 0, 0 }, { 199, 0, 0, -EBADMSG }, { 0, 0, 0, -EBADMSG }, { 299, 999, 999, 0 }, { 354, 0, 0, -EBADMSG }, { 300, 0, 0, -EBADMSG },
	{ 399, 0, 0, -EBADMSG }, { 400, 0, 0, 0 }, { 559, 0, 0, 0 }, { 560, 0, 0, -EBADMSG }, { 65535, 0, 0, -EBADMSG },
	{ 250, 1000, 0, -EBADMSG }, { 250, 0, 1000, -EBADMSG },
};

START_TEST(replies_have_a_class)
{
	struct buf payload = buf_limited(0);
	struct smtp_reply reply;

	message_reply_pack(&payload, (struct smtp_reply){ .code = reply_rows[_i].code, .subject = reply_rows[_i].subject, .detail = reply_rows[_i].detail });
	ck_assert_msg(message_reply_unpack(buf_span(&payload), &reply) == reply_rows[_i].result, "%u", reply_rows[_i].code);
	buf_free(&payload);
}
END_TEST

START_TEST(a_fate_is_one_of_three)
{
	for (int fate = 0; fate < 256; fate++) {
		struct buf payload = buf_limited(0);
		struct message_result result = { .fate = (enum fate)fate, .reply = smtp_reply_make(250, 0, 0) };

		message_result_pack(&payload, &result);
		ck_assert_int_eq(message_result_unpack(buf_span(&payload), &result), fate < FATES ? 0 : -EBADMSG);
		buf_free(&payload);
	}
}
END_TEST

static const struct {
	const char *id;
	int result;
} id_rows[] = {
	{ "20261128-091530-k3w9x0c1v7b2n4m6", 0 }, { "", -EBADMSG }, { "../../etc/passwd", -EBADMSG }, { "a\r\nb", -EBADMSG }, { "a b", -EBADMSG },
};

START_TEST(ids_of_originals_are_plain)
{
	struct message_letter letter = { .session = 1, .transaction = 1 };
	struct buf payload = buf_limited(0);

	strcpy(letter.id, id_rows[_i].id);
	message_letter_pack(&payload, &letter);
	ck_assert_msg(message_letter_unpack(buf_span(&payload), &letter) == id_rows[_i].result, "%s", id_rows[_i].id);
	buf_free(&payload);
}
END_TEST

/* The longest id fits with its NUL; a longer one, and a hello that is longer than any command, are refused. */
START_TEST(lengths_are_checked_before_anything_is_copied)
{
	char id[LETTER_ORIGINAL_ID_BYTES_MAX + 2], hello[SMTP_HELLO_BYTES_MAX + 1];

	memset(id, 'a', sizeof(id));
	memset(hello, 'h', sizeof(hello));
	for (size_t more = 0; more < 2; more++) {
		struct buf letter_bytes = buf_limited(0), sender_bytes = buf_limited(0);
		struct message_letter letter;
		struct message_sender sender;
		int result = more ? -EBADMSG : 0;

		buf_put_u32(&letter_bytes, 1);
		buf_put_u32(&letter_bytes, 1);
		buf_put_text(&letter_bytes, (struct span){ .data = id, .length = LETTER_ORIGINAL_ID_BYTES_MAX + more });
		buf_put_u64(&letter_bytes, 1);
		buf_put_u64(&letter_bytes, 1);
		buf_put_u8(&letter_bytes, 0);
		ck_assert_int_eq(message_letter_unpack(buf_span(&letter_bytes), &letter), result);
		buf_put_u32(&sender_bytes, 1);
		buf_put_text(&sender_bytes, span_of("<>"));
		buf_put_u64(&sender_bytes, 0);
		buf_put_text(&sender_bytes, (struct span){ .data = hello, .length = SMTP_HELLO_BYTES_MAX + more });
		ck_assert_int_eq(message_sender_unpack(buf_span(&sender_bytes), &sender), result);
		buf_free(&letter_bytes);
		buf_free(&sender_bytes);
	}
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *messages_suite(void)
{
	Suite *suite = suite_create("relay/messages");
	TCase *tests = tcase_create("messages");

	tcase_add_loop_test(tests, reads_back_and_no_shorter_or_longer_payload_does, 0, COUNT(message_rows));
	tcase_add_loop_test(tests, no_value_has_two_forms, 0, COUNT(message_rows));
	tcase_add_loop_test(tests, paths_are_read_by_the_grammar_of_smtp, 0, COUNT(path_rows));
	tcase_add_loop_test(tests, replies_have_a_class, 0, COUNT(reply_rows));
	tcase_add_test(tests, a_fate_is_one_of_three);
	tcase_add_loop_test(tests, ids_of_originals_are_plain, 0, COUNT(id_rows));
	tcase_add_test(tests, lengths_are_checked_before_anything_is_copied);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(messages_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
