/* sekishod/book.h: what the witness makes of readings of the kernel's counters and of logged packets. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sekishod/book.h"

enum { NOW = 1800000000, FLOW = REFUSE_FLOW, ANSWERED = REFUSAL_COUNTER_ANSWERED, MYNUMBER = 11, LGWAN = 12, STRANGER = 99 };

static struct tally_port ports[] = { { MYNUMBER, "mynumber" }, { LGWAN, "lgwan" } };

/* One reading: of reason "flow" all packets of both chains, and those from lgwan to mynumber. */
static void report(struct book *book, uint64_t handle, uint64_t whole, uint64_t answered, uint64_t pair)
{
	struct tally_count counts[] = {
		{ FLOW, true, 0, 0, handle, whole },
		{ ANSWERED, true, 0, 0, handle + 1, answered },
		{ FLOW, false, LGWAN, MYNUMBER, handle + 2, pair },
	};
	const struct tally_report report = { ports, sizeof(ports) / sizeof(ports[0]), { counts, sizeof(counts) / sizeof(counts[0]) }, { 0, 0 } };

	book_take_report(book, &report, NOW);
}

/* What the batch counts from one zone to another. */
static uint64_t counted(struct book *book, const char *from, const char *to)
{
	const struct events_batch batch = book_batch(book, NOW);

	for (size_t i = 0; i < batch.count_count; i++)
		if (strcmp(batch.counts[i].from, from) == 0 && strcmp(batch.counts[i].to, to) == 0)
			return batch.counts[i].packets;
	return 0;
}

static void expect_counts(struct book *book, uint64_t pair, uint64_t rest)
{
	ck_assert_uint_eq(counted(book, "lgwan", "mynumber"), pair);
	ck_assert_uint_eq(counted(book, EVENTS_NO_ZONE, EVENTS_NO_ZONE), rest);
	book_written(book);
}

START_TEST(readings_are_subtracted)
{
	struct book book = book_open(NULL, 0);

	report(&book, 1, 10, 2, 12);
	expect_counts(&book, 12, 0);
	report(&book, 1, 10, 2, 12);
	ck_assert(!book_has_news(&book));
	report(&book, 1, 15, 4, 17);
	expect_counts(&book, 5, 2);
	ck_assert_uint_eq(book_batch(&book, NOW).gap_count, 0);
	book_close(&book);
}
END_TEST

/* Packets between the reading of the whole and that of the pairs are counted once, whenever they show. */
START_TEST(what_comes_while_it_is_read_is_counted_once)
{
	struct book book = book_open(NULL, 0);

	report(&book, 1, 10, 0, 13);
	expect_counts(&book, 10, 0);
	report(&book, 1, 14, 0, 14);
	expect_counts(&book, 4, 0);
	report(&book, 1, 20, 0, 15);
	expect_counts(&book, 1, 5);
	book_close(&book);
}
END_TEST

START_TEST(a_counter_that_began_anew_is_said)
{
	struct book book = book_open(NULL, 0);

	report(&book, 1, 100, 0, 100);
	book_written(&book);
	report(&book, 51, 150, 0, 150);		/* by its handle */
	ck_assert_uint_eq(book_batch(&book, NOW).gap_count, 1);
	ck_assert_str_eq(book_batch(&book, NOW).gaps[0].what, "counters");
	expect_counts(&book, 150, 0);
	report(&book, 51, 3, 0, 3);		/* by its number */
	expect_counts(&book, 3, 0);
	book_close(&book);
}
END_TEST

/* The next witness goes on from what the database remembers. */
START_TEST(a_book_goes_on_from_readings)
{
	struct book first = book_open(NULL, 0), second;
	struct events_batch batch;

	report(&first, 1, 10, 0, 13);
	batch = book_batch(&first, NOW);
	ck_assert_ptr_nonnull(batch.readings);
	second = book_open(batch.readings, batch.reading_count);
	report(&second, 1, 16, 0, 16);
	expect_counts(&second, 6, 0);
	book_written(&first);
	ck_assert_ptr_null(book_batch(&first, NOW).readings);
	book_close(&first);
	book_close(&second);
}
END_TEST

/* ---- packets */

static const uint8_t udp[] = { 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 2, 0, 5, 10, 1, 0, 7, 0, 1, 0, 53 };

