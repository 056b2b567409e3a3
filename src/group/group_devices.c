// SPDX-License-Identifier: Apache-2.0
// Opening the devices of "0,1".
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "group/group_private.h"

void oclstm_devices_close(oclstm_device ***devices, size_t count) {
    if (devices == NULL || *devices == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        oclstm_device_close(&(*devices)[i]);
    free(*devices);
    *devices = NULL;
}

static size_t count_of(const char *selectors) {
    size_t count = 1;
    for (; *selectors != '\0'; selectors++)
        count += *selectors == ',';
    return count;
}

static bool same(const oclstm_device *a, const oclstm_device *b) {
    const oclstm_device_info *one = oclstm_device_get_info(a), *other = oclstm_device_get_info(b);
    return one->index == other->index && one->part == other->part && one->parts == other->parts;
}

static oclstm_status check_twice(oclstm_device *const *devices, size_t last, const char *selectors, oclstm_error *error) {
    for (size_t i = 0; i < last; i++) {
        if (same(devices[i], devices[last]))
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "\"%.200s\" names device %d (%s) twice, in the places %zu and %zu: name each once, or parts of it as "
                             "\"%d/0,%d/1\"",
                             selectors, oclstm_device_get_info(devices[i])->index, oclstm_device_get_info(devices[i])->name, i + 1,
                             last + 1, oclstm_device_get_info(devices[i])->index, oclstm_device_get_info(devices[i])->index);
    }
    return OCLSTM_OK;
}

// The text up to the next comma without blanks around it; *text moves behind the comma.
static char *next_selector(char **text) {
    char *begin = *text, *end = strchr(begin, ',');
    *text = end != NULL ? end + 1 : begin + strlen(begin);
    if (end == NULL)
        end = *text;
    while (*begin == ' ')
        begin++;
    while (end > begin && end[-1] == ' ')
        end--;
    *end = '\0';
    return begin;
}

oclstm_status oclstm_devices_open(oclstm_device ***out, size_t *count, const char *selectors, oclstm_error *error) {
    if (out != NULL)
        *out = NULL;
    if (count != NULL)
        *count = 0;
    if (out == NULL || count == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_devices_open needs a place for the devices and one for their count");
    const char *all = selectors != NULL ? selectors : "";
    const size_t wanted = count_of(all);
    if (wanted > OCLSTM_GROUP_MOST)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%zu devices are named; a group has at most %d", wanted,
                         OCLSTM_GROUP_MOST);
    oclstm_device **made = base_alloc(wanted, sizeof *made);
    char *const text = strdup(all);
    char *at = text;
    oclstm_status status =
        made == NULL || text == NULL ? base_fail_memory(error, wanted * sizeof *made + strlen(all), "the devices") : OCLSTM_OK;
    for (size_t i = 0; i < wanted && status == OCLSTM_OK; i++) {
        const char *selector = next_selector(&at);
        if (selector[0] == '\0' && wanted > 1)
            status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "\"%.200s\" names no device in place %zu", all, i + 1);
        if (status == OCLSTM_OK)
            status = oclstm_device_open(&made[i], selector, error);
        if (status == OCLSTM_OK)
            status = check_twice(made, i, all, error);
    }
    free(text);
    if (status != OCLSTM_OK) {
        oclstm_devices_close(&made, wanted);
        return status;
    }
    *out = made;
    *count = wanted;
    return OCLSTM_OK;
}
