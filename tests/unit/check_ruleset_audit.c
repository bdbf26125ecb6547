/* audit: a small lawful ruleset, and what one change to it is called. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "policy/law.h"
#include "ruleset/audit.h"
#include "ruleset/audit_elements.h"
#include "ruleset/compile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define IF(index) 0, 0, 0, (index)
#define MARK(number) 0, 0, 0, (number)
#define UID(number) 0, 0, 0, (number)
#define PROTO(number) (number), 0, 0, 0
#define PORT(number) (uint8_t)((number) >> 8), (uint8_t)((number) & 255), 0, 0
#define IP(a, b, c, d) (a), (b), (c), (d)
#define MAC(last) 2, 0, 0, 0, 0, (last), 0, 0
#define IP6(last) 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (last)

enum { MN0 = 10, LG0 = 20, LG1 = 21, IN0 = 30, GK0 = 40, TAP = 99 };
enum { TCP = 6, UDP = 17, ICMP = 1, GRE = 47 };

static const char *const mynumber_interfaces[] = { "mn0" };
static const char *const lgwan_interfaces[] = { "lg0", "lg1" };
static const char *const internet_interfaces[] = { "in0" };
static const char *const gikai_interfaces[] = { "gk0", "absent0" };

enum { MYNUMBER, LGWAN, INTERNET, GIKAI };

static const struct program_zone zones[] = {
	[MYNUMBER] = { "mynumber", TIER_MYNUMBER, false, mynumber_interfaces, COUNT(mynumber_interfaces) },
	[LGWAN] = { "lgwan", TIER_LGWAN, false, lgwan_interfaces, COUNT(lgwan_interfaces) },
	[INTERNET] = { "internet", TIER_INTERNET, true, internet_interfaces, COUNT(internet_interfaces) },
	[GIKAI] = { "gikai", TIER_LGWAN, false, gikai_interfaces, COUNT(gikai_interfaces) },
};

static const struct program_pair pairs[] = {
	{ MYNUMBER, LGWAN, false }, { LGWAN, LGWAN, false }, { LGWAN, INTERNET, false }, { LGWAN, GIKAI, true },
};

static struct link links[] = { { GK0, "gk0" }, { IN0, "in0" }, { LG0, "lg0" }, { LG1, "lg1" },
			       { 1, "lo" },    { MN0, "mn0" }, { TAP, "tap0" } };
static const struct link_table link_table = { links, COUNT(links) };

/* One element; in an interval set the last values stand behind the first. */
struct addition {
	const char *set;
	uint8_t key[80];
	uint32_t mark;
};

/*
 * Marks: 1 specified flow, 2 and 3 LGWAN to Internet, 4 hairpin, 5 service of the gateway, 6 way out of the
 * gateway, 7 to the assembly.
 */
static const struct addition lawful[] = {
	{ "bound4", { IF(MN0), IP(10, 1, 0, 10), MAC(10) }, 0 },
	{ "bound4", { IF(LG0), IP(10, 2, 0, 20), MAC(20) }, 0 },
	{ "bound4", { IF(LG1), IP(10, 2, 0, 20), MAC(20) }, 0 },
	{ "bound4.hosts", { IF(MN0), IP(10, 1, 0, 10) }, 0 },
	{ "bound4.hosts", { IF(LG0), IP(10, 2, 0, 20) }, 0 },
	{ "bound4.hosts", { IF(LG0), IP(10, 2, 0, 21) }, 0 },
	{ "bound4.hosts", { IF(LG1), IP(10, 2, 0, 20) }, 0 },
	{ "networks/mn0/4", { IP(10, 1, 0, 0), IP(10, 1, 0, 255) }, 0 },
	{ "networks/lg0/4", { IP(10, 2, 0, 0), IP(10, 2, 0, 255) }, 0 },
	{ "networks/lg1/4", { IP(10, 2, 0, 0), IP(10, 2, 0, 255) }, 0 },
	{ "networks/in0/4", { IP(10, 2, 1, 0), IP(126, 255, 255, 255) }, 0 },
	{ "networks/in0/6", { IP6(16), IP6(31) }, 0 },
	{ "next-hops4", { IP(10, 3, 0, 1) }, 0 },
	{ "isolated", { IF(GK0) }, 0 },
	{ "mynumber.lgwan.exact4", { IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(TCP), PORT(443) }, 1 },
	{ "lgwan.internet.range4", { IP(10, 2, 0, 0), IP(11, 0, 0, 0), PROTO(TCP), PORT(80), IP(10, 2, 0, 255), IP(11, 255, 255, 255), PROTO(TCP),
				     PORT(109) }, 2 },
	{ "lgwan.internet.portless4", { IP(10, 2, 0, 0), IP(11, 0, 0, 0), PROTO(GRE), IP(10, 2, 0, 255), IP(11, 0, 0, 255), PROTO(GRE) }, 3 },
	{ "lgwan.lgwan.portless4", { IP(10, 2, 0, 0), IP(10, 2, 0, 0), PROTO(0), IP(10, 2, 0, 255), IP(10, 2, 0, 255), PROTO(255) }, 4 },
	{ "local.in4", { IF(LG0), IP(10, 2, 0, 5), IP(0, 0, 0, 0), PROTO(TCP), PORT(25), IF(LG0), IP(10, 2, 0, 5), IP(255, 255, 255, 255), PROTO(TCP),
			 PORT(25) }, 5 },
	{ "relay-users", { UID(33) }, 0 },
	{ "local.out4", { UID(33), IF(IN0), IP(11, 0, 0, 1), PROTO(TCP), PORT(25), UID(33), IF(IN0), IP(11, 0, 0, 1), PROTO(TCP), PORT(25) }, 6 },
	{ "lgwan.gikai.exact6", { IP6(1), IP6(40), PROTO(UDP), PORT(53) }, 7 },
	{ "live", { MARK(1), IF(MN0), IF(LG0) }, 0 },
	{ "live", { MARK(1), IF(LG0), IF(MN0) }, 0 },
	{ "live", { MARK(2), IF(LG1), IF(IN0) }, 0 },
	{ "live", { MARK(2), IF(IN0), IF(LG1) }, 0 },
	{ "live", { MARK(4), IF(LG0), IF(LG1) }, 0 },
	{ "live", { MARK(7), IF(GK0), IF(LG0) }, 0 },
	{ "local-live", { MARK(5), IF(LG0) }, 0 },
	{ "local-live", { MARK(6), IF(IN0) }, 0 },
};

