/*
 * catalogue: what can be wrong with a zone file as a file: its bytes, its grammar, its keys and the form of its
 * values.
 *
 * What the values mean, and whether the law allows it, is judged one floor up and has a catalogue of its own.
 * Ids are stable; the first place {0} of a sentence is what stands in the line, so that the caret finds it.
 */
#ifndef CONFIG_CATALOGUE_H
#define CONFIG_CATALOGUE_H

#include "base/finding.h"

enum config_finding {
	/* the files */
	CONFIG_FILE_MISSING,		/* path */
	CONFIG_FILE_FORBIDDEN,		/* path */
	CONFIG_FILE_NOT_REGULAR,	/* path */
	CONFIG_FILE_TOO_LARGE,		/* path, limit in MB */
	CONFIG_FILE_UNREADABLE,		/* path, system's words */
	CONFIG_FILE_OWNER,		/* path; config/trust.h */
	CONFIG_FILE_WRITABLE,		/* path; config/trust.h */
	CONFIG_INCLUDE_OUTSIDE,		/* path, directory */
	CONFIG_INCLUDE_PATH,		/* path */
	CONFIG_INCLUDE_LOOP,		/* path */
	CONFIG_INCLUDE_DEEP,		/* path, limit */
	CONFIG_INCLUDE_MANY,		/* path, limit */
	CONFIG_INCLUDE_IN_TEXT,		/* path */
	CONFIG_INCLUDE_FORM,
	/* the bytes */
	CONFIG_FILE_ENCODING,
	CONFIG_FILE_UTF16,
	CONFIG_FILE_CONTROL,		/* U+XXXX */
	/* the grammar */
	CONFIG_TEXT_NOT_CLOSED,
	CONFIG_COMMENT_NOT_CLOSED,
	CONFIG_FULL_WIDTH,		/* character */
	CONFIG_FULL_WIDTH_SPACE,
	CONFIG_STRAY,			/* character */
	CONFIG_QUOTES_MISSING,		/* word */
	CONFIG_EQUALS_MISSING,		/* key */
	CONFIG_VALUE_MISSING,		/* key */
	CONFIG_KEY_EXPECTED,		/* token */
	CONFIG_COMMA_MISSING,		/* token */
	CONFIG_COMMA_EXTRA,		/* token */
	CONFIG_TEXTS_JOINED,		/* second text */
	CONFIG_BRACKET_EXTRA,		/* bracket */
	CONFIG_BRACKET_WRONG,		/* bracket, open bracket, its line */
	CONFIG_BRACKET_OPEN,		/* bracket */
	CONFIG_BRACKET_KIND,		/* bracket */
	CONFIG_NESTED_DEEPLY,		/* limit */
	CONFIG_LIST_MIXED,		/* token */
	CONFIG_NUMBER_TOO_LARGE,	/* number */
	CONFIG_SYNTAX,			/* the library's words */
	/* the keys */
	CONFIG_KEY_DUPLICATE,		/* key */
	CONFIG_KEY_UNKNOWN,		/* key, known keys */
	CONFIG_KEY_MISSPELLED,		/* key, nearest key */
	CONFIG_KEY_REFUSED,		/* key, reason en, reason ja */
	CONFIG_KEY_MISSING,		/* key */
	/* the values */
	CONFIG_KIND_TEXT,		/* key */
	CONFIG_KIND_TEXT_LIST,		/* key */
	CONFIG_KIND_NUMBER,		/* key */
	CONFIG_KIND_FLAG,		/* key */
	CONFIG_KIND_GROUP,		/* key */
	CONFIG_KIND_RECORDS,		/* key */
	CONFIG_LIST_EMPTY,		/* key */
	CONFIG_LIST_LONG,		/* key, limit */
	CONFIG_NUMBER_RANGE,		/* number, key, minimum, maximum */
	CONFIG_CHOICE_UNKNOWN,		/* word, key, choices */
	CONFIG_CHOICE_MISSPELLED,	/* word, key, choices, nearest */
	CONFIG_TEXT_EMPTY,		/* key */
	CONFIG_TEXT_ENCODING,		/* key */
	CONFIG_TEXT_FULL_WIDTH,		/* value, the same in half-width characters */
	CONFIG_TEXT_HIDDEN,		/* key, U+XXXX */
	CONFIG_TEXT_LONG,		/* key, limit in bytes */
	CONFIG_ZONE_NAME,		/* name */
	CONFIG_NAME_FORM,		/* name, character */
	CONFIG_NAME_LONG,		/* name, limit in bytes, its length */
	CONFIG_FINDING_COUNT
};

/* One kind per enum config_finding, in its order. */
extern const struct finding_kind config_catalogue[CONFIG_FINDING_COUNT];

#endif
