/* enforcer_judge: whether a ruleset may be in force. */
#include "sekishod/enforcer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "kernel/conntrack.h"
#include "ruleset/audit.h"
#include "ruleset/prove.h"
#include "sekishod/catalogue.h"
#include "wire/report.h"

static const struct origin nowhere;

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

/* What is to be judged, and the half of the proof that is made. */
struct judgement {
	struct question *question;
	const struct kept_pins *pins;
	struct proof_input proof;	/* without the pins */
};

static void audit(const struct judgement *judgement)
{
	struct program_input program = judgement->proof.pins->program;
	const struct ruleset *ruleset = judgement->proof.ruleset;

	links_prove(judgement->question, &program, &ruleset->links);
	program.links = &ruleset->links;
	ruleset_audit(ruleset, &program, &judgement->question->findings);
}

/* In a child: one byte, 1 when nothing stands against the ruleset, and the findings as JSON. */
static void judgement_think(void *context, struct buf *out)
{
	struct judgement *judgement = context;
	const struct pins pins = kept_pins_unpack(judgement->question->arena, judgement->pins);
	const struct ruleset *ruleset = judgement->proof.ruleset;
	struct findings *findings = &judgement->question->findings;
	struct proof proof;
	json_t *array;
	char *text;

	(void)setpriority(PRIO_PROCESS, 0, 0);	/* to think takes seconds, and may wait */
	judgement->proof.pins = &pins;
	if (judgement->proof.half == PROOF_BACK)	/* the one with less to do */
		audit(judgement);
	proof = ruleset_prove(judgement->question->arena, &judgement->proof);
	proof_report(&proof, ruleset, findings);
	array = findings_to_json(findings);
	text = json_dumps(array, JSON_COMPACT);
	buf_putc(out, findings->errors == 0);
	buf_puts(out, text ? text : "[]");
	free(text);
	json_decref(array);
}

/* Adds to an array what another has and it has not: both halves may find the same. */
static void findings_unite(json_t *all, const json_t *others)
{
	const json_t *other, *present;
	size_t i, k;

	json_array_foreach(others, i, other) {
		bool known = false;

		json_array_foreach(all, k, present)
			known |= json_equal(present, other);
		if (!known)
			json_array_append(all, (json_t *)(uintptr_t)other);
	}
}

/* What one half says: nothing stands against it, or what does, which is added to the refusal. 0 or -EIO: it says nothing that is understood. */
static int half_take(const struct aside *aside, json_t *refusal, bool *ret_lawful)
{
	json_t *findings;

	if (aside->bytes.length == 0)
		return -EIO;
	if (aside->bytes.data[0] == 1)
		return 0;
	*ret_lawful = false;
	findings = json_loadb(aside->bytes.data + 1, aside->bytes.length - 1, 0, NULL);
	if (!json_is_array(findings)) {
		json_decref(findings);
		return -EIO;
	}
	findings_unite(refusal, findings);
	json_decref(findings);
	return 0;
}

/* Both halves have spoken. It may be in force when nothing stands against it in either. */
static int halves_take(const struct aside asides[static HALVES], struct question *question, bool *ret_lawful)
{
	json_t *refusal = json_array();
	bool lawful = true;
	int error = 0;
	char *text;

	for (size_t i = 0; i < HALVES && !error; i++)
		error = half_take(&asides[i], refusal, &lawful);
	/* What was found lawful and then not installed is refused for another reason. */
	if (!error && !lawful) {
		text = json_dumps(refusal, JSON_COMPACT);
		question->judged = arena_strdup(question->arena, text ? text : "[]");
		free(text);
	}
	*ret_lawful = !error && lawful;
	json_decref(refusal);
	return error;
}

/* Lets two children judge, and does what cannot wait until they are done. What they found when they refused is in the question's arena. */
static int judgement_await(struct enforcer *enforcer, const struct judgement *judgement, bool *ret_lawful)
{
	static const enum proof_half parts[HALVES] = { PROOF_FORTH, PROOF_BACK };
	struct judgement halves[HALVES] = { *judgement, *judgement };
	struct aside asides[HALVES] = { { .process = -1, .result = -1 }, { .process = -1, .result = -1 } };
	int result = 0;

	asides_reap();
	for (size_t i = 0; i < HALVES && result == 0; i++) {
		halves[i].proof.half = parts[i];
		result = aside_begin(&asides[i], judgement_think, &halves[i], FRAME_PAYLOAD_BYTES_MAX);
	}
	if (result == 0)
		result = enforcer_listen_meanwhile(enforcer, asides);
	if (result == 0)
		result = halves_take(asides, judgement->question, ret_lawful);
	for (size_t i = 0; i < HALVES; i++)
		aside_end(&asides[i]);
	return result;
}

int ruleset_judge(struct enforcer *enforcer, struct question *question, const struct ruleset *ruleset)
{
	struct judgement judgement = { .question = question, .pins = &enforcer->pins,
				       .proof = { .ruleset = ruleset, .now = enforcer_now(enforcer),
						  .isolation = isolation_claim_of(question->arena, ruleset) } };
	bool lawful = false;
	int error;

	if (!enforcer->pins.arena) {
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

struct link_table links_used(struct arena *arena, const struct ruleset *ruleset, const struct link_table *real)
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
