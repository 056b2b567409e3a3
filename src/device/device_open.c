// SPDX-License-Identifier: Apache-2.0
// Making a device: opened by selector, or wrapped around the caller's objects. Holding and closing it.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/opencl.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_choose.h"
#include "device/device_fork.h"
#include "device/device_part.h"
#include "device/device_select.h"
#include "device/kernel_folder.h"
#include "device/tuned.h"

static void release_objects(oclstm_device *device) {
    if (device->queue)
        clReleaseCommandQueue(device->queue);
    if (device->context)
        clReleaseContext(device->context);
    if (device->holds_id)
        clReleaseDevice(device->id);
}

// Releases what an opened or half-opened device holds; the caller has the last reference. After fork() its host memory only: the locks may
// have been inherited taken.
static void device_destroy(oclstm_device *device) {
    if (device == NULL)
        return;
    const bool lost = device_lost_by_fork();
    if (!lost && device->queue && device->owns_queue)
        clFinish(device->queue);
    device_programs_release(device);
    if (!lost) {
        release_objects(device);
        pthread_mutex_destroy(&device->lock);
        pthread_mutex_destroy(&device->held_lock);
    }
    device_held_free(device);
    free(device->kernel_dir);
    free(device->binary_dir);
    free(device->tuned);
    free(device);
    if (!lost)
        device_count_lower();
}

// A device without its OpenCL objects, with one reference.
static oclstm_status device_alloc(oclstm_device **out, const device_entry *entry, oclstm_error *error) {
    oclstm_device *device = base_alloc(1, sizeof *device);
    if (device == NULL)
        return base_fail_memory(error, sizeof *device, "a device");
    const char *directory = getenv("OCLSTM_KERNEL_DIR");
    device->kernel_dir = strdup(directory ? directory : "");
    device->binary_dir = kernel_folder_copy();
    device->tuned = base_alloc(1, sizeof *device->tuned);
    if (device->kernel_dir == NULL || device->binary_dir == NULL || device->tuned == NULL ||
        pthread_mutex_init(&device->lock, NULL) != 0 || pthread_mutex_init(&device->held_lock, NULL) != 0) {
        free(device->tuned);
        free(device->binary_dir);
        free(device->kernel_dir);
        free(device);
        return base_fail_memory(error, sizeof *device, "a device");
    }
    atomic_init(&device->references, 1);
    atomic_init(&device->held_bytes, 0);
    atomic_init(&device->warm, 0);
    device->limits = entry->info;
    device->opencl_1_2 = entry->opencl_1_2;
    device->id = entry->id;
    tuned_load(device->tuned, &device->limits, device->tuning_note, sizeof device->tuning_note);
    device_count_raise();
    *out = device;
    return OCLSTM_OK;
}

oclstm_status device_on_paper(oclstm_device **out, const device_limits *limits, oclstm_error *error) {
    const device_entry entry = {.info = *limits, .opencl_1_2 = strncmp(limits->device_version, "OpenCL 1.1", 10) != 0};
    return device_alloc(out, &entry, error);
}

static oclstm_status make_queue(oclstm_device *device, oclstm_error *error) {
    cl_int code;
    device->queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (code != CL_SUCCESS) {
        device->queue = NULL;
        return device_fail(error, device, code, "clCreateCommandQueue", "making a command queue");
    }
    device->owns_queue = true;
    return OCLSTM_OK;
}

// The entry that the selector names, or with `work` the one that suits it, marked where "auto" picks it too. *made: its id is a sub-device, which the
// caller releases.
static oclstm_status choose_entry(device_entry *chosen, bool *made, const char *selector, const device_work *work,
                                  oclstm_error *error) {
    device_entry *entries = NULL;
    oclstm_device_info *infos = NULL;
    device_part part;
    size_t count = 0, at = 0;
    const size_t capacity = selector != NULL ? strlen(selector) + 1 : 1;
    char *device = base_alloc(capacity, 1);
    if (device == NULL)
        return base_fail_memory(error, capacity, "the device list");
    oclstm_status status = device_part_read(&part, device, capacity, selector != NULL ? selector : "", error);
    if (status == OCLSTM_OK)
        status = device_entries_find(&entries, &count, error);
    if (status != OCLSTM_OK)
        goto done;
    infos = base_alloc(count, sizeof *infos);
    if (infos == NULL) {
        status = base_fail_memory(error, count * sizeof *infos, "the device list");
        goto done;
    }
    for (size_t from = 0; from < count; from++)
        infos[from] = entries[from].info;
    status = device_select(&at, infos, count, device, error);
    if (status != OCLSTM_OK)
        goto done;
    if (work)
        at = device_choose_for(infos, count, work);
    *chosen = entries[at];
    chosen->info.chosen_by_auto = !part.wanted && at == device_select_auto(infos, count);
    if (part.wanted)
        status = device_part_make(chosen, made, &part, selector, error);
done:
    free(device);
    free(infos);
    free(entries);
    return status;
}

