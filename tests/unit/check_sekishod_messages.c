/* What processes of sekishod tell each other: every payload reads back, and every other length or value is refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sekishod/kept_pins.h"
#include "sekishod/messages.h"
#include "sekishod/request.h"

static const char *const two_interfaces[] = { "mn0", "mn1" };
static const char *const one_interface[] = { "up0" };

static const struct program_zone town_zones[] = {
	{ .name = "mynumber", .tier = TIER_MYNUMBER, .interfaces = two_interfaces, .interface_count = 2 },
	{ .name = "empty", .tier = TIER_LGWAN },
	{ .name = "cloud", .tier = TIER_INTERNET, .uplink = true, .interfaces = one_interface, .interface_count = 1 },
};

static struct addr_range lan[] = { { { .family = 4, .bytes = { 10, 1, 0, 0 } }, { .family = 4, .bytes = { 10, 1, 0, 255 } } },
				   { { .family = 6, .bytes = { 0xfd } }, { .family = 6, .bytes = { 0xfd, 1 } } } };
static struct addr_range host[] = { { { .family = 4, .bytes = { 10, 1, 0, 9 } }, { .family = 4, .bytes = { 10, 1, 0, 9 } } } };
static const struct zone_pins town_pins[] = { { .networks = { lan, 2 } }, { .networks = { NULL, 0 } }, { .next_hops = { host, 1 }, .dhcp_servers = { host, 1 }, .ipv6_routers = { lan, 2 } } };
static const struct binding_pin town_bindings[] = { { 0, { .family = 4, .bytes = { 10, 1, 0, 9 } }, { { 2, 0, 0, 0, 0, 9 } } } };
static const struct port_range town_ports[] = { { 25, 25 }, { 80, 443 } };
static const struct grant town_grants[] = {
	{ .kind = FLOW_FORWARD, .from = 0, .to = 2, .sources = { host, 1 }, .destinations = { lan, 2 }, .protocol = 6, .ports = town_ports,
	  .port_count = 2, .closes_at = 5000000000 },
	{ .kind = FLOW_EGRESS, .to = 1, .destinations = { host, 1 }, .protocol = 1, .uid = 64001 },
};

static const struct limit_pin town_limits[] = { { 0, 2, 1 }, { 2, 2, 100000000 } };

static struct pins town_of(const struct program_zone *zones, size_t zone_count)
{
	return (struct pins){ .program = { .zones = zones, .zone_count = zone_count }, .zones = town_pins, .bindings = town_bindings,
			      .binding_count = 1, .grants = town_grants, .grant_count = zone_count == 3 ? 2 : 0, .limits = town_limits,
			      .limit_count = zone_count == 3 ? 2 : 0, .removes_bypasses = true };
}

/* Two lists of each zone, and what is in those of the last: a range of IPv4 takes 9 bytes, one of IPv6 33. */
enum { SERVERS_BYTES = 3 * 2 * 4 + 9 + 9 + 33, LIMITS_BYTES = 4 + 2 * 12 };

START_TEST(pins_read_back_and_no_shorter_or_longer_payload_does)
{
	const struct pins town = town_of(town_zones, 3);
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0), again = buf_limited(0);
	struct pins pins;

	pins_pack(&bytes, &town);
	ck_assert_int_eq(pins_unpack(arena, buf_span(&bytes), &pins), 0);
	ck_assert_uint_eq(pins.program.zone_count, 3);
	ck_assert_str_eq(pins.program.zones[0].interfaces[1], "mn1");
	ck_assert(pins.program.zones[2].uplink && pins.program.zones[2].tier == TIER_INTERNET);
	ck_assert(pins.grants[0].closes_at == 5000000000 && pins.grants[0].ports[1].last == 443 && pins.grants[1].uid == 64001);
	pins_pack(&again, &pins);
	ck_assert_uint_eq(bytes.length, again.length);
	ck_assert_mem_eq(bytes.data, again.data, bytes.length);
	ck_assert(pins.zones[2].dhcp_servers.count == 1 && pins.zones[2].ipv6_routers.count == 2 && pins.zones[0].dhcp_servers.count == 0);
	ck_assert(pins.limit_count == 2 && pins.limits[0].connections == 1 && pins.limits[1].from == 2 && pins.limits[1].connections == 100000000);
	ck_assert(pins.removes_bypasses);
	/* Pins that were kept by a version without servers, limits or removal end before them. */
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(pins_unpack(arena, (struct span){ .data = bytes.data, .length = length }, &pins),
				 length == bytes.length - 1 || length == bytes.length - 1 - LIMITS_BYTES || length == bytes.length - 1 - LIMITS_BYTES - SERVERS_BYTES ? 0 : -EBADMSG);
	((char *)bytes.data)[bytes.length - 1] = 2;
	ck_assert_int_eq(pins_unpack(arena, buf_span(&bytes), &pins), -EBADMSG);
	((char *)bytes.data)[bytes.length - 1] = 1;
	buf_putc(&bytes, 0);
	ck_assert_int_eq(pins_unpack(arena, buf_span(&bytes), &pins), -EBADMSG);
	buf_free(&bytes);
	buf_free(&again);
	arena_free(arena);
}
END_TEST

