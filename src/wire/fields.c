/* fields: numbers, texts and addresses in the payloads of frames. */
#include "wire/fields.h"

#include <endian.h>
#include <string.h>

void buf_put_u8(struct buf *out, uint8_t value)
{
	buf_put(out, &value, sizeof(value));
}

void buf_put_u16(struct buf *out, uint16_t value)
{
	value = htole16(value);
	buf_put(out, &value, sizeof(value));
}

void buf_put_u32(struct buf *out, uint32_t value)
{
	value = htole32(value);
	buf_put(out, &value, sizeof(value));
}

void buf_put_u64(struct buf *out, uint64_t value)
{
	value = htole64(value);
	buf_put(out, &value, sizeof(value));
}

void buf_put_text(struct buf *out, struct span text)
{
	buf_put_u32(out, (uint32_t)text.length);
	buf_put(out, text.data, text.length);
}

void buf_put_netaddr(struct buf *out, const struct netaddr *address)
{
	buf_put_u8(out, address->family);
	buf_put(out, address->bytes, sizeof(address->bytes));
}

/* Takes a number as it travels. */
static bool number_take(struct span *bytes, void *value, size_t size)
{
	struct span taken;

	if (!span_take_bytes(bytes, size, &taken))
		return false;
	memcpy(value, taken.data, size);
	return true;
}

bool span_take_u8(struct span *bytes, uint8_t *ret_value)
{
	return number_take(bytes, ret_value, sizeof(*ret_value));
}

bool span_take_u16(struct span *bytes, uint16_t *ret_value)
{
	uint16_t value;

	if (!number_take(bytes, &value, sizeof(value)))
		return false;
	*ret_value = le16toh(value);
	return true;
}

bool span_take_u32(struct span *bytes, uint32_t *ret_value)
{
	uint32_t value;

	if (!number_take(bytes, &value, sizeof(value)))
		return false;
	*ret_value = le32toh(value);
	return true;
}

bool span_take_u64(struct span *bytes, uint64_t *ret_value)
{
	uint64_t value;

	if (!number_take(bytes, &value, sizeof(value)))
		return false;
	*ret_value = le64toh(value);
	return true;
}

bool span_take_bytes(struct span *bytes, size_t count, struct span *ret_bytes)
{
	if (bytes->length < count)
		return false;
	*ret_bytes = span_part(*bytes, 0, count);
	*bytes = span_part(*bytes, count, bytes->length);
	return true;
}

bool span_take_text(struct span *bytes, struct span *ret_text)
{
	uint32_t length;

	return span_take_u32(bytes, &length) && span_take_bytes(bytes, length, ret_text);
}

bool span_take_netaddr(struct span *bytes, struct netaddr *ret_address)
{
	static const uint8_t zero[16];
	struct netaddr address = { 0 };
	struct span value;

	if (!span_take_u8(bytes, &address.family) || !span_take_bytes(bytes, sizeof(address.bytes), &value))
		return false;
	if (address.family != 4 && address.family != 6)
		return false;
	memcpy(address.bytes, value.data, sizeof(address.bytes));
	if (memcmp(address.bytes + netaddr_size(address.family), zero, sizeof(zero) - netaddr_size(address.family)) != 0)
		return false;
	*ret_address = address;
	return true;
}
