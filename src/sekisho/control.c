/* control: one question to the daemon, and its answer. */
#include "sekisho/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ruleset/pack.h"

#include "wire/report.h"

static int complain_connect(struct context *context, int error)
{
	if (error == -EACCES || error == -EPERM)
		return complain(context, "only root and the groups sekisho-operator and sekisho-auditor may ask sekishod; run this with sudo, or have root add you to "
				"one of them (usermod -aG) and log in again",
				"sekishod に問い合わせできるのは、root かグループ sekisho-operator、sekisho-auditor の利用者だけです。sudo を付けて実行するか、root に依頼して"
				"グループに加わり(usermod -aG)、ログインし直してください");
	if (error == -ENAMETOOLONG)
		return complain(context, "the path of the control socket is too long: %s",
				"制御ソケットのパスが長すぎます: %s", context->socket_path);
	return complain(context, "sekishod does not answer at %s (%s); start it with: systemctl start sekishod",
			"sekishod が %s で応答しません(%s)。systemctl start sekishod で起動してください", context->socket_path, strerror(-error));
}

/* What has become of the request is not known: only the daemon and its journal can tell. */
static int complain_answer(struct context *context, int error)
{
	if (error == -ETIMEDOUT)
		return complain(context, "sekishod did not answer within %d seconds; see what it did: sekisho status, journalctl -u sekishod",
				"sekishod から %d 秒以内に応答がありませんでした。sekisho status と journalctl -u sekishod で結果を確認してください",
				CONTROL_ANSWER_TIMEOUT_MS / 1000);
	if (error == -EPIPE || error == -ECONNRESET)
		return complain(context, "sekishod ended the connection without an answer; see: sekisho status, journalctl -u sekishod",
				"sekishod が応答せずに接続を切りました。sekisho status と journalctl -u sekishod で結果を確認してください");
	if (error == -EBADMSG)
		return complain(context, "the answer of sekishod was not understood; are sekisho and sekishod of the same version?",
				"sekishod の応答を解釈できませんでした。sekisho と sekishod の版が同じか確認してください");
	return complain(context, "sekishod could not be asked: %s",
			"sekishod と通信できませんでした: %s", strerror(-error));
}

static int socket_connect(const char *path, int *ret_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int descriptor, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		error = -errno;
		close(descriptor);
		return error;
	}
	*ret_socket = descriptor;
	return 0;
}

/*
 * Where root's control socket may not be used, those of the groups beside it may be: DIRECTORY/operator/control, DIRECTORY/auditor/control. What is said of them is only
 * of interest when they are there.
 */
static int control_connect(struct context *context, int *ret_socket)
{
	static const char *const groups[] = { "operator", "auditor" };
	const char *path = context->socket_path, *slash = strrchr(path, '/');
	int error = socket_connect(path, ret_socket);

	for (size_t i = 0; slash && error == -EACCES && i < sizeof(groups) / sizeof(groups[0]); i++) {
		const char *beside = arena_printf(context->arena, "%.*s/%s%s", (int)(slash - path), path, groups[i], slash);
		int other = socket_connect(beside, ret_socket);

		if (other != -ENOENT)
			error = other;
	}
	return error;
}

static int send_question(int descriptor, enum verb verb, const json_t *question)
{
	struct frame frame = { .verb = verb, .descriptor = -1 };
	char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	int error;

	if (question && !text)
		arena_exhausted();
	if (text)
		frame.payload = span_of(text);
	error = frame_send(descriptor, &frame);
	free(text);
	return error;
}

static int read_answer(int descriptor, json_t **ret_answer)
{
	struct frame_reader reader = frame_reader_make(FRAME_PAYLOAD_BYTES_MAX);
	struct frame frame;
	json_t *answer = NULL;
	int error = frame_await(descriptor, &reader, CONTROL_ANSWER_TIMEOUT_MS, &frame);

	if (!error && frame.descriptor >= 0)
		close(frame.descriptor);
	if (!error && frame.verb == VERB_REPORT)
		answer = json_loadb(frame.payload.data, frame.payload.length, JSON_REJECT_DUPLICATES, NULL);
	frame_reader_free(&reader);
	if (error)
		return error;
	if (!json_is_object(answer)) {
		json_decref(answer);
		return -EBADMSG;
	}
	*ret_answer = answer;
	return 0;
}

