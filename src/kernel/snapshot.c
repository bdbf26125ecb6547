/*
 * snapshot: our tables as the kernel holds them. Tables first, then for each its sets with their elements, its
 * chains, its rules, and what must not be there.
 */
#include "kernel/snapshot.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attribute.h"
#include "kernel/decode_rule.h"
#include "kernel/decode_set.h"
#include "kernel/features.h"

/* The name of all our tables. */
#define TABLE_NAME "sekisho"

/* One attempt to read everything. */
struct reading {
	struct arena *arena;
	struct nfnl *nfnl;
	int64_t now, since_ms;	/* Unix time, and reading_clock_ms() then */
	const struct ruleset *known;	/* sets whose elements are taken from here; NULL: none */
	struct table *tables;
	size_t table_count, table_capacity;
	struct alien *aliens;
	size_t alien_count, alien_capacity;
	struct table *table;		/* the one whose content is being read */
	size_t set_capacity, chain_capacity;
	struct set *set;		/* the one whose elements are being read */
	struct element_reader *elements;
	struct chain *chain;		/* the one whose rules are being read; rules come chain by chain */
	size_t rule_capacity, rule_number;
};

static struct alien *alien_add(struct reading *reading, uint8_t family, const char *where, const char *what)
{
	reading->aliens = arena_grow(reading->arena, reading->aliens, reading->alien_count,
				     &reading->alien_capacity, sizeof(*reading->aliens));
	reading->aliens[reading->alien_count] =
		(struct alien){ .family = (enum family)family, .where = where, .what = what };
	return &reading->aliens[reading->alien_count++];
}

/* The same for something in the table that is being read. */
static struct alien *table_alien_add(struct reading *reading, const char *where, const char *what)
{
	return alien_add(reading, (uint8_t)reading->table->family, where, what);
}

/* The same for a table as a whole. */
static struct alien *whole_table_alien_add(struct reading *reading, uint8_t family, const char *what)
{
	struct alien *alien = alien_add(reading, family, "table " TABLE_NAME, what);

	alien->needs_new_table = true;
	return alien;
}

static uint8_t message_family(const struct nlmsghdr *message)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
}

static int take_table(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct nlattr *attributes[NFTA_TABLE_FLAGS + 1];
	const uint8_t family = message_family(message);
	uint32_t flags;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes,
			NFTA_TABLE_FLAGS + 1);
	if (strcmp(attribute_text(attributes[NFTA_TABLE_NAME]), TABLE_NAME) != 0)
		return 0;
	flags = attribute_u32(attributes[NFTA_TABLE_FLAGS]);
	if (flags & TABLE_FLAG_DORMANT)
		whole_table_alien_add(reading, family, "it is dormant: none of its rules is in force")->dormant = true;
	if (flags & ~(uint32_t)(TABLE_FLAG_DORMANT | TABLE_FLAG_OWNER | TABLE_FLAG_PERSIST))
		whole_table_alien_add(reading, family, "unknown flags");
	if (family != FAMILY_INET && family != FAMILY_NETDEV && family != FAMILY_BRIDGE) {
		whole_table_alien_add(reading, family, "a family that has no table of ours");
		return 0;
	}
	reading->tables = arena_grow(reading->arena, reading->tables, reading->table_count,
				     &reading->table_capacity, sizeof(*reading->tables));
	reading->tables[reading->table_count++] = (struct table){ .family = (enum family)family,
								  .name = TABLE_NAME,
								  .dormant = flags & TABLE_FLAG_DORMANT };
	return 0;
}

/* All dumps take the table's name as attribute 1 but that of chains, which takes none. */
static void fill_table_name(struct nlmsghdr *message, const void *context)
{
	(void)context;
	_Static_assert((int)NFTA_SET_TABLE == (int)NFTA_RULE_TABLE &&
			       (int)NFTA_SET_TABLE == (int)NFTA_FLOWTABLE_TABLE &&
			       (int)NFTA_SET_TABLE == (int)NFTA_OBJ_TABLE,
		       "one filter for all dumps");
	mnl_attr_put_strz(message, NFTA_SET_TABLE, TABLE_NAME);
}

static int take_set(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	struct table *table = reading->table;
	struct nftnl_set *set = nftnl_set_alloc();
	const char *why = "it could not be parsed";
	struct set decoded = { .name = "?" };
	bool anonymous;
	int r;

	if (!set)
		arena_exhausted();
	r = nftnl_set_nlmsg_parse(message, set) < 0 ? -EBADMSG
						    : set_decode(reading->arena, set, &decoded, &why);
	anonymous = nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS;
	nftnl_set_free(set);
	if (r < 0)
		table_alien_add(reading, arena_printf(reading->arena, "set %s", decoded.name), why);
	if (anonymous)
		return 0;	/* it comes and goes with its rule */
	table->sets = arena_grow(reading->arena, table->sets, table->set_count, &reading->set_capacity,
				 sizeof(*table->sets));
	table->sets[table->set_count++] = decoded;
	return 0;
}