/* Between two judgements pins are a copy of the bytes they came in, and of the zones. */
START_TEST(kept_pins_are_whole_again_when_somebody_judges)
{
	const struct pins town = town_of(town_zones, 3);
	struct buf bytes = buf_limited(0), again = buf_limited(0);
	struct kept_pins kept = { .arena = NULL }, unlike = { .arena = NULL };
	struct arena *arena = arena_new();
	struct pins pins;

	pins_pack(&bytes, &town);
	ck_assert_int_eq(kept_pins_make(buf_span(&bytes), &kept), 0);
	ck_assert_int_eq(kept_pins_make((struct span){ .data = bytes.data, .length = bytes.length - 2 }, &unlike), -EBADMSG);
	ck_assert_ptr_null(unlike.arena);
	memset(bytes.data, 0xff, bytes.length);
	ck_assert_uint_eq(kept.program.zone_count, 3);
	ck_assert_str_eq(kept.program.zones[0].interfaces[1], "mn1");
	pins = kept_pins_unpack(arena, &kept);
	pins_pack(&bytes, &town);
	pins_pack(&again, &pins);
	ck_assert_uint_eq(again.length, bytes.length / 2);
	ck_assert_mem_eq(again.data, bytes.data + again.length, again.length);
	kept_pins_free(&kept);
	kept_pins_free(&kept);
	ck_assert_ptr_null(kept.arena);
	buf_free(&bytes);
	buf_free(&again);
	arena_free(arena);
}
END_TEST

static struct addr_range backwards[] = { { { .family = 4, .bytes = { 10, 1, 0, 9 } }, { .family = 4, .bytes = { 10, 1, 0, 8 } } } };
static struct addr_range common_point[] = { { { .family = 4, .bytes = { 10, 1, 0, 1 } }, { .family = 4, .bytes = { 10, 1, 0, 9 } } },
					    { { .family = 4, .bytes = { 10, 1, 0, 9 } }, { .family = 4, .bytes = { 10, 1, 0, 10 } } } };
static const struct port_range ports_backwards[] = { { 80, 79 } };

static const struct {
	const char *what;
	struct grant grant;
	int result;
} grant_rows[] = {
	{ "a grant of the last zone", { .from = 2, .to = 2, .sources = { host, 1 }, .destinations = { host, 1 }, .protocol = 256 }, 0 },
	{ "a zone that is not there", { .from = 3 }, -EBADMSG },
	{ "another that is not", { .to = 3 }, -EBADMSG },
	{ "a kind that is none", { .kind = FLOW_EGRESS + 1 }, -EBADMSG },
	{ "a protocol that is none", { .protocol = 257 }, -EBADMSG },
	{ "a range whose end is before its beginning", { .sources = { backwards, 1 } }, -EBADMSG },
	{ "ranges with a common point", { .destinations = { common_point, 2 } }, -EBADMSG },
	{ "ports whose end is before their beginning", { .ports = ports_backwards, .port_count = 1 }, -EBADMSG },
};

