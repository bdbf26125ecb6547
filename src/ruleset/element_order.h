/*
 * element_order: the order of a set's elements by key, for sets of any size: the time grows with the elements and hardly faster.
 */
#ifndef RULESET_ELEMENT_ORDER_H
#define RULESET_ELEMENT_ORDER_H

#include "ruleset/ruleset.h"

/*
 * The places of the set's elements (at most UINT32_MAX) in the order of their keys as element_compare() has it; of equal keys the one that stands
 * first comes first. The caller gives it back with free().
 */
uint32_t *element_order(const struct set *set);

#endif
