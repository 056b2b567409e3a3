// SPDX-License-Identifier: Apache-2.0
#include "device/device_select.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

const char *device_kind_name(oclstm_device_kind kind) {
    switch (kind) {
    case OCLSTM_DEVICE_GPU:
        return "gpu";
    case OCLSTM_DEVICE_NPU:
        return "npu";
    case OCLSTM_DEVICE_CPU:
        return "cpu";
    case OCLSTM_DEVICE_OTHER:
        break;
    }
    return "other";
}

// --- choosing ---------------------------------------------------------------------------------------------------------

// Compute units x clock. A driver that keeps its clock to itself still ranks by units.
static uint64_t throughput(const oclstm_device_info *info) {
    return (uint64_t)info->compute_units * (info->clock_mhz ? info->clock_mhz : 1);
}

// The kinds are declared in the order in which "auto" prefers them.
static bool is_better(const oclstm_device_info *a, const oclstm_device_info *b) {
    if (a->kind != b->kind)
        return a->kind < b->kind;
    return throughput(a) > throughput(b);
}

// The best usable entry of one kind, or of any where kind is NULL.
static size_t find_best(const oclstm_device_info *list, size_t count, const oclstm_device_kind *kind) {
    size_t best = count;
    for (size_t at = 0; at < count; at++) {
        if (!list[at].usable || (kind && list[at].kind != *kind))
            continue;
        if (best == count || is_better(&list[at], &list[best]))
            best = at;
    }
    return best;
}

size_t device_select_auto(const oclstm_device_info *list, size_t count) { return find_best(list, count, NULL); }

// --- reading a selector -----------------------------------------------------------------------------------------------

// Digits up to `end`; false for anything else. A number too large for an index becomes INT_MAX's neighbour: one that no entry has.
static bool read_number(const char *text, const char *end, int64_t *number) {
    if (text == end)
        return false;
    int64_t value = 0;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        if (value <= INT32_MAX)
            value = value * 10 + (*text - '0');
    }
    *number = value;
    return true;
}

static bool contains(const char *text, const char *part) {
    size_t length = strlen(part);
    for (; *text; text++) {
        if (strncasecmp(text, part, length) == 0)
            return true;
    }
    return false;
}

static bool name_matches(const oclstm_device_info *info, const char *part) {
    return contains(info->name, part) || contains(info->vendor, part) || contains(info->platform_name, part);
}

// --- messages ---------------------------------------------------------------------------------------------------------

static void append_choice(char *line, size_t capacity, const oclstm_device_info *info) {
    line[0] = '\0';
    base_append(line, capacity, "\n  %d  %s  %s (%s)", info->index, device_kind_name(info->kind),
                info->name[0]            ? info->name
                : info->device_index < 0 ? "no device"
                                         : "no name",
                info->platform_name);
    if (!info->usable)
        base_append(line, capacity, ": not usable: %s", info->reason);
}

// Lists what can be chosen below the message, whole lines only, with room kept to say how many are left out.
static void append_choices(oclstm_error *error, const oclstm_device_info *list, size_t count) {
    enum { ROOM_FOR_REST = 40 };
    if (error == NULL)
        return;
    base_append(error->message, sizeof error->message, "; the choices are:");
    for (size_t at = 0; at < count; at++) {
        char line[768];
        append_choice(line, sizeof line, &list[at]);
        if (strlen(error->message) + strlen(line) + ROOM_FOR_REST >= sizeof error->message) {
            base_append(error->message, sizeof error->message, "\n  and %zu more", count - at);
            return;
        }
        base_append(error->message, sizeof error->message, "%s", line);
    }
}

static oclstm_status fail_no_driver(oclstm_error *error) {
    oclstm_status status = base_fail(error, OCLSTM_NO_DEVICE,
                                     "no OpenCL platform or device was found; install a driver: for the CPU `apt install "
                                     "pocl-opencl-icd`, for a GPU or an accelerator its vendor's OpenCL package");
    const char *vendors = getenv("OCL_ICD_VENDORS");
    if (error && vendors && vendors[0])
        base_append(error->message, sizeof error->message,
                    " (OCL_ICD_VENDORS is set to \"%.200s\": only the drivers named there are looked for)", vendors);
    return status;
}

static oclstm_status fail_unusable(oclstm_error *error, const oclstm_device_info *list, size_t count, const char *selector,
                                   const oclstm_device_info *info) {
    oclstm_status status = base_fail(error, OCLSTM_NO_DEVICE, "device \"%.100s\" (%s) is not usable: %s", selector,
                                     info->name[0] ? info->name : info->platform_name, info->reason);
    if (error)
        base_copy_string(error->device, sizeof error->device, info->name);
    append_choices(error, list, count);
    return status;
}

