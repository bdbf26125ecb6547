/*
 * washer: what the relay's process for one mail does, under its limits: descriptor 0 -> wash -> letter_seal() -> descriptor 1.
 *
 * usage: washer <mail >frame
 *
 * It may use one second of processor time and WASH_ROOM_BYTES more memory than it had at the start: the kernel ends it when it wants
 * more. Exit status 0: a letter was written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mail/wash.h"

enum { PIECE_BYTES = 64 * 1024, WASH_ROOM_BYTES = 32 * 1024 * 1024, CPU_SECONDS = 1 };

static void limit_or_die(int resource, rlim_t limit)
{
	struct rlimit value = { .rlim_cur = limit, .rlim_max = limit };

	if (setrlimit((__rlimit_resource_t)resource, &value) != 0) {
		perror("setrlimit");
		exit(EXIT_FAILURE);
	}
}

/* Bytes of address space in use (proc(5), statm). */
static rlim_t space_used(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%lu", &pages) != 1) {
		perror("/proc/self/statm");
		exit(EXIT_FAILURE);
	}
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes, length);

		if (written <= 0)
			exit(EXIT_FAILURE);
		bytes += written;
		length -= (size_t)written;
	}
}

int main(void)
{
	static char piece[PIECE_BYTES];
	static const struct wash_settings settings = { .language = LANGUAGE_JA };
	struct buf frame = buf_limited(0);
	uint8_t digest[DIGEST_BYTES];
	struct arena *arena;
	struct wash *wash;
	ssize_t length;

	digest_bytes("", 0, digest);
	limit_or_die(RLIMIT_CPU, CPU_SECONDS);
	limit_or_die(RLIMIT_AS, space_used() + WASH_ROOM_BYTES);
	arena = arena_new();
	wash = wash_new(arena, &settings);
	while ((length = read(STDIN_FILENO, piece, sizeof(piece))) > 0)
		wash_feed(wash, (struct span){ .data = piece, .length = (size_t)length });
	if (length < 0 || letter_seal(&frame, wash_finish(wash), NULL))
		return EXIT_FAILURE;
	write_all(frame.data, frame.length);
	buf_free(&frame);
	arena_free(arena);
	return EXIT_SUCCESS;
}