/* An element of @sources. */
struct entry {
	uint8_t interface[4];
	enum verdict_kind kind;
	const char *chain;
};

static const struct entry lawful_entries[] = {
	{ { IF(MN0) }, VERDICT_JUMP, "bound/mn0" },
	{ { IF(LG0) }, VERDICT_JUMP, "bound/lg0" },
	{ { IF(IN0) }, VERDICT_JUMP, "networks/in0" },
};

struct fixture {
	struct arena *arena;
	struct ruleset *ruleset;
	struct table *inet;
	struct findings findings;
};

static struct program_input pins_with(const struct program_pair *with, size_t count)
{
	return (struct program_input){
		.zones = zones, .zone_count = COUNT(zones), .pairs = with, .pair_count = count, .links = &link_table
	};
}

static struct set *set_named(const struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->inet->set_count; i++) {
		if (!strcmp(fixture->inet->sets[i].name, name))
			return &fixture->inet->sets[i];
	}
	ck_abort_msg("no set %s", name);
	return NULL;
}

static struct chain *chain_named(const struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->inet->chain_count; i++) {
		if (!strcmp(fixture->inet->chains[i].name, name))
			return &fixture->inet->chains[i];
	}
	ck_abort_msg("no chain %s", name);
	return NULL;
}

static void add_element(struct fixture *fixture, const struct addition *addition)
{
	struct set *set = set_named(fixture, addition->set);
	struct element *elements = arena_array(fixture->arena, set->element_count + 1, sizeof(*elements));

	if (set->element_count)
		memcpy(elements, set->elements, set->element_count * sizeof(*elements));
	elements[set->element_count++] = (struct element){ .key = addition->key, .mark = addition->mark };
	set->elements = elements;
	set_sort(set);
}

static void add_entry(struct fixture *fixture, const struct entry *entry)
{
	const struct addition addition = { .set = "sources" };
	struct set *set = set_named(fixture, addition.set);

	add_element(fixture, &addition);
	for (size_t i = 0; i < set->element_count; i++) {
		struct element *element = &set->elements[i];

		if (element->key == addition.key)
			*element = (struct element){ .key = entry->interface, .verdict = { entry->kind, entry->chain } };
	}
	set_sort(set);
}

static struct fixture fixture_with(const struct program_pair *with, size_t count)
{
	struct fixture fixture = { .arena = arena_new() };
	struct program_input input = pins_with(with, count);

	fixture.findings = findings_in(fixture.arena);
	fixture.ruleset = program_build(fixture.arena, &input);
	fixture.inet = &fixture.ruleset->tables[0];
	return fixture;
}

static struct fixture lawful_fixture(void)
{
	struct fixture fixture = fixture_with(pairs, COUNT(pairs));

	for (size_t i = 0; i < COUNT(lawful); i++)
		add_element(&fixture, &lawful[i]);
	for (size_t i = 0; i < COUNT(lawful_entries); i++)
		add_entry(&fixture, &lawful_entries[i]);
	return fixture;
}

/* Audits, and demands exactly one finding of this id (NULL: none at all). */
static void audit_expect(struct fixture *fixture, const char *what, const char *id)
{
	struct program_input pins = pins_with(NULL, 0);
	int result = ruleset_audit(fixture->ruleset, &pins, &fixture->findings);

	for (size_t i = 0; i < fixture->findings.count; i++)
		ck_assert_msg(id && !strcmp(fixture->findings.items[i].kind->id, id), "%s: %s", what,
			      finding_sentence(&fixture->findings, &fixture->findings.items[i], LANGUAGE_EN));
	ck_assert_msg(fixture->findings.count == (id ? 1 : 0), "%s: %zu findings", what, fixture->findings.count);
	ck_assert_msg(result == (id ? -EPERM : 0), "%s: result %d", what, result);
	arena_free(fixture->arena);
}

