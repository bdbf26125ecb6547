/*
 * enforcer: the role that acts. It alone may change the kernel's rules.
 *
 * Everything it needs is open before it shuts itself in: from then on it opens no file, and reads no text
 * but names inside checked bytes. The planner's proposals are foreign bytes to it. It takes a ruleset only
 * when it is well formed, speaks of the interfaces that really have these names, and passes the audit
 * against the pins that came from the parent. When the planner is gone, nothing changes. When somebody else
 * changes the kernel's rules, it puts back what it installed last.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/aside.h"
#include "daemon/clock.h"
#include "daemon/crew.h"
#include "kernel/conntrack.h"
#include "kernel/links.h"
#include "kernel/nfnl.h"
#include "kernel/nft_watch.h"
#include "kernel/ownership.h"
#include "kernel/snapshot.h"
#include "kernel/view.h"
#include "ruleset/audit.h"
#include "ruleset/blocks.h"
#include "ruleset/pack.h"
#include "ruleset/prove.h"
#include "sekishod/catalogue.h"
#include "sekishod/door.h"
#include "sekishod/install.h"
#include "sekishod/isolation_messages.h"
#include "sekishod/lookout.h"
#include "sekishod/messages.h"
#include "sekishod/pins.h"
#include "sekishod/roles.h"
#include "sekishod/seal.h"
#include "sekishod/switches.h"
#include "wire/frame.h"
#include "wire/journal.h"
#include "wire/report.h"

static const int kept_capabilities[] = { CAP_NET_ADMIN };

/* It opens nothing any more; rtnetlink is asked by a new socket each time. Of programs it may only ask which are attached. */
static const struct sandbox_call enforcer_calls[] = {
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_NETLINK }, { .name = "bind" },
	ASIDE_CALLS, { .name = "membarrier" }, { .name = "bpf", .first_argument_only = true, .first_argument = BPF_PROG_QUERY }, { .name = NULL }
};

enum { DRIFT_DETAIL_BYTES = 64, NETLINK_WAIT_MS = 10000 };

static const struct origin nowhere;

struct enforcer {
	struct nfnl nfnl;
	struct nft_watch watch;
	struct holding holding;		/* what was installed last */
	bool unrepaired;		/* a foreign change could not be repaired; nothing is forwarded */
	struct nft_change change;	/* that one */
	struct switches switches;
	struct lookout lookout;
	struct frame_reader parent_reader;
	struct door door;		/* to the witness */
	clock_base clock;		/* behind which time does not run */
	int planner;			/* -1: none */
	struct frame_reader planner_reader;
	struct arena *former_arena;	/* newer pins came, and nothing was installed by them yet: those before them; NULL: none */
	struct pins former;
	bool pins_serve;		/* something was installed by the pins */
	struct arena *pins_arena;	/* NULL: no pins yet, and only the seal is taken */
	struct pins pins;
	struct arena *isolations_arena;	/* NULL: nothing was ever isolated */
	struct isolations isolations;	/* as the parent says; laid over everything that is installed */
	bool proposed;			/* what was installed last was proposed by a planner, and judged */
	bool deferred;			/* a frame of the parent waits until a judgement is over */
	struct frame deferred_frame;
};

/* A question of the planner, and the memory it costs. */
struct question {
	struct arena *arena;
	struct findings findings;
	struct link_table links;	/* as they are now, by our own asking */
	const char *judged;		/* findings of a judgement that refused it, as JSON; NULL: none did */
};

static int64_t unix_now(struct enforcer *enforcer)
{
	return clock_now(&enforcer->clock);
}

/* ---- answers */

static int planner_send(struct enforcer *enforcer, enum verb verb, uint16_t flags, struct span payload, int descriptor)
{
	const struct frame frame = { .verb = verb, .flags = flags, .payload = payload, .descriptor = descriptor };

	return frame_send(enforcer->planner, &frame);
}

static int judged_send(struct enforcer *enforcer, const char *judged)
{
	return planner_send(enforcer, VERB_REFUSED, 0, span_of(judged), -1);
}

static int refused_send(struct enforcer *enforcer, const struct findings *findings)
{
	json_t *array = findings_to_json(findings);
	char *text = json_dumps(array, JSON_COMPACT);
	int error = planner_send(enforcer, VERB_REFUSED, 0, span_of(text ? text : "[]"), -1);

	free(text);
	json_decref(array);
	for (size_t i = 0; i < findings->count; i++)
		log_finding(findings, &findings->items[i]);
	return error;
}

/* ---- proof */

/*
 * Every interface of a zone that the ruleset speaks of, and the loopback, is the one that has this name
 * here and now: else the ruleset would let one interface have the rights of another. An interface the
 * ruleset does not speak of has no rights.
 */
