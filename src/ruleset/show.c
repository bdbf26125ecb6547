/*
 * show: a ruleset as nft text (P6).
 *
 * What a rule depends on (nfproto, l4proto, iiftype) stands in the ruleset as steps of its own and is
 * printed, so nft has nothing to add. Masks are printed as masks where nft's prefix notation would load fewer
 * bytes than the field has: the text must lead to the same bytecode.
 */
#include "ruleset/show.h"

#include <inttypes.h>
#include <string.h>

enum { LOG_QUEUE_THRESHOLD = 16 };

/*
 * The words nft has for numbers. Only words nft knows by itself: /etc/protocols may be absent where the text
 * is loaded.
 */
struct word {
	enum field field;
	uint32_t value;
	const char *text;
};

static const struct word words[] = {
	{ FIELD_IIFTYPE, 1, "ether" },
	{ FIELD_IIFTYPE, 772, "loopback" },
	{ FIELD_NFPROTO, NFPROTO_V4, "ipv4" },
	{ FIELD_NFPROTO, NFPROTO_V6, "ipv6" },
	{ FIELD_L4PROTO, 1, "icmp" },
	{ FIELD_L4PROTO, 6, "tcp" },
	{ FIELD_L4PROTO, 17, "udp" },
	{ FIELD_L4PROTO, 58, "icmpv6" },
	{ FIELD_L4PROTO, 132, "sctp" },
	{ FIELD_PKTTYPE, 0, "host" },
	{ FIELD_PKTTYPE, 1, "broadcast" },
	{ FIELD_PKTTYPE, 2, "multicast" },
	{ FIELD_CT_STATE, CT_INVALID, "invalid" },
	{ FIELD_CT_STATE, CT_ESTABLISHED, "established" },
	{ FIELD_CT_STATE, CT_RELATED, "related" },
	{ FIELD_CT_STATE, CT_NEW, "new" },
	{ FIELD_CT_STATE, CT_UNTRACKED, "untracked" },
	{ FIELD_CT_STATUS, CT_SNAT, "snat" },
	{ FIELD_CT_STATUS, CT_DNAT, "dnat" },
	{ FIELD_CT_DIRECTION, DIRECTION_ORIGINAL, "original" },
	{ FIELD_CT_DIRECTION, DIRECTION_REPLY, "reply" },
	{ FIELD_ETHER_TYPE, 0x0800, "ip" },
	{ FIELD_ETHER_TYPE, 0x0806, "arp" },
	{ FIELD_ETHER_TYPE, 0x86dd, "ip6" },
	{ FIELD_TCP_FLAGS, 1, "fin" },
	{ FIELD_TCP_FLAGS, 2, "syn" },
	{ FIELD_TCP_FLAGS, 4, "rst" },
	{ FIELD_TCP_FLAGS, 8, "psh" },
	{ FIELD_TCP_FLAGS, 16, "ack" },
	{ FIELD_TCP_FLAGS, 32, "urg" },
	{ FIELD_TCP_FLAGS, 64, "ecn" },
	{ FIELD_TCP_FLAGS, 128, "cwr" },
	{ FIELD_ICMP_TYPE, 0, "echo-reply" },
	{ FIELD_ICMP_TYPE, 3, "destination-unreachable" },
	{ FIELD_ICMP_TYPE, 8, "echo-request" },
	{ FIELD_ICMP_TYPE, 11, "time-exceeded" },
	{ FIELD_ICMP_TYPE, 12, "parameter-problem" },
	{ FIELD_ICMP6_TYPE, 1, "destination-unreachable" },
	{ FIELD_ICMP6_TYPE, 2, "packet-too-big" },
	{ FIELD_ICMP6_TYPE, 3, "time-exceeded" },
	{ FIELD_ICMP6_TYPE, 4, "parameter-problem" },
	{ FIELD_ICMP6_TYPE, 128, "echo-request" },
	{ FIELD_ICMP6_TYPE, 129, "echo-reply" },
	{ FIELD_ICMP6_TYPE, 130, "mld-listener-query" },
	{ FIELD_ICMP6_TYPE, 131, "mld-listener-report" },
	{ FIELD_ICMP6_TYPE, 132, "mld-listener-done" },
	{ FIELD_ICMP6_TYPE, 133, "nd-router-solicit" },
	{ FIELD_ICMP6_TYPE, 134, "nd-router-advert" },
	{ FIELD_ICMP6_TYPE, 135, "nd-neighbor-solicit" },
	{ FIELD_ICMP6_TYPE, 136, "nd-neighbor-advert" },
	{ FIELD_ICMP6_TYPE, 137, "nd-redirect" },
	{ FIELD_ICMP6_TYPE, 143, "mld2-listener-report" },
};

