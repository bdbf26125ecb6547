/*
 * load: how long a zone file takes from text to the kernel, station by station, beside others who load the same
 * elements.
 *
 * usage: load FILE EDITED ROUNDS TEXT	in a network namespace with the interfaces of the file and none of our tables
 *
 * Each round loads FILE in four ways into empty tables:
 *
 *	the whole pipeline; then EDITED (which differs in one flow) on top of it
 *	the same rules as text by `nft -f TEXT`, which it writes
 *	the bytes of that commit again by one naked send
 *	the same batch made by libnftnl's objects from flat arrays (netlink/objects.h), and one send of it
 *
 * Between them the tables are deleted and their socket closed, which waits until the kernel has given back the memory.
 * Prints the medians as JSON: milliseconds by name.
 *
 * Nobody has the better place. The ways begin in turn and go forwards and backwards, after a round that does not
 * count. Who sends has read the file and holds what came of it, as the pipeline does: a send by a process that has done
 * nothing before finds the caches full of the memory that the last tables gave back, and takes a quarter less.
 *
 * Milliseconds are of the processor, in the program and in the kernel for it: nothing here waits for anything, and so
 * other work on the machine matters little.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/netlink/objects.h"
#include "config/reader.h"
#include "kernel/encode.h"
#include "kernel/links.h"
#include "kernel/nfnl.h"
#include "policy/law.h"
#include "ruleset/blocks.h"
#include "ruleset/compile.h"
#include "ruleset/diff.h"
#include "ruleset/show.h"

enum { ROUNDS_MAX = 31, LAST_ACK_SEQUENCE = 0x7fff0000, ANSWER_BYTES_MAX = 16384 };

enum phase {
	PHASE_PARSE, PHASE_RESOLVE, PHASE_COMPILE, PHASE_DIFF, PHASE_ENCODE, PHASE_COMMIT, PHASE_TOTAL,
	PHASE_EDITED_FILE, PHASE_EDITED_BLOCKS, PHASE_EDITED_DIFF, PHASE_EDITED_COMMIT, PHASE_NFT, PHASE_SEND, PHASE_OBJECTS, PHASE_COUNT
};

static const char *const phase_names[PHASE_COUNT] = {
	"parse", "resolve and law", "compile", "diff", "encode", "commit", "total",
	"edited, file to rules", "edited, blocks", "edited, diff", "edited, commit", "nft -f", "naked send", "libnftnl",
};

struct bench {
	const char *file, *edited, *text;
	size_t round;
	double times_ms[PHASE_COUNT][ROUNDS_MAX];
	size_t elements;
	bool text_written;
	struct buf batch;		/* the bytes of the commit, without their end */
	struct arena *arena;		/* of the objects */
	struct objects *objects;	/* NULL: there was no commit yet */
};

/* One file on its way. */
struct load {
	struct arena *arena;
	struct findings findings;
	struct compiled compiled;
};

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(-error));
	exit(EXIT_FAILURE);
}

static double processor_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Notes the time since *begun for a phase and begins the next. */
static void phase_end(struct bench *bench, enum phase phase, double *begun)
{
	double now = processor_ms();

	bench->times_ms[phase][bench->round] = now - *begun;
	*begun = now;
}

/* ---- stations */

static int user_lookup(void *context, const char *name, uint32_t *ret_uid)
{
	(void)context;
	(void)name;
	*ret_uid = 0;
	return 0;
}

/* Text to rules. marks: those of the rules that are in force, or NULL. The phases are noted only if wanted. */
static struct load file_load(struct bench *bench, const char *path, const struct mark_book *marks, bool phases)
{
	struct load load = { .arena = arena_new() };
	struct policy_world policy_world = { .now = (int64_t)time(NULL), .user_lookup = user_lookup };
	struct compile_world compile_world = { .now = policy_world.now, .marks = marks };
	struct settings *settings;
	struct policy *policy;
	double begun = processor_ms();
	int error;

	load.findings = findings_in(load.arena);
	error = settings_read(load.arena, path, &load.findings, &settings);
	if (error)
		fail(path, error);
	if (phases)
		phase_end(bench, PHASE_PARSE, &begun);
	policy = policy_resolve(load.arena, settings, &policy_world, &load.findings);
	law_check(policy, policy_world.now, &load.findings);
	if (load.findings.errors > 0)
		fail(path, -EPERM);
	if (phases)
		phase_end(bench, PHASE_RESOLVE, &begun);
	error = links_read(load.arena, &compile_world.links);
	if (!error)
		error = ruleset_compile(load.arena, policy, &compile_world, &load.findings, &load.compiled);
	if (error)
		fail("compile", error);
	if (phases)
		phase_end(bench, PHASE_COMPILE, &begun);
	return load;
}

