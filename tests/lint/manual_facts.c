/*
 * manual_facts: prints what the manual pages must say, for tests/lint/manual_keys: one fact per line, fields separated by tabs.
 *
 *	key	TABLE	NAME	KIND	REQUIRED	MINIMUM	MAXIMUM	DEFAULT	CHOICES	SENTENCE	SENTENCE IN JAPANESE
 *	refused	NAME
 *	finding	FLOOR	ID	SEVERITY	SENTENCE	SENTENCE IN JAPANESE	NEXT ACTION	NEXT ACTION IN JAPANESE
 *
 * TABLE is "file", "zones", "zones: uplink" and so on, as the subsections of sekisho.conf(5) are called.
 */
#include <stdio.h>
#include <string.h>

#include "config/catalogue.h"
#include "config/schema.h"
#include "policy/catalogue.h"
#include "ruleset/catalogue.h"
#include "sekishod/catalogue.h"
#include "wiring/catalogue.h"

enum { TABLE_NAME_BYTES = 128 };

static const char *const kinds[] = {
	[SCHEMA_TEXT] = "text", [SCHEMA_TEXT_LIST] = "texts", [SCHEMA_NUMBER] = "number",
	[SCHEMA_FLAG] = "flag", [SCHEMA_GROUP] = "group", [SCHEMA_RECORDS] = "groups",
};

static void print_key(const char *table, const struct schema_key *key)
{
	printf("key\t%s\t%s\t%s\t%d\t%lld\t%lld\t%lld\t%s\t%s\t%s\n", table, key->name, kinds[key->kind], key->required,
	       (long long)key->minimum, (long long)key->maximum, (long long)key->standard, key->choices ? key->choices : "", key->en,
	       key->ja);
}

/* The table, then the tables within it. */
static void print_table(const char *table, const struct schema_key *keys)
{
	char inner[TABLE_NAME_BYTES];

	for (const struct schema_key *key = keys; key->name; key++)
		print_key(table, key);
	for (const struct schema_key *key = keys; key->name; key++) {
		if (!key->keys)
			continue;
		if (strcmp(table, "file") == 0)
			snprintf(inner, sizeof(inner), "%s", key->name);
		else
			snprintf(inner, sizeof(inner), "%s: %s", table, key->name);
		print_table(inner, key->keys);
	}
}

static void print_catalogue(const char *floor, const struct finding_kind *kinds_of_floor, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct finding_kind *kind = &kinds_of_floor[i];

		printf("finding\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", floor, kind->id, (int)kind->severity, kind->en, kind->ja,
		       kind->action_en, kind->action_ja);
	}
}

int main(void)
{
	print_table("file", schema_root);
	for (const struct schema_refused *row = schema_refused; row->name; row++)
		printf("refused\t%s\n", row->name);
	print_catalogue("config", config_catalogue, CONFIG_FINDING_COUNT);
	print_catalogue("policy", policy_catalogue, POLICY_KIND_COUNT);
	print_catalogue("ruleset", ruleset_catalogue, RULESET_FINDING_COUNT);
	print_catalogue("sekishod", daemon_catalogue, DAEMON_FINDING_COUNT);
	print_catalogue("wiring", wiring_catalogue, WIRING_FINDING_COUNT);
	return 0;
}