struct element_row {
	const char *what;
	const char *id;		/* NULL: lawful */
	struct addition addition;
};

#define LGWAN_TO(port, protocol) { IP(10, 2, 0, 9), IP(11, 0, 0, 9), PROTO(protocol), PORT(port) }
#define POINT IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(TCP)
#define LGWAN_TO_PORTS(first, last) { POINT, PORT(first), POINT, PORT(last) }

static const struct element_row element_rows[] = {
	{ "errors between two bound ends", NULL, { "ends4", { IF(MN0), IP(10, 1, 0, 10), IF(LG0), IP(10, 2, 0, 20) }, 0 } },
	{ "errors back", NULL, { "ends4", { IF(LG1), IP(10, 2, 0, 20), IF(MN0), IP(10, 1, 0, 10) }, 0 } },
	{ "errors from an end that is not bound", "audit-specified-unbound", { "ends4", { IF(MN0), IP(10, 1, 0, 11), IF(LG0), IP(10, 2, 0, 20) }, 0 } },
	{ "errors to an end that is not bound", "audit-specified-unbound", { "ends4", { IF(MN0), IP(10, 1, 0, 10), IF(LG0), IP(10, 2, 0, 22) }, 0 } },
	{ "errors between My Number and Internet", "audit-specified-unbound", { "ends4", { IF(MN0), IP(10, 1, 0, 10), IF(IN0), IP(10, 2, 0, 20) }, 0 } },
	{ "a service by several interfaces", "audit-element-foreign",
	  { "local.in4", { IF(LG0), IP(10, 2, 0, 6), IP(10, 2, 0, 1), PROTO(TCP), PORT(25), IF(LG1), IP(10, 2, 0, 6), IP(10, 2, 0, 1), PROTO(TCP), PORT(25) }, 5 } },
	{ "a live mark whose flow is hidden by others", NULL, { "live", { MARK(9), IF(LG0), IF(IN0) }, 0 } },
	{ "live with mark 0, which every new connection has", "audit-live-forbidden", { "live", { MARK(0), IF(LG0), IF(IN0) }, 0 } },
	{ "live with the mark of a reject", "audit-live-forbidden", { "live", { 0x7f, 0xff, 0xff, 0xff, IF(LG0), IF(IN0) }, 0 } },
	{ "live with the last mark", NULL, { "live", { 0x7f, 0xff, 0xff, 0xfe, IF(LG0), IF(IN0) }, 0 } },
	{ "live with the mark of another pair", "audit-live-forbidden", { "live", { MARK(2), IF(MN0), IF(LG0) }, 0 } },
	{ "live with the mark of a service of the gateway", "audit-live-forbidden", { "live", { MARK(5), IF(LG0), IF(IN0) }, 0 } },
	{ "a spared flow of an isolated zone", NULL, { "spared", { MARK(1), IF(MN0), IF(LG0) }, 0 } },
	{ "spared between My Number and Internet", "audit-live-forbidden", { "spared", { MARK(9), IF(MN0), IF(IN0) }, 0 } },
	{ "spared with the mark of another pair", "audit-live-forbidden", { "spared", { MARK(2), IF(MN0), IF(LG0) }, 0 } },
	{ "a spared service of the gateway", NULL, { "local-spared", { MARK(5), IF(LG0) }, 0 } },
	{ "a spared service with the mark of a flow", "audit-live-forbidden", { "local-spared", { MARK(1), IF(LG0) }, 0 } },
	{ "a flow of life safety", NULL, { "life-safety", { MARK(1) }, 0 } },
	{ "a pair that holds too many connections", NULL, { "crowded", { IF(LG0), IF(IN0) }, 0 } },
	{ "one of no zone", "audit-element-foreign", { "crowded", { IF(LG0), IF(TAP) }, 0 } },
	{ "a flow that begins connections all the same", NULL, { "critical", { MARK(2) }, 0 } },
	{ "live between My Number and Internet", "audit-live-forbidden", { "live", { MARK(9), IF(MN0), IF(IN0) }, 0 } },
	{ "live between Internet and My Number", "audit-live-forbidden", { "live", { MARK(9), IF(IN0), IF(MN0) }, 0 } },
	{ "live between zones without pair", "audit-live-forbidden", { "live", { MARK(9), IF(GK0), IF(IN0) }, 0 } },
	{ "live inside a zone without hairpin", "audit-live-forbidden", { "live", { MARK(9), IF(MN0), IF(MN0) }, 0 } },
	{ "live at an interface of no zone", "audit-element-foreign", { "live", { MARK(9), IF(LG0), IF(TAP) }, 0 } },
	{ "live at no interface", "audit-element-foreign", { "live", { MARK(9), IF(LG0), IF(0) }, 0 } },
	{ "local-live at the other interface of the zone", NULL, { "local-live", { MARK(5), IF(LG1) }, 0 } },
	{ "local-live at another zone", "audit-live-forbidden", { "local-live", { MARK(5), IF(MN0) }, 0 } },
	{ "local-live with the mark of a pair", "audit-live-forbidden", { "local-live", { MARK(2), IF(LG0) }, 0 } },
	{ "local-live with mark 0", "audit-live-forbidden", { "local-live", { MARK(0), IF(LG0) }, 0 } },
	{ "local-live at the loopback", "audit-element-foreign", { "local-live", { MARK(5), IF(1) }, 0 } },
	{ "exact map: UDP", NULL, { "lgwan.internet.exact4", LGWAN_TO(53, UDP), 2 } },
	{ "exact map: ICMP, whose checksum is no port", "audit-protocol-unfit", { "lgwan.internet.exact4", LGWAN_TO(53, ICMP), 2 } },
	{ "range map: protocols on both sides of TCP", "audit-protocol-unfit",
	  { "lgwan.internet.range4", { IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(5), PORT(80), IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(TCP), PORT(80) }, 2 } },
	{ "portless map: TCP, so that no port is looked at", "audit-protocol-unfit",
	  { "lgwan.internet.portless4", { IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(TCP), IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(TCP) }, 2 } },
	{ "portless map: every protocol between zones", "audit-protocol-unfit",
	  { "lgwan.gikai.portless4", { IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(0), IP(10, 2, 0, 9), IP(12, 0, 0, 9), PROTO(255) }, 7 } },
	{ "gateway: TCP without ports", "audit-protocol-unfit",
	  { "local.in.portless4", { IF(LG0), IP(10, 2, 0, 5), PROTO(TCP), IF(LG0), IP(10, 2, 0, 5), PROTO(TCP) }, 5 } },
	{ "mail, exactly", "audit-mail-port", { "lgwan.internet.exact4", LGWAN_TO(25, TCP), 2 } },
	{ "mail port over UDP is no mail", NULL, { "lgwan.internet.exact4", LGWAN_TO(25, UDP), 2 } },
	{ "mail inside a range", "audit-mail-port", { "lgwan.internet.range4", LGWAN_TO_PORTS(100, 200), 2 } },
	{ "mail as the last port of a range", "audit-mail-port", { "lgwan.internet.range4", LGWAN_TO_PORTS(990, 995), 2 } },
	{ "mail as the first port of a range", "audit-mail-port", { "lgwan.internet.range4", LGWAN_TO_PORTS(143, 144), 2 } },
	{ "between two mail ports", NULL, { "lgwan.internet.range4", LGWAN_TO_PORTS(588, 992), 2 } },
	{ "mail inside the LGWAN tier", NULL, { "lgwan.gikai.exact4", LGWAN_TO(25, TCP), 7 } },
	{ "specified: bound ends", NULL,
	  { "mynumber.lgwan.exact4", { IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(TCP), PORT(80) }, 1 } },
	{ "specified: a point as a range", NULL,
	  { "mynumber.lgwan.range4", { IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(TCP), PORT(81), IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(TCP), PORT(81) }, 1 } },
	{ "specified: two ports", "audit-specified-wide",
	  { "mynumber.lgwan.range4", { IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(TCP), PORT(81), IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(TCP), PORT(82) }, 1 } },
	{ "specified: no port", "audit-specified-wide",
	  { "mynumber.lgwan.portless4", { IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(GRE), IP(10, 1, 0, 10), IP(10, 2, 0, 20), PROTO(GRE) }, 1 } },
	{ "specified: source without MAC", "audit-specified-unbound",
	  { "mynumber.lgwan.exact4", { IP(10, 1, 0, 11), IP(10, 2, 0, 20), PROTO(TCP), PORT(443) }, 1 } },
	{ "specified: destination bound at one of two interfaces", "audit-specified-unbound",
	  { "mynumber.lgwan.exact4", { IP(10, 1, 0, 10), IP(10, 2, 0, 21), PROTO(TCP), PORT(443) }, 1 } },
	{ "specified: IPv6 without MAC", "audit-specified-unbound", { "mynumber.lgwan.exact6", { IP6(1), IP6(2), PROTO(TCP), PORT(443) }, 1 } },
	{ "a map gives mark 0", "audit-mark-invalid", { "lgwan.internet.exact4", LGWAN_TO(53, UDP), 0 } },
	{ "a map gives the mark of a reject", "audit-mark-invalid", { "lgwan.internet.exact4", LGWAN_TO(53, UDP), MARK_REJECT } },
	{ "a mark on two pairs", "audit-mark-shared", { "lgwan.gikai.exact4", LGWAN_TO(53, UDP), 3 } },
	{ "a mark on a pair and at the gateway", "audit-mark-shared", { "lgwan.internet.exact4", LGWAN_TO(53, UDP), 6 } },
	{ "specified: a bound address that is free at one of two interfaces", "audit-specified-unbound",
	  { "free/lg1/4", { IP(10, 2, 0, 20), IP(10, 2, 0, 20) }, 0 } },
	{ "its neighbours", NULL, { "free/lg1/4", { IP(10, 2, 0, 21), IP(10, 2, 0, 255) }, 0 } },
	{ "free addresses of another zone", "audit-source-ambiguous", { "free/gk0/4", { IP(10, 2, 0, 0), IP(10, 2, 0, 19) }, 0 } },
	{ "a bound host at an interface of no zone", "audit-element-foreign", { "bound4", { IF(TAP), IP(172, 16, 0, 0), MAC(1) }, 0 } },
	{ "a service at an interface of no zone", "audit-element-foreign",
	  { "local.in4", { IF(TAP), IP(10, 2, 0, 5), IP(10, 2, 0, 1), PROTO(TCP), PORT(25), IF(TAP), IP(10, 2, 0, 5), IP(10, 2, 0, 1), PROTO(TCP),
			   PORT(25) }, 5 } },
	{ "a service at one address of the gateway", NULL,
	  { "local.in4", { IF(LG0), IP(10, 2, 0, 6), IP(10, 2, 0, 1), PROTO(TCP), PORT(25), IF(LG0), IP(10, 2, 0, 6), IP(10, 2, 0, 1), PROTO(TCP),
			   PORT(25) }, 5 } },
	{ "a user who is kept from the loopback", NULL, { "relay-users", { UID(34) }, 0 } },
	{ "isolation of no zone", "audit-element-foreign", { "isolated", { IF(TAP) }, 0 } },
	{ "one address in two zones", "audit-source-ambiguous", { "networks/gk0/4", { IP(10, 2, 0, 255), IP(10, 2, 0, 255) }, 0 } },
	{ "the Internet's first address at My Number", "audit-source-ambiguous",
	  { "networks/mn0/4", { IP(10, 2, 1, 0), IP(10, 2, 1, 0) }, 0 } },
	{ "the neighbour of the Internet's last address", NULL, { "networks/mn0/4", { IP(127, 0, 0, 0), IP(127, 0, 0, 0) }, 0 } },
	{ "a bound host amid another zone's network", "audit-source-ambiguous", { "bound4", { IF(MN0), IP(10, 2, 0, 77), MAC(1) }, 0 } },
	{ "IPv6 inside another zone's range", "audit-source-ambiguous", { "networks/lg0/6", { IP6(31), IP6(40) }, 0 } },
};

