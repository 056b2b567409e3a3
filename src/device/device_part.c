// SPDX-License-Identifier: Apache-2.0
#include "device/device_part.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_select.h"
#include "device/device_split.h"

// --- the selector -----------------------------------------------------------------------------------------------------

// "0", "1:0", "cpu", "auto", "" and so on: what names a device by kind or position.
static bool names_kind_or_position(const char *device) {
    static const char *const kinds[] = {"", "auto", "gpu", "npu", "cpu"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcasecmp(device, kinds[i]) == 0)
            return true;
    }
    const size_t number = strspn(device, "0123456789");
    if (number == 0 || device[number] == '\0')
        return number > 0;
    const size_t second = strspn(device + number + 1, "0123456789");
    return device[number] == ':' && second > 0 && device[number + 1 + second] == '\0';
}

// Digits up to a slash or the end. A number beyond any device's parts stays beyond it.
static bool read_number(const char **text, int64_t *number) {
    const char *at = *text;
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (*number <= INT32_MAX)
            *number = *number * 10 + (*at - '0');
    }
    const bool good = at != *text && (*at == '/' || *at == '\0');
    *text = *at == '/' ? at + 1 : at;
    return good;
}

oclstm_status device_part_read(device_part *out, char *device, size_t capacity, const char *selector, oclstm_error *error) {
    *out = (device_part){0};
    base_copy_string(device, capacity, selector);
    char *slash = strchr(device, '/');
    if (slash == NULL)
        return OCLSTM_OK;
    *slash = '\0';
    if (!names_kind_or_position(device)) {
        *slash = '/';
        return OCLSTM_OK;
    }
    const char *at = slash + 1;
    const bool one = strchr(at, '/') == NULL;
    bool good = read_number(&at, &out->part);
    if (good && !one)
        good = read_number(&at, &out->parts) && *at == '\0' && at[-1] != '/' && out->parts >= 1;
    if (!good)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "\"%.100s\" is no part of a device: expected DEVICE/K, part K (from 0) of one compute unit each, or "
                         "DEVICE/K/P, part K of P equal ones",
                         selector);
    out->wanted = true;
    return OCLSTM_OK;
}

// --- the part ---------------------------------------------------------------------------------------------------------

static oclstm_status fail_partition(oclstm_error *error, const device_entry *whole, const char *selector, const char *why) {
    const oclstm_status status =
        base_fail(error, OCLSTM_UNSUPPORTED, "device \"%.100s\": %s cannot be split into parts (%s); use it whole", selector,
                  whole->info.name, why);
    if (error != NULL)
        base_copy_string(error->device, sizeof error->device, whole->info.name);
    return status;
}

oclstm_status device_part_make(device_entry *entry, bool *made, const device_part *part, const char *selector,
                               oclstm_error *error) {
    const size_t units = entry->info.compute_units;
    const size_t parts = part->parts > 0 ? (size_t)part->parts : units;
    *made = false;
    if (units == 0)
        return fail_partition(error, entry, selector, "the driver does not tell its compute units, CL_DEVICE_MAX_COMPUTE_UNITS");
    if (!entry->info.splits_equally)
        return fail_partition(error, entry, selector, "its CL_DEVICE_PARTITION_PROPERTIES lack CL_DEVICE_PARTITION_EQUALLY");
    if (parts > units)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "device \"%.100s\": %s has %zu compute unit%s, which cannot be split into %" PRId64 " parts", selector,
                         entry->info.name, units, units == 1 ? "" : "s", part->parts);
    if (part->part >= (int64_t)parts)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "device \"%.100s\": there is no part %" PRId64 "; %s has %zu part%s here, 0 to %zu", selector, part->part,
                         entry->info.name, parts, parts == 1 ? "" : "s", parts - 1);
    if (units % parts != 0 && !entry->info.splits_by_counts)
        return fail_partition(error, entry, selector,
                              "its CL_DEVICE_PARTITION_PROPERTIES lack CL_DEVICE_PARTITION_BY_COUNTS, and its compute units do not "
                              "fall into equal parts");
    if (parts > 1) {
        device_entry whole = *entry;
        oclstm_status status = device_split(&entry->id, made, &whole, units, parts, (size_t)part->part, error);
        if (status != OCLSTM_OK)
            return status;
        status = device_query(entry, error);
        if (status == OCLSTM_OK && !entry->info.usable)
            status = base_fail(error, OCLSTM_NO_DEVICE, "device \"%.100s\" (a part of %s) is not usable: %s", selector,
                               whole.info.name, entry->info.reason);
        if (status != OCLSTM_OK) {
            if (*made)
                clReleaseDevice(entry->id);
            *made = false;
            return status;
        }
    }
    entry->info.part = (int)part->part;
    entry->info.parts = (int)parts;
    base_append(entry->info.name, sizeof entry->info.name, " (part %d of %d)", entry->info.part, entry->info.parts);
    return OCLSTM_OK;
}