static bool link_is_true(const struct link_table *claimed, const struct link_table *real, const char *name)
{
	uint32_t index = link_index(claimed, name);

	return index == 0 || index == link_index(real, name);
}

static void links_prove(struct question *question, const struct program_input *pins, const struct link_table *claimed)
{
	for (size_t z = 0; z < pins->zone_count; z++)
		for (size_t i = 0; i < pins->zones[z].interface_count; i++)
			if (!link_is_true(claimed, &question->links, pins->zones[z].interfaces[i]))
				finding_add(&question->findings, &daemon_catalogue[DAEMON_LINK_DIFFERS], nowhere, pins->zones[z].interfaces[i], NULL);
	if (!link_is_true(claimed, &question->links, "lo"))
		finding_add(&question->findings, &daemon_catalogue[DAEMON_LINK_DIFFERS], nowhere, "lo", NULL);
}

/*
 * The connections that run and carry a mark: one whose mark lives on must still be granted. When they cannot be read the ruleset cannot be judged.
 */
static int connections_read(struct enforcer *enforcer, struct question *question, struct proof_input *input)
{
	struct interface_addresses own;
	struct carried_list carried;
	int error = addresses_read(question->arena, &own);

	if (!error)
		error = conntrack_carried(question->arena, &enforcer->nfnl, &own, &carried);
	if (error) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_KERNEL_UNREADABLE], nowhere, strerror(-error), NULL);
		return error;
	}
	input->carried = carried.items;
	input->carried_count = carried.count;
	return 0;
}

/* What is to be judged. */
struct judgement {
	struct question *question;
	const struct pins *pins;
	struct proof_input proof;
};

/* In a child: one byte, 1 when the ruleset may be in force, and the findings as JSON. */
static void judgement_think(void *context, struct buf *out)
{
	struct judgement *judgement = context;
	struct program_input program = judgement->pins->program;
	const struct ruleset *ruleset = judgement->proof.ruleset;
	struct findings *findings = &judgement->question->findings;
	struct proof proof;
	json_t *array;
	char *text;

	links_prove(judgement->question, &program, &ruleset->links);
	program.links = &ruleset->links;
	ruleset_audit(ruleset, &program, findings);
	proof = ruleset_prove(judgement->question->arena, &judgement->proof);
	proof_report(&proof, ruleset, findings);
	array = findings_to_json(findings);
	text = json_dumps(array, JSON_COMPACT);
	buf_putc(out, findings->errors == 0);
	buf_puts(out, text ? text : "[]");
	free(text);
	json_decref(array);
}

static int meanwhile_listen(struct enforcer *enforcer, struct aside *aside);

/* Lets a child judge, and does what cannot wait until it is done. What it found when it refused is in the question's arena. */
static int judgement_await(struct enforcer *enforcer, struct judgement *judgement, bool *ret_lawful)
{
	struct aside aside = { .result = -1 };
	int result = aside_begin(&aside, judgement_think, judgement, FRAME_PAYLOAD_BYTES_MAX);

	if (result == 0)
		result = meanwhile_listen(enforcer, &aside);
	if (result == 0 && aside.bytes.length > 0) {
		*ret_lawful = aside.bytes.data[0] == 1;
		/* What was found lawful and then not installed is refused for another reason. */
		if (!*ret_lawful)
			judgement->question->judged = arena_strndup(judgement->question->arena, (const char *)aside.bytes.data + 1, aside.bytes.length - 1);
	} else if (result == 0) {
		result = -EIO;
	}
	aside_end(&aside);
	return result;
}

/*
 * 0 when the ruleset may be in force: it is the program that follows from the pins (audit), and no packet passes that they do not grant (proof). The audit
 * knows how it should look, the proof what it does. That takes seconds with many flows; zones are isolated and foreign changes repaired meanwhile.
 */
static int ruleset_judge(struct enforcer *enforcer, struct question *question, const struct ruleset *ruleset)
{
	struct judgement judgement = { .question = question, .pins = &enforcer->pins,
				       .proof = { .ruleset = ruleset, .pins = &enforcer->pins, .now = unix_now(enforcer),
						  .isolation = isolation_claim_of(question->arena, ruleset) } };
	bool lawful = false;
	int error;

	if (!enforcer->pins_arena) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_NO_PINS], nowhere, NULL);
		return -EPERM;
	}
	if (connections_read(enforcer, question, &judgement.proof) != 0)
		return -EPERM;
	error = judgement_await(enforcer, &judgement, &lawful);
	if (error) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_KERNEL_UNREADABLE], nowhere, strerror(-error), NULL);
		return error;
	}
	return lawful ? 0 : -EPERM;
}