START_TEST(test_element)
{
	const struct element_row *row = &element_rows[_i];
	struct fixture fixture = lawful_fixture();

	add_element(&fixture, &row->addition);
	audit_expect(&fixture, row->what, row->id);
}
END_TEST

static const struct {
	const char *what;
	const char *id;		/* NULL: lawful */
	struct entry entry;
} entry_rows[] = {
	{ "senders of one more interface", NULL, { { IF(LG1) }, VERDICT_JUMP, "bound/lg1" } },
	{ "senders whose MAC does not matter, where none is bound", NULL, { { IF(GK0) }, VERDICT_JUMP, "networks/gk0" } },
	{ "specified: senders that are taken from every MAC at one of two interfaces", "audit-specified-unbound",
	  { { IF(LG1) }, VERDICT_JUMP, "networks/lg1" } },
	{ "senders of an interface of no zone", "audit-element-foreign", { { IF(TAP) }, VERDICT_JUMP, "networks/tap0" } },
	{ "senders judged as those of another interface", "audit-element-foreign", { { IF(GK0) }, VERDICT_JUMP, "networks/lg0" } },
	{ "senders judged in a chain that judges no senders", "audit-element-foreign", { { IF(GK0) }, VERDICT_JUMP, "related" } },
	{ "senders nobody judges", "audit-element-foreign", { { IF(GK0) }, VERDICT_ACCEPT, NULL } },
};