static struct nfnl socket_open(void)
{
	struct nfnl nfnl;
	int error = nfnl_open(&nfnl);

	if (error)
		fail("nfnl_open", error);
	return nfnl;
}

/* Encodes and commits; the bytes go to `copy` unless it is NULL. Returns when encoding ended, and in *ret_began when committing began. */
static double changes_commit(struct arena *arena, struct nfnl *nfnl, const struct changes *changes,
			     struct buf *copy, double *ret_began)
{
	struct nfnl_batch batch = nfnl_batch_begin(nfnl, NULL);
	struct nfnl_result result;
	struct encoded encoded;
	double encoded_ms;
	int error;

	ruleset_encode(arena, &batch, changes, (int64_t)time(NULL), false, &encoded);
	encoded_ms = processor_ms();
	if (copy) {
		copy->length = 0;
		buf_put(copy, batch.bytes.data, batch.bytes.length);
	}
	*ret_began = processor_ms();
	error = nfnl_batch_commit(nfnl, &batch, false, &result);
	if (error)
		fail(result.error_count ? encode_explain(arena, &encoded, &result.errors[0]) : "commit", error);
	return encoded_ms;
}

/* Empties the namespace; closing the socket waits for the kernel to be done with it. */
static void tables_delete(void)
{
	static const enum family families[] = { FAMILY_INET, FAMILY_NETDEV, FAMILY_BRIDGE };
	struct arena *arena = arena_new();
	struct change items[3];
	struct changes changes = { .items = items, .count = 3 };
	struct nfnl nfnl = socket_open();
	double began;

	for (size_t i = 0; i < 3; i++) {
		struct table *table = arena_alloc(arena, sizeof(*table));

		*table = (struct table){ .family = families[i], .name = "sekisho" };
		items[i] = (struct change){ .kind = CHANGE_DELETE_TABLE, .table = table };
	}
	changes_commit(arena, &nfnl, &changes, NULL, &began);
	nfnl_close(&nfnl);
	arena_free(arena);
}

/* ---- the four ways */

static void text_write(struct bench *bench, const struct ruleset *ruleset)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);
	FILE *file = fopen(bench->text, "w");

	ruleset_show(&text, ruleset, (int64_t)time(NULL));
	if (!file || fwrite(text.data, 1, text.length, file) != text.length || fclose(file) != 0)
		fail(bench->text, -errno);
	bench->text_written = true;
}

static void edited_load(struct bench *bench, struct nfnl *nfnl, const struct ruleset *in_force)
{
	struct arena *arena = arena_new();
	double begun = processor_ms(), began;
	struct mark_book marks = mark_book_of(arena, in_force, NULL, 0);
	struct load load = file_load(bench, bench->edited, &marks, false);
	struct transition transition;

	phase_end(bench, PHASE_EDITED_FILE, &begun);
	ruleset_make_blocks(load.arena, load.compiled.ruleset);
	phase_end(bench, PHASE_EDITED_BLOCKS, &begun);
	transition = ruleset_diff(load.arena, in_force, load.compiled.ruleset);
	phase_end(bench, PHASE_EDITED_DIFF, &begun);
	changes_commit(load.arena, nfnl, &transition.commit, NULL, &began);
	changes_commit(load.arena, nfnl, &transition.revoke, NULL, &began);
	phase_end(bench, PHASE_EDITED_COMMIT, &begun);
	if (transition.prepare.count > 0 || transition.commit.elements_added > 8)
		fail("the edited file differs in more than a flow", -EINVAL);
	arena_free(load.arena);
	arena_free(arena);
}

static void pipeline_load(struct bench *bench)
{
	double begun = processor_ms(), started = begun;
	struct load load = file_load(bench, bench->file, NULL, true);
	struct nfnl nfnl = socket_open();
	struct transition transition;
	double encoded_ms, began_ms;

	begun = processor_ms();
	transition = ruleset_diff(load.arena, NULL, load.compiled.ruleset);
	phase_end(bench, PHASE_DIFF, &begun);
	encoded_ms = changes_commit(load.arena, &nfnl, &transition.commit, bench->objects ? NULL : &bench->batch, &began_ms);
	bench->times_ms[PHASE_ENCODE][bench->round] = encoded_ms - begun;
	begun = began_ms;	/* the copy for the others is none of ours */
	phase_end(bench, PHASE_COMMIT, &begun);
	bench->times_ms[PHASE_TOTAL][bench->round] = begun - started - (began_ms - encoded_ms);
	bench->elements = transition.commit.elements_added;
	/* As the enforcer does with what it has installed. */
	ruleset_make_blocks(load.arena, (struct ruleset *)(uintptr_t)transition.target);
	if (!bench->text_written)
		text_write(bench, transition.target);
	edited_load(bench, &nfnl, transition.target);
	nfnl_close(&nfnl);
	arena_free(load.arena);
	tables_delete();
}

