/*
 * terminal: the TCP connections over which the person who gives a command is logged in.
 *
 * An address of a dual-stack socket (::ffff:192.0.2.1) is undressed here: what the daemon judges are packets,
 * and those of that connection are IPv4.
 */
#include "sekisho/terminal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP_STATE_ESTABLISHED = 1, TCP_STATE_LISTEN = 10, MAPPED_PREFIX_BYTES = 12, PORTS = 65536 };

struct finder {
	struct arena *arena;
	uint64_t *inodes;	/* of the sockets of this process and those above it */
	size_t inode_count, inode_capacity;
	bool *listening;	/* by port; NULL: only the sockets above count */
	struct terminal_connection *connections;
	size_t count;
};

static void undress(struct netaddr *address)
{
	static const uint8_t mapped[MAPPED_PREFIX_BYTES] = { [10] = 0xff, [11] = 0xff };
	struct netaddr plain = { .family = 4 };

	if (address->family != 6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
		return;
	memcpy(plain.bytes, address->bytes + MAPPED_PREFIX_BYTES, 4);
	*address = plain;
}

static bool is_loopback(const struct netaddr *address)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return address->family == 4 ? address->bytes[0] == 127 : memcmp(address->bytes, loopback6, sizeof(loopback6)) == 0;
}

static bool is_same(const struct terminal_connection *a, const struct terminal_connection *b)
{
	return netaddr_compare(&a->source, &b->source) == 0 && netaddr_compare(&a->destination, &b->destination) == 0 &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port;
}

static void add_connection(struct finder *finder, struct terminal_connection connection)
{
	undress(&connection.source);
	undress(&connection.destination);
	if (connection.source.family != connection.destination.family || is_loopback(&connection.source))
		return;
	if (connection.source_port == 0 || connection.destination_port == 0)
		return;
	for (size_t i = 0; i < finder->count; i++) {
		if (is_same(&finder->connections[i], &connection))
			return;
	}
	if (finder->count < TERMINAL_CONNECTIONS_MAX)
		finder->connections[finder->count++] = connection;
}

/* ---- SSH_CONNECTION */

/* A link-local address comes with its interface: "fe80::1%lg0". */
static bool parse_ssh_end(char *address_word, const char *port_word, struct netaddr *address, uint16_t *port)
{
	char *zone = address_word ? strchr(address_word, '%') : NULL, *end;
	unsigned long number;

	if (zone)
		*zone = '\0';
	if (!address_word || !port_word || netaddr_parse(address_word, address) != 0)
		return false;
	number = strtoul(port_word, &end, 10);
	*port = (uint16_t)number;
	return *end == '\0' && number <= UINT16_MAX;
}

static void add_ssh_connection(struct finder *finder, const char *text)
{
	char *copy = arena_strdup(finder->arena, text), *rest;
	char *source = strtok_r(copy, " ", &rest), *source_port = strtok_r(NULL, " ", &rest);
	char *destination = strtok_r(NULL, " ", &rest), *destination_port = strtok_r(NULL, " ", &rest);
	struct terminal_connection connection;

	if (parse_ssh_end(source, source_port, &connection.source, &connection.source_port) &&
	    parse_ssh_end(destination, destination_port, &connection.destination, &connection.destination_port))
		add_connection(finder, connection);
}

/* ---- the processes above this one */

static pid_t parent_of(pid_t process)
{
	char path[64], line[256];
	pid_t parent = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", process);
	status = fopen(path, "re");
	while (status && parent == 0 && fgets(line, sizeof(line), status)) {
		if (strncmp(line, "PPid:", 5) == 0)
			parent = (pid_t)strtol(line + 5, NULL, 10);
	}
	if (status)
		fclose(status);
	return parent;
}