START_TEST(test_entry)
{
	struct fixture fixture = lawful_fixture();

	add_entry(&fixture, &entry_rows[_i].entry);
	audit_expect(&fixture, entry_rows[_i].what, entry_rows[_i].id);
}
END_TEST

START_TEST(test_lawful)
{
	struct fixture fixture = lawful_fixture();

	audit_expect(&fixture, "lawful", NULL);
}
END_TEST

static void drop_last_rule(struct fixture *fixture)
{
	chain_named(fixture, "forward")->rule_count--;
}

static void open_policy(struct fixture *fixture)
{
	chain_named(fixture, "forward")->hook.policy = VERDICT_ACCEPT;
}

static void turn_match(struct fixture *fixture)
{
	struct step *step = &chain_named(fixture, "forward")->rules[2].steps[0];

	step->op = step->op == MATCH_EQ ? MATCH_NE : MATCH_EQ;
}

static void drop_chain(struct fixture *fixture)
{
	fixture->inet->chain_count--;
}

static void rename_set(struct fixture *fixture)
{
	set_named(fixture, "uplinks")->name = "uplinkz";
}

static void drop_uplink(struct fixture *fixture)
{
	set_named(fixture, "uplinks")->element_count = 0;
}

static void redirect_pair(struct fixture *fixture)
{
	set_named(fixture, "pairs")->elements[0].verdict.chain = "lgwan.internet.6";
}

static void let_live_expire_never(struct fixture *fixture)
{
	set_named(fixture, "live")->timeout = false;
}

/* A pair of interfaces at which refusals would not be counted. */
static void drop_count(struct fixture *fixture)
{
	set_named(fixture, "refused.flow")->element_count--;
}

