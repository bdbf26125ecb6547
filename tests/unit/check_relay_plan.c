/* The relays of a zone file on their way to the roles, and the book in which a role keeps them. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/plan.h"
#include "wire/fields.h"

static const struct netaddr listen_address = { .family = 4, .bytes = { 192, 0, 2, 1 } };
static struct addr_range outside[] = {
	{ { .family = 4, .bytes = { 192, 0, 2, 0 } }, { .family = 4, .bytes = { 192, 0, 2, 255 } } },
	{ { .family = 6, .bytes = { 0x20, 1, 0xd, 0xb8 } }, { .family = 6, .bytes = { 0x20, 1, 0xd, 0xb8, [15] = 9 } } },
};
static const struct relay_hop hops[] = {
	{ { .family = 4, .bytes = { 10, 1, 0, 25 } }, 25 }, { { .family = 6, .bytes = { 0xfd, [15] = 1 } }, 2525 },
};
static const char *const domains[] = { "city.example.jp", "town.example.jp" };

static const struct relay inward = {
	.name = "inward", .listen = &listen_address, .listen_count = 1, .listen_port = 25, .accept_from = { .items = outside, .count = 2 },
	.domains = domains, .domain_count = 2, .next_hops = hops, .next_hop_count = 2, .host_name = "gw.city.example.jp",
	.limits = { 30 << 20, 100, 50, 10 },
	.text = { LANGUAGE_JA, RELAY_LINKS_BRACKETS, "[無害化]", "一行目\n二行目", "gateway@city.example.jp", "gw.city.example.jp", "cloud.example.jp" },
	.originals = { 30, UINT64_C(10) << 30 },
};

static const struct relay plainest = {
	.name = "plain", .listen_port = 2525, .accept_from = { .items = outside, .count = 1 }, .domains = domains, .domain_count = 1,
	.next_hops = hops, .next_hop_count = 1, .host_name = "gw.example.jp", .limits = { 1, 100, 1, 1 },
	.text = { LANGUAGE_EN, RELAY_LINKS_HXXP, "", "", "gateway@example.jp", NULL, NULL }, .originals = { 1, 0 },
};

/* ---- plans ---- */

static int plan_read(struct span bytes, struct plan **ret_plan)
{
	char *copy = malloc(bytes.length + (bytes.length == 0));
	int error;

	memcpy(copy, bytes.data, bytes.length);
	error = plan_unpack((struct span){ .data = copy, .length = bytes.length }, 1, ret_plan);
	free(copy);
	return error;
}

START_TEST(reads_back_whole)
{
	const struct relay both[] = { inward, plainest };
	struct buf bytes = buf_limited(PLAN_BYTES_MAX), again = buf_limited(0);
	struct plan *plan;
	const struct relay *read;

	plan_pack(&bytes, both, 2);
	ck_assert_int_eq(plan_read(buf_span(&bytes), &plan), 0);
	ck_assert_uint_eq(plan->relay_count, 2);
	read = &plan->relays[0];
	ck_assert_str_eq(read->name, "inward");
	ck_assert_str_eq(read->domains[1], "town.example.jp");
	ck_assert_uint_eq(read->next_hops[1].port, 2525);
	ck_assert_int_eq(netaddr_compare(&read->next_hops[1].address, &hops[1].address), 0);
	ck_assert(addr_ranges_contain(read->accept_from, &listen_address));
	ck_assert_str_eq(read->text.footer, "一行目\n二行目");
	ck_assert_uint_eq(read->originals.free_bytes_min, UINT64_C(10) << 30);
	plan_pack(&again, plan->relays, plan->relay_count);
	ck_assert(span_equal(buf_span(&bytes), buf_span(&again)));
	plan_free(plan);
	buf_free(&bytes);
	buf_free(&again);
}
END_TEST

START_TEST(no_relays_are_a_plan)
{
	struct buf bytes = buf_limited(0);
	struct plan *plan;

	plan_pack(&bytes, NULL, 0);
	ck_assert_int_eq(plan_read(buf_span(&bytes), &plan), 0);
	ck_assert_uint_eq(plan->relay_count, 0);
	plan_free(plan);
	buf_free(&bytes);
}
END_TEST

START_TEST(no_shorter_or_longer_payload_is_read)
{
	struct buf bytes = buf_limited(0);
	struct plan *plan;

	plan_pack(&bytes, &inward, 1);
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(plan_read((struct span){ .data = bytes.data, .length = length }, &plan), -EBADMSG);
	buf_putc(&bytes, 0);
	ck_assert_int_eq(plan_read(buf_span(&bytes), &plan), -EBADMSG);
	buf_free(&bytes);
}
END_TEST