static const char *word_of(enum field field, uint32_t value)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].field == field && words[i].value == value)
			return words[i].text;
	}
	return NULL;
}

/* The number in up to four bytes of network order. */
static uint32_t number_of(const uint8_t *bytes, size_t size)
{
	uint32_t number = 0;

	for (size_t i = 0; i < size && i < sizeof(number); i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Text between quotes. nft has no escapes, so what would end the quotes or the line becomes a question mark. */
static void show_quoted(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		buf_putc(out, byte < 0x20 || byte == 0x7f || byte == '"' ? '?' : *text);
	}
	buf_putc(out, '"');
}

/*
 * An interface by name, or by number when it has no name that nft would read back: ending with '*' it would
 * be a pattern.
 */
static void show_interface(struct buf *out, uint32_t index, const struct link_table *links)
{
	const char *name = links ? link_name(links, index) : NULL;

	if (name && !strpbrk(name, "\"*\\"))
		show_quoted(out, name);
	else
		buf_printf(out, "%" PRIu32, index);
}

static void show_address(struct buf *out, const uint8_t *bytes, size_t size)
{
	struct netaddr address = { .family = size == 4 ? 4 : 6 };
	char text[NETADDR_TEXT_BYTES];

	memcpy(address.bytes, bytes, size);
	buf_puts(out, netaddr_format(&address, text));
}

static void show_ethernet_address(struct buf *out, const uint8_t *bytes)
{
	struct macaddr mac;
	char text[MACADDR_TEXT_BYTES];

	memcpy(mac.bytes, bytes, sizeof(mac.bytes));
	buf_puts(out, macaddr_format(&mac, text));
}

static bool field_has_bits(enum field field)
{
	return field == FIELD_CT_STATE || field == FIELD_CT_STATUS || field == FIELD_TCP_FLAGS;
}

/* True when each bit that is set has a word. */
static bool bits_have_words(enum field field, uint32_t bits)
{
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		if ((bits & bit) && !word_of(field, bit))
			return false;
	}
	return bits != 0;
}

/* The words of the bits, with something between them; or the number. */
static void show_bits(struct buf *out, enum field field, uint32_t bits, char between)
{
	bool first = true;

	if (!bits_have_words(field, bits)) {
		buf_printf(out, "0x%" PRIx32, bits);
		return;
	}
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		if (!(bits & bit))
			continue;
		if (!first)
			buf_putc(out, between);
		buf_puts(out, word_of(field, bit));
		first = false;
	}
}

static void show_number(struct buf *out, enum field field, uint32_t number)
{
	const char *word = word_of(field, number);

	if (field_has_bits(field))
		show_bits(out, field, number, '|');
	else if (field == FIELD_CT_MARK)
		buf_printf(out, "0x%08" PRIx32, number);
	else if (field == FIELD_IP6_ROUTING)
		buf_puts(out, number ? "exists" : "missing");
	else if (word)
		buf_puts(out, word);
	else if (field == FIELD_ETHER_TYPE)
		buf_printf(out, "0x%04" PRIx32, number);
	else
		buf_printf(out, "%" PRIu32, number);
}

static void show_value(struct buf *out, enum field field, const uint8_t *bytes, const struct link_table *links)
{
	size_t size = field_size(field);

	switch (field_representative(field)) {
	case FIELD_IIF:
		show_interface(out, number_of(bytes, size), links);
		break;
	case FIELD_IP_SADDR:
	case FIELD_IP6_SADDR:
		show_address(out, bytes, size);
		break;
	case FIELD_ETHER_SADDR:
		show_ethernet_address(out, bytes);
		break;
	default:
		show_number(out, field, number_of(bytes, size));
	}
}

