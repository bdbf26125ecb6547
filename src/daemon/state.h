/*
 * state: what a daemon keeps in its state directory, one small file each, replaced in one step.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"

enum { STATE_NAME_BYTES_MAX = 64 };

/* Keeps bytes as file name in directory: after a crash the file is the old one or the new one. On the disk when it returns 0; else negative errno. */
int state_keep(const char *directory, const char *name, struct span bytes);

/*
 * The same where a full disk has no room for another file: what is kept already is written over. After a crash meanwhile it may be neither the old one nor
 * the new one, so it is for what a reader notices or what fits into one sector. Nothing is written that is not there before; -ENOENT then.
 */
int state_rewrite(const char *directory, const char *name, struct span bytes);

/* As state_keep(), for what the group of the directory may read as well. */
int state_publish(const char *directory, const char *name, struct span bytes);

/* It is kept no more, and neither after a crash when it returns 0; else negative errno, -ENOENT when it was not there. Works on a full disk. */
int state_forget(const char *directory, const char *name);

/* Appends what was kept, at most bytes_max. 0; -EPERM: the file is not ours alone, or longer; other negative errno. */
int state_recall(const char *directory, const char *name, size_t bytes_max, struct buf *out);

/*
 * What is kept in a form of our own says in which version of that form: a line "sekisho NAME VERSION" stands before the rest. This writes it.
 */
void state_put_version(struct buf *out, const char *name, unsigned int version);

/*
 * Takes the line off. 0; -EPROTO: the version is newer than version_max, and nothing of the rest is to be believed. What older versions mean the reader has to
 * know; bytes without the line are of version 0.
 */
int state_take_version(struct span *bytes, const char *name, unsigned int version_max);

/* True for a file that nobody but root and ourselves can have written. */
bool state_is_trusted(const struct stat *status);

#endif
