/* reload: asks the running daemon to read its file again, waits, and says what it found. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "relay/roles.h"
#include "wire/frame.h"
#include "wire/report.h"

enum { EXIT_REFUSED = 1, EXIT_UNABLE = 3, RELOAD_TIMEOUT_MS = 60000 };

/* A connected socket or negative errno. */
static int control_connect(const char *run_dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int control, error;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", run_dir) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		return -errno;
	if (connect(control, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return control;
	error = -errno;
	close(control);
	return error;
}

/* Asks, and waits for the report. 0, and the caller lets go of *ret_report, or negative errno. */
static int report_await(int control, json_t **ret_report)
{
	struct frame_reader reader = frame_reader_make(FRAME_PAYLOAD_BYTES_MAX);
	struct frame frame = { .verb = VERB_RELOAD, .descriptor = -1 };
	int error = frame_send(control, &frame);

	if (!error)
		error = frame_await(control, &reader, RELOAD_TIMEOUT_MS, &frame);
	if (!error) {
		*ret_report = frame.verb == VERB_REPORT ? json_loadb(frame.payload.data, frame.payload.length, 0, NULL) : NULL;
		if (frame.descriptor >= 0)
			close(frame.descriptor);
		error = json_is_object(*ret_report) ? 0 : -EBADMSG;
	}
	frame_reader_free(&reader);
	return error;
}

static int report_print(const json_t *report, enum language language)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);
	bool accepted = json_is_true(json_object_get(report, "accepted"));

	findings_render_json(&text, json_object_get(report, "findings"), language);
	if (accepted)
		buf_puts(&text, language == LANGUAGE_JA ? "新しい設定で中継します(接続中のものは前の設定のまま終わります)。\n" :
							  "Mail is relayed by the new file; open connections end by the old one.\n");
	else
		buf_puts(&text, language == LANGUAGE_JA ? "反映しませんでした。それまでの設定で中継を続けています。上の指摘を直してください。\n" :
							  "Refused. Mail is still relayed as before; mend what is said above.\n");
	fputs(buf_text(&text), accepted ? stdout : stderr);
	return accepted ? EXIT_SUCCESS : EXIT_REFUSED;
}

int reload_run(const struct options *options)
{
	enum language language = language_choose(NULL, getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"));
	int control = control_connect(options->run_dir), result, error;
	json_t *report = NULL;

	error = control < 0 ? control : report_await(control, &report);
	if (control >= 0)
		close(control);
	if (error) {
		fprintf(stderr, language == LANGUAGE_JA ?
			"sekisho-relay: 動いている sekisho-relay に伝えられません(%s)。systemctl status sekisho-relay で確認してください。\n" :
			"sekisho-relay: the running sekisho-relay cannot be told (%s); see: systemctl status sekisho-relay\n", strerror(-error));
		json_decref(report);
		return EXIT_UNABLE;
	}
	result = report_print(report, language);
	json_decref(report);
	return result;
}
