/* foreign_messages: what the enforcer found in tables of others, as bytes. */
#include "sekishod/foreign_messages.h"

#include <errno.h>
#include <string.h>

#include "wire/fields.h"

static void item_pack(struct buf *out, const struct foreign_item *item)
{
	buf_put_u8(out, (uint8_t)item->kind);
	buf_put_u32(out, item->family);
	buf_put_u32(out, item->index);
	buf_put_text(out, span_of(item->table));
	buf_put_text(out, span_of(item->chain));
	buf_put_text(out, span_of(item->what));
}

void foreign_pack(struct buf *out, const struct foreign *foreign)
{
	buf_put_u32(out, (uint32_t)foreign->count);
	for (size_t i = 0; i < foreign->count; i++)
		item_pack(out, &foreign->items[i]);
}

/* A name of printable ASCII that fits its room. */
static bool name_take(struct span *payload, char *ret_name)
{
	struct span text;

	if (!span_take_text(payload, &text) || text.length >= FOREIGN_NAME_BYTES)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
	if (text.length > 0)
		memcpy(ret_name, text.data, text.length);
	return true;
}

static bool item_take(struct span *payload, struct foreign_item *ret_item)
{
	struct foreign_item item = { .kind = FOREIGN_NONE };
	uint8_t kind;

	if (!span_take_u8(payload, &kind) || kind == FOREIGN_NONE || kind >= FOREIGN_KIND_COUNT || !span_take_u32(payload, &item.family) ||
	    !span_take_u32(payload, &item.index) || !name_take(payload, item.table) || !name_take(payload, item.chain) || !name_take(payload, item.what))
		return false;
	item.kind = (enum foreign_kind)kind;
	*ret_item = item;
	return true;
}

int foreign_unpack(struct arena *arena, struct span payload, struct foreign *ret_foreign)
{
	struct foreign foreign = foreign_in(arena);
	uint32_t count;

	if (!span_take_u32(&payload, &count) || count > FOREIGN_ITEMS_MAX)
		return -EBADMSG;
	for (; foreign.count < count; foreign.count++)
		if (!item_take(&payload, &foreign.items[foreign.count]))
			return -EBADMSG;
	if (payload.length != 0)
		return -EBADMSG;
	*ret_foreign = foreign;
	return 0;
}