static void stop_counting(struct fixture *fixture)
{
	set_named(fixture, "refused.flow")->counted = false;
}

static void drop_bridge(struct fixture *fixture)
{
	fixture->ruleset->table_count--;
}

static void add_table(struct fixture *fixture)
{
	struct table *tables = arena_array(fixture->arena, fixture->ruleset->table_count + 1, sizeof(*tables));

	memcpy(tables, fixture->ruleset->tables, fixture->ruleset->table_count * sizeof(*tables));
	tables[fixture->ruleset->table_count++] = (struct table){ .family = FAMILY_BRIDGE, .name = "sekisho2" };
	fixture->ruleset->tables = tables;
}

static void rename_device(struct fixture *fixture)
{
	fixture->ruleset->tables[1].chains[0].hook.device = "tap0";
}

struct program_row {
	const char *what;
	const char *id;
	void (*change)(struct fixture *fixture);
	const char *object;	/* what the finding names */
};

static const struct program_row program_rows[] = {
	{ "a rule less", "audit-program-differs", drop_last_rule, "inet chain forward" },
	{ "an open policy", "audit-program-differs", open_policy, "inet chain forward" },
	{ "a match turned round", "audit-program-differs", turn_match, "inet chain forward" },
	{ "a chain less", "audit-program-differs", drop_chain, "inet chain unusual" },
	{ "an uplink less", "audit-program-differs", drop_uplink, "inet set uplinks" },
	{ "a pair led elsewhere", "audit-program-differs", redirect_pair, "inet set pairs" },
	{ "live without expiry", "audit-program-differs", let_live_expire_never, "inet set live" },
	{ "refusals of a pair not counted", "audit-program-differs", drop_count, "inet set refused.flow" },
	{ "refusals not counted", "audit-program-differs", stop_counting, "inet set refused.flow" },
	{ "no bridge table", "audit-program-differs", drop_bridge, "bridge table sekisho" },
	{ "one table more", "audit-program-differs", add_table, "bridge table sekisho2" },
	{ "a netdev chain at another device", "audit-program-differs", rename_device, "netdev chain ingress.gk0" },
};

START_TEST(test_program)
{
	const struct program_row *row = &program_rows[_i];
	struct fixture fixture = lawful_fixture();
	struct program_input pins = pins_with(NULL, 0);

	row->change(&fixture);
	ck_assert_msg(ruleset_audit(fixture.ruleset, &pins, &fixture.findings) == -EPERM, "%s", row->what);
	ck_assert_msg(fixture.findings.count == 1, "%s: %zu findings", row->what, fixture.findings.count);
	ck_assert_msg(!strcmp(fixture.findings.items[0].kind->id, row->id), "%s", row->what);
	ck_assert_str_eq(fixture.findings.items[0].arguments[0], row->object);
	arena_free(fixture.arena);
}
END_TEST

/* One set less and one more: both are named. */
START_TEST(test_renamed_set)
{
	struct fixture fixture = lawful_fixture();
	struct program_input pins = pins_with(NULL, 0);

	rename_set(&fixture);
	ck_assert_int_eq(ruleset_audit(fixture.ruleset, &pins, &fixture.findings), -EPERM);
	ck_assert_uint_eq(fixture.findings.count, 2);
	arena_free(fixture.arena);
}
END_TEST

START_TEST(test_forbidden_pair)
{
	static const struct program_pair forbidden[] = { { INTERNET, MYNUMBER, false } };
	struct fixture fixture = fixture_with(forbidden, COUNT(forbidden));

	audit_expect(&fixture, "Internet to My Number", "audit-pair-forbidden");
}
END_TEST

START_TEST(test_reject_between_tiers)
{
	static const struct program_pair answers[] = { { LGWAN, INTERNET, true } };
	struct fixture fixture = fixture_with(answers, COUNT(answers));

	audit_expect(&fixture, "reject between tiers", "audit-reject-forbidden");
}
END_TEST

START_TEST(test_pair_element_that_leads_nowhere)
{
	struct fixture fixture = lawful_fixture();
	struct program_input pins = pins_with(NULL, 0);

	set_named(&fixture, "pairs")->elements[0].verdict.chain = "input";
	ck_assert_int_eq(ruleset_audit(fixture.ruleset, &pins, &fixture.findings), -EPERM);
	ck_assert_uint_eq(fixture.findings.count, 2);
	ck_assert_str_eq(fixture.findings.items[0].kind->id, "audit-pair-unknown");
	ck_assert_str_eq(fixture.findings.items[1].kind->id, "audit-program-differs");
	arena_free(fixture.arena);
}
END_TEST

/* A ruleset that was read back while an interval set has its second name is the same program. */
START_TEST(test_second_name_of_an_interval_set)
{
	struct fixture fixture = lawful_fixture();
	struct table *inet = fixture.inet;

	set_named(&fixture, "networks/lg0/4")->name = "networks/lg0/4.b";
	for (size_t c = 0; c < inet->chain_count; c++) {
		for (size_t r = 0; r < inet->chains[c].rule_count; r++) {
			struct rule *rule = &inet->chains[c].rules[r];

			for (size_t s = 0; s < rule->step_count; s++) {
				if (rule->steps[s].set && !strcmp(rule->steps[s].set, "networks/lg0/4"))
					rule->steps[s].set = "networks/lg0/4.b";
			}
		}
	}
	audit_expect(&fixture, "second name", NULL);
}
END_TEST

