/* request: what the sekisho command asks of the daemon. */
#include "sekishod/request.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/digest.h"

static void json_decrefp_own(json_t **json)
{
	json_decref(*json);
}

/* An address of a running connection. */
static int address_take(const json_t *object, const char *key, struct netaddr *ret_address)
{
	static const char mapped[] = "::ffff:";
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		return -EBADMSG;
	if (strncasecmp(text, mapped, sizeof(mapped) - 1) == 0 && netaddr_parse(text + sizeof(mapped) - 1, ret_address) == 0)
		return 0;
	return netaddr_parse(text, ret_address) == 0 ? 0 : -EBADMSG;
}

static int port_take(const json_t *object, const char *key, uint16_t *ret_port)
{
	json_int_t port = json_integer_value(json_object_get(object, key));

	if (port < 1 || port > UINT16_MAX)
		return -EBADMSG;
	*ret_port = (uint16_t)port;
	return 0;
}

static int connection_take(const json_t *object, struct connection *ret_connection)
{
	struct connection connection;

	if (address_take(object, "source", &connection.source) != 0 || address_take(object, "destination", &connection.destination) != 0 ||
	    port_take(object, "source_port", &connection.source_port) != 0 || port_take(object, "destination_port", &connection.destination_port) != 0)
		return -EBADMSG;
	if (connection.source.family != connection.destination.family)
		return -EBADMSG;
	*ret_connection = connection;
	return 0;
}

static int connections_take(const json_t *array, struct apply_request *request)
{
	const json_t *item;
	size_t i;

	if (!array)
		return 0;
	if (!json_is_array(array) || json_array_size(array) > LOCKOUT_CONNECTIONS_MAX)
		return -EBADMSG;
	json_array_foreach(array, i, item)
		if (connection_take(item, &request->connections[request->connection_count++]) != 0)
			return -EBADMSG;
	return 0;
}

/* A member that is true or false; false when it is missing. */
static int flag_take(const json_t *object, const char *key, bool *ret_flag)
{
	const json_t *value = json_object_get(object, key);

	if (value && !json_is_boolean(value))
		return -EBADMSG;
	*ret_flag = json_is_true(value);
	return 0;
}

static int reason_take(struct arena *arena, const json_t *object, const char **ret_reason)
{
	const json_t *value = json_object_get(object, "reason");

	*ret_reason = "";
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value) || json_string_length(value) > REQUEST_REASON_BYTES_MAX)
		return -EBADMSG;
	*ret_reason = arena_strdup(arena, json_string_value(value));
	return 0;
}

static int approve_take(struct arena *arena, const json_t *object, const char **ret_approves)
{
	const json_t *value = json_object_get(object, "approve");
	const char *text = json_string_value(value);

	*ret_approves = "";
	if (!value)
		return 0;
	if (!text || strlen(text) < REQUEST_APPROVE_DIGITS_MIN || strlen(text) >= DIGEST_TEXT_BYTES || text[strspn(text, "0123456789abcdef")] != '\0')
		return -EBADMSG;
	*ret_approves = arena_strdup(arena, text);
	return 0;
}

static int confirm_take(const json_t *object, uint32_t *ret_seconds)
{
	const json_t *value = json_object_get(object, "confirm");
	json_int_t seconds = json_integer_value(value);

	if (value && (!json_is_integer(value) || seconds < 0 || seconds > CONFIRM_SECONDS_MAX))
		return -EBADMSG;
	*ret_seconds = (uint32_t)seconds;
	return 0;
}

/* Names of flows that may stop. */
static int breaks_take(struct arena *arena, const json_t *list, struct apply_request *request)
{
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > CRITICAL_BREAKS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *name = json_array_get(list, i);

		if (!json_is_string(name) || json_string_length(name) > POLICY_NAME_BYTES_MAX)
			return -EBADMSG;
		request->breaks[request->break_count++] = arena_strdup(arena, json_string_value(name));
	}
	return 0;
}

/* What is wrong with the object, or NULL. */
static const char *request_take(struct arena *arena, const json_t *object, struct apply_request *request)
{
	if (!json_is_object(object))
		return "not a JSON object";
	if (reason_take(arena, object, &request->reason) != 0)
		return "\"reason\"";
	if (flag_take(object, "force", &request->force) != 0)
		return "\"force\"";
	if (flag_take(object, "dry_run", &request->dry_run) != 0)
		return "\"dry_run\"";
	if (approve_take(arena, object, &request->approves) != 0)
		return "\"approve\"";
	if (confirm_take(object, &request->confirm_seconds) != 0)
		return "\"confirm\"";
	if (breaks_take(arena, json_object_get(object, "break"), request) != 0)
		return "\"break\"";
	if (connections_take(json_object_get(object, "connections"), request) != 0)
		return "\"connections\"";
	return NULL;
}

int apply_request_parse(struct arena *arena, struct span payload, struct apply_request *ret_request, const char **ret_why)
{
	__attribute__((cleanup(json_decrefp_own))) json_t *object = NULL;
	struct apply_request request = { .reason = "", .approves = "" };
	const char *why;

	if (payload.length > 0) {
		object = json_loadb(payload.data, payload.length, JSON_REJECT_DUPLICATES, NULL);
		why = request_take(arena, object, &request);
		if (why) {
			*ret_why = why;
			return -EBADMSG;
		}
	}
	*ret_request = request;
	return 0;
}

/* A name: some text without an end inside. */
static int name_take(struct arena *arena, const json_t *value, const char **ret_name)
{
	const char *text = json_string_value(value);

	if (!text || json_string_length(value) == 0 || json_string_length(value) > RULESET_NAME_BYTES_MAX)
		return -EBADMSG;
	*ret_name = arena_strdup(arena, text);
	return 0;
}

static int except_take(struct arena *arena, const json_t *array, struct isolation *isolation)
{
	const char **names;
	const json_t *item;
	size_t i;

	if (!array)
		return 0;
	if (!json_is_array(array) || json_array_size(array) > ISOLATION_EXCEPT_MAX)
		return -EBADMSG;
	names = arena_array(arena, json_array_size(array), sizeof(*names));
	json_array_foreach(array, i, item)
		if (name_take(arena, item, &names[isolation->except_count++]) != 0)
			return -EBADMSG;
	isolation->except = names;
	return 0;
}

int isolation_request_parse(struct arena *arena, struct span payload, struct isolation *ret_isolation, bool *ret_drill, const char **ret_why)
{
	__attribute__((cleanup(json_decrefp_own))) json_t *object = json_loadb(payload.data, payload.length, JSON_REJECT_DUPLICATES, NULL);
	struct isolation isolation = { .zone = NULL };

	if (!json_is_object(object))
		*ret_why = "not a JSON object";
	else if (name_take(arena, json_object_get(object, "zone"), &isolation.zone) != 0)
		*ret_why = "\"zone\"";
	else if (except_take(arena, json_object_get(object, "except"), &isolation) != 0)
		*ret_why = "\"except\"";
	else if (reason_take(arena, object, &isolation.reason) != 0)
		*ret_why = "\"reason\"";
	else if (flag_take(object, "drill", ret_drill) != 0)
		*ret_why = "\"drill\"";
	else {
		*ret_isolation = isolation;
		return 0;
	}
	return -EBADMSG;
}