/* Counts and lengths are not believed; what a byte is turned into is refused, or is that value. */
START_TEST(no_value_has_two_forms)
{
	static const int bytes_tried[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct buf bytes = buf_limited(0);

	plan_pack(&bytes, &inward, 1);
	for (size_t at = 0; at < bytes.length; at++) {
		char was = bytes.data[at];

		for (size_t i = 0; i < sizeof(bytes_tried) / sizeof(bytes_tried[0]); i++) {
			struct buf again = buf_limited(0);
			struct plan *plan;

			bytes.data[at] = (char)bytes_tried[i];
			if (plan_read(buf_span(&bytes), &plan) == 0) {
				plan_pack(&again, plan->relays, plan->relay_count);
				ck_assert_msg(span_equal(buf_span(&bytes), buf_span(&again)), "byte %zu is %d", at, bytes_tried[i]);
				plan_free(plan);
			}
			buf_free(&again);
		}
		bytes.data[at] = was;
	}
	buf_free(&bytes);
}
END_TEST

static struct relay relay_changed(void (*change)(struct relay *relay))
{
	struct relay relay = inward;

	change(&relay);
	return relay;
}

static void name_empty(struct relay *relay) { relay->name = ""; }
static void name_up(struct relay *relay) { relay->name = ".."; }
static void name_path(struct relay *relay) { relay->name = "a/b"; }
static void name_hidden(struct relay *relay) { relay->name = ".unanswered"; }
static void host_two_lines(struct relay *relay) { relay->host_name = "gw\r\nRSET"; }
static void host_none(struct relay *relay) { relay->host_name = ""; }
static void no_hops(struct relay *relay) { relay->next_hop_count = 0; }
static void no_domains(struct relay *relay) { relay->domain_count = 0; }
static void no_size(struct relay *relay) { relay->limits.message_bytes_max = 0; }
static void no_days(struct relay *relay) { relay->originals.retention_days = 0; }
static void language_unknown(struct relay *relay) { relay->text.language = (enum language)(LANGUAGE_JA + 1); }
static void links_unknown(struct relay *relay) { relay->text.links = (enum relay_links)(RELAY_LINKS_HOST + 1); }
static void nothing(struct relay *relay) { (void)relay; }

static const struct {
	const char *what;
	void (*change)(struct relay *relay);
	int result;
} value_rows[] = {
	{ "as it is", nothing, 0 },
	{ "no name", name_empty, -EBADMSG }, { "a name that is the directory above", name_up, -EBADMSG }, { "a name with a slash", name_path, -EBADMSG },
	{ "the name of the notes", name_hidden, -EBADMSG }, { "a host name of two lines", host_two_lines, -EBADMSG },
	{ "no host name", host_none, -EBADMSG }, { "nobody to deliver to", no_hops, -EBADMSG }, { "no domain", no_domains, -EBADMSG },
	{ "no size", no_size, -EBADMSG }, { "originals for no day", no_days, -EBADMSG }, { "an unknown language", language_unknown, -EBADMSG },
	{ "an unknown form of links", links_unknown, -EBADMSG },
};

START_TEST(values_that_cannot_be_used_are_refused)
{
	struct relay relay = relay_changed(value_rows[_i].change), read;
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);

	plan_relay_pack(&bytes, &relay);
	ck_assert_msg(plan_relay_unpack(arena, buf_span(&bytes), &read) == value_rows[_i].result, "%s", value_rows[_i].what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(more_relays_than_a_file_may_have_are_refused)
{
	for (size_t count = POLICY_RELAYS_MAX; count <= POLICY_RELAYS_MAX + 1; count++) {
		struct buf bytes = buf_limited(0);
		struct plan *plan;

		buf_put_u32(&bytes, (uint32_t)count);
		for (size_t i = 0; i < count; i++)
			plan_relay_pack(&bytes, &plainest);
		ck_assert_int_eq(plan_read(buf_span(&bytes), &plan), count <= POLICY_RELAYS_MAX ? 0 : -EBADMSG);
		if (count <= POLICY_RELAYS_MAX)
			plan_free(plan);
		buf_free(&bytes);
	}
}
END_TEST

/* ---- the book ---- */

static int book_take(struct plan_book *book, uint32_t number, const struct relay *relay)
{
	struct buf packed = buf_limited(0), payload = buf_limited(0);
	int error;

	plan_pack(&packed, relay, 1);
	plan_number_pack(&payload, number, buf_span(&packed));
	error = plan_book_take(book, buf_span(&payload));
	buf_free(&packed);
	buf_free(&payload);
	return error;
}

static size_t book_size(const struct plan_book *book)
{
	size_t count = 0;

	for (const struct plan *plan = book->newest; plan; plan = plan->older)
		count++;
	return count;
}

START_TEST(a_session_keeps_its_plan)
{
	struct plan_book book = { .newest = NULL };
	struct plan *first, *again;
	const struct relay *relay;

	ck_assert_ptr_null(plan_book_use(&book, 1, 0, &first));
	ck_assert_int_eq(book_take(&book, 1, &inward), 0);
	relay = plan_book_use(&book, 1, 0, &first);
	ck_assert_ptr_nonnull(relay);
	ck_assert_ptr_eq(plan_book_use(&book, 1, 0, &again), relay);
	for (uint32_t number = 2; number < 6; number++)
		ck_assert_int_eq(book_take(&book, number, &plainest), 0);
	/* The newest, the one before it, and the first, which is in use. */
	ck_assert_uint_eq(book_size(&book), 3);
	ck_assert_str_eq(relay->name, "inward");
	plan_book_release(&book, first);
	ck_assert_uint_eq(book_size(&book), 3);
	plan_book_release(&book, again);
	ck_assert_uint_eq(book_size(&book), 2);
	ck_assert_ptr_null(plan_book_use(&book, 1, 0, &first));
	plan_book_free(&book);
}
END_TEST

START_TEST(the_plan_before_the_newest_may_still_be_asked_for)
{
	struct plan_book book = { .newest = NULL };
	struct plan *plan;

	ck_assert_int_eq(book_take(&book, 4, &inward), 0);
	ck_assert_int_eq(book_take(&book, 5, &plainest), 0);
	ck_assert_str_eq(plan_book_use(&book, 4, 0, &plan)->name, "inward");
	plan_book_release(&book, plan);
	ck_assert_str_eq(plan_book_use(&book, 4, 0, &plan)->name, "inward");
	plan_book_release(&book, plan);
	ck_assert_ptr_null(plan_book_use(&book, 4, 1, &plan));
	ck_assert_ptr_null(plan_book_use(&book, 6, 0, &plan));
	plan_book_free(&book);
}
END_TEST

START_TEST(only_a_newer_plan_is_taken)
{
	struct plan_book book = { .newest = NULL };

	ck_assert_int_eq(book_take(&book, 4, &inward), 0);
	ck_assert_int_eq(book_take(&book, 4, &plainest), -EBADMSG);
	ck_assert_int_eq(book_take(&book, 3, &plainest), -EBADMSG);
	ck_assert_int_eq(plan_book_take(&book, span_of("")), -EBADMSG);
	ck_assert_int_eq(plan_book_take(&book, span_of("abcdefgh")), -EBADMSG);
	ck_assert_uint_eq(book.newest->number, 4);
	plan_book_free(&book);
}
END_TEST

/* ---- what others need of a relay ---- */

START_TEST(the_office_has_line_ends_of_a_letter)
{
	struct arena *arena = arena_new();
	struct letter_office office = plan_office(arena, &inward);

	ck_assert(span_equal(office.footer, span_of("一行目\r\n二行目")));
	ck_assert(span_equal(office.relay_domain, span_of("gw.city.example.jp")));
	ck_assert(span_equal(office.notice_address, span_of("gateway@city.example.jp")));
	arena_free(arena);
}
END_TEST

START_TEST(the_washer_knows_the_domains)
{
	struct arena *arena = arena_new();
	struct wash_settings settings = plan_wash_settings(arena, &inward);

	ck_assert_uint_eq(settings.own_domain_count, 2);
	ck_assert(span_equal(settings.own_domains[1], span_of("town.example.jp")));
	ck_assert_int_eq(settings.links, LINK_STYLE_BRACKETS);
	ck_assert_int_eq(settings.language, LANGUAGE_JA);
	arena_free(arena);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *plan_suite(void)
{
	Suite *suite = suite_create("relay/plan");
	TCase *tests = tcase_create("plan");

	tcase_add_test(tests, reads_back_whole);
	tcase_add_test(tests, no_relays_are_a_plan);
	tcase_add_test(tests, no_shorter_or_longer_payload_is_read);
	tcase_add_test(tests, no_value_has_two_forms);
	tcase_add_loop_test(tests, values_that_cannot_be_used_are_refused, 0, COUNT(value_rows));
	tcase_add_test(tests, more_relays_than_a_file_may_have_are_refused);
	tcase_add_test(tests, a_session_keeps_its_plan);
	tcase_add_test(tests, the_plan_before_the_newest_may_still_be_asked_for);
	tcase_add_test(tests, only_a_newer_plan_is_taken);
	tcase_add_test(tests, the_office_has_line_ends_of_a_letter);
	tcase_add_test(tests, the_washer_knows_the_domains);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(plan_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
