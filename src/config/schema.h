/*
 * schema: the one table of what a zone file may say.
 *
 * Reader, defaults, ranges, units, print-back, comparison and the manual page sekisho.conf(5) are all driven by
 * it; a key exists when it stands here and nowhere else.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum schema_kind {
	SCHEMA_TEXT,		/* struct text */
	SCHEMA_TEXT_LIST,	/* struct text_list: array or list of strings or numbers, or one bare value */
	SCHEMA_NUMBER,		/* struct number, minimum..maximum */
	SCHEMA_FLAG,		/* struct flag */
	SCHEMA_GROUP,		/* a nested struct described by `keys`, its `struct origin at` first */
	SCHEMA_RECORDS,		/* a list of groups: pointer at `offset`, count at `count_offset`, items like SCHEMA_GROUP */
};

/* What a text must look like besides being UTF-8 without hidden characters. */
enum schema_form {
	SCHEMA_FORM_FREE,
	SCHEMA_FORM_ZONE,	/* [a-z][a-z0-9-]{0,14}: it stands in set and chain names of the kernel */
	SCHEMA_FORM_NAME,	/* no quotes, backslash or '/'; at most SCHEMA_NAME_BYTES_MAX */
	SCHEMA_FORM_PLAIN,	/* addresses, numbers and words of the product: no full-width form of an ASCII character */
};

enum {
	SCHEMA_ZONE_NAME_BYTES_MAX = 15,
	SCHEMA_NAME_BYTES_MAX = 60,	/* it must fit a kernel comment */
	SCHEMA_TEXT_BYTES_MAX = 4096,	/* any other text */
};

/* One key. Tables end with a row whose name is NULL. */
struct schema_key {
	const char *name;
	enum schema_kind kind;
	size_t offset;		/* of the value in its struct */
	size_t count_offset;	/* SCHEMA_RECORDS: of the item count */
	size_t item_size;	/* bytes per item or of the group; 0: a group whose keys lie in the enclosing struct */
	bool required;
	int64_t minimum, maximum, standard; /* SCHEMA_NUMBER: range and default; a required one has a default below its range, which nobody can write */
	const char *choices;	/* SCHEMA_TEXT: the allowed words separated by '|', or NULL */
	enum schema_form form;	/* SCHEMA_TEXT, SCHEMA_TEXT_LIST */
	const char *unit;	/* for the manual: "port", "bytes", or NULL */
	const struct schema_key *keys; /* SCHEMA_GROUP, SCHEMA_RECORDS */
	const char *en, *ja;	/* one sentence for the manual */
};

/* The keys of the file itself. */
extern const struct schema_key schema_root[];

/*
 * A key that is refused on purpose, with the reason: names other products use (nat, masquerade, snat, dnat,
 * port_forward, wifi ...).
 */
struct schema_refused {
	const char *name;
	const char *en, *ja;	/* why, and what to do instead */
};

/* Ends with a row whose name is NULL. */
extern const struct schema_refused schema_refused[];

/* The refused key of this name ('-' and '_', capital and small letters are alike), or NULL. */
const struct schema_refused *schema_refused_named(const char *name);

/* The key of the table with exactly this name, or NULL. */
const struct schema_key *schema_key_named(const struct schema_key *keys, const char *name);

/*
 * The known key of the table that is nearest to name (edit distance at most 3 and less than half its length),
 * or NULL.
 */
const char *schema_nearest(const struct schema_key *keys, const char *name);

/* True when word is one of the choices ("a|b|c"). */
bool schema_choice_allowed(const char *choices, const char *word);

/* The choice nearest to word in the same sense as schema_nearest(); an empty span if none is near. */
struct span schema_nearest_choice(const char *choices, const char *word);

#endif