static bool mask_is_full(const uint8_t *mask, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (mask[i] != 0xff)
			return false;
	}
	return true;
}

static bool value_is_zero(const uint8_t *value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (value[i] != 0)
			return false;
	}
	return true;
}

/* The length of a mask that is a prefix, or -1. */
static int mask_prefix_length(const uint8_t *mask, size_t size)
{
	int length = 0;

	while (length < (int)size * 8 && (mask[length / 8] & (0x80 >> length % 8)))
		length++;
	for (int bit = length; bit < (int)size * 8; bit++) {
		if (mask[bit / 8] & (0x80 >> bit % 8))
			return -1;
	}
	return length;
}

static void show_mask(struct buf *out, enum field field, const uint8_t *mask)
{
	size_t size = field_size(field);
	uint32_t bits = number_of(mask, size);

	if (field_representative(field) == FIELD_IP_SADDR || field_representative(field) == FIELD_IP6_SADDR) {
		show_address(out, mask, size);
	} else if (field == FIELD_ETHER_SADDR) {
		show_ethernet_address(out, mask);
	} else if (field_has_bits(field) && bits_have_words(field, bits)) {
		buf_putc(out, '(');
		show_bits(out, field, bits, '|');
		buf_putc(out, ')');
	} else {
		buf_printf(out, "0x%" PRIx32, bits);
	}
}

static bool value_fits_mask(const uint8_t *value, const uint8_t *mask, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (value[i] & ~mask[i])
			return false;
	}
	return true;
}

/*
 * "ip6 saddr fe80::/10". False for masks that are not prefixes, or that nft would turn into a load of fewer
 * bytes, and for values with bits outside the mask, which nft would cut off.
 */
static bool show_prefix_match(struct buf *out, const struct step *step)
{
	size_t size = field_size(step->field);
	int length = mask_prefix_length(step->mask, size);
	enum field kind = field_representative(step->field);

	if ((kind != FIELD_IP_SADDR && kind != FIELD_IP6_SADDR) || length < 0 || length % 8 == 0 ||
	    !value_fits_mask(step->value, step->mask, size))
		return false;
	buf_printf(out, "%s %s", field_phrase(step->field), step->op == MATCH_NE ? "!= " : "");
	show_address(out, step->value, size);
	buf_printf(out, "/%d", length);
	return true;
}

static void show_masked_match(struct buf *out, const struct step *step, const struct link_table *links)
{
	size_t size = field_size(step->field);
	uint32_t bits = number_of(step->mask, size);

	if (show_prefix_match(out, step))
		return;
	if (field_has_bits(step->field) && step->op == MATCH_NE && value_is_zero(step->value, size) &&
	    bits_have_words(step->field, bits)) {
		buf_printf(out, "%s ", field_phrase(step->field));
		show_bits(out, step->field, bits, ',');
		return;
	}
	buf_printf(out, "%s & ", field_phrase(step->field));
	show_mask(out, step->field, step->mask);
	buf_puts(out, step->op == MATCH_NE ? " != " : " == ");
	show_value(out, step->field, step->value, links);
}

static void show_match(struct buf *out, const struct step *step, const struct link_table *links)
{
	const char *operator = step->op == MATCH_NE ? "!= " : "";

	if (!mask_is_full(step->mask, field_size(step->field))) {
		show_masked_match(out, step, links);
		return;
	}
	/* Without an operator nft would take one word for "among others this bit". */
	if (field_has_bits(step->field) && step->op == MATCH_EQ)
		operator = "== ";
	buf_printf(out, "%s %s", field_phrase(step->field), operator);
	show_value(out, step->field, step->value, links);
}

static void show_key_phrase(struct buf *out, const struct key *key)
{
	for (size_t i = 0; i < key_field_count(key); i++)
		buf_printf(out, "%s%s", i ? " . " : "", field_phrase(key->fields[i]));
}