// --- the selectors ----------------------------------------------------------------------------------------------------

static oclstm_status select_kind(size_t *chosen, const oclstm_device_info *list, size_t count, oclstm_device_kind kind,
                                 oclstm_error *error) {
    *chosen = find_best(list, count, &kind);
    if (*chosen < count)
        return OCLSTM_OK;
    oclstm_status status =
        base_fail(error, OCLSTM_NO_DEVICE, "there is no usable OpenCL device of the kind \"%s\"", device_kind_name(kind));
    append_choices(error, list, count);
    return status;
}

// "N" (platform < 0) and "P:D".
static oclstm_status select_position(size_t *chosen, const oclstm_device_info *list, size_t count, int64_t platform, int64_t number,
                                     const char *selector, oclstm_error *error) {
    for (size_t at = 0; at < count; at++) {
        const oclstm_device_info *info = &list[at];
        bool match = platform < 0 ? info->index == number : info->platform_index == platform && info->device_index == number;
        if (!match)
            continue;
        if (!info->usable)
            return fail_unusable(error, list, count, selector, info);
        *chosen = at;
        return OCLSTM_OK;
    }
    oclstm_status status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no device %s \"%.100s\"",
                                     platform < 0 ? "with the index" : "at PLATFORM:DEVICE", selector);
    append_choices(error, list, count);
    return status;
}

static oclstm_status select_name(size_t *chosen, const oclstm_device_info *list, size_t count, const char *part,
                                 oclstm_error *error) {
    size_t usable = 0, matches = 0, last = count;
    for (size_t at = 0; at < count; at++) {
        if (!name_matches(&list[at], part))
            continue;
        matches++;
        if (list[at].usable) {
            usable++;
            *chosen = at;
        } else {
            last = at;
        }
    }
    if (usable == 1)
        return OCLSTM_OK;
    if (usable == 0 && matches > 0)
        return fail_unusable(error, list, count, part, &list[last]);
    oclstm_status status = usable == 0 ? base_fail(error, OCLSTM_INVALID_ARGUMENT,
                                                   "no device's name, vendor or platform contains \"%.100s\"; expected auto, gpu, "
                                                   "cpu, npu, an index, PLATFORM:DEVICE or part of a name; /K "
                                                   "behind any but a name for a part of the device",
                                                   part)
                                       : base_fail(error, OCLSTM_INVALID_ARGUMENT,
                                                   "\"%.100s\" matches %zu usable devices; name one by its index", part, usable);
    append_choices(error, list, count);
    return status;
}

static oclstm_status select_any(size_t *chosen, const oclstm_device_info *list, size_t count, const char *selector,
                                oclstm_error *error) {
    if (strcasecmp(selector, "auto") == 0) {
        *chosen = device_select_auto(list, count);
        return OCLSTM_OK;
    }
    static const oclstm_device_kind kinds[] = {OCLSTM_DEVICE_GPU, OCLSTM_DEVICE_NPU, OCLSTM_DEVICE_CPU};
    for (size_t at = 0; at < sizeof kinds / sizeof kinds[0]; at++) {
        if (strcasecmp(selector, device_kind_name(kinds[at])) == 0)
            return select_kind(chosen, list, count, kinds[at], error);
    }
    int64_t platform, number;
    const char *end = selector + strlen(selector), *colon = strchr(selector, ':');
    if (read_number(selector, end, &number))
        return select_position(chosen, list, count, -1, number, selector, error);
    if (colon && read_number(selector, colon, &platform) && read_number(colon + 1, end, &number))
        return select_position(chosen, list, count, platform, number, selector, error);
    return select_name(chosen, list, count, selector, error);
}

oclstm_status device_select(size_t *chosen, const oclstm_device_info *list, size_t count, const char *selector,
                            oclstm_error *error) {
    if (count == 0)
        return fail_no_driver(error);
    if (selector == NULL || selector[0] == '\0')
        selector = "auto";
    size_t found = count;
    if (device_select_auto(list, count) == count) {
        oclstm_status status = base_fail(error, OCLSTM_NO_DEVICE, "none of the %zu OpenCL devices found is usable", count);
        append_choices(error, list, count);
        return status;
    }
    oclstm_status status = select_any(&found, list, count, selector, error);
    if (status == OCLSTM_OK)
        *chosen = found;
    return status;
}