/*
 * The interfaces that a ruleset read from the kernel uses: those of its set of ports, with the names they
 * have now, and the loopback.
 */
static struct link_table links_used(struct arena *arena, const struct ruleset *ruleset, const struct link_table *real)
{
	const struct table *bridge = ruleset_table(ruleset, FAMILY_BRIDGE, "sekisho");
	const struct set *ports = bridge ? table_set(bridge, "ports") : NULL;
	struct link_table used = { .items = arena_array(arena, real->count, sizeof(*used.items)) };

	for (size_t i = 0; i < real->count; i++) {
		const uint32_t index = real->items[i].index;
		const uint8_t key[] = { (uint8_t)(index >> 24), (uint8_t)(index >> 16), (uint8_t)(index >> 8), (uint8_t)index };

		if (strcmp(real->items[i].name, "lo") == 0 || (ports && set_find(ports, key)))
			used.items[used.count++] = real->items[i];
	}
	return used;
}

/*
 * True when what the kernel holds could be proved now. An interface that joined no zone of it does not
 * matter.
 */
static bool snapshot_is_lawful(struct enforcer *enforcer, const struct question *question, const struct snapshot *snapshot)
{
	struct question aside = { .arena = question->arena, .findings = findings_in(question->arena), .links = question->links };
	struct ruleset ruleset;

	if (!snapshot->ruleset || snapshot->alien_count > 0)
		return false;
	ruleset = *snapshot->ruleset;
	ruleset.links = links_used(question->arena, snapshot->ruleset, &question->links);
	return ruleset_judge(enforcer, &aside, &ruleset) == 0;
}

/* ---- VERB_SNAPSHOT */

/*
 * What is told of a ruleset with aliens: its sets, from which the planner learns who has which mark. Its
 * chains are not well formed, nor are the traces of alien sets, which have no key.
 */
static struct ruleset *ruleset_without_aliens(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *ruleset;
	copy->tables = arena_array(arena, ruleset->table_count, sizeof(*copy->tables));
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct table *from = &ruleset->tables[t];
		struct table *to = &copy->tables[t];

		*to = (struct table){ .family = from->family, .name = from->name };
		to->sets = arena_array(arena, from->set_count, sizeof(*to->sets));
		for (size_t s = 0; s < from->set_count; s++)
			if (key_field_count(&from->sets[s].key) > 0 && from->sets[s].data != SET_DATA_VERDICT)
				to->sets[to->set_count++] = from->sets[s];
	}
	return copy;
}

/* What is told of the kernel's ruleset. What is isolated is none of the planner's business. */
static const struct ruleset *ruleset_told(const struct enforcer *enforcer, struct arena *arena, const struct snapshot *snapshot)
{
	static const struct isolations none;

	if (snapshot->alien_count > 0)
		return ruleset_without_aliens(arena, snapshot->ruleset);
	return isolation_apply(arena, snapshot->ruleset, &enforcer->pins.program, &none);
}

static int held_send(struct enforcer *enforcer, struct question *question, const struct snapshot *snapshot, bool judge)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(FRAME_PAYLOAD_BYTES_MAX);
	struct held held = { .generation = snapshot->generation, .alien_count = (uint32_t)snapshot->alien_count };
	int descriptor = -1, error;
	struct held_marks marks;
	uint16_t flags;

	/* What the snapshot shares with the holding may be another's after the judgement, in which zones are isolated. */
	if (snapshot->ruleset)
		ruleset_pack(&bytes, ruleset_told(enforcer, question->arena, snapshot));
	flags = judge && snapshot_is_lawful(enforcer, question, snapshot) ? FRAME_LAWFUL : 0;
	error = conntrack_marks(question->arena, &enforcer->nfnl, &marks);
	if (error)
		return error;
	held.marks = marks.marks;
	held.mark_count = marks.count;
	error = ownership_read(&enforcer->nfnl, &held.ownership);
	if (error)
		return error;
	held_pack(&payload, &held);
	if (bytes.length > 0)
		error = sealed_make("sekisho-held", buf_span(&bytes), &descriptor);
	if (!error)
		error = payload.overflow || bytes.overflow ? -EFBIG : planner_send(enforcer, VERB_HELD, flags, buf_span(&payload), descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return error;
}

