/* view: a snapshot of our tables as bytes. */
#include "kernel/view.h"

#include <errno.h>
#include <string.h>

#include "ruleset/pack.h"
#include "wire/fields.h"

enum view_state { VIEW_NOTHING, VIEW_RULESET, VIEW_WITHHELD, VIEW_STATE_COUNT };

static struct span text_cut(const char *text)
{
	struct span all = span_of(text);

	return span_part(all, 0, all.length < VIEW_TEXT_BYTES_MAX ? all.length : VIEW_TEXT_BYTES_MAX);
}

void view_pack(struct buf *out, const struct snapshot *snapshot)
{
	size_t told = snapshot->alien_count < VIEW_ALIENS_MAX ? snapshot->alien_count : VIEW_ALIENS_MAX;
	enum view_state state = !snapshot->ruleset ? VIEW_NOTHING : snapshot->alien_count > 0 ? VIEW_WITHHELD : VIEW_RULESET;

	buf_put_u32(out, snapshot->generation);
	buf_put_u8(out, (uint8_t)state);
	buf_put_u32(out, (uint32_t)told);
	for (size_t i = 0; i < told; i++) {
		const struct alien *alien = &snapshot->aliens[i];

		buf_put_u8(out, (uint8_t)alien->family);
		buf_put_u8(out, alien->dormant);
		buf_put_text(out, text_cut(alien->where));
		buf_put_text(out, text_cut(alien->what));
	}
	if (state == VIEW_RULESET)
		ruleset_pack(out, snapshot->ruleset);
}

static bool text_take(struct arena *arena, struct span *bytes, const char **ret_text)
{
	struct span text;

	if (!span_take_text(bytes, &text) || text.length > VIEW_TEXT_BYTES_MAX || (text.length > 0 && memchr(text.data, '\0', text.length)))
		return false;
	*ret_text = text.length > 0 ? arena_strndup(arena, text.data, text.length) : "";
	return true;
}

static bool alien_take(struct arena *arena, struct span *bytes, struct alien *alien)
{
	uint8_t family, dormant;

	if (!span_take_u8(bytes, &family) || (family != FAMILY_INET && family != FAMILY_NETDEV && family != FAMILY_BRIDGE) || !span_take_u8(bytes, &dormant) || dormant > 1)
		return false;
	alien->family = (enum family)family;
	alien->dormant = dormant;
	return text_take(arena, bytes, &alien->where) && text_take(arena, bytes, &alien->what);
}

static bool aliens_take(struct arena *arena, struct span *bytes, struct snapshot *snapshot)
{
	struct alien *aliens;
	uint32_t count;

	if (!span_take_u32(bytes, &count) || count > VIEW_ALIENS_MAX)
		return false;
	aliens = arena_array(arena, count, sizeof(*aliens));
	snapshot->aliens = aliens;
	while (snapshot->alien_count < count)
		if (!alien_take(arena, bytes, &aliens[snapshot->alien_count++]))
			return false;
	return true;
}

int view_unpack(struct arena *arena, struct span bytes, struct snapshot *ret_snapshot, bool *ret_withheld)
{
	struct snapshot snapshot = { .ruleset = NULL };
	uint8_t state;
	int error;

	if (!span_take_u32(&bytes, &snapshot.generation) || !span_take_u8(&bytes, &state) || state >= VIEW_STATE_COUNT || !aliens_take(arena, &bytes, &snapshot))
		return -EBADMSG;
	if ((state == VIEW_WITHHELD) != (snapshot.alien_count > 0) || (state != VIEW_RULESET && bytes.length != 0))
		return -EBADMSG;
	error = state == VIEW_RULESET ? ruleset_unpack(arena, bytes, &snapshot.ruleset) : 0;
	if (error)
		return error;
	*ret_withheld = state == VIEW_WITHHELD;
	*ret_snapshot = snapshot;
	return 0;
}