static void log_packet(struct book *book, const char *prefix, uint32_t iif, uint32_t oif, uint8_t last)
{
	uint8_t bytes[sizeof(udp)];
	struct nflog_packet packet = { .prefix = span_of(prefix), .iif = iif, .oif = oif, .has_mac = true, .mac = { { 2, 0, 0, 0, 0, 1 } },
				       .head = { (const char *)bytes, sizeof(bytes) } };

	memcpy(bytes, udp, sizeof(udp));
	bytes[15] = last;
	book_take_packet(book, &packet, NOW);
}

START_TEST(repetitions_are_one_row)
{
	struct book book = book_open(NULL, 0);
	struct events_batch batch;

	report(&book, 1, 0, 0, 0);
	log_packet(&book, "sekisho flow ", LGWAN, MYNUMBER, 5);
	log_packet(&book, "sekisho flow ", LGWAN, MYNUMBER, 5);
	log_packet(&book, "sekisho pair ", LGWAN, MYNUMBER, 5);
	log_packet(&book, "sekisho source ", LGWAN, 0, 5);
	log_packet(&book, "sekisho local ", LGWAN, 0, 5);
	log_packet(&book, "ulogd ", LGWAN, MYNUMBER, 5);
	batch = book_batch(&book, NOW);
	ck_assert_uint_eq(batch.refusal_count, 4);
	ck_assert_uint_eq(batch.refusals[0].packets, 2);
	ck_assert_str_eq(batch.refusals[0].from, "lgwan");
	ck_assert_str_eq(batch.refusals[0].to, "mynumber");
	ck_assert_str_eq(batch.refusals[0].source, "10.2.0.5");
	ck_assert_str_eq(batch.refusals[0].mac, "02:00:00:00:00:01");
	ck_assert_uint_eq(batch.refusals[0].port, 53);
	ck_assert_str_eq(batch.refusals[2].to, EVENTS_NO_ZONE);
	ck_assert_str_eq(batch.refusals[3].to, EVENTS_GATEWAY);
	book_close(&book);
}
END_TEST

/* Whose zone is not known yet waits for the next report, also over a batch. */
START_TEST(packets_wait_for_the_names_of_zones)
{
	struct book book = book_open(NULL, 0);
	struct events_batch batch;

	log_packet(&book, "sekisho flow ", LGWAN, MYNUMBER, 5);
	log_packet(&book, "sekisho flow ", STRANGER, MYNUMBER, 5);
	ck_assert(book_wants_report(&book));
	ck_assert_uint_eq(book_batch(&book, NOW).refusal_count, 0);
	book_written(&book);
	report(&book, 1, 0, 0, 0);
	ck_assert(!book_wants_report(&book));
	batch = book_batch(&book, NOW);
	ck_assert_uint_eq(batch.refusal_count, 2);
	ck_assert_str_eq(batch.refusals[0].from, "lgwan");
	ck_assert_str_eq(batch.refusals[1].from, EVENTS_NO_ZONE);
	book_close(&book);
}
END_TEST

START_TEST(whoever_forges_senders_fills_so_much_and_no_more)
{
	struct book book = book_open(NULL, 0);
	struct events_batch batch;

	report(&book, 1, 0, 0, 0);
	for (unsigned int i = 0; i < BOOK_REFUSALS_MAX + 200; i++) {
		uint8_t bytes[sizeof(udp)];
		const struct nflog_packet packet = { .prefix = span_of("sekisho flow "), .iif = LGWAN, .oif = MYNUMBER,
						     .head = { (const char *)bytes, sizeof(bytes) } };

		memcpy(bytes, udp, sizeof(udp));
		bytes[14] = (uint8_t)(i >> 8);
		bytes[15] = (uint8_t)i;
		book_take_packet(&book, &packet, NOW);
	}
	batch = book_batch(&book, NOW);
	ck_assert_uint_eq(batch.refusal_count, BOOK_REFUSALS_MAX);
	ck_assert_uint_eq(batch.gap_count, 1);
	ck_assert_str_eq(batch.gaps[0].what, "detail");
	book_close(&book);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/book");
	TCase *cases = tcase_create("book");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, readings_are_subtracted);
	tcase_add_test(cases, what_comes_while_it_is_read_is_counted_once);
	tcase_add_test(cases, a_counter_that_began_anew_is_said);
	tcase_add_test(cases, a_book_goes_on_from_readings);
	tcase_add_test(cases, repetitions_are_one_row);
	tcase_add_test(cases, packets_wait_for_the_names_of_zones);
	tcase_add_test(cases, whoever_forges_senders_fills_so_much_and_no_more);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