static oclstm_status open_chosen(oclstm_device **out, const char *selector, const device_work *work, oclstm_error *error) {
    device_entry entry;
    oclstm_device *device = NULL;
    bool is_made = false;
    oclstm_status status = choose_entry(&entry, &is_made, selector, work, error);
    if (status != OCLSTM_OK)
        return status;
    status = device_alloc(&device, &entry, error);
    if (status != OCLSTM_OK) {
        if (is_made)
            clReleaseDevice(entry.id);
        return status;
    }
    device->holds_id = is_made;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)entry.platform, 0};
    cl_int code;
    device->context = clCreateContext(properties, 1, &device->id, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        device->context = NULL;
        status = device_fail(error, device, code, "clCreateContext", "opening the device");
        goto fail;
    }
    status = make_queue(device, error);
    if (status != OCLSTM_OK)
        goto fail;
    *out = device;
    return OCLSTM_OK;
fail:
    device_destroy(device);
    return status;
}

oclstm_status oclstm_device_open(oclstm_device **out, const char *selector, oclstm_error *error) {
    if (out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_open needs a place for the device");
    *out = NULL;
    return open_chosen(out, selector, NULL, error);
}

oclstm_status oclstm_device_open_for(oclstm_device **out, int64_t input_size, int64_t hidden_size, int64_t batch, int64_t steps,
                                     oclstm_error *error) {
    if (out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_open_for needs a place for the device");
    *out = NULL;
    const device_work work = {input_size, hidden_size, batch, steps};
    if (input_size < 1 || hidden_size < 1 || batch < 1 || steps < 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_device_open_for: input_size %" PRId64 ", hidden_size %" PRId64 ", batch %" PRId64
                         ", steps %" PRId64 ": each must be at least 1",
                         input_size, hidden_size, batch, steps);
    return open_chosen(out, NULL, &work, error);
}

// --- wrapping ---------------------------------------------------------------------------------------------------------

// Is the device, or one that it is a part of, among these? PoCL 3.1 names the whole device in a context made of a sub-device.
static bool is_among(const cl_device_id *ids, size_t count, cl_device_id id) {
    while (id) {
        for (size_t at = 0; at < count; at++) {
            if (ids[at] == id)
                return true;
        }
        cl_device_id parent = NULL;
        if (clGetDeviceInfo(id, CL_DEVICE_PARENT_DEVICE, sizeof(cl_device_id), &parent, NULL) != CL_SUCCESS)
            return false;
        id = parent;
    }
    return false;
}

// Is the device one of the context's?
static oclstm_status check_context(cl_context context, cl_device_id id, oclstm_error *error) {
    size_t size_bytes = 0;
    cl_int code = clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &size_bytes);
    if (code != CL_SUCCESS)
        return device_fail(error, NULL, code, "clGetContextInfo", "asking the context for its devices");
    cl_device_id *ids = base_alloc(size_bytes, 1);
    if (ids == NULL)
        return base_fail_memory(error, size_bytes, "the context's devices");
    code = clGetContextInfo(context, CL_CONTEXT_DEVICES, size_bytes, ids, NULL);
    bool found = code == CL_SUCCESS && is_among(ids, size_bytes / sizeof *ids, id);
    free(ids);
    if (code != CL_SUCCESS)
        return device_fail(error, NULL, code, "clGetContextInfo", "asking the context for its devices");
    return found ? OCLSTM_OK : base_fail(error, OCLSTM_INVALID_ARGUMENT, "the device is not one of the context's devices");
}

static oclstm_status check_queue(cl_context context, cl_device_id id, cl_command_queue queue, oclstm_error *error) {
    cl_context queue_context;
    cl_device_id queue_id;
    cl_command_queue_properties properties;
    cl_int code = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof queue_context, &queue_context, NULL);
    if (code == CL_SUCCESS)
        code = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof queue_id, &queue_id, NULL);
    if (code == CL_SUCCESS)
        code = clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    if (code != CL_SUCCESS)
        return device_fail(error, NULL, code, "clGetCommandQueueInfo", "asking the queue for its context, device and properties");
    if (queue_context != context)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the queue belongs to another context than the one given");
    if (queue_id != id)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the queue belongs to another device than the one given");
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "the queue is out of order, but the steps of a sequence rely on order; pass a queue made without "
                         "CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, or NULL to have one made");
    return OCLSTM_OK;
}