/* The sockets a process has open, by inode: /proc/PID/fd/N points to "socket:[inode]". */
static void collect_sockets(struct finder *finder, pid_t process)
{
	char path[64], target[64];
	const struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", process);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)) != NULL) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
		uint64_t inode;

		target[length > 0 ? length : 0] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
			continue;
		finder->inodes = arena_grow(finder->arena, finder->inodes, finder->inode_count, &finder->inode_capacity, sizeof(inode));
		finder->inodes[finder->inode_count++] = inode;
	}
	if (directory)
		closedir(directory);
}

static bool has_inode(const struct finder *finder, uint64_t inode)
{
	for (size_t i = 0; i < finder->inode_count; i++) {
		if (finder->inodes[i] == inode)
			return true;
	}
	return false;
}

/*
 * "0500020A:0016": the address in words of 32 bits, each printed as the number that this machine sees in the
 * network's bytes.
 */
static bool parse_proc_end(const char *text, struct netaddr *address, uint16_t *port)
{
	const char *colon = strchr(text, ':');
	size_t words = colon ? (size_t)(colon - text) / 8 : 0;
	char digits[9] = "";

	if (!colon || (size_t)(colon - text) != words * 8 || (words != 1 && words != 4))
		return false;
	*address = (struct netaddr){ .family = words == 1 ? 4 : 6 };
	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(digits, text + 8 * i, 8);
		word = (uint32_t)strtoul(digits, NULL, 16);
		memcpy(address->bytes + 4 * i, &word, sizeof(word));
	}
	*port = (uint16_t)strtoul(colon + 1, NULL, 16);
	return true;
}

/* One line of /proc/net/tcp: slot, local end, remote end, state, queues, timer, retransmissions, user, timeout, inode, ... */
struct proc_line {
	struct terminal_connection connection;
	unsigned int state;
	uint64_t inode;
};

static bool parse_proc_line(const char *line, struct proc_line *ret_line)
{
	char local[64], remote[64];

	return sscanf(line, " %*[^:]: %63s %63s %x %*s %*s %*s %*s %*s %" SCNu64, local, remote, &ret_line->state, &ret_line->inode) == 4 &&
	       parse_proc_end(remote, &ret_line->connection.source, &ret_line->connection.source_port) &&
	       parse_proc_end(local, &ret_line->connection.destination, &ret_line->connection.destination_port);
}

static void take_listener(struct finder *finder, const struct proc_line *line)
{
	if (line->state == TCP_STATE_LISTEN)
		finder->listening[line->connection.destination_port] = true;
}

static void take_connection(struct finder *finder, const struct proc_line *line)
{
	if (line->state != TCP_STATE_ESTABLISHED)
		return;
	if (has_inode(finder, line->inode) || (finder->listening && finder->listening[line->connection.destination_port]))
		add_connection(finder, line->connection);
}

static void each_proc_line(struct finder *finder, const char *path, void (*take)(struct finder *finder, const struct proc_line *line))
{
	FILE *file = fopen(path, "re");
	struct proc_line parsed;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (parse_proc_line(line, &parsed))
			take(finder, &parsed);
	}
	if (file)
		fclose(file);
}

static void each_socket(struct finder *finder, void (*take)(struct finder *finder, const struct proc_line *line))
{
	each_proc_line(finder, "/proc/self/net/tcp", take);
	each_proc_line(finder, "/proc/self/net/tcp6", take);
}

size_t terminal_connections(struct arena *arena, const char *ssh_connection, bool any,
			    struct terminal_connection connections[static TERMINAL_CONNECTIONS_MAX])
{
	struct finder finder = { .arena = arena, .connections = connections };
	pid_t process = getpid();

	if (ssh_connection)
		add_ssh_connection(&finder, ssh_connection);
	for (size_t i = 0; i < TERMINAL_ANCESTORS_MAX && process > 1; i++) {
		collect_sockets(&finder, process);
		process = parent_of(process);
	}
	if (any) {
		finder.listening = arena_array(arena, PORTS, sizeof(*finder.listening));
		each_socket(&finder, take_listener);
	}
	each_socket(&finder, take_connection);
	return finder.count;
}
