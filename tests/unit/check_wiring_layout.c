/* wiring/layout.h and wiring/fault.h as bytes: what is written reads back, and every other length or value is refused; and a fault in words. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wiring/fault.h"
#include "wiring/layout.h"

static struct addr_range networks[] = { { { .family = 4, .bytes = { 10, 1 } }, { .family = 4, .bytes = { 10, 1, 0, 255 } } },
					{ { .family = 6, .bytes = { 0xfd } }, { .family = 6, .bytes = { 0xfd, 1 } } } };
static const struct layout_zone zones[] = { { "mynumber", { networks, 2 }, { networks, 1 }, { NULL, 0 } }, { "lgwan", { NULL, 0 }, { NULL, 0 }, { networks, 1 } } };
static const struct netaddr own[] = { { .family = 4, .bytes = { 10, 1, 0, 1 } }, { .family = 6, .bytes = { 0xfe, 0x80 } } };
static const uint16_t vlans[] = { 5, 4094 };
static const struct layout_port ports[] = { { 2, 0, "mn0", true, { { 2, 0, 0, 0, 0, 1 } }, own, 2, vlans, 2 }, { 9, 1, "lg0", false, { { 0 } }, NULL, 0, NULL, 0 } };
static const struct layout_binding bindings[] = { { 0, { .family = 4, .bytes = { 10, 1, 0, 9 } }, { { 2, 0, 0, 0, 0, 9 } } },
						  { 1, { .family = 4, .bytes = { 10, 1, 0, 9 } }, { { 2, 0, 0, 0, 0, 8 } } } };
static const struct layout sample = { zones, 2, ports, 2, bindings, 2 };

static struct fault fault_sample(void)
{
	return (struct fault){ .kind = WIRING_DUPLICATE_ADDRESS, .mac = { { 2, 0, 0, 0, 0, 1 } }, .address = { .family = 4, .bytes = { 10, 1, 0, 9 } },
			       .zone = "mynumber", .interface = "mn0", .other_zone = "mynumber", .other_interface = "mn1", .has_other_mac = true,
			       .other_mac = { { 2, 0, 0, 0, 0, 2 } }, .count = 3 };
}

START_TEST(a_layout_reads_back_and_no_part_of_it_does)
{
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0), again = buf_limited(0);
	struct layout layout;

	layout_pack(&bytes, &sample);
	ck_assert_int_eq(layout_unpack(arena, buf_span(&bytes), &layout), 0);
	layout_pack(&again, &layout);
	ck_assert_uint_eq(bytes.length, again.length);
	ck_assert_mem_eq(bytes.data, again.data, bytes.length);
	ck_assert_str_eq(layout_port(&layout, 9)->name, "lg0");
	ck_assert_ptr_null(layout_port(&layout, 3));
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(layout_unpack(arena, (struct span){ .data = bytes.data, .length = length }, &layout), -EBADMSG);
	buf_putc(&bytes, 0);
	ck_assert_int_eq(layout_unpack(arena, buf_span(&bytes), &layout), -EBADMSG);
	buf_free(&bytes);
	buf_free(&again);
	arena_free(arena);
}
END_TEST

static void refused(const char *what, const struct layout *wrong)
{
	struct arena *arena = arena_new();
	struct buf bytes = buf_limited(0);
	struct layout layout;

	layout_pack(&bytes, wrong);
	ck_assert_msg(layout_unpack(arena, buf_span(&bytes), &layout) == -EBADMSG, "%s", what);
	buf_free(&bytes);
	arena_free(arena);
}

START_TEST(what_cannot_be_true_is_refused)
{
	static const uint16_t unsorted[] = { 9, 5 };
	struct addr_range overlap[] = { networks[0], networks[0] };
	struct layout_zone two_zones[2] = { zones[0], zones[1] };
	struct layout_port two_ports[2] = { ports[0], ports[1] };
	struct layout_binding two_bindings[2] = { bindings[1], bindings[0] };
	struct layout wrong = sample;

	wrong.bindings = two_bindings;
	refused("bindings out of order", &wrong);
	two_bindings[0] = bindings[0];
	two_bindings[1].zone = 2;
	refused("a binding of no zone", &wrong);
	wrong = sample;
	wrong.ports = two_ports;
	two_ports[1].index = 2;
	refused("two ports of one index", &wrong);
	two_ports[1] = ports[1];
	two_ports[1].zone = 2;
	refused("a port of no zone", &wrong);
	two_ports[1] = ports[1];
	two_ports[1].name = "an interface of 16";
	refused("a name that is too long", &wrong);
	two_ports[1] = ports[1];
	two_ports[1].vlans = unsorted;
	two_ports[1].vlan_count = 2;
	refused("VLANs out of order", &wrong);
	wrong = sample;
	wrong.zones = two_zones;
	two_zones[1].name = "mynumber";
	refused("two zones of one name", &wrong);
	two_zones[1].name = "lg wan";
	refused("a name with a blank", &wrong);
	two_zones[1] = zones[1];
	two_zones[1].networks = (struct addr_ranges){ overlap, 2 };
	refused("networks that overlap", &wrong);
}
END_TEST

START_TEST(an_fault_reads_back_and_no_other_bytes_do)
{
	const struct fault sent = fault_sample();
	struct buf bytes = buf_limited(FAULT_BYTES_MAX), again = buf_limited(0);
	struct fault fault;

	fault_pack(&bytes, &sent);
	ck_assert(!bytes.overflow);
	ck_assert_int_eq(fault_unpack(buf_span(&bytes), &fault), 0);
	fault_pack(&again, &fault);
	ck_assert_mem_eq(bytes.data, again.data, bytes.length);
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(fault_unpack((struct span){ .data = bytes.data, .length = length }, &fault), -EBADMSG);
	bytes.data[0] = WIRING_FINDING_COUNT;
	ck_assert_int_eq(fault_unpack(buf_span(&bytes), &fault), -EBADMSG);
	buf_free(&bytes);
	buf_free(&again);
}
END_TEST

START_TEST(an_fault_that_lies_is_refused)
{
	struct fault wrong[4] = { fault_sample(), fault_sample(), fault_sample(), fault_sample() };

	wrong[0].count = 0;
	wrong[1].zone[0] = '\0';
	wrong[2].interface[1] = '\n';
	wrong[3].vlan = 4096;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf bytes = buf_limited(FAULT_BYTES_MAX);
		struct fault fault;

		fault_pack(&bytes, &wrong[i]);
		ck_assert_msg(fault_unpack(buf_span(&bytes), &fault) == -EBADMSG, "%zu", i);
		buf_free(&bytes);
	}
}
END_TEST

START_TEST(an_fault_names_the_device_and_both_places_in_both_languages)
{
	const struct fault fault = fault_sample();
	struct arena *arena = arena_new();

	for (int kind = 0; kind < WIRING_FINDING_COUNT; kind++) {
		struct findings findings = findings_in(arena);
		struct fault one = fault;
		const struct finding *finding;

		one.kind = (enum wiring_finding)kind;
		finding = fault_find(&findings, &one);
		for (int language = LANGUAGE_EN; language <= LANGUAGE_JA; language++) {
			const char *sentence = finding_sentence(&findings, finding, (enum language)language);

			ck_assert_msg(strstr(sentence, kind <= WIRING_MOVED ? "02:00:00:00:00:01 (10.1.0.9)" : "02:00:00:00:00:01") != NULL, "%s", sentence);
			ck_assert_msg(kind > WIRING_STRAY_ROUTER || kind == WIRING_OWN_FRAMES || strstr(sentence, "10.1.0.9") != NULL, "%s", sentence);
			ck_assert_msg(strstr(sentence, "mynumber (mn0)") != NULL, "%s", sentence);
			ck_assert_msg(kind == WIRING_MANY_DEVICES || strstr(sentence, "02:00:00:00:00:02 mynumber (mn1)") != NULL, "%s", sentence);
			ck_assert_uint_gt(strlen(finding_action(&findings, finding, (enum language)language)), 20);
		}
	}
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(all, a_layout_reads_back_and_no_part_of_it_does);
	tcase_add_test(all, what_cannot_be_true_is_refused);
	tcase_add_test(all, an_fault_reads_back_and_no_other_bytes_do);
	tcase_add_test(all, an_fault_that_lies_is_refused);
	tcase_add_test(all, an_fault_names_the_device_and_both_places_in_both_languages);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