/* judge: the planner wants to know whether what the kernel holds is lawful, which takes the time of a proof. */
static int snapshot_answer(struct enforcer *enforcer, struct question *question, bool judge)
{
	struct snapshot snapshot;
	int error = snapshot_read(question->arena, &enforcer->nfnl, &question->links, unix_now(enforcer),
				  holding_known(question->arena, &enforcer->holding), &snapshot);

	if (!error)
		error = held_send(enforcer, question, &snapshot, judge);
	if (!error || error == -EPIPE)
		return error;
	finding_add(&question->findings, &daemon_catalogue[DAEMON_KERNEL_UNREADABLE], nowhere, strerror(-error), NULL);
	return refused_send(enforcer, &question->findings);
}

/* ---- VERB_VIEW */

/* Whoever gets it proves it himself: nothing is judged here, and nothing of it is believed by us later. */
static int view_answer(struct enforcer *enforcer, struct question *question)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);
	struct snapshot snapshot;
	int descriptor = -1;
	int error = snapshot_read(question->arena, &enforcer->nfnl, &question->links, unix_now(enforcer),
				  holding_known(question->arena, &enforcer->holding), &snapshot);

	if (!error)
		view_pack(&bytes, &snapshot);
	if (!error && !bytes.overflow)
		error = sealed_make("sekisho-view", buf_span(&bytes), &descriptor);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-ENFORCER", "the kernel's rules could not be read for a client reason=\"%s\"", strerror(-error));
	error = planner_send(enforcer, VERB_VIEW, 0, (struct span){ .length = 0 }, descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return error;
}

/* ---- VERB_PROPOSE */

static int committed_send(struct enforcer *enforcer, struct committed *committed)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	int error = ownership_read(&enforcer->nfnl, &committed->ownership);

	if (error)
		return error;
	committed_pack(&payload, committed);
	return planner_send(enforcer, VERB_COMMITTED, 0, buf_span(&payload), -1);
}

/* By these pins something was installed: those before them are of the past. */
static void pins_adopt(struct enforcer *enforcer)
{
	arena_free(enforcer->former_arena);
	enforcer->former_arena = NULL;
	enforcer->pins_serve = enforcer->pins_arena != NULL;
}

/* What the newest pins came for was refused: what is in force is judged by the pins it was installed by. */
static void pins_fall_back(struct enforcer *enforcer)
{
	if (!enforcer->former_arena)
		return;
	arena_free(enforcer->pins_arena);
	enforcer->pins_arena = enforcer->former_arena;
	enforcer->pins = enforcer->former;
	enforcer->former_arena = NULL;
	enforcer->pins_serve = true;
}

static int proposal_refuse(struct enforcer *enforcer, const struct question *question)
{
	pins_fall_back(enforcer);
	return question->judged ? judged_send(enforcer, question->judged) : refused_send(enforcer, &question->findings);
}

/* Who has made our tables his own can let pass what he likes, and we could not stop him: then nothing is forwarded. */
static void tables_heed(struct enforcer *enforcer)
{
	enum ownership ownership;

	if (ownership_read(&enforcer->nfnl, &ownership) != 0 || ownership != OWNERSHIP_FOREIGN)
		return;
	log_event(LOG_LEVEL_ERROR, "SKS-OWNER", "another program has made our tables its own; nothing is forwarded");
	switches_shut(&enforcer->switches);
}

/* Installs what was proved, and what is isolated over it. */
static int install_answer(struct enforcer *enforcer, struct question *question, const struct ruleset *proved)
{
	const struct ruleset *wanted = isolation_apply(question->arena, proved, &enforcer->pins.program, &enforcer->isolations);
	struct committed committed;
	int error = ruleset_install(&enforcer->nfnl, &enforcer->holding, wanted, unix_now(enforcer), &question->findings, &committed);

	if (error) {
		tables_heed(enforcer);
		return proposal_refuse(enforcer, question);
	}
	enforcer->unrepaired = false;
	pins_adopt(enforcer);
	enforcer->proposed = true;
	switches_open_way(&enforcer->switches);
	return committed_send(enforcer, &committed);
}

static int bytes_answer(struct enforcer *enforcer, struct question *question, struct span bytes)
{
	struct ruleset *ruleset;

	if (ruleset_unpack(question->arena, bytes, &ruleset) != 0) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_PROPOSAL_MALFORMED], nowhere, NULL);
		return refused_send(enforcer, &question->findings);
	}
	if (ruleset_judge(enforcer, question, ruleset) != 0)
		return proposal_refuse(enforcer, question);
	if (holding_ruleset(&enforcer->holding))	/* there is something to compare it with */
		ruleset_make_blocks(question->arena, ruleset);
	return install_answer(enforcer, question, ruleset);
}

