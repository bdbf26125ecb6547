/*
 * trust: whether a zone file may be believed.
 *
 * Who can write the file decides what the gateway lets through. So daemons read only a file that belongs to root (or to themselves, where they do
 * not run as root) and that nobody else may write. Reading alone, as `sekisho check` does, asks for less.
 */
#ifndef CONFIG_TRUST_H
#define CONFIG_TRUST_H

#include "base/finding.h"

/* Judges one file, named on the command line or included. 0; -EPERM, and findings say why. */
int source_trust(const char *path, struct findings *findings);

#endif
