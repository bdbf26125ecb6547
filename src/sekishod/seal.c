/* seal: the ruleset that lets nothing pass. */
#include "sekishod/seal.h"

#include "ruleset/program.h"

struct ruleset *seal_build(struct arena *arena)
{
	const struct link_table none = { .items = NULL, .count = 0 };
	const struct program_input nothing = { .links = &none };

	return program_build(arena, &nothing);
}