// The facts of a device, with its place in the list. A sub-device has none: its positions are -1.
static oclstm_status describe(device_entry *entry, cl_device_id id, oclstm_error *error) {
    device_entry *entries;
    size_t count;
    oclstm_status status = device_entries_find(&entries, &count, error);
    if (status != OCLSTM_OK)
        return status;
    bool found = false;
    for (size_t at = 0; at < count && !found; at++) {
        found = entries[at].id == id;
        if (found)
            *entry = entries[at];
    }
    free(entries);
    if (found)
        return OCLSTM_OK;
    *entry = (device_entry){.id = id};
    entry->info.index = entry->info.platform_index = entry->info.device_index = -1;
    cl_int code = clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof entry->platform, &entry->platform, NULL);
    if (code != CL_SUCCESS)
        return device_fail(error, NULL, code, "clGetDeviceInfo", "asking the device for its platform");
    return device_query(entry, error);
}

oclstm_status oclstm_device_wrap(oclstm_device **out, cl_context context, cl_device_id device_id, cl_command_queue queue,
                                 oclstm_error *error) {
    if (out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_wrap needs a place for the device");
    *out = NULL;
    if (context == NULL || device_id == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_wrap needs a context and a device; the %s is NULL",
                         context == NULL ? "context" : "device");
    device_entry entry;
    oclstm_device *device = NULL;
    cl_int code;
    oclstm_status status = device_fork_begin(error);
    if (status == OCLSTM_OK)
        status = check_context(context, device_id, error);
    if (status == OCLSTM_OK && queue)
        status = check_queue(context, device_id, queue, error);
    if (status == OCLSTM_OK)
        status = describe(&entry, device_id, error);
    if (status != OCLSTM_OK)
        return status;
    if (!entry.info.usable)
        return base_fail(error, OCLSTM_UNSUPPORTED, "device %s is not usable: %s", entry.info.name, entry.info.reason);
    status = device_alloc(&device, &entry, error);
    if (status != OCLSTM_OK)
        return status;
    if ((code = clRetainContext(context)) != CL_SUCCESS) {
        status = device_fail(error, device, code, "clRetainContext", "holding the caller's context");
        goto fail;
    }
    device->context = context;
    // Before 1.2 there are no sub-devices, and a root device needs no holding.
    if (entry.opencl_1_2 && (code = clRetainDevice(device_id)) != CL_SUCCESS) {
        status = device_fail(error, device, code, "clRetainDevice", "holding the caller's device");
        goto fail;
    }
    device->holds_id = entry.opencl_1_2;
    if (queue == NULL) {
        status = make_queue(device, error);
    } else if ((code = clRetainCommandQueue(queue)) != CL_SUCCESS) {
        status = device_fail(error, device, code, "clRetainCommandQueue", "holding the caller's queue");
    } else {
        device->queue = queue;
    }
    if (status != OCLSTM_OK)
        goto fail;
    *out = device;
    return OCLSTM_OK;
fail:
    device_destroy(device);
    return status;
}

// --- holding ----------------------------------------------------------------------------------------------------------

oclstm_device *device_retain(oclstm_device *device) {
    atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    return device;
}

void oclstm_device_close(oclstm_device **device) {
    if (device == NULL || *device == NULL)
        return;
    oclstm_device *last = *device;
    *device = NULL;
    if (atomic_fetch_sub_explicit(&last->references, 1, memory_order_acq_rel) == 1)
        device_destroy(last);
}
