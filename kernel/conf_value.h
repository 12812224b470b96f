/*
 * conf_value.h - one key's value: text -> typed field. For conf.c alone.
 */
#ifndef KERNEL_CONF_VALUE_H
#define KERNEL_CONF_VALUE_H

#include "conf.h"

/* NULL: no such key. */
const struct conf_key *conf_find(const struct conf_key *keys, size_t count,
                                 struct blob name);

/* Checks value and, if out is not NULL, stores it. source tells list items
 * of one section from those of an earlier one, which they replace. */
bool conf_value(const struct conf_key *key, void *out, struct blob value,
                const void *source, struct conf_error *err);

/* "unknown key", with the nearest known name if there is one. */
void conf_why_unknown(struct conf_error *err, const struct conf_key *keys,
                      size_t count, struct blob name);

#endif