static void show_verdict(struct buf *out, const struct verdict *verdict)
{
	static const char *const verdicts[] = {
		[VERDICT_NONE] = "continue", [VERDICT_ACCEPT] = "accept", [VERDICT_DROP] = "drop",
		[VERDICT_RETURN] = "return", [VERDICT_JUMP] = "jump ", [VERDICT_GOTO] = "goto ",
	};

	buf_printf(out, "%s%s", verdicts[verdict->kind], verdict->chain ? verdict->chain : "");
}

static void show_log(struct buf *out, const struct step *step)
{
	buf_puts(out, "log prefix ");
	show_quoted(out, step->text);
	buf_printf(out, " group %d queue-threshold %d", RULESET_NFLOG_GROUP, LOG_QUEUE_THRESHOLD);
}

static void show_set_step(struct buf *out, const struct step *step)
{
	static const char *const between[] = {
		[STEP_LOOKUP] = "", [STEP_VMAP] = "vmap ", [STEP_SET_MARK] = "map "
	};

	if (step->kind == STEP_SET_MARK)
		buf_puts(out, "ct mark set ");
	show_key_phrase(out, &step->key);
	buf_printf(out, " %s@%s", between[step->kind], step->set);
}

static void show_step(struct buf *out, const struct step *step, const struct link_table *links)
{
	switch (step->kind) {
	case STEP_MATCH:
		show_match(out, step, links);
		break;
	case STEP_LOOKUP:
	case STEP_VMAP:
	case STEP_SET_MARK:
		show_set_step(out, step);
		break;
	case STEP_SET_MARK_VALUE:
		buf_printf(out, "ct mark set 0x%08" PRIx32, number_of(step->value, 4));
		break;
	case STEP_COUNTER:
		buf_puts(out, "counter");
		break;
	case STEP_LIMIT:
		buf_printf(out, "limit rate %" PRIu32 "/second burst %" PRIu32 " packets", step->rate,
			   step->burst);
		break;
	case STEP_LOG:
		show_log(out, step);
		break;
	case STEP_REJECT:
		buf_puts(out, "reject with icmpx admin-prohibited");
		break;
	case STEP_VERDICT:
		show_verdict(out, &step->verdict);
		break;
	}
}

static void show_rule(struct buf *out, const struct rule *rule, const struct link_table *links)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		if (i > 0)
			buf_putc(out, ' ');
		show_step(out, &rule->steps[i], links);
	}
	if (rule->comment) {
		buf_puts(out, " comment ");
		show_quoted(out, rule->comment);
	}
}

void rule_show(struct buf *out, const struct rule *rule)
{
	show_rule(out, rule, NULL);
}

static void show_element_key(struct buf *out, const struct set *set, const struct element *element,
			     const struct link_table *links)
{
	const uint8_t *first = element->key;
	const uint8_t *last = set->interval ? element->key + key_size(&set->key) : element->key;

	for (size_t i = 0; i < key_field_count(&set->key); i++) {
		enum field field = set->key.fields[i];

		if (i > 0)
			buf_puts(out, " . ");
		show_value(out, field, first, links);
		if (memcmp(first, last, field_size(field)) != 0) {
			buf_putc(out, '-');
			show_value(out, field, last, links);
		}
		first += field_slot(field);
		last += field_slot(field);
	}
}

void element_show(struct buf *out, const struct set *set, const struct element *element,
		  const struct link_table *links, int64_t now)
{
	show_element_key(out, set, element, links);
	if (set->timeout && element->expires_at != 0)
		buf_printf(out, " timeout %" PRId64 "s",
			   element->expires_at > now ? element->expires_at - now : 1);
	if (element->comment) {
		buf_puts(out, " comment ");
		show_quoted(out, element->comment);
	}
	if (set->data == SET_DATA_MARK)
		buf_printf(out, " : 0x%08" PRIx32, element->mark);
	if (set->data == SET_DATA_VERDICT) {
		buf_puts(out, " : ");
		show_verdict(out, &element->verdict);
	}
}

