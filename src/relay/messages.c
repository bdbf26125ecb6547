/* messages: what the roles of sekisho-relay say to each other. */
#include "relay/messages.h"

#include <errno.h>
#include <string.h>

#include "wire/fields.h"

void message_number_pack(struct buf *out, uint32_t number)
{
	buf_put_u32(out, number);
}

int message_number_unpack(struct span payload, uint32_t *ret_number)
{
	return span_take_u32(&payload, ret_number) && payload.length == 0 ? 0 : -EBADMSG;
}

void message_session_pack(struct buf *out, const struct message_session *session)
{
	buf_put_u32(out, session->plan_number);
	buf_put_u32(out, session->relay);
	buf_put_netaddr(out, &session->client);
}

int message_session_unpack(struct span payload, struct message_session *ret_session)
{
	return span_take_u32(&payload, &ret_session->plan_number) && span_take_u32(&payload, &ret_session->relay) && span_take_netaddr(&payload, &ret_session->client) &&
	       payload.length == 0 ? 0 : -EBADMSG;
}

void message_passage_pack(struct buf *out, const struct message_passage *passage)
{
	buf_put_u32(out, passage->number);
	buf_put_netaddr(out, &passage->client);
	buf_put_text(out, passage->relay);
}

int message_passage_unpack(struct span payload, struct message_passage *ret_passage)
{
	return span_take_u32(&payload, &ret_passage->number) && span_take_netaddr(&payload, &ret_passage->client) &&
	       span_take_text(&payload, &ret_passage->relay) && payload.length == 0 ? 0 : -EBADMSG;
}

/* ---- addresses ---- */

/* As SMTP writes them, so that the receiver reads them by the grammar of SMTP and by nothing else; in the one form that we write. */
static void path_put(struct buf *out, const struct smtp_address *address)
{
	char path[SMTP_PATH_TEXT_BYTES];

	buf_put_text(out, span_of(smtp_path_format(address, path)));
}

static bool path_take(struct span *payload, enum smtp_path_kind kind, struct smtp_address *ret_address)
{
	char again[SMTP_PATH_TEXT_BYTES];
	struct span path;
	size_t used;

	return span_take_text(payload, &path) && smtp_path_parse(path, kind, ret_address, &used) == 0 &&
	       span_equal(path, span_of(smtp_path_format(ret_address, again)));
}

void message_address_pack(struct buf *out, const struct smtp_address *address)
{
	path_put(out, address);
}

int message_address_unpack(struct span payload, enum smtp_path_kind kind, struct smtp_address *ret_address)
{
	return path_take(&payload, kind, ret_address) && payload.length == 0 ? 0 : -EBADMSG;
}

void message_sender_pack(struct buf *out, const struct message_sender *sender)
{
	buf_put_u32(out, sender->transaction);
	path_put(out, &sender->address);
	buf_put_u64(out, sender->declared_bytes);
	buf_put_text(out, (struct span){ .data = sender->hello, .length = sender->hello_length });
}

int message_sender_unpack(struct span payload, struct message_sender *ret_sender)
{
	struct span hello;

	if (!span_take_u32(&payload, &ret_sender->transaction) || !path_take(&payload, SMTP_PATH_REVERSE, &ret_sender->address) ||
	    !span_take_u64(&payload, &ret_sender->declared_bytes) || !span_take_text(&payload, &hello) || payload.length != 0 ||
	    hello.length > sizeof(ret_sender->hello))
		return -EBADMSG;
	memcpy(ret_sender->hello, hello.data, hello.length);
	ret_sender->hello_length = hello.length;
	return 0;
}

/* ---- originals and letters ---- */

void message_original_pack(struct buf *out, const struct message_original *original)
{
	buf_put_u32(out, original->transaction);
	buf_put_u64(out, original->declared_bytes);
}

int message_original_unpack(struct span payload, struct message_original *ret_original)
{
	return span_take_u32(&payload, &ret_original->transaction) && span_take_u64(&payload, &ret_original->declared_bytes) &&
	       payload.length == 0 ? 0 : -EBADMSG;
}

void message_complete_pack(struct buf *out, const struct message_complete *complete)
{
	buf_put_u32(out, complete->transaction);
	buf_put(out, complete->fingerprint, DIGEST_BYTES);
}

