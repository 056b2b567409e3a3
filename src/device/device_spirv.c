// SPDX-License-Identifier: Apache-2.0
// clCreateProgramWithIL, a call of OpenCL 2.1: looked up, never linked to.
#include <dlfcn.h>
#include <string.h>

#include "device/device_private.h"

// C has no conversion from an object's address to a function's; POSIX promises that the bytes are the same.
static device_create_with_il as_function(void *address) {
    device_create_with_il function = NULL;
    if (address != NULL)
        memcpy(&function, &address, sizeof function);
    return function;
}

// The loader's own, where the program or the library has it loaded.
static device_create_with_il find_in_loader(void) {
    void *loader = dlopen("libOpenCL.so.1", RTLD_LAZY | RTLD_NOLOAD);
    device_create_with_il found = NULL;
    if (loader != NULL) {
        found = as_function(dlsym(loader, "clCreateProgramWithIL"));
        dlclose(loader); // it stays: this library is linked with it
    }
    return found;
}

device_create_with_il device_find_create_with_il(const oclstm_device *device) {
    cl_platform_id platform = NULL;
    if (!device->opencl_1_2 || strstr(device->limits.il_version, "SPIR-V") == NULL ||
        clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) != CL_SUCCESS)
        return NULL;
    device_create_with_il found = as_function(clGetExtensionFunctionAddressForPlatform(platform, "clCreateProgramWithILKHR"));
    return found != NULL ? found : find_in_loader();
}
