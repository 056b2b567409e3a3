// SPDX-License-Identifier: Apache-2.0
// Platforms and devices: what is listed, and which disguise each object wears. Devices are counted over all platforms, each platform's in
// its own order, custom ones last.
#include <pthread.h>
#include <string.h>

#include "imitate.h"

enum { MAX_PLATFORMS = 8, MAX_DEVICES = 32 };

typedef struct place {
    cl_device_id id;
    cl_platform_id platform;
    const disguise *as;
} place;

static cl_platform_id platforms[MAX_PLATFORMS];
static cl_uint platform_count;
static place places[MAX_DEVICES];
static size_t place_count;
static pthread_once_t places_once = PTHREAD_ONCE_INIT;

// A second platform that shows the devices of another: an object of the layer's own, which never reaches the loader.
static char twin_object;
static cl_platform_id twin, twin_of;

// --- what is below ----------------------------------------------------------------------------------------------------

static bool is_known(cl_device_id id) {
    for (size_t at = 0; at < place_count; at++) {
        if (places[at].id == id)
            return true;
    }
    return false;
}

static void add_places(cl_platform_id platform, cl_device_type type) {
    cl_device_id ids[MAX_DEVICES];
    cl_uint count = 0;
    if (layer_below->clGetDeviceIDs(platform, type, MAX_DEVICES, ids, &count) != CL_SUCCESS)
        return;
    for (cl_uint at = 0; at < count && at < MAX_DEVICES && place_count < MAX_DEVICES; at++) {
        if (is_known(ids[at]))
            continue;
        const disguise *as = imitate_keys_of(place_count);
        places[place_count++] = (place){ids[at], platform, as};
        if (as->twin && twin == NULL) {
            twin = (cl_platform_id)(void *)&twin_object;
            twin_of = platform;
        }
    }
}

static void find_places(void) {
    if (layer_below->clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count) != CL_SUCCESS)
        platform_count = 0;
    if (platform_count > MAX_PLATFORMS)
        platform_count = MAX_PLATFORMS;
    for (cl_uint at = 0; at < platform_count; at++) {
        add_places(platforms[at], CL_DEVICE_TYPE_ALL);
        add_places(platforms[at], CL_DEVICE_TYPE_CUSTOM);
    }
    if (imitate_key_count() > place_count && imitate_key_count() > 1)
        imitate_stop("OCLSTM_IMITATE describes more devices than there are", "");
}

// --- objects and their disguises --------------------------------------------------------------------------------------

const disguise *disguise_of_device(cl_device_id id) {
    pthread_once(&places_once, find_places);
    while (id) {
        for (size_t at = 0; at < place_count; at++) {
            if (places[at].id == id)
                return places[at].as;
        }
        cl_device_id whole = NULL;
        if (layer_below->clGetDeviceInfo(id, CL_DEVICE_PARENT_DEVICE, sizeof whole, (void *)&whole, NULL) != CL_SUCCESS)
            break;
        id = whole;
    }
    return imitate_keys_of(MAX_DEVICES);
}

const disguise *disguise_of_platform(cl_platform_id id) {
    pthread_once(&places_once, find_places);
    for (size_t at = 0; at < place_count; at++) {
        if (places[at].platform == (id == twin ? twin_of : id))
            return places[at].as;
    }
    return imitate_keys_of(MAX_DEVICES);
}

// The first device's: a context of several differently disguised devices is not imitated.
const disguise *disguise_of_context(cl_context context) {
    cl_device_id ids[MAX_DEVICES] = {NULL};
    if (context == NULL || layer_below->clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof ids, (void *)ids, NULL) != CL_SUCCESS)
        return disguise_of_device(NULL);
    return disguise_of_device(ids[0]);
}

const disguise *disguise_of_queue(cl_command_queue queue) {
    cl_device_id id = NULL;
    if (queue == NULL || layer_below->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof id, (void *)&id, NULL) != CL_SUCCESS)
        id = NULL;
    return disguise_of_device(id);
}

const disguise *disguise_of_kernel(cl_kernel kernel) {
    cl_context context = NULL;
    if (kernel == NULL ||
        layer_below->clGetKernelInfo(kernel, CL_KERNEL_CONTEXT, sizeof context, (void *)&context, NULL) != CL_SUCCESS)
        context = NULL;
    return disguise_of_context(context);
}

const disguise *disguise_of_program(cl_program program) {
    cl_context context = NULL;
    if (program == NULL ||
        layer_below->clGetProgramInfo(program, CL_PROGRAM_CONTEXT, sizeof context, (void *)&context, NULL) != CL_SUCCESS)
        context = NULL;
    return disguise_of_context(context);
}

// --- the lists --------------------------------------------------------------------------------------------------------