static int proposal_answer(struct enforcer *enforcer, struct question *question, const struct frame *frame)
{
	struct span bytes;
	int error;

	if (frame->descriptor < 0 && (frame->flags & FRAME_SEAL))
		return install_answer(enforcer, question, seal_build(question->arena));
	if (frame->descriptor < 0 || sealed_map(frame->descriptor, PACK_BYTES_MAX, &bytes) != 0) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_PROPOSAL_MALFORMED], nowhere, NULL);
		return refused_send(enforcer, &question->findings);
	}
	error = bytes_answer(enforcer, question, bytes);
	sealed_unmap(bytes);
	return error;
}

/* ---- somebody else changes rules */

/* Has it recorded who changed what is ours; the parent writes the journal. */
static void drift_record(enum journal_event event, const struct nft_change *change)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct journal_record record = { .event = event, .who = { .pid = change->process }, .detail_count = 1 };
	struct frame frame = { .verb = VERB_RECORD, .descriptor = -1 };
	char detail[DRIFT_DETAIL_BYTES];

	snprintf(detail, sizeof(detail), "by process %u %s", change->process, change->name);
	record.details[0] = span_of(detail);
	journal_record_pack(&payload, &record);
	frame.payload = buf_span(&payload);
	if (frame_send(CREW_CHANNEL, &frame) != 0)
		log_event(LOG_LEVEL_WARNING, "SKS-DRIFT", "a foreign change could not be recorded process=%u", change->process);
}

/*
 * Puts back what was installed last. A ruleset of an interface that is gone by now cannot be put back as a whole; then the planner,
 * which has seen it go, is about to propose another.
 */
static void kernel_repair(struct enforcer *enforcer, const struct nft_change *change)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct ruleset *wanted = holding_ruleset(&enforcer->holding);
	struct committed committed;

	if (!wanted)
		return;
	enforcer->unrepaired = false;
	/* Until what was installed is back, anything may pass: to read and to write the rules takes longer than to forward nothing meanwhile. */
	if (change->ours)
		switches_shut(&enforcer->switches);
	if (ruleset_install(&enforcer->nfnl, &enforcer->holding, wanted, unix_now(enforcer), &findings, &committed) != 0) {
		switches_shut(&enforcer->switches);
		for (size_t i = 0; i < findings.count; i++)
			log_finding(&findings, &findings.items[i]);
		log_event(LOG_LEVEL_ERROR, "SKS-DRIFT", "a foreign change could not be repaired; nothing is forwarded process=%u name=%s",
			  change->process, change->name);
		drift_record(JOURNAL_DRIFT, change);
		enforcer->unrepaired = true;
		enforcer->change = *change;
		return;
	}
	switches_open_way(&enforcer->switches);
	if (!committed.changed)
		return;
	log_event(LOG_LEVEL_WARNING, "SKS-DRIFT", "a foreign change of our rules was repaired process=%u name=%s generation=%u",
		  change->process, change->name, committed.generation);
	drift_record(JOURNAL_REPAIR, change);
}

/* Somebody changed rules, perhaps of his own: the planner is told what of them matters. One that cannot be told asks again, or is gone. */
static void ways_tell(struct enforcer *enforcer)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct link_table links;

	if (enforcer->lookout.may_tell && links_read(arena, &links) == 0)
		(void)lookout_tell(&enforcer->lookout, &enforcer->nfnl, &links, enforcer->planner, false);
}

static void watch_readable(struct enforcer *enforcer)
{
	struct nft_change change;

	if (!nft_watch_read(&enforcer->watch, enforcer->nfnl.port_id, &change))
		return;
	kernel_repair(enforcer, &change);
	ways_tell(enforcer);
}

/* ---- VERB_ISOLATION */

/*
 * What the kernel holds where nothing was installed yet; NULL: nothing of ours, and so nothing passes. It may be unlawful by now, because a record is over or
 * we died before what was committed became known: what is isolated is laid over it all the same, and the planner is about to propose another. 0; -EPERM: there
 * is something foreign in it; other negative errno: it could not be read.
 */
static int ruleset_held(struct enforcer *enforcer, struct arena *arena, const struct ruleset **ret_held)
{
	struct link_table links;
	struct snapshot snapshot;
	struct ruleset *held = NULL;
	int error = links_read(arena, &links);

	if (!error)
		error = snapshot_read(arena, &enforcer->nfnl, &links, unix_now(enforcer), NULL, &snapshot);
	if (!error && snapshot.alien_count > 0)
		error = -EPERM;
	if (error)
		return error;
	if (snapshot.ruleset) {
		held = arena_alloc(arena, sizeof(*held));
		*held = *snapshot.ruleset;
		held->links = links_used(arena, snapshot.ruleset, &links);
	}
	*ret_held = held;
	return 0;
}

