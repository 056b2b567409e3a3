// SPDX-License-Identifier: Apache-2.0
#include "device/device_split.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_facts.h"

// The properties of clCreateSubDevices for `parts` parts of `units` compute units; the larger ones first where they are not equal. The caller frees
// them; NULL without memory.
static cl_device_partition_property *make_properties(size_t units, size_t parts) {
    cl_device_partition_property *properties = base_alloc(parts + 3, sizeof *properties);
    if (properties == NULL)
        return NULL;
    if (units % parts == 0) {
        properties[0] = CL_DEVICE_PARTITION_EQUALLY;
        properties[1] = (cl_device_partition_property)(units / parts);
        return properties;
    }
    properties[0] = CL_DEVICE_PARTITION_BY_COUNTS;
    for (size_t i = 0; i < parts; i++)
        properties[1 + i] = (cl_device_partition_property)(units / parts + (i < units % parts));
    return properties; // ended by CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0
}

// All parts are made, as there is no other way. The caller frees *out.
static oclstm_status make_parts(cl_device_id **out, const device_entry *whole, size_t units, size_t parts, oclstm_error *error) {
    cl_device_partition_property *properties = make_properties(units, parts);
    cl_device_id *ids = base_alloc(parts, sizeof *ids);
    oclstm_status status = OCLSTM_OK;
    cl_uint count = 0;
    if (properties == NULL || ids == NULL) {
        status = base_fail_memory(error, parts * sizeof *ids, "the parts of a device");
        goto done;
    }
    const cl_int code = clCreateSubDevices(whole->id, properties, (cl_uint)parts, ids, &count);
    if (code != CL_SUCCESS) {
        status = device_fail(error, NULL, code, "clCreateSubDevices", "splitting %s into %zu parts", whole->info.name, parts);
        if (error != NULL)
            base_copy_string(error->device, sizeof error->device, whole->info.name);
    } else if (count < parts) {
        status = base_fail(error, OCLSTM_OPENCL, "splitting %s into %zu parts gave %u", whole->info.name, parts, count);
        for (cl_uint i = 0; i < count; i++)
            clReleaseDevice(ids[i]);
    }
done:
    free(properties);
    if (status == OCLSTM_OK)
        *out = ids;
    else
        free(ids);
    return status;
}

// --- parts that are kept ----------------------------------------------------------------------------------------------

typedef struct kept_parts {
    struct kept_parts *next;
    cl_device_id whole;
    size_t count;
    cl_device_id *ids;
} kept_parts;

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static kept_parts *kept;

static oclstm_status take_kept(cl_device_id *out, const device_entry *whole, size_t units, size_t parts, size_t wanted,
                               oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    pthread_mutex_lock(&kept_lock);
    kept_parts *found = kept;
    while (found != NULL && (found->whole != whole->id || found->count != parts))
        found = found->next;
    if (found == NULL) {
        found = base_alloc(1, sizeof *found);
        status = found != NULL ? make_parts(&found->ids, whole, units, parts, error)
                               : base_fail_memory(error, sizeof *found, "the parts of a device");
        if (status == OCLSTM_OK) {
            found->next = kept;
            found->whole = whole->id;
            found->count = parts;
            kept = found;
        } else {
            free(found);
        }
    }
    if (status == OCLSTM_OK)
        *out = found->ids[wanted];
    pthread_mutex_unlock(&kept_lock);
    return status;
}

void device_split_forget(void) {
    pthread_mutex_lock(&kept_lock);
    while (kept != NULL) {
        kept_parts *old = kept;
        kept = old->next;
        for (size_t i = 0; i < old->count; i++)
            clReleaseDevice(old->ids[i]);
        free(old->ids);
        free(old);
    }
    pthread_mutex_unlock(&kept_lock);
}

// --- splitting --------------------------------------------------------------------------------------------------------

oclstm_status device_split(cl_device_id *out, bool *made, const device_entry *whole, size_t units, size_t parts, size_t wanted,
                           oclstm_error *error) {
    *made = false;
    if (device_loses_parts(&whole->info))
        return take_kept(out, whole, units, parts, wanted, error);
    cl_device_id *ids = NULL;
    oclstm_status status = make_parts(&ids, whole, units, parts, error);
    if (status != OCLSTM_OK)
        return status;
    *out = ids[wanted];
    *made = true;
    for (size_t i = 0; i < parts; i++) {
        if (i != wanted)
            clReleaseDevice(ids[i]);
    }
    free(ids);
    return OCLSTM_OK;
}
