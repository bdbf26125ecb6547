/* trust: whether a zone file may be believed. */
#include "config/trust.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/catalogue.h"

int source_trust(const char *path, struct findings *findings)
{
	const struct origin nowhere = { .source = NULL };
	size_t before = findings->count;
	struct stat status;

	if (stat(path, &status) != 0) {
		finding_add(findings, &config_catalogue[CONFIG_FILE_UNREADABLE], nowhere, path, strerror(errno), NULL);
		return -EPERM;
	}
	if (!S_ISREG(status.st_mode))
		finding_add(findings, &config_catalogue[CONFIG_FILE_NOT_REGULAR], nowhere, path, NULL);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		finding_add(findings, &config_catalogue[CONFIG_FILE_OWNER], nowhere, path, NULL);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		finding_add(findings, &config_catalogue[CONFIG_FILE_WRITABLE], nowhere, path, NULL);
	return findings->count > before ? -EPERM : 0;
}