static void fill_set_name(struct nlmsghdr *message, const void *context)
{
	const struct reading *reading = context;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, reading->set->name);
}

static int take_elements(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;

	element_reader_take(reading->elements, message, reading_clock_ms());
	return 0;
}

/* Reads the elements of a set once. -EAGAIN: they moved while they were read. */
static int try_elements(struct reading *reading, struct set *set)
{
	struct element_reader elements = element_reader_begin(reading->arena, set, reading->now, reading->since_ms);
	int r;

	reading->set = set;
	reading->elements = &elements;
	r = nfnl_dump(reading->nfnl, NFT_MSG_GETSETELEM, (uint16_t)reading->table->family, fill_set_name,
		      take_elements, reading);
	reading->elements = NULL;
	if (r == 0)
		r = element_reader_finish(&elements);
	else
		element_reader_cancel(&elements);
	if (r == 0 && elements.why) {
		table_alien_add(reading, arena_printf(reading->arena, "set %s", set->name), elements.why);
		*set = (struct set){ .name = set->name };
	}
	return r;
}

static int read_elements(struct reading *reading, struct set *set)
{
	int r = -EAGAIN;

	for (int attempt = 0; attempt < SNAPSHOT_ATTEMPTS_MAX && r == -EAGAIN; attempt++)
		r = try_elements(reading, set);
	return r;
}

/* What is known of the set that was just decoded, or NULL. */
static const struct set *known_set(const struct reading *reading, const struct set *set)
{
	const struct table *table = reading->known ? ruleset_table(reading->known, reading->table->family, TABLE_NAME) : NULL;
	const struct set *known = table ? table_set(table, set->name) : NULL;

	return known && set_same_kind(known, set) ? known : NULL;
}

static bool is_over(const struct element *element, int64_t now)
{
	return element->expires_at != 0 && element->expires_at <= now;
}

/* Takes over the known elements, without those whose time has come. */
static void take_known_elements(struct reading *reading, struct set *set, const struct set *known)
{
	size_t over = 0;

	for (size_t i = 0; set->timeout && i < known->element_count; i++)
		over += is_over(&known->elements[i], reading->now);
	set->elements = known->elements;
	set->element_count = known->element_count;
	if (over == 0)
		return;
	set->elements = arena_array(reading->arena, known->element_count - over, sizeof(*set->elements));
	set->element_count = 0;
	for (size_t i = 0; i < known->element_count; i++) {
		if (!is_over(&known->elements[i], reading->now))
			set->elements[set->element_count++] = known->elements[i];
	}
}

static int find_elements(struct reading *reading, struct set *set)
{
	const struct set *known = known_set(reading, set);

	if (!known)
		return read_elements(reading, set);
	take_known_elements(reading, set, known);
	return 0;
}

static int compare_sets(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->name, ((const struct set *)b)->name);
}

static int read_sets(struct reading *reading)
{
	struct table *table = reading->table;
	int r;

	reading->set_capacity = 0;
	r = nfnl_dump(reading->nfnl, NFT_MSG_GETSET, (uint16_t)table->family, fill_table_name, take_set,
		      reading);
	if (r < 0)
		return r;
	if (table->set_count)
		qsort(table->sets, table->set_count, sizeof(*table->sets), compare_sets);
	for (size_t i = 0; i < table->set_count; i++) {
		r = key_field_count(&table->sets[i].key) ? find_elements(reading, &table->sets[i]) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* The one device of a netdev chain; *ret_device NULL when it has none. Returns an objection, or NULL. */
static const char *device_decode(struct arena *arena, const struct nftnl_chain *chain, const char **ret_device)
{
	const char *const *devices = NULL;

	*ret_device = NULL;
	if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEVICES))
		devices = nftnl_chain_get(chain, NFTNL_CHAIN_DEVICES);
	if (devices && devices[0] && devices[1])
		return "more than one device";
	if (devices && devices[0])
		*ret_device = arena_strdup(arena, devices[0]);
	else if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEV))
		*ret_device = arena_strdup(arena, nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV));
	return NULL;
}

/* Where a chain hangs. Returns an objection, or NULL. */
static const char *hook_decode(struct arena *arena, const struct nftnl_chain *chain, enum family family,
			       struct hook *ret_hook)
{
	const char *why;