/* What is isolated cannot be put in force: nothing is forwarded at all. */
static enum isolation_outcome isolation_fail(struct enforcer *enforcer, const char *reason)
{
	switches_shut(&enforcer->switches);
	log_event(LOG_LEVEL_ERROR, "SKS-ISOLATE", "what is isolated could not be put in force; nothing is forwarded reason=\"%s\"", reason);
	return ISOLATION_FAILED;
}

/* Cuts and releases. When that cannot be done, nothing is forwarded at all. */
static enum isolation_outcome isolation_enforce(struct enforcer *enforcer, struct arena *arena, const struct ruleset *wanted)
{
	struct findings findings = findings_in(arena);
	struct committed committed;

	if (ruleset_install_at_once(&enforcer->nfnl, &enforcer->holding, wanted, unix_now(enforcer), &findings, &committed) == 0)
		return ISOLATION_DONE;
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	return isolation_fail(enforcer, "the kernel does not hold it");
}

static int isolation_answer_send(const struct isolation_answer *answer)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct frame frame = { .verb = VERB_ISOLATED, .descriptor = -1 };

	isolation_answer_pack(&payload, answer);
	frame.payload = buf_span(&payload);
	return frame_send(CREW_CHANNEL, &frame);
}

/*
 * Over what was installed last or what the kernel holds. Of the latter nobody knows whether its interfaces still have the names they had, so nothing is opened
 * in it; the planner is about to propose another.
 */
static enum isolation_outcome isolation_lay(struct enforcer *enforcer, struct arena *arena, const struct isolation_state *state, struct isolation_effect *ret_effect)
{
	const struct ruleset *base = holding_ruleset(&enforcer->holding);
	int error = base ? 0 : ruleset_held(enforcer, arena, &base);
	struct ruleset *wanted;

	if (error)
		return state->drill ? ISOLATION_FAILED : isolation_fail(enforcer, error == -EPERM ? "something foreign is in our tables" : strerror(-error));
	if (!base)
		return ISOLATION_DONE;
	wanted = isolation_apply(arena, base, &enforcer->pins.program, &state->isolations);
	if (!enforcer->proposed)
		isolation_only_close(arena, wanted, base);
	*ret_effect = isolation_effect_of(arena, wanted, &state->isolations);
	return state->drill ? ISOLATION_DONE : isolation_enforce(enforcer, arena, wanted);
}

static int isolation_work(struct enforcer *enforcer, const struct isolation_state *state)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct isolation_answer answer = { .number = state->number };

	answer.outcome = isolation_lay(enforcer, arena, state, &answer.effect);
	return isolation_answer_send(&answer);
}

static int isolation_take(struct enforcer *enforcer, struct span payload)
{
	struct arena *arena = arena_new();
	struct isolation_state state;
	int error = isolation_state_unpack(arena, payload, &state);

	if (!error)
		error = isolation_work(enforcer, &state);
	if (error || state.drill) {
		arena_free(arena);
		return error;
	}
	arena_free(enforcer->isolations_arena);
	enforcer->isolations_arena = arena;
	enforcer->isolations = state.isolations;
	return 0;
}

/* ---- frames */

static void planner_drop(struct enforcer *enforcer)
{
	if (enforcer->planner < 0)
		return;
	frame_reader_free(&enforcer->planner_reader);
	close(enforcer->planner);
	enforcer->planner = -1;
	enforcer->lookout.may_tell = false;
}

/* VERB_SURVEY: what could not be repaired is tried again, switches are held where they belong, and the rest is told. */
static int survey_answer(struct enforcer *enforcer, const struct question *question)
{
	const struct nft_change change = enforcer->change;

	if (enforcer->unrepaired)
		kernel_repair(enforcer, &change);
	switches_hold(&enforcer->switches);
	if (enforcer->pins_arena)
		lookout_hold(&enforcer->pins.program, &question->links);
	return lookout_tell(&enforcer->lookout, &enforcer->nfnl, &question->links, enforcer->planner, true);
}

static int planner_frame(struct enforcer *enforcer, const struct frame *frame)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct question question = { .arena = arena, .findings = findings_in(arena) };
	int error = links_read(arena, &question.links);

	if (error) {
		finding_add(&question.findings, &daemon_catalogue[DAEMON_KERNEL_UNREADABLE], nowhere, strerror(-error), NULL);
		return refused_send(enforcer, &question.findings);
	}
	switch (frame->verb) {
	case VERB_SNAPSHOT:
		return snapshot_answer(enforcer, &question, frame->flags & FRAME_LAWFUL);
	case VERB_SURVEY:
		return survey_answer(enforcer, &question);
	case VERB_VIEW:
		return view_answer(enforcer, &question);
	case VERB_PROPOSE:
		return proposal_answer(enforcer, &question, frame);
	default:
		return -EBADMSG;
	}
}

