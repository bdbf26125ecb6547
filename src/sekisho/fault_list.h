/* fault_list: wrong wirings of the database of events, for people and as JSON. */
#ifndef SEKISHO_FAULT_LIST_H
#define SEKISHO_FAULT_LIST_H

#include "events/events.h"
#include "sekisho/command.h"

/*
 * Appends what was seen: a heading, and of each fault its last time, how often, the sentence and the next action; nothing where there is none. 0 or negative
 * errno.
 */
int faults_print(struct context *context, struct events *events, const struct events_query *query);

/*
 * [{"id", "mac", "address", "vlan", "zone", "interface", "other_zone", "other_interface", "other_mac", "first", "last", "count", "sentence", "action"}], the
 * latest first; address, vlan and other_mac are null where there is none. *ret_array is the caller's. 0 or negative errno.
 */
int faults_json(struct context *context, struct events *events, const struct events_query *query, json_t **ret_array);

#endif
