// SPDX-License-Identifier: Apache-2.0
// Finding devices: every platform, all types, custom devices too.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "device/device_private.h"
#include "device/device_select.h"

// Returned by the ICD loader when there is no driver (cl_khr_icd).
#define NO_PLATFORM (-1001)

typedef struct entry_list {
    device_entry *entries;
    size_t count;
    size_t capacity;
} entry_list;

// A zeroed entry at the end; NULL when there is no memory.
static device_entry *add_entry(entry_list *list) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        device_entry *grown = base_alloc(capacity, sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (list->count > 0)
            memcpy(grown, list->entries, list->count * sizeof *grown);
        free(list->entries);
        list->entries = grown;
        list->capacity = capacity;
    }
    device_entry *entry = &list->entries[list->count];
    entry->info.index = (int)list->count++;
    return entry;
}

static oclstm_status add_platform_failure(entry_list *list, cl_platform_id platform, int platform_index, cl_int code,
                                          oclstm_error *error) {
    device_entry *entry = add_entry(list);
    if (entry == NULL)
        return base_fail_memory(error, sizeof *entry, "the device list");
    entry->platform = platform;
    entry->info.platform_index = platform_index;
    entry->info.device_index = -1;
    entry->info.kind = OCLSTM_DEVICE_OTHER;
    device_platform_string(platform, CL_PLATFORM_NAME, entry->info.platform_name, sizeof entry->info.platform_name);
    device_platform_string(platform, CL_PLATFORM_VENDOR, entry->info.vendor, sizeof entry->info.vendor);
    if (code == CL_DEVICE_NOT_FOUND)
        snprintf(entry->info.reason, sizeof entry->info.reason, "the platform shows no device");
    else
        snprintf(entry->info.reason, sizeof entry->info.reason, "listing the platform's devices failed with %s (%d)",
                 device_opencl_name(code), (int)code);
    return OCLSTM_OK;
}

// The ids of one type, appended to ids[*count ...]. Returns OpenCL's code; *ids is reallocated.
static cl_int find_ids(cl_platform_id platform, cl_device_type type, cl_device_id **ids, size_t *count) {
    cl_uint found = 0;
    cl_int code = clGetDeviceIDs(platform, type, 0, NULL, &found);
    if (code != CL_SUCCESS)
        return code;
    if (found == 0)
        return CL_DEVICE_NOT_FOUND;
    cl_device_id *grown = base_alloc(*count + found, sizeof *grown);
    if (grown == NULL)
        return DEVICE_NO_HOST_MEMORY;
    cl_uint again = 0;
    code = clGetDeviceIDs(platform, type, found, grown + *count, &again);
    if (code != CL_SUCCESS) {
        free(grown);
        return code;
    }
    if (*count > 0)
        memcpy(grown, *ids, *count * sizeof *grown);
    free(*ids);
    *ids = grown;
    *count += again < found ? again : found;
    return CL_SUCCESS;
}

static bool is_repeated(const cl_device_id *ids, size_t at) {
    for (size_t before = 0; before < at; before++) {
        if (ids[before] == ids[at])
            return true;
    }
    return false;
}

// CL_DEVICE_TYPE_ALL leaves custom devices out; a driver that puts them in shows them twice, and one before 1.2 rejects the type.
static oclstm_status add_platform(entry_list *list, cl_platform_id platform, int platform_index, oclstm_error *error) {
    cl_device_id *ids = NULL;
    size_t count = 0;
    oclstm_status status = OCLSTM_OK;
    cl_int code = find_ids(platform, CL_DEVICE_TYPE_ALL, &ids, &count);
    if (code == CL_SUCCESS || code == CL_DEVICE_NOT_FOUND) {
        cl_int custom_code = find_ids(platform, CL_DEVICE_TYPE_CUSTOM, &ids, &count);
        if (custom_code == DEVICE_NO_HOST_MEMORY)
            code = custom_code;
    }
    if (code == DEVICE_NO_HOST_MEMORY)
        status = base_fail_memory(error, sizeof *ids, "the device list");
    else if (count == 0)
        status = add_platform_failure(list, platform, platform_index, code, error);
    int device_index = 0;
    for (size_t at = 0; at < count && status == OCLSTM_OK; at++) {
        if (is_repeated(ids, at))
            continue;
        device_entry *entry = add_entry(list);
        if (entry == NULL) {
            status = base_fail_memory(error, sizeof *entry, "the device list");
            break;
        }
        entry->platform = platform;
        entry->id = ids[at];
        entry->info.platform_index = platform_index;
        entry->info.device_index = device_index++;
        status = device_query(entry, error);
    }
    free(ids);
    return status;
}

static oclstm_status find_entries(device_entry **out, size_t *count, oclstm_error *error) {
    entry_list list = {0};
    cl_platform_id *platforms = NULL;
    cl_uint found = 0, again = 0;
    oclstm_status status = OCLSTM_OK;
    cl_int code = clGetPlatformIDs(0, NULL, &found);
    if (code == NO_PLATFORM || (code == CL_SUCCESS && found == 0))
        return OCLSTM_OK;
    if (code != CL_SUCCESS)
        return device_fail(error, NULL, code, "clGetPlatformIDs", "listing the OpenCL platforms");
    platforms = base_alloc(found, sizeof *platforms);
    if (platforms == NULL)
        return base_fail_memory(error, found * sizeof *platforms, "the OpenCL platforms");
    code = clGetPlatformIDs(found, platforms, &again);
    if (code != CL_SUCCESS) {
        status = device_fail(error, NULL, code, "clGetPlatformIDs", "listing the OpenCL platforms");
        goto fail;
    }
    for (cl_uint at = 0; at < found && at < again; at++) {
        status = add_platform(&list, platforms[at], (int)at, error);
        if (status != OCLSTM_OK)
            goto fail;
    }
    free(platforms);
    *out = list.entries;
    *count = list.count;
    return OCLSTM_OK;
fail:
    free(platforms);
    free(list.entries);
    return status;
}

// One thread at a time: two that come first crash in PoCL 3.1, which counts its devices before their facts are in place.
oclstm_status device_entries_find(device_entry **out, size_t *count, oclstm_error *error) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    *out = NULL;
    *count = 0;
    oclstm_status status = device_fork_begin(error); // before the lock: a marked child may have inherited it taken
    if (status != OCLSTM_OK)
        return status;
    pthread_mutex_lock(&lock);
    status = find_entries(out, count, error);
    pthread_mutex_unlock(&lock);
    return status;
}

oclstm_status oclstm_device_list(oclstm_device_info **list, size_t *count, oclstm_error *error) {
    if (list)
        *list = NULL;
    if (count)
        *count = 0;
    if (list == NULL || count == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_list needs a place for the list and one for its count");
    device_entry *entries;
    size_t found;
    oclstm_status status = device_entries_find(&entries, &found, error);
    if (status != OCLSTM_OK || found == 0)
        return status;
    oclstm_device_info *infos = base_alloc(found, sizeof *infos);
    if (infos == NULL) {
        free(entries);
        return base_fail_memory(error, found * sizeof *infos, "the device list");
    }
    for (size_t at = 0; at < found; at++)
        infos[at] = entries[at].info;
    free(entries);
    size_t chosen = device_select_auto(infos, found);
    if (chosen < found)
        infos[chosen].chosen_by_auto = true;
    *list = infos;
    *count = found;
    return OCLSTM_OK;
}

void oclstm_device_list_free(oclstm_device_info **list) {
    if (list == NULL)
        return;
    free(*list);
    *list = NULL;
}