/* A planner that breaks the form is not spoken with any more; the parent will send another. */
static void planner_readable(struct enforcer *enforcer)
{
	struct frame frame = { .descriptor = -1 };
	int result = frame_receive(enforcer->planner, &enforcer->planner_reader, &frame);

	if (result > 0) {
		result = planner_frame(enforcer, &frame);
		if (frame.descriptor >= 0)
			close(frame.descriptor);
	}
	if (result >= 0)
		return;
	if (result != -EPIPE)
		log_event(LOG_LEVEL_ERROR, "SKS-ENFORCER", "the planner is not listened to any more reason=\"%s\"", strerror(-result));
	planner_drop(enforcer);
}

static int pins_take(struct enforcer *enforcer, struct span payload)
{
	struct arena *arena = arena_new();
	struct pins pins;
	int error = pins_unpack(arena, payload, &pins);

	if (error) {
		arena_free(arena);
		return error;
	}
	if (enforcer->pins_serve) {
		enforcer->former_arena = enforcer->pins_arena;
		enforcer->former = enforcer->pins;
	} else {
		arena_free(enforcer->pins_arena);
	}
	enforcer->pins_arena = arena;
	enforcer->pins = pins;
	enforcer->pins_serve = false;
	return 0;
}

static int parent_frame(struct enforcer *enforcer, const struct frame *frame)
{
	if (frame->verb == VERB_PINS && frame->descriptor < 0)
		return pins_take(enforcer, frame->payload);
	if (frame->verb == VERB_ISOLATION && frame->descriptor < 0)
		return isolation_take(enforcer, frame->payload);
	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0 && frame->payload.length == 1 && frame->payload.data[0] == ROLE_WITNESS) {
		door_open(&enforcer->door, frame->descriptor);
		return 0;
	}
	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0) {
		planner_drop(enforcer);
		enforcer->planner = frame->descriptor;
		enforcer->planner_reader = frame_reader_make(0);
		return 0;
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return -EBADMSG;
}

static bool parent_has_spoken(void)
{
	struct pollfd wait = { .fd = CREW_CHANNEL, .events = POLLIN };

	return poll(&wait, 1, 0) > 0;
}

/* Takes everything the parent has said: pins that were sent before a proposal count for that proposal. */
static int parent_listen(struct enforcer *enforcer)
{
	int result = 0;

	if (enforcer->deferred)
		result = parent_frame(enforcer, &enforcer->deferred_frame);
	enforcer->deferred = false;
	while (result >= 0 && parent_has_spoken()) {
		struct frame frame;

		result = crew_role_receive(&enforcer->parent_reader, &frame);
		if (result > 0)
			result = parent_frame(enforcer, &frame);
	}
	return result < 0 ? result : 0;
}

/* What the parent says during a judgement: an isolation is carried out, anything else waits, and with it what comes behind. */
static int parent_listen_meanwhile(struct enforcer *enforcer)
{
	struct frame frame;
	int result = crew_role_receive(&enforcer->parent_reader, &frame);

	if (result <= 0)
		return result;
	if (frame.verb == VERB_ISOLATION)
		return parent_frame(enforcer, &frame);
	enforcer->deferred_frame = frame;
	enforcer->deferred = true;
	return 0;
}

