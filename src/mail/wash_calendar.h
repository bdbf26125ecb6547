/*
 * wash_calendar: invitations (iCalendar, RFC 5545 and RFC 5546) and visiting cards (vCard 2.1 to 4.0) in a few lines that a person
 * reads. What is not in the summary is not lost: the part is on the receipt as well.
 *
 *	【予定】会議の招待
 *	件名: 情報セキュリティ委員会
 *	日時: 2026年12月1日(火) 10:00 ～ 11:30
 *	場所: 第2会議室
 *
 * Times of day in UTC are given in Japan's, those with another zone with its name. At most WASH_EVENTS_MAX events, in each of
 * them WASH_EVENT_LINES_MAX lines; how many events there are more is said, and so when out has no room.
 */
#ifndef MAIL_WASH_CALENDAR_H
#define MAIL_WASH_CALENDAR_H

#include "base/finding.h"
#include "mail/wash_lines.h"

enum {
	WASH_EVENTS_MAX = 50,
	WASH_EVENT_LINES_MAX = 40,
	WASH_PROPERTIES = 20,			/* kinds of lines, see wash_calendar.c */
};

struct wash_calendar {
	struct wash_lines lines;
	enum language language;
	bool card;		/* vCards, not a calendar */
	size_t told_bytes;	/* of text that the mail has in another form: a description that is no longer stands there, and is left out */
	struct buf *out;	/* UTF-8, LF; what is written is not filtered */
	uint32_t within;	/* components that are open */
	bool collecting;	/* the outermost open one is of a kind that is shown */
	uint32_t events, written, event_lines;
	struct buf values[WASH_PROPERTIES]; /* of the event at hand, lines */
	struct buf method;
};

/*
 * At the beginning of a calendar or card; the summary is appended to out. told_bytes: so much text stands in the mail as another form of the same (0: there is
 * no other form); descriptions that it can hold are left out.
 */
void wash_calendar_begin(struct wash_calendar *calendar, bool card, size_t told_bytes, enum language language, struct buf *out);

/* The next piece of its text (UTF-8). */
void wash_calendar_feed(struct wash_calendar *calendar, struct span text);

/* It is complete: what is open is written, and the memory given back. */
void wash_calendar_finish(struct wash_calendar *calendar);

#endif