START_TEST(grants_that_make_no_sense_are_refused)
{
	struct pins town = town_of(town_zones, 3), pins;
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);

	town.grants = &grant_rows[_i].grant;
	town.grant_count = 1;
	pins_pack(&bytes, &town);
	ck_assert_msg(pins_unpack(arena, buf_span(&bytes), &pins) == grant_rows[_i].result, "%s", grant_rows[_i].what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

static const struct binding_pin out_of_order[] = { { 1, { .family = 4, .bytes = { 10, 1, 0, 9 } }, { { 2, 0, 0, 0, 0, 9 } } },
					       { 0, { .family = 4, .bytes = { 10, 1, 0, 9 } }, { { 2, 0, 0, 0, 0, 9 } } } };
static const struct binding_pin of_no_zone[] = { { 3, { .family = 4 }, { { 0 } } } }, of_no_family[] = { { 0, { .family = 5 }, { { 0 } } } };

static const struct {
	const char *what;
	const struct binding_pin *bindings;
	size_t count;
} binding_rows[] = {
	{ "bindings out of order", out_of_order, 2 },
	{ "a binding of a zone that is not there", of_no_zone, 1 },
	{ "a binding of an address that is none", of_no_family, 1 },
};

START_TEST(bindings_that_make_no_sense_are_refused)
{
	struct pins town = town_of(town_zones, 3), pins;
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);

	town.bindings = binding_rows[_i].bindings;
	town.binding_count = binding_rows[_i].count;
	pins_pack(&bytes, &town);
	ck_assert_msg(pins_unpack(arena, buf_span(&bytes), &pins) == -EBADMSG, "%s", binding_rows[_i].what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

static const struct limit_pin of_nobody[] = { { 3, 0, 1 } }, to_nobody[] = { { 0, 3, 1 } }, of_none[] = { { 0, 1, 0 } }, of_one_pair[] = { { 0, 1, 5 }, { 0, 1, 6 } },
			      not_rising[] = { { 1, 0, 5 }, { 0, 1, 5 } };

static const struct {
	const char *what;
	const struct limit_pin *limits;
	size_t count;
} limit_rows[] = {
	{ "a limit of a zone that is not there", of_nobody, 1 },
	{ "a limit towards one", to_nobody, 1 },
	{ "a limit of nothing", of_none, 1 },
	{ "two limits of one pair", of_one_pair, 2 },
	{ "limits out of order", not_rising, 2 },
};

START_TEST(limits_that_make_no_sense_are_refused)
{
	struct pins town = town_of(town_zones, 3), pins;
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);

	town.limits = limit_rows[_i].limits;
	town.limit_count = limit_rows[_i].count;
	pins_pack(&bytes, &town);
	ck_assert_msg(pins_unpack(arena, buf_span(&bytes), &pins) == -EBADMSG, "%s", limit_rows[_i].what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

static const char *const twice[] = { "up0", "up0" };
static const char *const long_name[] = { "sixteen-letters-" };
static const char *const fifteen[] = { "fifteen-letters" };
static const char *const slash[] = { "../up0" };

static const struct {
	const char *what;
	struct program_zone zone;
	int result;
} zone_rows[] = {
	{ "an interface name of 15 bytes", { .name = "a", .interfaces = fifteen, .interface_count = 1 }, 0 },
	{ "one of 16", { .name = "a", .interfaces = long_name, .interface_count = 1 }, -EBADMSG },
	{ "a zone name of 15 bytes", { .name = "fifteen-letters" }, 0 },
	{ "one of 16", { .name = "sixteen-letters-" }, -EBADMSG },
	{ "no name", { .name = "" }, -EBADMSG },
	{ "a tier that is none", { .name = "a", .tier = TIER_COUNT }, -EBADMSG },
	{ "an interface twice", { .name = "a", .interfaces = twice, .interface_count = 2 }, -EBADMSG },
	{ "an interface with a slash", { .name = "a", .interfaces = slash, .interface_count = 1 }, -EBADMSG },
	{ "a line end in a name", { .name = "a\nb" }, -EBADMSG },
};

START_TEST(pins_that_make_no_sense_are_refused)
{
	const struct pins town = town_of(&zone_rows[_i].zone, 1);
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);
	struct pins pins;

	pins_pack(&bytes, &town);
	ck_assert_msg(pins_unpack(arena, buf_span(&bytes), &pins) == zone_rows[_i].result, "%s", zone_rows[_i].what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(answers_read_back_and_no_other_length_does)
{
	static const uint32_t marks[] = { 1, 7, 0x7ffffffe }, unsorted[] = { 7, 7 };
	const struct held held = { .generation = 5, .alien_count = 2, .marks = marks, .mark_count = 3 };
	const struct committed committed = { .generation = 9, .elements_added = 1, .elements_deleted = 2, .rules_added = 3, .changed = true };
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);
	struct committed got_committed;
	struct held got;

	held_pack(&bytes, &held);
	ck_assert_int_eq(held_unpack(arena, buf_span(&bytes), &got), 0);
	ck_assert(got.generation == 5 && got.alien_count == 2 && got.mark_count == 3 && got.marks[2] == 0x7ffffffe);
	ck_assert_int_eq(held_unpack(arena, (struct span){ .data = bytes.data, .length = bytes.length - 1 }, &got), -EBADMSG);
	bytes.length = 0;
	held_pack(&bytes, &(struct held){ .marks = unsorted, .mark_count = 2 });
	ck_assert_int_eq(held_unpack(arena, buf_span(&bytes), &got), -EBADMSG);

	bytes.length = 0;
	committed_pack(&bytes, &committed);
	ck_assert_int_eq(committed_unpack(buf_span(&bytes), &got_committed), 0);
	ck_assert(got_committed.generation == 9 && got_committed.elements_added == 1 && got_committed.elements_deleted == 2);
	ck_assert(got_committed.rules_added == 3 && got_committed.changed);
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(committed_unpack((struct span){ .data = bytes.data, .length = length }, &got_committed), -EBADMSG);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(status_for_the_service_manager_is_one_line)
{
	struct ready ready = { .digest = { 1 }, .status = span_of("in force") };
	struct buf bytes = buf_limited(0);

	ready_pack(&bytes, &ready);
	ck_assert_int_eq(ready_unpack(buf_span(&bytes), &ready), 0);
	ck_assert(span_equal(ready.status, span_of("in force")));
	buf_puts(&bytes, "\nMAINPID=1");
	ck_assert_int_eq(ready_unpack(buf_span(&bytes), &ready), -EBADMSG);
	bytes.length = DIGEST_BYTES - 1;
	ck_assert_int_eq(ready_unpack(buf_span(&bytes), &ready), -EBADMSG);
	buf_free(&bytes);
}
END_TEST

#define FROM(source, port, destination) \
	"{\"connections\":[{\"source\":\"" source "\",\"source_port\":" port ",\"destination\":\"" destination "\",\"destination_port\":22}]}"

static const struct {
	const char *what, *json;
	int result;
	size_t connections;
} request_rows[] = {
	{ "nothing at all", "", 0, 0 },
	{ "an empty object", "{}", 0, 0 },
	{ "everything", "{\"reason\":\"x\",\"force\":true,\"dry_run\":false,\"connections\":[]}", 0, 0 },
	{ "an array", "[]", -EBADMSG, 0 },
	{ "no JSON", "{", -EBADMSG, 0 },
	{ "a member twice", "{\"force\":true,\"force\":false}", -EBADMSG, 0 },
	{ "a flag that is a number", "{\"force\":1}", -EBADMSG, 0 },
	{ "a reason that is a number", "{\"reason\":1}", -EBADMSG, 0 },
	{ "an approval", "{\"approve\":\"0123456789ab\"}", 0, 0 },
	{ "an approval of too little", "{\"approve\":\"0123456789a\"}", -EBADMSG, 0 },
	{ "an approval of nothing", "{\"approve\":\"\"}", -EBADMSG, 0 },
	{ "an approval that is no digest", "{\"approve\":\"0123456789aB\"}", -EBADMSG, 0 },
	{ "an approval that is a number", "{\"approve\":123456789012}", -EBADMSG, 0 },
	{ "a connection", FROM("10.2.0.5", "50022", "10.2.0.1"), 0, 1 },
	{ "IPv4 in IPv6 clothes", FROM("::ffff:10.2.0.5", "50022", "::ffff:10.2.0.1"), 0, 1 },
	{ "two families", FROM("10.2.0.5", "50022", "fd00::1"), -EBADMSG, 0 },
	{ "a port of 65535", FROM("10.2.0.5", "65535", "10.2.0.1"), 0, 1 },
	{ "a port of 65536", FROM("10.2.0.5", "65536", "10.2.0.1"), -EBADMSG, 0 },
	{ "a port of 0", FROM("10.2.0.5", "0", "10.2.0.1"), -EBADMSG, 0 },
	{ "no address", FROM("localhost", "50022", "10.2.0.1"), -EBADMSG, 0 },
};

START_TEST(requests_are_not_believed)
{
	struct arena *arena = arena_new();
	struct apply_request request;
	const char *why = NULL;
	int result = apply_request_parse(arena, span_of(request_rows[_i].json), &request, &why);

	ck_assert_msg(result == request_rows[_i].result, "%s: %d", request_rows[_i].what, result);
	if (result == 0) {
		ck_assert_uint_eq(request.connection_count, request_rows[_i].connections);
		ck_assert(request.connection_count == 0 || request.connections[0].source.family == 4);
	} else {
		ck_assert_ptr_nonnull(why);
	}
	arena_free(arena);
}
END_TEST

/* What the kernel counted reads back; no shorter or longer payload does, nor a counter that there is not. */
START_TEST(a_tally_reads_back_and_no_other_length_does)
{
	struct arena *arena = arena_new();
	struct tally_port ports[] = { { 3, "lgwan" }, { 7, "internet" } };
	struct tally_count counts[] = { { 1, true, 0, 0, UINT64_C(5) << 32, 12 }, { REFUSAL_COUNTERS - 1, false, 3, 7, 6, UINT64_MAX } };
	const struct tally_report report = { ports, 2, { counts, 2 }, { 7, 262144 } };
	struct tally_report read;
	struct buf payload = buf_limited(0);

	tally_report_pack(&payload, &report);
	ck_assert_int_eq(tally_report_unpack(arena, buf_span(&payload), &read), 0);
	ck_assert(read.port_count == 2 && read.ports[1].index == 7 && strcmp(read.ports[1].zone, "internet") == 0);
	ck_assert(read.tally.count == 2 && read.tally.counts[0].whole && read.tally.counts[1].packets == UINT64_MAX);
	ck_assert(read.connections.entries == 7 && read.connections.entries_max == 262144);
	for (size_t length = 0; length < payload.length; length++)
		ck_assert_int_eq(tally_report_unpack(arena, span_part(buf_span(&payload), 0, length), &read), -EBADMSG);
	buf_putc(&payload, 0);
	ck_assert_int_eq(tally_report_unpack(arena, buf_span(&payload), &read), -EBADMSG);
	buf_free(&payload);
	counts[0].counter = REFUSAL_COUNTERS;
	payload = buf_limited(0);
	tally_report_pack(&payload, &report);
	ck_assert_int_eq(tally_report_unpack(arena, buf_span(&payload), &read), -EBADMSG);
	buf_free(&payload);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/messages");
	TCase *cases = tcase_create("messages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, pins_read_back_and_no_shorter_or_longer_payload_does);
	tcase_add_test(cases, kept_pins_are_whole_again_when_somebody_judges);
	tcase_add_loop_test(cases, grants_that_make_no_sense_are_refused, 0, sizeof(grant_rows) / sizeof(grant_rows[0]));
	tcase_add_loop_test(cases, bindings_that_make_no_sense_are_refused, 0, sizeof(binding_rows) / sizeof(binding_rows[0]));
	tcase_add_loop_test(cases, limits_that_make_no_sense_are_refused, 0, (int)(sizeof(limit_rows) / sizeof(limit_rows[0])));
	tcase_add_loop_test(cases, pins_that_make_no_sense_are_refused, 0, sizeof(zone_rows) / sizeof(zone_rows[0]));
	tcase_add_test(cases, answers_read_back_and_no_other_length_does);
	tcase_add_test(cases, status_for_the_service_manager_is_one_line);
	tcase_add_test(cases, a_tally_reads_back_and_no_other_length_does);
	tcase_add_loop_test(cases, requests_are_not_believed, 0, sizeof(request_rows) / sizeof(request_rows[0]));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