int control_ask(struct context *context, enum verb verb, json_t *question, json_t **ret_answer)
{
	int descriptor = -1;
	int error = control_connect(context, &descriptor);

	if (error) {
		json_decref(question);
		return complain_connect(context, error);
	}
	error = send_question(descriptor, verb, question);
	json_decref(question);
	/* Who is turned away before he has said everything is told why all the same. */
	if (!error || error == -EPIPE || error == -ECONNRESET)
		error = read_answer(descriptor, ret_answer);
	close(descriptor);
	return error ? complain_answer(context, error) : 0;
}

static const struct control_outcome *outcome_find(const struct control_outcome *outcomes, size_t count, const json_t *answer)
{
	const char *result = json_string_value(json_object_get(answer, "result"));

	for (size_t i = 0; result && i < count; i++)
		if (strcmp(outcomes[i].result, result) == 0)
			return &outcomes[i];
	return NULL;
}

int control_order(struct context *context, enum verb verb, json_t *question, const struct control_outcome *outcomes, size_t count,
		  void (*print)(struct context *context, const struct control_outcome *outcome, const json_t *answer))
{
	const struct control_outcome *outcome;
	json_t *answer;
	int status = control_ask(context, verb, question, &answer);

	if (status)
		return status;
	outcome = outcome_find(outcomes, count, answer);
	if (outcome)
		status = outcome->status;
	else
		status = complain(context, "the answer of sekishod was not understood; see: sekisho status, journalctl -u sekishod",
				  "sekishod の応答を解釈できませんでした。sekisho status と journalctl -u sekishod で結果を確認してください");
	if (context->json) {
		print_json(context, answer);
		return status;
	}
	if (outcome) {
		findings_render_json(&context->out, json_object_get(answer, "findings"), context->language);
		buf_printf(&context->out, "%s\n", phrase(context, outcome->en, outcome->ja));
		print(context, outcome, answer);
	}
	json_decref(answer);
	return status;
}

/* Frame after frame, until one is the last. */
static int read_view(int descriptor, struct buf *bytes)
{
	struct frame_reader reader = frame_reader_make(FRAME_PAYLOAD_BYTES_MAX);
	struct frame frame = { .flags = FRAME_MORE };
	int error = 0;

	while (!error && (frame.flags & FRAME_MORE)) {
		error = frame_await(descriptor, &reader, CONTROL_ANSWER_TIMEOUT_MS, &frame);
		if (error)
			break;
		if (frame.descriptor >= 0)
			close(frame.descriptor);
		if (frame.verb != VERB_VIEW || frame.descriptor >= 0)
			error = -EACCES;
		else
			buf_put(bytes, frame.payload.data, frame.payload.length);
	}
	frame_reader_free(&reader);
	return error || !bytes->overflow ? error : -EFBIG;
}

int control_ask_view(struct context *context, struct span *ret_bytes)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);
	int descriptor = -1;
	int error = control_connect(context, &descriptor);

	if (error)
		return error;
	error = send_question(descriptor, VERB_VIEW, NULL);
	if (!error)
		error = read_view(descriptor, &bytes);
	close(descriptor);
	if (!error)
		*ret_bytes = (struct span){ .data = arena_strndup(context->arena, buf_text(&bytes), bytes.length), .length = bytes.length };
	return error;
}

bool control_is_answered(struct context *context)
{
	int descriptor;

	if (socket_connect(context->socket_path, &descriptor) != 0)
		return false;
	close(descriptor);
	return true;
}

bool ways_are_open(const json_t *ways)
{
	const json_t *way;
	size_t i;

	json_array_foreach(ways, i, way) {
		const char *severity = json_string_value(json_object_get(way, "severity"));

		if (severity && strcmp(severity, "error") == 0)
			return true;
	}
	return false;
}