	*ret_hook = (struct hook){ 0 };
	if (nftnl_chain_get_u32(chain, NFTNL_CHAIN_FLAGS) & ~(uint32_t)NFT_CHAIN_BASE)
		return "flags that no chain of ours has";
	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		return NULL;
	*ret_hook = (struct hook){
		.base = true,
		.number = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
		.priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO),
		.policy = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_ACCEPT ? VERDICT_ACCEPT
										      : VERDICT_DROP,
	};
	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_TYPE) ||
	    strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE), "filter") != 0)
		return "a chain type other than filter";
	why = device_decode(arena, chain, &ret_hook->device);
	if (!why && ret_hook->device && family != FAMILY_NETDEV)
		return "a device, which only chains of the netdev family have";
	return why;
}

static int take_chain(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	struct table *table = reading->table;
	struct nftnl_chain *parsed = nftnl_chain_alloc();
	struct chain chain = { .name = "?" };
	const char *why = "it could not be parsed";

	if (!parsed)
		arena_exhausted();
	if (nftnl_chain_nlmsg_parse(message, parsed) == 0) {
		if (strcmp(nftnl_chain_get_str(parsed, NFTNL_CHAIN_TABLE), TABLE_NAME) != 0) {
			nftnl_chain_free(parsed);
			return 0;
		}
		chain.name = arena_strdup(reading->arena, nftnl_chain_get_str(parsed, NFTNL_CHAIN_NAME));
		why = hook_decode(reading->arena, parsed, table->family, &chain.hook);
	}
	nftnl_chain_free(parsed);
	if (why) {
		table_alien_add(reading, arena_printf(reading->arena, "chain %s", chain.name), why);
		chain.hook.base = true;
		chain.hook.policy = VERDICT_NONE;
	}
	table->chains = arena_grow(reading->arena, table->chains, table->chain_count, &reading->chain_capacity,
				   sizeof(*table->chains));
	table->chains[table->chain_count++] = chain;
	return 0;
}

static int compare_chains(const void *a, const void *b)
{
	return strcmp(((const struct chain *)a)->name, ((const struct chain *)b)->name);
}

/* Begins or goes on with the chain of this name. */
static struct chain *reading_chain(struct reading *reading, const char *name)
{
	struct chain *chain = reading->chain;

	if (chain && strcmp(chain->name, name) == 0)
		return chain;
	reading->rule_capacity = 0;
	reading->rule_number = 0;
	for (size_t i = 0; i < reading->table->chain_count; i++) {
		if (strcmp(reading->table->chains[i].name, name) == 0)
			return reading->chain = &reading->table->chains[i];
	}
	return NULL;
}

static void rule_add(struct reading *reading, const struct nlmsghdr *message, struct nftnl_rule *parsed)
{
	const struct nlattr *attributes[NFTA_RULE_CHAIN + 1];
	const char *name, *why = "an expression that this program does not know";
	struct chain *chain;
	struct rule rule = { 0 };
	int r = -EBADMSG;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes,
			NFTA_RULE_CHAIN + 1);
	name = attribute_text(attributes[NFTA_RULE_CHAIN]);
	chain = reading_chain(reading, name);
	reading->rule_number++;
	if (nftnl_rule_nlmsg_parse(message, parsed) == 0 && chain)
		r = rule_decode(reading->arena, parsed, reading->table, &rule, &why);
	if (r < 0) {
		table_alien_add(reading,
				arena_printf(reading->arena, "chain %s rule %zu", name, reading->rule_number),
				why);
		rule.comment = why;
		rule.alien = true;
	}
	if (!chain)
		return;
	chain->rules = arena_grow(reading->arena, chain->rules, chain->rule_count, &reading->rule_capacity,
				  sizeof(*chain->rules));
	chain->rules[chain->rule_count++] = rule;
}

static int take_rule(const struct nlmsghdr *message, void *context)
{
	struct nftnl_rule *parsed = nftnl_rule_alloc();

	if (!parsed)
		arena_exhausted();
	rule_add(context, message, parsed);
	nftnl_rule_free(parsed);
	return 0;
}

static int read_chains(struct reading *reading)
{
	struct table *table = reading->table;
	int r;

	reading->chain_capacity = 0;
	reading->chain = NULL;
	r = nfnl_dump(reading->nfnl, NFT_MSG_GETCHAIN, (uint16_t)table->family, NULL, take_chain, reading);
	if (r < 0)
		return r;
	if (table->chain_count)
		qsort(table->chains, table->chain_count, sizeof(*table->chains), compare_chains);
	return nfnl_dump(reading->nfnl, NFT_MSG_GETRULE, (uint16_t)table->family, fill_table_name, take_rule,
			 reading);
}