static cl_int CL_API_CALL get_platform_ids(cl_uint capacity, cl_platform_id *ids, cl_uint *count) {
    pthread_once(&places_once, find_places);
    if (twin == NULL)
        return layer_below->clGetPlatformIDs(capacity, ids, count);
    if ((capacity == 0 && ids) || (ids == NULL && count == NULL))
        return CL_INVALID_VALUE;
    for (cl_uint at = 0; ids && at < capacity && at <= platform_count; at++)
        ids[at] = at < platform_count ? platforms[at] : twin;
    if (count)
        *count = platform_count + 1;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_platform_info(cl_platform_id id, cl_platform_info parameter, size_t capacity, void *dst,
                                            size_t *needed) {
    const disguise *as = disguise_of_platform(id);
    const char *text = NULL;
    if (parameter == CL_PLATFORM_NAME)
        text = twin && id == twin ? as->twin : as->platform;
    else if (parameter == CL_PLATFORM_VERSION && as->version != UNSET)
        text = as->version == 100 ? "OpenCL 1.0 imitated" : as->version == 101 ? "OpenCL 1.1 imitated" : "OpenCL 1.2 imitated";
    if (text)
        return layer_answer(text, strlen(text) + 1, capacity, dst, needed);
    return layer_below->clGetPlatformInfo(twin && id == twin ? twin_of : id, parameter, capacity, dst, needed);
}

static bool is_of_type(const place *at, cl_device_type type, size_t before) {
    cl_device_type own = CL_DEVICE_TYPE_DEFAULT;
    if (at->as->type != UNSET)
        own = (cl_device_type)at->as->type;
    else
        layer_below->clGetDeviceInfo(at->id, CL_DEVICE_TYPE, sizeof own, &own, NULL);
    if (type == CL_DEVICE_TYPE_ALL)
        return own != CL_DEVICE_TYPE_CUSTOM || at->as->custom_in_all == 1;
    return (own & type) != 0 || (type == CL_DEVICE_TYPE_DEFAULT && before == 0);
}

static cl_int CL_API_CALL get_device_ids(cl_platform_id platform, cl_device_type type, cl_uint capacity, cl_device_id *ids,
                                         cl_uint *count) {
    const disguise *as = disguise_of_platform(platform);
    const int64_t code = twin && platform == twin ? as->twin_fails : as->platform_fails;
    cl_uint found = 0;
    if (code != UNSET)
        return imitate_refuse((cl_int)code);
    if ((capacity == 0 && ids) || (ids == NULL && count == NULL))
        return CL_INVALID_VALUE;
    if (type == CL_DEVICE_TYPE_CUSTOM && as->version != UNSET && as->version < 102)
        return imitate_refuse(CL_INVALID_DEVICE_TYPE);
    if (twin && platform == twin)
        platform = twin_of;
    for (size_t at = 0; at < place_count; at++) {
        if (places[at].platform != platform || !is_of_type(&places[at], type, found))
            continue;
        if (ids && found < capacity)
            ids[found] = places[at].id;
        found++;
    }
    if (count)
        *count = found;
    return found ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

static cl_context CL_API_CALL create_context(const cl_context_properties *properties, cl_uint count, const cl_device_id *ids,
                                             void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
                                             cl_int *code) {
    enum { MAX_PROPERTIES = 32 };
    cl_context_properties own[MAX_PROPERTIES + 1] = {0};
    imitate_count(COUNT_CONTEXTS);
    for (size_t at = 0; properties && properties[at] && at + 1 < MAX_PROPERTIES; at += 2) {
        const bool is_twin = properties[at] == CL_CONTEXT_PLATFORM && twin && properties[at + 1] == (cl_context_properties)twin;
        own[at] = properties[at];
        own[at + 1] = is_twin ? (cl_context_properties)twin_of : properties[at + 1];
    }
    for (cl_uint at = 0; ids && at < count; at++) {
        if (disguise_of_device(ids[at])->available == 0) {
            if (code)
                *code = imitate_refuse(CL_DEVICE_NOT_AVAILABLE);
            return NULL;
        }
    }
    return layer_below->clCreateContext(properties ? own : NULL, count, ids, notify, user, code);
}

static void *CL_API_CALL get_function(cl_platform_id platform, const char *name) {
    return layer_below->clGetExtensionFunctionAddressForPlatform(twin && platform == twin ? twin_of : platform, name);
}

void imitate_places_install(struct _cl_icd_dispatch *table) {
    table->clGetPlatformIDs = get_platform_ids;
    table->clGetPlatformInfo = get_platform_info;
    table->clGetDeviceIDs = get_device_ids;
    table->clCreateContext = create_context;
    table->clGetExtensionFunctionAddressForPlatform = get_function;
}