/* An attacker's flood of elements gives a bounded list, and the list says so. */
START_TEST(test_findings_are_bounded)
{
	struct fixture fixture = lawful_fixture();
	struct program_input pins = pins_with(NULL, 0);
	struct addition additions[AUDIT_SHOWN_PER_KIND_MAX + 1];

	for (size_t i = 0; i < COUNT(additions); i++) {
		additions[i] = (struct addition){ .set = "isolated", .key = { IF((uint8_t)(100 + i)) } };
		add_element(&fixture, &additions[i]);
	}
	ck_assert_int_eq(ruleset_audit(fixture.ruleset, &pins, &fixture.findings), -EPERM);
	ck_assert_uint_eq(fixture.findings.count, AUDIT_SHOWN_PER_KIND_MAX + 1);
	ck_assert_str_eq(fixture.findings.items[AUDIT_SHOWN_PER_KIND_MAX].kind->id, "audit-more");
	ck_assert_str_eq(fixture.findings.items[AUDIT_SHOWN_PER_KIND_MAX].arguments[1], "1");
	arena_free(fixture.arena);
}
END_TEST

/* A pair whose only interface is missing has chains and no element of @pairs; it is still the program. */
START_TEST(test_pair_without_interface)
{
	static const char *const missing[] = { "absent0" };
	const struct program_zone with_missing[] = { zones[MYNUMBER], { "lgwan", TIER_LGWAN, false, missing, 1 } };
	static const struct program_pair pair[] = { { 0, 1, false } };
	struct program_input input = { with_missing, COUNT(with_missing), pair, COUNT(pair), &link_table };
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct ruleset *ruleset = program_build(arena, &input);

	input.pairs = NULL;
	input.pair_count = 0;
	ck_assert_int_eq(ruleset_audit(ruleset, &input, &findings), 0);
	ck_assert_uint_eq(findings.count, 0);
	arena_free(arena);
}
END_TEST

/*
 * With a flow that another one hides (its mark is live and no map gives it), a hairpin, mail ports inside a
 * wider range, an answered refusal.
 */
static const char zone_file[] =
	"town = \"海野町\"; model = \"alpha\";\n"
	"zones = (\n"
	"	{ name = \"mn\"; tier = \"mynumber\"; interfaces = [ \"mn0\" ]; networks = [ \"10.1.0.0/24\", "
	"\"fd00:0:0:1::/64\" ]; },\n"
	"	{ name = \"lg\"; tier = \"lgwan\"; interfaces = [ \"lg0\", \"lg1\" ]; networks = [ "
	"\"10.2.0.0/24\", \"fd00:0:0:2::/64\" ];\n"
	"	  hairpin = true; },\n"
	"	{ name = \"gikai\"; tier = \"lgwan\"; interfaces = [ \"gk0\" ]; networks = [ \"10.4.0.0/24\" ]; "
	"},\n"
	"	{ name = \"in\"; tier = \"internet\"; interfaces = [ \"in0\" ]; networks = [ \"10.3.0.0/24\" ]; }\n"
	");\n"
	"hosts = (\n"
	"	{ name = \"jumin\"; zone = \"mn\"; addresses = [ \"10.1.0.10\", \"fd00:0:0:1::10\" ]; macs = [ "
	"\"02:00:00:01:00:10\" ]; },\n"
	"	{ name = \"juki\"; zone = \"lg\"; addresses = [ \"10.2.0.20\", \"fd00:0:0:2::20\" ]; macs = [ "
	"\"02:00:00:02:00:20\" ]; },\n"
	"	{ name = \"gamen\"; zone = \"in\"; addresses = [ \"10.3.0.30\" ]; }\n"
	");\n"
	"flows = (\n"
	"	{ name = \"juki-shokai\"; from = \"mn\"; to = \"lg\"; method = \"specified\"; peer = \"juki-net\"; "
	"source = \"jumin\";\n"
	"	  destination = \"juki\"; protocol = \"tcp\"; ports = 443;\n"
	"	  record = { number = \"1\"; reason = \"住基\"; approver = \"課長\"; approved = \"2026-04-01\"; "
	"expires = \"nendo\"; }; },\n"
	"	{ name = \"all\"; from = \"lg\"; to = \"gikai\"; method = \"internal\"; source = \"10.2.0.0/24\"; "
	"destination = \"any\";\n"
	"	  protocol = \"tcp\"; ports = \"1-65535\"; },\n"
	"	{ name = \"hidden\"; from = \"lg\"; to = \"gikai\"; method = \"internal\"; source = "
	"\"10.2.0.0/25\"; destination = \"any\";\n"
	"	  protocol = \"tcp\"; ports = \"100-200\"; },\n"
	"	{ name = \"screen\"; from = \"lg\"; to = \"in\"; method = \"screen\"; source = \"10.2.0.0/24\"; "
	"destination = \"gamen\";\n"
	"	  protocol = \"tcp\"; ports = \"1-2000\"; },\n"
	"	{ name = \"ping\"; from = \"lg\"; to = \"gikai\"; method = \"internal\"; source = \"any\"; "
	"destination = \"10.4.0.1\"; protocol = \"icmp\"; }\n"
	");\n"
	"refusals = ( { from = \"lg\"; to = \"gikai\"; refuse = \"reject\"; } );\n"
	"gateway = { services = ( { name = \"admin\"; zone = \"lg\"; source = \"10.2.0.5\"; protocol = \"tcp\"; "
	"ports = 22; } ); };\n";

