/* confirmation: a change that goes back by itself unless somebody confirms it in time. */
#include "sekishod/confirmation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "daemon/state.h"
#include "daemon/state_names.h"
#include "sekishod/messages.h"
#include "wire/fields.h"

enum { BOOT_ID_BYTES = 36, KEPT_BYTES = BOOT_ID_BYTES + 8 };

static int64_t boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Which boot this is; zeros when the kernel does not say. */
static void boot_id_read(char id[static BOOT_ID_BYTES])
{
	int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(id, '0', BOOT_ID_BYTES);
	if (file < 0)
		return;
	if (read(file, id, BOOT_ID_BYTES) != BOOT_ID_BYTES)
		memset(id, '0', BOOT_ID_BYTES);
	close(file);
}

/* A second name for the file: whoever replaces the first one later leaves this one as it is. */
static int text_put_aside(const char *directory)
{
	int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (at < 0)
		return -errno;
	if ((unlinkat(at, STATE_PREVIOUS_NAME, 0) != 0 && errno != ENOENT) || linkat(at, STATE_LAST_GOOD_NAME, at, STATE_PREVIOUS_NAME, 0) != 0 ||
	    fsync(at) != 0)
		error = -errno;
	close(at);
	return error;
}

static int deadline_keep(const struct confirmation *confirmation)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	char id[BOOT_ID_BYTES];

	boot_id_read(id);
	buf_put(&bytes, id, sizeof(id));
	buf_put_u64(&bytes, (uint64_t)confirmation->deadline_ms);
	return state_keep(confirmation->directory, STATE_CONFIRM_NAME, buf_span(&bytes));
}

int confirmation_begin(struct confirmation *confirmation, uint32_t seconds)
{
	int error = text_put_aside(confirmation->directory);

	if (error)
		return error;
	confirmation->deadline_ms = boot_ms() + (int64_t)seconds * 1000;
	error = deadline_keep(confirmation);
	confirmation->pending = error == 0;
	return error;
}

void confirmation_recall(struct confirmation *confirmation)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	int error = state_recall(confirmation->directory, STATE_CONFIRM_NAME, KEPT_BYTES, &bytes);
	struct span rest = buf_span(&bytes), id;
	char present[BOOT_ID_BYTES];
	uint64_t deadline_ms;

	confirmation->pending = error != -ENOENT;
	confirmation->deadline_ms = 0;
	boot_id_read(present);
	if (!error && span_take_bytes(&rest, BOOT_ID_BYTES, &id) && memcmp(id.data, present, BOOT_ID_BYTES) == 0 && span_take_u64(&rest, &deadline_ms) &&
	    deadline_ms <= (uint64_t)boot_ms() + (uint64_t)CONFIRM_SECONDS_MAX * 1000)
		confirmation->deadline_ms = (int64_t)deadline_ms;
}

void confirmation_end(struct confirmation *confirmation)
{
	int at = open(confirmation->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	confirmation->pending = false;
	if (at < 0)
		return;
	/* The deadline first: without it the text means nothing. */
	unlinkat(at, STATE_CONFIRM_NAME, 0);
	unlinkat(at, STATE_PREVIOUS_NAME, 0);
	fsync(at);
	close(at);
}

int64_t confirmation_left_ms(const struct confirmation *confirmation)
{
	int64_t left = confirmation->deadline_ms - boot_ms();

	return left > 0 ? left : 0;
}