static void show_elements(struct buf *out, const struct set *set, const struct link_table *links, int64_t now)
{
	buf_puts(out, "\t\telements = {\n");
	for (size_t i = 0; i < set->element_count; i++) {
		buf_puts(out, "\t\t\t");
		element_show(out, set, &set->elements[i], links, now);
		buf_puts(out, i + 1 < set->element_count ? ",\n" : "\n");
	}
	buf_puts(out, "\t\t}\n");
}

static void show_set(struct buf *out, const struct set *set, const struct link_table *links, int64_t now)
{
	static const char *const data[] = {
		[SET_DATA_NONE] = "", [SET_DATA_MARK] = " : mark", [SET_DATA_VERDICT] = " : verdict"
	};

	buf_printf(out, "\t%s %s {\n\t\ttype ", set->data == SET_DATA_NONE ? "set" : "map", set->name);
	for (size_t i = 0; i < key_field_count(&set->key); i++)
		buf_printf(out, "%s%s", i ? " . " : "", field_type_name(set->key.fields[i]));
	buf_printf(out, "%s\n", data[set->data]);
	if (set->interval || set->timeout)
		buf_printf(out, "\t\tflags %s%s%s\n", set->interval ? "interval" : "",
			   set->interval && set->timeout ? "," : "", set->timeout ? "timeout" : "");
	if (set->counted)
		buf_puts(out, "\t\tcounter\n");
	if (set->room > 0)
		buf_printf(out, "\t\tsize %" PRIu32 "\n", set->room);
	if (set->element_count > 0)
		show_elements(out, set, links, now);
	buf_puts(out, "\t}\n");
}

static const char *hook_word(enum family family, uint32_t number)
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };

	if (family == FAMILY_NETDEV)
		return number == 0 ? "ingress" : "egress";
	return number < sizeof(hooks) / sizeof(hooks[0]) ? hooks[number] : "ingress";
}

static void show_hook(struct buf *out, enum family family, const struct hook *hook)
{
	buf_printf(out, "\t\ttype filter hook %s", hook_word(family, hook->number));
	if (hook->device) {
		buf_puts(out, " device ");
		show_quoted(out, hook->device);
	}
	buf_printf(out, " priority %" PRId32 "; policy %s;\n", hook->priority,
		   hook->policy == VERDICT_ACCEPT ? "accept" : "drop");
}

static void show_chain(struct buf *out, enum family family, const struct chain *chain,
		       const struct link_table *links)
{
	buf_printf(out, "\tchain %s {\n", chain->name);
	if (chain->comment) {
		buf_puts(out, "\t\tcomment ");
		show_quoted(out, chain->comment);
		buf_putc(out, '\n');
	}
	if (chain->hook.base)
		show_hook(out, family, &chain->hook);
	for (size_t i = 0; i < chain->rule_count; i++) {
		buf_puts(out, "\t\t");
		show_rule(out, &chain->rules[i], links);
		buf_putc(out, '\n');
	}
	buf_puts(out, "\t}\n");
}

static const char *family_word(enum family family)
{
	switch (family) {
	case FAMILY_NETDEV:
		return "netdev";
	case FAMILY_BRIDGE:
		return "bridge";
	case FAMILY_INET:
		break;
	}
	return "inet";
}

static void show_table(struct buf *out, const struct table *table, const struct link_table *links, int64_t now)
{
	const char *family = family_word(table->family);

	buf_printf(out, "table %s %s {\n", family, table->name);
	for (size_t i = 0; i < table->set_count; i++) {
		if (i > 0)
			buf_putc(out, '\n');
		show_set(out, &table->sets[i], links, now);
	}
	for (size_t i = 0; i < table->chain_count; i++) {
		if (table->set_count > 0 || i > 0)
			buf_putc(out, '\n');
		show_chain(out, table->family, &table->chains[i], links);
	}
	buf_puts(out, "}\n");
}

void ruleset_show(struct buf *out, const struct ruleset *ruleset, int64_t now)
{
	for (size_t i = 0; i < ruleset->table_count; i++)
		show_table(out, &ruleset->tables[i], &ruleset->links, now);
}