/* Until a child has judged. 0 or negative errno. */
static int meanwhile_listen(struct enforcer *enforcer, struct aside *aside)
{
	int result = 0;

	while (result == 0) {
		struct pollfd waits[] = { { .fd = aside->result, .events = POLLIN }, { .fd = enforcer->deferred ? -1 : CREW_CHANNEL, .events = POLLIN },
					  { .fd = nft_watch_descriptor(&enforcer->watch), .events = POLLIN } };

		if (poll(waits, sizeof(waits) / sizeof(waits[0]), -1) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (waits[2].revents != 0)
			watch_readable(enforcer);
		if (waits[1].revents != 0)
			result = parent_listen_meanwhile(enforcer);
		if (result >= 0 && waits[0].revents != 0)
			result = aside_take(aside);
	}
	return result < 0 ? result : 0;
}

static int enforcer_loop(struct enforcer *enforcer)
{
	for (;;) {
		struct pollfd waits[] = { { .fd = CREW_CHANNEL, .events = POLLIN }, { .fd = enforcer->planner, .events = POLLIN },
					  { .fd = nft_watch_descriptor(&enforcer->watch), .events = POLLIN },
					  { .fd = enforcer->door.channel, .events = POLLIN } };
		int planner = enforcer->planner, witness = enforcer->door.channel, error;

		if (poll(waits, sizeof(waits) / sizeof(waits[0]), enforcer->deferred ? 0 : -1) < 0 && errno != EINTR)
			return -errno;
		if (waits[2].revents != 0)
			watch_readable(enforcer);
		error = parent_listen(enforcer);
		if (error)
			return error;
		/* The parent may have sent another planner's socket just now. */
		if (waits[1].revents != 0 && enforcer->planner == planner && planner >= 0)
			planner_readable(enforcer);
		if (waits[3].revents != 0 && enforcer->door.channel == witness && witness >= 0)
			door_serve(&enforcer->door, &enforcer->nfnl, enforcer->pins_arena ? &enforcer->pins.program : NULL);
	}
}

/* The socket that our tables belong to, which the parent keeps: it comes before all else. What an enforcer before us was told by it is thrown away. */
static int netlink_take(struct enforcer *enforcer)
{
	struct frame frame = { .descriptor = -1 };
	int error = frame_await(CREW_CHANNEL, &enforcer->parent_reader, NETLINK_WAIT_MS, &frame);

	if (!error && (frame.verb != VERB_NETLINK || frame.descriptor < 0))
		error = -EBADMSG;
	if (!error)
		error = nfnl_adopt(frame.descriptor, &enforcer->nfnl);
	if (error && frame.descriptor >= 0)
		close(frame.descriptor);
	return error;
}

/* Tables that were left by a predecessor are ours from now on. Where that cannot be, every installation says so. */
static void tables_claim(struct enforcer *enforcer)
{
	int error = ownership_claim(&enforcer->nfnl);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-OWNER", "the tables in the kernel could not be made ours reason=\"%s\"", strerror(-error));
	tables_heed(enforcer);
}

/*
 * Opens what is needed while that is still possible. The dump of connections makes the kernel load
 * connection tracking, without which its switches are not there. While the kernel does not hold our guard,
 * nothing is forwarded.
 */
static int kernel_open(struct enforcer *enforcer, const struct options *options)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct held_marks marks;
	struct link_table links;
	struct snapshot snapshot;
	int error = netlink_take(enforcer);

	if (!error && !options->no_owner)
		error = ownership_begin(&enforcer->nfnl);
	/* The first JSON object would open /dev/urandom, and the first is made when something is refused; the first digest, libcrypto's configuration. */
	json_object_seed(0);
	digest_free(digest_new());
	if (!error)
		error = nft_watch_open(&enforcer->watch);
	if (!error)
		error = conntrack_marks(arena, &enforcer->nfnl, &marks);
	if (error)
		return error;
	door_prepare(&enforcer->door);
	enforcer->switches = switches_open();
	tables_claim(enforcer);
	error = links_read(arena, &links);
	if (!error)
		error = snapshot_read(arena, &enforcer->nfnl, &links, unix_now(enforcer), NULL, &snapshot);
	if (!error && !seal_is_guarded(&snapshot))
		switches_shut(&enforcer->switches);
	return error;
}

static int enforcer_begin(struct enforcer *enforcer, const struct options *options)
{
	int error = crew_role_begin();

	if (!error)
		error = sandbox_keep_capabilities(kept_capabilities, sizeof(kept_capabilities) / sizeof(kept_capabilities[0]));
	if (!error)
		error = kernel_open(enforcer, options);
	if (!error)
		error = sandbox_renounce();
	return error ? error : sandbox_filter_calls(enforcer_calls);
}

static void enforcer_end(struct enforcer *enforcer)
{
	planner_drop(enforcer);
	door_close(&enforcer->door);
	frame_reader_free(&enforcer->parent_reader);
	switches_close(&enforcer->switches);
	lookout_free(&enforcer->lookout);
	holding_free(&enforcer->holding);
	nft_watch_close(&enforcer->watch);
	nfnl_close(&enforcer->nfnl);
	arena_free(enforcer->pins_arena);
	arena_free(enforcer->isolations_arena);
	arena_free(enforcer->former_arena);
}

int enforcer_run(const struct options *options)
{
	struct enforcer enforcer = { .clock = options->clock, .planner = -1, .door = door_closed(), .parent_reader = frame_reader_make(PINS_BYTES_MAX) };
	int error = enforcer_begin(&enforcer, options);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ENFORCER", "the enforcer could not start reason=\"%s\"", strerror(-error));
	else
		error = enforcer_loop(&enforcer);
	enforcer_end(&enforcer);
	return error == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE;
}