/* The pins as the parent would read them: the zones and nothing else. */
static struct program_input pins_of(struct arena *arena, const struct policy *policy,
				    const struct link_table *present)
{
	struct program_zone *pinned = arena_array(arena, policy->zone_count, sizeof(*pinned));

	for (size_t i = 0; i < policy->zone_count; i++) {
		const struct zone *zone = &policy->zones[i];
		const char **names = arena_array(arena, zone->interface_count, sizeof(char *));

		for (size_t k = 0; k < zone->interface_count; k++)
			names[k] = zone->interfaces[k].value;
		pinned[i] =
			(struct program_zone){ zone->name, zone->tier, zone->uplink, names, zone->interface_count };
	}
	return (struct program_input){ .zones = pinned, .zone_count = policy->zone_count, .links = present };
}

/* Every interface but the one of this name exists. */
static void audit_compiled(const char *missing)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct policy_world world = { .now = 1780000000 }; /* 2026-05-28, within the record */
	struct settings *settings;
	struct policy *policy;
	struct compile_world compile_world = { .now = world.now };
	struct compiled compiled;
	struct program_input pins;

	ck_assert_int_eq(settings_read_text(arena, "test.conf", zone_file, strlen(zone_file), &findings, &settings),
			 0);
	policy = policy_resolve(arena, settings, &world, &findings);
	law_check(policy, world.now, &findings);
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_msg(findings.items[i].kind->severity != SEVERITY_ERROR, "%s",
			      finding_sentence(&findings, &findings.items[i], LANGUAGE_EN));
	compile_world.links = compile_offline_links(arena, policy);
	for (size_t i = 0; i < compile_world.links.count; i++) {
		if (!strcmp(compile_world.links.items[i].name, missing))
			compile_world.links.items[i] = compile_world.links.items[--compile_world.links.count];
	}
	link_table_sort(&compile_world.links);
	ck_assert_int_eq(ruleset_compile(arena, policy, &compile_world, &findings, &compiled), 0);
	pins = pins_of(arena, policy, &compile_world.links);
	findings = findings_in(arena);
	ck_assert_int_eq(ruleset_audit(compiled.ruleset, &pins, &findings), 0);
	ck_assert_uint_eq(findings.count, 0);
	arena_free(arena);
}

START_TEST(test_what_the_compiler_makes_holds)
{
	static const char *const missing[] = { "none", "mn0", "lg0", "lg1", "gk0", "in0" };

	audit_compiled(missing[_i]);
}
END_TEST

START_TEST(test_empty_ruleset)
{
	struct fixture fixture = lawful_fixture();
	struct program_input pins = pins_with(NULL, 0);
	struct ruleset empty = { .tables = NULL };

	ck_assert_int_eq(ruleset_audit(&empty, &pins, &fixture.findings), -EPERM);
	ck_assert_uint_eq(fixture.findings.count, 3);
	arena_free(fixture.arena);
}
END_TEST

START_TEST(test_catalogue_is_whole)
{
	for (int i = 0; i < RULESET_FINDING_COUNT; i++) {
		const struct finding_kind *kind = &ruleset_catalogue[i];

		ck_assert_msg(kind->id && kind->en && kind->ja && kind->action_en && kind->action_ja, "kind %d", i);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(kind->id, ruleset_catalogue[k].id);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/audit");
	TCase *tcase = tcase_create("audit");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, test_lawful);
	tcase_add_loop_test(tcase, test_element, 0, COUNT(element_rows));
	tcase_add_loop_test(tcase, test_entry, 0, COUNT(entry_rows));
	tcase_add_loop_test(tcase, test_program, 0, COUNT(program_rows));
	tcase_add_test(tcase, test_renamed_set);
	tcase_add_test(tcase, test_forbidden_pair);
	tcase_add_test(tcase, test_reject_between_tiers);
	tcase_add_test(tcase, test_pair_element_that_leads_nowhere);
	tcase_add_test(tcase, test_second_name_of_an_interval_set);
	tcase_add_test(tcase, test_findings_are_bounded);
	tcase_add_test(tcase, test_pair_without_interface);
	tcase_add_loop_test(tcase, test_what_the_compiler_makes_holds, 0, 6);
	tcase_add_test(tcase, test_empty_ruleset);
	tcase_add_test(tcase, test_catalogue_is_whole);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
