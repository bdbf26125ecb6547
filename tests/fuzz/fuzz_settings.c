/*
 * Any bytes as a zone file: no crash, no leak, an error code never without a finding, no sentence that cannot
 * be shown, and what is accepted is printed as a file that reads back as the same settings.
 */
#include <stdlib.h>
#include <string.h>

#include "config/catalogue.h"
#include "config/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void findings_show(struct findings *findings)
{
	struct buf text = buf_limited(0);

	findings_sort(findings);
	for (size_t i = 0; i < findings->count; i++) {
		/* The syntax check must have found it before libconfig did. */
		require(findings->items[i].kind != &config_catalogue[CONFIG_SYNTAX]);
		finding_render(&text, findings, &findings->items[i], LANGUAGE_EN);
		finding_render(&text, findings, &findings->items[i], LANGUAGE_JA);
	}
	buf_free(&text);
}

static void settings_go_round(struct arena *arena, const struct settings *settings)
{
	struct findings findings = findings_in(arena);
	struct buf text = buf_limited(0);
	struct settings *again;

	settings_print(&text, settings);
	require(settings_read_text(arena, "again", buf_text(&text), text.length, &findings, &again) == 0);
	require(findings.count == 0);
	require(settings_equal(settings, again));
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct settings *settings = NULL;
	int result = settings_read_text(arena, "fuzz", (const char *)data, size, &findings, &settings);

	require((result == 0) == (settings != NULL));
	require(result == 0 || findings.errors > 0);
	if (result == 0 && findings.count == 0)
		settings_go_round(arena, settings);
	findings_show(&findings);
	arena_free(arena);
	return 0;
}
