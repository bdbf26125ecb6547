/*
 * state_names: what sekishod keeps in its state directory, by name: for sekishod, and for the command, which saves and restores it (backup.h).
 */
#ifndef DAEMON_STATE_NAMES_H
#define DAEMON_STATE_NAMES_H

/* The text that was in force last, in canonical form. */
#define STATE_LAST_GOOD_NAME "last-good.conf"

/* While a change waits for its confirmation: until when, and the text to go back to. */
#define STATE_CONFIRM_NAME "confirm"
#define STATE_PREVIOUS_NAME "previous.conf"

/* What is proved by at a start: the zones of the text that was in force last. */
#define STATE_PINS_NAME "pins"

/* Which zones are isolated. */
#define STATE_ISOLATED_NAME "isolated"

/* The newest time that was seen. */
#define STATE_NEWEST_NAME "newest"

/* A note for the journal that a backup was brought back; sekishod takes it at its start. */
#define STATE_RESTORED_NAME "restored"

/* Directories: the files of the journal (wire/journal.h), and the record of refusals (EVENTS_FILE of events/events.h). */
#define STATE_JOURNAL_DIRECTORY "journal"
#define STATE_EVENTS_DIRECTORY "events"

/* The text in force once more, for auditors to read, in a directory that the installation makes for their group. */
#define STATE_AUDIT_DIRECTORY "audit"
#define STATE_AUDIT_NAME "in-force.conf"

#endif
