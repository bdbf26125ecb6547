/* attribute: see attribute.h. */
#include "kernel/attribute.h"

#include <endian.h>
#include <string.h>

struct attributes attributes_of_message(const struct nlmsghdr *message, size_t header_bytes)
{
	const size_t length = mnl_nlmsg_get_payload_len(message);

	header_bytes = (header_bytes + 3) & ~(size_t)3;
	if (length < header_bytes)
		return (struct attributes){ 0 };
	return (struct attributes){ .next = mnl_nlmsg_get_payload_offset(message, header_bytes),
				    .left = length - header_bytes };
}

struct attributes attributes_of_nest(const struct nlattr *nest)
{
	return (struct attributes){ .next = mnl_attr_get_payload(nest),
				    .left = mnl_attr_get_payload_len(nest) };
}

const struct nlattr *attributes_next(struct attributes *attributes)
{
	const struct nlattr *attribute = (const void *)attributes->next;
	size_t length;

	if (attributes->left < sizeof(*attribute) || attribute->nla_len < sizeof(*attribute) ||
	    attribute->nla_len > attributes->left)
		return NULL;
	length = ((size_t)attribute->nla_len + 3) & ~(size_t)3;
	if (length > attributes->left)
		length = attributes->left;
	attributes->next += length;
	attributes->left -= length;
	return attribute;
}

bool attributes_sort(struct attributes attributes, const struct nlattr **table, size_t count)
{
	const struct nlattr *attribute;
	bool all = true;

	memset(table, 0, count * sizeof(*table));
	while ((attribute = attributes_next(&attributes))) {
		const uint16_t type = mnl_attr_get_type(attribute);

		if (type < count)
			table[type] = attribute;
		else
			all = false;
	}
	return all;
}

uint32_t attribute_u32(const struct nlattr *attribute)
{
	uint32_t number;

	if (!attribute || mnl_attr_get_payload_len(attribute) != sizeof(number))
		return 0;
	memcpy(&number, mnl_attr_get_payload(attribute), sizeof(number));
	return be32toh(number);
}

uint64_t attribute_u64(const struct nlattr *attribute)
{
	uint64_t number;

	if (!attribute || mnl_attr_get_payload_len(attribute) != sizeof(number))
		return 0;
	memcpy(&number, mnl_attr_get_payload(attribute), sizeof(number));
	return be64toh(number);
}

const char *attribute_text(const struct nlattr *attribute)
{
	const char *text;

	if (!attribute)
		return "";
	text = mnl_attr_get_payload(attribute);
	return memchr(text, '\0', mnl_attr_get_payload_len(attribute)) ? text : "";
}
