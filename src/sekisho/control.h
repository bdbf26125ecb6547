/*
 * control: one question to the daemon over its control socket, and its answer.
 */
#ifndef SEKISHO_CONTROL_H
#define SEKISHO_CONTROL_H

#include "sekisho/command.h"
#include "wire/frame.h"

enum { CONTROL_ANSWER_TIMEOUT_MS = 60 * 1000 };

/*
 * Asks the daemon at context->socket_path and waits for its answer, at most CONTROL_ANSWER_TIMEOUT_MS. question
 * may be NULL; the call lets go of it. 0, and the caller lets go of *ret_answer, which is a JSON object; else
 * EXIT_UNABLE after complaining with the next action.
 */
int control_ask(struct context *context, enum verb verb, json_t *question, json_t **ret_answer);

/* True when something listens at context->socket_path. */
bool control_is_answered(struct context *context);

/* One thing that the daemon may answer to an order: the word, the exit status, and the sentence for people. */
struct control_outcome {
	const char *result;
	int status;
	const char *en, *ja;
};

/*
 * Gives an order as control_ask() asks, and tells what became of it: the answer as JSON if that is wanted, else its findings, the sentence of its outcome (one of
 * count) and what print adds. Returns the exit status.
 */
int control_order(struct context *context, enum verb verb, json_t *question, const struct control_outcome *outcomes, size_t count,
		  void (*print)(struct context *context, const struct control_outcome *outcome, const json_t *answer));

/*
 * Asks the daemon what the kernel holds (kernel/view.h); the bytes are in the context's arena. 0; negative errno without complaining: -EACCES: this user may not
 * ask, or it could not be read.
 */
int control_ask_view(struct context *context, struct span *ret_bytes);

/* True when one of the ways past the rules ("survey" of a status answer, findings as in wire/report.h) is an error: packets pass by it. NULL: none is known. */
bool ways_are_open(const json_t *ways);

#endif