/* Flowtables and objects have no place in our tables; a flowtable carries packets past every rule. */
static int take_stranger(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct nlattr *attributes[NFTA_FLOWTABLE_NAME + 1];
	const bool flowtable = (message->nlmsg_type & 0xff) == NFT_MSG_NEWFLOWTABLE;
	struct alien *alien;
	const char *name;

	_Static_assert((int)NFTA_FLOWTABLE_NAME == (int)NFTA_OBJ_NAME, "one reader for both");
	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes,
			NFTA_FLOWTABLE_NAME + 1);
	if (strcmp(attribute_text(attributes[NFTA_FLOWTABLE_TABLE]), TABLE_NAME) != 0)
		return 0;
	name = attribute_text(attributes[NFTA_FLOWTABLE_NAME]);
	alien = table_alien_add(
		reading, arena_printf(reading->arena, "%s %s", flowtable ? "flowtable" : "object", name),
		flowtable ? "packets of its connections pass no rule" : "no table of ours has objects");
	alien->needs_new_table = true;
	return 0;
}

static int read_strangers(struct reading *reading)
{
	const uint16_t family = (uint16_t)reading->table->family;
	int r = nfnl_dump(reading->nfnl, NFT_MSG_GETFLOWTABLE, family, fill_table_name, take_stranger, reading);

	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	return nfnl_dump(reading->nfnl, NFT_MSG_GETOBJ, family, fill_table_name, take_stranger, reading);
}

static int compare_tables(const void *a, const void *b)
{
	return (int)((const struct table *)a)->family - (int)((const struct table *)b)->family;
}

static int read_tables(struct reading *reading)
{
	int r = nfnl_dump(reading->nfnl, NFT_MSG_GETTABLE, NFPROTO_UNSPEC, NULL, take_table, reading);

	if (r < 0)
		return r;
	if (reading->table_count)
		qsort(reading->tables, reading->table_count, sizeof(*reading->tables), compare_tables);
	for (size_t i = 0; i < reading->table_count; i++) {
		reading->table = &reading->tables[i];
		r = read_sets(reading);
		if (r == 0)
			r = read_chains(reading);
		if (r == 0)
			r = read_strangers(reading);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One attempt. -EAGAIN: the kernel's tables changed meanwhile; *ret_snapshot is then not to be used. */
static int snapshot_try(struct reading *reading, const struct known_sets *known, struct snapshot *ret_snapshot)
{
	uint32_t after;
	int r = nfnl_generation(reading->nfnl, &ret_snapshot->generation);

	if (r < 0)
		return r;
	if (known && known->generation == ret_snapshot->generation)
		reading->known = known->ruleset;
	r = read_tables(reading);
	/* A table, set or chain that vanished between two dumps is no error but a change. */
	if (r == -EINTR || r == -ENOENT)
		return -EAGAIN;
	if (r < 0)
		return r;
	r = nfnl_generation(reading->nfnl, &after);
	if (r < 0)
		return r;
	return after == ret_snapshot->generation ? 0 : -EAGAIN;
}

static struct ruleset *ruleset_of_reading(const struct reading *reading, const struct link_table *links)
{
	struct ruleset *ruleset;

	if (reading->table_count == 0)
		return NULL;
	ruleset = arena_alloc(reading->arena, sizeof(*ruleset));
	ruleset->tables = reading->tables;
	ruleset->table_count = reading->table_count;
	ruleset->links.items = arena_array(reading->arena, links->count, sizeof(*links->items));
	ruleset->links.count = links->count;
	if (links->count)
		memcpy(ruleset->links.items, links->items, links->count * sizeof(*links->items));
	return ruleset;
}

int snapshot_read(struct arena *arena, struct nfnl *nfnl, const struct link_table *links, int64_t now,
		  const struct known_sets *known, struct snapshot *ret_snapshot)
{
	const int64_t since_ms = reading_clock_ms();

	for (int attempt = 0; attempt < SNAPSHOT_ATTEMPTS_MAX; attempt++) {
		struct reading reading = { .arena = arena, .nfnl = nfnl, .now = now, .since_ms = since_ms };
		struct snapshot snapshot = { 0 };
		int r = snapshot_try(&reading, known, &snapshot);

		if (r == -EAGAIN)
			continue;
		if (r < 0)
			return r;
		snapshot.ruleset = ruleset_of_reading(&reading, links);
		snapshot.aliens = reading.aliens;
		snapshot.alien_count = reading.alien_count;
		*ret_snapshot = snapshot;
		return 0;
	}
	return -EAGAIN;
}
