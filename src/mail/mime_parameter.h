/*
 * mime_parameter: values with parameters (RFC 2045 section 5.1, RFC 2183, RFC 2231), as they really come.
 *
 *	Content-Type: text/plain; charset=iso-2022-jp; name*0*=UTF-8''%E8%B3%87; name*1="料.txt"
 *
 * Reading never fails; a value of which nothing can be read has an empty token and no parameters. The rules
 * where the RFC ends:
 *  - Comments between tokens are passed over, nested ones by counting. Missing semicolons behind the token
 *    are supplied.
 *  - A value without quotes goes up to the next semicolon, with the spaces and 8-bit bytes that are in it
 *    (name=My File.pdf). A comment behind white space at its end is not part of it; brackets inside are
 *    (name=a(1).pdf).
 *  - Quoted strings and text that follow each other without a semicolon are one value.
 *  - In quotes a backslash takes the next byte as it is, unless it is half of a character
 *    (mail/header_octets.h).
 *  - name*, name*N and name*N* are RFC 2231. Sections may come in any order. A star with anything else behind
 *    it is part of the name.
 *  - A parameter whose value other programs may read otherwise is marked doubtful.
 */
#ifndef MAIL_MIME_PARAMETER_H
#define MAIL_MIME_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	MIME_TOKEN_BYTES_MAX = 127,	/* "type/subtype"; a longer one is unreadable (RFC 6838 section 4.2) */
	MIME_PARAMETERS_MAX = 100,	/* of one field; those beyond are not kept */
	MIME_VALUE_BYTES_MAX = 16384,	/* names and values of one field together; others are not kept */
	MIME_SECTION_MAX = 9999,	/* N of name*N; with a larger one it is an ordinary name */
	MIME_FORMS_MAX = 8,
};

struct mime_parameter {
	struct span name;	/* lower case, without the stars; never empty */
	struct span octets;	/* without quotes and backslashes, otherwise as it came */
	int section;		/* -1: the value is in one piece */
	bool extended;		/* RFC 2231: percent-encoded; the first piece begins with charset'language' */
	bool doubtful;
};

/* The spans point into the value itself: it must not be copied. About 22 KiB. */
struct mime_value {
	struct span token;	/* "text/plain", "attachment", "base64": lower case; empty: unreadable */
	struct mime_parameter parameters[MIME_PARAMETERS_MAX];
	size_t parameter_count;
	bool more_parameters;	/* a limit was reached: there are parameters that nobody sees */
	char octets[MIME_TOKEN_BYTES_MAX + MIME_VALUE_BYTES_MAX];
	size_t octet_count;
};

/* What stands before the first semicolon. */
enum mime_value_kind { MIME_VALUE_TOKEN, MIME_VALUE_TYPE };

/* Reads an unfolded field value. */
void mime_value_parse(struct span text, enum mime_value_kind kind, struct mime_value *ret_value);

/* One way to read a parameter. */
struct mime_form {
	struct span octets;	/* percent-decoded, sections joined */
	struct span charset;	/* the label of an extended form, may be empty */
	bool extended;
	bool divided;		/* joined from sections */
	bool doubtful;		/* also: a section is missing or there twice */
};

struct mime_forms {
	struct mime_form items[MIME_FORMS_MAX];
	size_t count;
	bool more;		/* there are more than MIME_FORMS_MAX */
	char room[2 * (MIME_TOKEN_BYTES_MAX + MIME_VALUE_BYTES_MAX)]; /* where the spans point */
	size_t room_used;
};

/*
 * All ways in which the value gives this parameter (name in lower case), in this order: each value in one
 * piece, in the order of the field; the sections joined; where a section is missing also those before the gap
 * alone, as some programs stop there.
 */
void mime_parameter_forms(const struct mime_value *value, const char *name, struct mime_forms *ret_forms);

/*
 * The one value of a parameter that a machine must understand. 0: *ret_octets points into forms; -ENOENT: not
 * there; -EINVAL: there are several, one that is doubtful, or parameters nobody sees.
 */
int mime_parameter_only(const struct mime_value *value, const char *name, struct mime_forms *forms,
			struct span *ret_octets);

#endif