int message_complete_unpack(struct span payload, struct message_complete *ret_complete)
{
	struct span fingerprint;

	if (!span_take_u32(&payload, &ret_complete->transaction) || !span_take_bytes(&payload, DIGEST_BYTES, &fingerprint) ||
	    payload.length != 0)
		return -EBADMSG;
	memcpy(ret_complete->fingerprint, fingerprint.data, DIGEST_BYTES);
	return 0;
}

void message_wash_pack(struct buf *out, const struct message_wash *wash)
{
	buf_put_u32(out, wash->ticket);
	buf_put_text(out, wash->relay);
}

int message_wash_unpack(struct span payload, struct message_wash *ret_wash)
{
	return span_take_u32(&payload, &ret_wash->ticket) && span_take_text(&payload, &ret_wash->relay) && payload.length == 0 ? 0 : -EBADMSG;
}

void message_letter_pack(struct buf *out, const struct message_letter *letter)
{
	buf_put_u32(out, letter->session);
	buf_put_u32(out, letter->transaction);
	buf_put_text(out, span_of(letter->id));
	buf_put_u64(out, letter->original_bytes);
	buf_put_u64(out, (uint64_t)letter->received_seconds);
	buf_put_u8(out, letter->stub);
}

int message_letter_unpack(struct span payload, struct message_letter *ret_letter)
{
	struct span id;
	uint64_t received;

	if (!span_take_u32(&payload, &ret_letter->session) || !span_take_u32(&payload, &ret_letter->transaction) ||
	    !span_take_text(&payload, &id) || !letter_original_id_valid(id) || !span_take_u64(&payload, &ret_letter->original_bytes) ||
	    !span_take_u64(&payload, &received) || !span_take_u8(&payload, &ret_letter->stub) || payload.length != 0 ||
	    ret_letter->stub >= LETTER_STUB_COUNT)
		return -EBADMSG;
	memcpy(ret_letter->id, id.data, id.length);
	ret_letter->id[id.length] = '\0';
	ret_letter->received_seconds = (int64_t)received;
	return 0;
}

void message_transaction_pack(struct buf *out, const struct message_transaction *transaction)
{
	buf_put_u32(out, transaction->session);
	buf_put_u32(out, transaction->transaction);
}

int message_transaction_unpack(struct span payload, struct message_transaction *ret_transaction)
{
	return span_take_u32(&payload, &ret_transaction->session) && span_take_u32(&payload, &ret_transaction->transaction) &&
	       payload.length == 0 ? 0 : -EBADMSG;
}

/* ---- replies ---- */

static bool reply_take(struct span *payload, struct smtp_reply *ret_reply)
{
	return span_take_u16(payload, &ret_reply->code) && span_take_u16(payload, &ret_reply->subject) &&
	       span_take_u16(payload, &ret_reply->detail) && ret_reply->code >= 200 && ret_reply->code <= 559 &&
	       smtp_reply_class(*ret_reply) != 3 && ret_reply->subject <= 999 && ret_reply->detail <= 999;
}

void message_reply_pack(struct buf *out, struct smtp_reply reply)
{
	buf_put_u16(out, reply.code);
	buf_put_u16(out, reply.subject);
	buf_put_u16(out, reply.detail);
}

int message_reply_unpack(struct span payload, struct smtp_reply *ret_reply)
{
	return reply_take(&payload, ret_reply) && payload.length == 0 ? 0 : -EBADMSG;
}

void message_result_pack(struct buf *out, const struct message_result *result)
{
	buf_put_u32(out, result->session);
	buf_put_u32(out, result->transaction);
	buf_put_u8(out, (uint8_t)result->fate);
	message_reply_pack(out, result->reply);
}

int message_result_unpack(struct span payload, struct message_result *ret_result)
{
	uint8_t fate;

	if (!span_take_u32(&payload, &ret_result->session) || !span_take_u32(&payload, &ret_result->transaction) ||
	    !span_take_u8(&payload, &fate) || fate >= FATES || !reply_take(&payload, &ret_result->reply) || payload.length != 0)
		return -EBADMSG;
	ret_result->fate = (enum fate)fate;
	return 0;
}
