/*
 * restored: that a backup was brought back while sekishod did not run. `sekisho restore` leaves a note in the state directory; the next start records it.
 */
#ifndef SEKISHOD_RESTORED_H
#define SEKISHOD_RESTORED_H

#include "sekishod/journal_book.h"

/* Records the note, if there is one, and takes it away; where it could not be recorded it stays for the next start. */
void restored_record(const char *state_directory, struct journal_book *journal);

#endif
