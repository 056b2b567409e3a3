// SPDX-License-Identifier: Apache-2.0
// The two texts beside exported programs.
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cell/kernels_export.h"

static const char how_to[] =
    "For each NAME in index.txt:\n"
    "    NAME.cl       the whole source, OpenCL C, in one file\n"
    "    NAME.options  what to compile it with, as clBuildProgram() takes it\n"
    "\n"
    "Compile each NAME.cl with the options of NAME.options, with the compiler that comes with the device, and put the "
    "result into one\n"
    "folder under the same NAME:\n"
    "    NAME.bin      the driver's own format, which clCreateProgramWithBinary() takes\n"
    "    NAME.spv      SPIR-V, for devices that list it (CL_DEVICE_IL_VERSION, cl_khr_il_program)\n"
    "NAME contains a hash of source and options: a result under another name, or of another version of oclstm, is not found.\n"
    "\n"
    "SPIR-V, with clang and llvm-spirv:\n"
    "    clang -target spir64 -x cl $(cat NAME.options) -U PREFETCH_BUILTIN -Xclang -finclude-default-header \\\n"
    "        -O2 -Xclang -disable-llvm-passes -emit-llvm -c NAME.cl -o NAME.bc\n"
    "    llvm-spirv NAME.bc -o NAME.spv\n"
    "(SPIR-V has no __builtin_prefetch; what is left unoptimised here, the driver optimises.)\n"
    "\n"
    "Then name the folder: oclstm run --kernel-binary FOLDER ..., the environment variable OCLSTM_KERNEL_BINARY, or\n"
    "oclstm_kernels_set_binary_dir(). A missing program is an error that says its NAME.\n";

static void write_readme(char *text, size_t capacity, const export_list *list) {
    const device_limits *limits = device_get_limits(list->devices[0]);
    base_append(text, capacity, "%zu OpenCL program%s of oclstm %s, to be compiled offline.\n\n", list->count,
                list->count == 1 ? "" : "s", OCLSTM_VERSION);
    if (list->assumed)
        base_append(text, capacity,
                    "No device was named. Assumed: OpenCL 1.2, float64, with and without float16 arithmetic; CPUs with native "
                    "vectors of 4, 8 and\n"
                    "16 floats; other devices with work-groups of up to 256 and up to 32 work-items and 32 KiB of local memory. A "
                    "device that differs\n"
                    "(OpenCL 1.1, say) needs programs of its own: name it with --device.\n\n");
    else
        base_append(text, capacity, "For the device: %s (%s), driver %s\n\n", limits->name, limits->platform_name,
                    limits->driver_version);
    base_append(text, capacity, "%s", how_to);
}

static void write_index(char *text, size_t capacity, const export_list *list) {
    base_append(text, capacity, "# NAME, then what for, the files it is made of, the options\n");
    for (size_t i = 0; i < list->count; i++) {
        const export_item *item = &list->items[i];
        base_append(text, capacity, "\n%s\n    for      engine %s, %s\n    files    %s\n    options  %s\n", item->name,
                    item->engine, oclstm_dtype_name(item->dtype), item->program.files, item->program.options);
    }
}

oclstm_status export_write_texts(const export_list *list, const char *directory, oclstm_error *error) {

    const size_t capacity = 8192 + list->count * (sizeof(export_item) + 256);
    char *text = base_alloc(capacity, 1);
    if (text == NULL)
        return base_fail_memory(error, capacity, "the texts beside the programs");
    write_readme(text, capacity, list);
    oclstm_status status = device_export_text(directory, "README.txt", text, error);
    text[0] = '\0';
    write_index(text, capacity, list);
    if (status == OCLSTM_OK)
        status = device_export_text(directory, "index.txt", text, error);
    free(text);
    return status;
}