static double timeval_ms(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static void nft_load(struct bench *bench)
{
	char *const arguments[] = { "nft", "-f", (char *)(uintptr_t)bench->text, NULL };
	struct rusage usage;
	pid_t child;
	int status;

	if (posix_spawnp(&child, "nft", NULL, NULL, arguments, environ) != 0 ||
	    wait4(child, &status, 0, &usage) != child || status != 0)
		fail("nft -f", -ECHILD);
	bench->times_ms[PHASE_NFT][bench->round] = timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
	tables_delete();
}

static void batch_end(struct buf *bytes)
{
	_Alignas(struct nlmsghdr) char room[sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg)];
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);
	struct nfgenmsg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));

	message->nlmsg_type = NFNL_MSG_BATCH_END;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = LAST_ACK_SEQUENCE;
	*body = (struct nfgenmsg){ .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	buf_put(bytes, room, message->nlmsg_len);
}

/* One send by a socket of libmnl and nothing else. */
static void naked_send(struct mnl_socket *socket, const struct buf *batch)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const int bytes = (int)batch->length + (1 << 20);
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES_MAX];
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)answer;
	const struct nlmsgerr *error;

	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    sendto(mnl_socket_get_fd(socket), batch->data, batch->length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		fail("send", -errno);
	do {
		if (mnl_socket_recvfrom(socket, answer, sizeof(answer)) <= 0)
			fail("send", -errno);
		error = message->nlmsg_type == NLMSG_ERROR ? mnl_nlmsg_get_payload(message) : NULL;
		if (error && error->error != 0)
			fail("send", error->error);
	} while (message->nlmsg_seq != LAST_ACK_SEQUENCE);
}

static struct mnl_socket *naked_socket(void)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		fail("socket", -errno);
	return socket;
}

/* The bytes that were committed, with an end that is asked for: what the kernel takes for them. */
static void send_load(struct bench *bench)
{
	struct load load = file_load(bench, bench->file, NULL, false);
	struct mnl_socket *socket = naked_socket();
	double begun = processor_ms();

	naked_send(socket, &bench->batch);
	phase_end(bench, PHASE_SEND, &begun);
	mnl_socket_close(socket);
	arena_free(load.arena);
	tables_delete();
}

/* The batch made by libnftnl, and sent. */
static void objects_load(struct bench *bench)
{
	struct load load = file_load(bench, bench->file, NULL, false);
	struct mnl_socket *socket = naked_socket();
	struct buf batch = buf_limited(0);
	double begun = processor_ms();

	objects_build(bench->objects, &batch);
	batch_end(&batch);
	naked_send(socket, &batch);
	phase_end(bench, PHASE_OBJECTS, &begun);
	buf_free(&batch);
	mnl_socket_close(socket);
	arena_free(load.arena);
	tables_delete();
}

/* The round that does not count: what the others send is known, the text is written, and nothing is done for the first time any more. */
static void warm_up(struct bench *bench)
{
	pipeline_load(bench);
	bench->arena = arena_new();
	bench->objects = objects_of_batch(bench->arena, buf_span(&bench->batch));
	batch_end(&bench->batch);
	nft_load(bench);
	send_load(bench);
	objects_load(bench);
}

static void round_run(struct bench *bench)
{
	static void (*const ways[])(struct bench *) = { pipeline_load, nft_load, send_load, objects_load };
	const size_t count = sizeof(ways) / sizeof(ways[0]);

	for (size_t i = 0; i < count; i++)
		ways[(bench->round / 2 + (bench->round % 2 ? count - i : i)) % count](bench);
}

/* ---- medians */

static int compare_times(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *times, size_t count)
{
	qsort(times, count, sizeof(*times), compare_times);
	return times[count / 2];
}

int main(int argc, char **argv)
{
	static struct bench bench;
	size_t rounds = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;

	if (rounds == 0 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: load FILE EDITED ROUNDS TEXT\n");
		return EXIT_FAILURE;
	}
	bench = (struct bench){ .file = argv[1], .edited = argv[2], .text = argv[4] };
	warm_up(&bench);
	for (; bench.round < rounds; bench.round++)
		round_run(&bench);
	printf("{\"elements\":%zu,\"batch_bytes\":%zu", bench.elements, bench.batch.length);
	for (size_t i = 0; i < PHASE_COUNT; i++)
		printf(",\"%s\":%.3f", phase_names[i], median(bench.times_ms[i], rounds));
	puts("}");
	objects_free(bench.objects);
	arena_free(bench.arena);
	buf_free(&bench.batch);
	return EXIT_SUCCESS;
}
