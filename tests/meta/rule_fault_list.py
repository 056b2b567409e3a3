# SPDX-License-Identifier: Apache-2.0
"""The rules of portability, and the faults that rule_faults.py puts into the sources to break each: small mistakes that somebody could make."""

import typing

RULES = {
    1: "every device of every platform is listed, by type bits",
    2: "usable is available, executing, little-endian, with a compiler or a binary",
    3: "explicit local sizes within every limit, bounds checked in the kernels",
    4: "each engine declares what it needs; portable needs nothing",
    5: "local memory may be absent or small",
    6: "OpenCL 1.2, newer calls looked up, allocations within the limit",
    7: "float16 is stored anywhere, float64 and float16 arithmetic only where they are",
    8: "kernels compiled offline",
    9: "the disk cache trusts nothing and hinders nothing",
    10: "auto takes GPUs, then NPU-like devices, then CPUs; the larger one within a kind",
}


class Edit(typing.NamedTuple):
    """A change of one file; `old` stands exactly once in it."""

    file: str
    old: str
    new: str


class Fault(typing.NamedTuple):
    """A rule broken, and the test that must fail then."""

    rule: int
    what: str
    test: str
    edits: tuple[Edit, ...]


def fault(rule: int, what: str, test: str, *edits: tuple[str, str, str]) -> Fault:
    """A fault of one or more (file, old, new)."""
    return Fault(rule, what, test, tuple(Edit(*edit) for edit in edits))


LIST = "src/device/device_list.c"
QUERY = "src/device/device_query.c"
FACTS = "src/device/device_query_facts.c"
KERNEL = "src/device/device_kernel.c"
SELECT = "src/device/device_select.c"
PORTABLE = "cl/portable.cl"
CHOOSE = "src/cell/engine_choose.c"
MATMUL = "src/matmul/matmul.c"
SETTINGS = "src/cell/fused_settings.c"
OPEN = "src/device/device_open.c"
BUFFER = "src/device/device_buffer.c"
SPIRV = "src/device/device_spirv.c"
ENTRY = "src/device/kernel_entry.c"
CACHE = "src/device/kernel_cache.c"
FILE = "src/device/kernel_file.c"
BUILD = "src/device/device_program_build.c"

FAULTS = [
    # 1: listing
    fault(1, "custom devices are not asked for", "device_list",
          (LIST, "find_ids(platform, CL_DEVICE_TYPE_CUSTOM, &ids, &count)", "CL_DEVICE_NOT_FOUND")),
    fault(1, "a device shown under both types is listed twice", "device_list", (LIST, "if (is_repeated(ids, at))", "if (at > 99)")),
    fault(1, "the type is compared, not tested by bits", "device_list", (QUERY, "if (type & CL_DEVICE_TYPE_GPU)", "if (type == CL_DEVICE_TYPE_GPU)")),
    fault(1, "an accelerator that is a CPU too is taken for a CPU", "device_list",
          (QUERY, "if (type & (CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CUSTOM))", "if (type == CL_DEVICE_TYPE_ACCELERATOR || type == CL_DEVICE_TYPE_CUSTOM)")),
    fault(1, "a platform that fails, fails the list", "device_list",
          (LIST, "    else if (count == 0)\n", "    else if (code != CL_SUCCESS && code != CL_DEVICE_NOT_FOUND)\n        status = OCLSTM_OPENCL;\n    else if (count == 0)\n")),
    fault(1, "a platform that fails is left out", "device_list",
          (LIST, "        status = add_platform_failure(list, platform, platform_index, code, error);", "        (void)add_platform_failure;")),
    fault(1, "no platform is a failure", "device_list", (LIST, "if (code == NO_PLATFORM || (code", "if ((code")),
    fault(1, "only the first platform is listed", "device_list", (LIST, "for (cl_uint at = 0; at < found && at < again; at++)", "for (cl_uint at = 0; at < 1; at++)")),
    # 2: usable
    fault(2, "an unavailable device is usable", "device_list", (QUERY, "CL_DEVICE_AVAILABLE, available) && !available)", "CL_DEVICE_AVAILABLE, available) && false)")),
    fault(2, "a big-endian device is usable", "device_list",
          (QUERY, "CL_DEVICE_ENDIAN_LITTLE, little_endian) && !little_endian)", "CL_DEVICE_ENDIAN_LITTLE, little_endian) && false)")),
    fault(2, "a device that executes no kernels is usable", "device_list", (QUERY, "!(executes & CL_EXEC_KERNEL))", "!executes)")),
    fault(2, "a device without a compiler is usable", "device_list", (QUERY, "compiler) && !compiler && ", "compiler) && false && ")),
    fault(2, "an unusable device has no reason", "device_list", (QUERY, "vsnprintf(info->reason, sizeof info->reason, format, arguments);", "(void)format;")),
    # 3: local sizes and bounds
    fault(3, "the device's largest group is passed over", "device_open",
          (KERNEL, "smaller(smaller(wanted_local, limits->max_work_group_size), limits->max_work_item_sizes[0])", "smaller(wanted_local, limits->max_work_item_sizes[0])")),
    fault(3, "the device's sizes along an axis are passed over", "device_open",
          (KERNEL, "smaller(smaller(wanted_local, limits->max_work_group_size), limits->max_work_item_sizes[0])", "smaller(wanted_local, limits->max_work_group_size)")),
    fault(3, "the kernel's own limit is passed over", "device_open", (KERNEL, "if (kernel_max_group > 0)", "if (kernel_max_group > 99999)")),
    fault(3, "global sizes are not rounded up", "device_open", (KERNEL, "{(groups ? groups : 1) * local,", "{count0,")),
    fault(3, "no bounds check along the units", "kernels_portable", (PORTABLE, "if (unit >= hidden || b >= batch)", "if (b >= batch)")),
    fault(3, "no bounds check in the transposition", "kernels_portable", (PORTABLE, "if (k < columns && r < rows)", "if (r < rows)")),
    fault(3, "a launch without a local size", "imitated_accelerator_embedded", (KERNEL, "grid->global, grid->local, 0, NULL, NULL)", "grid->global, NULL, 0, NULL, NULL)")),
    fault(3, "the kernel's own limit is not asked for", "imitated_kernel_group", (KERNEL, "    if (max_group) {", "    if (max_group && (*max_group = 4096) == 0) {")),
    # 4: needs
    fault(4, "auto does not ask what an engine needs", "engine_retreat",
          (CHOOSE, "bool can = engine_can(engine, device_get_limits(cell->device), cell->params.dtype, reason, reason != NULL ? sizeof why : 0);", "bool can = true;")),
    fault(4, "a forced engine is not asked", "imitated_accelerator_embedded", (CHOOSE, "if (!engine_can(forced,", "if (false && !engine_can(forced,")),
    fault(4, "auto ends before the portable engine", "imitated_accelerator_embedded", (CHOOSE, "    offer(offers, &engine_portable,", "    if (is_cpu)\n        offer(offers, &engine_portable,")),
    fault(4, "CLBlast is taken at work-groups of 16", "engine_needs", (MATMUL, ".group_items = 256,", ".group_items = 16,")),
    fault(4, "portable declares a work-group of 64", "engine_needs",
          ("src/cell/engine_portable.c", "static const engine_needs nothing = {", "static const engine_needs nothing = {.group_items = 64, ")),
    fault(4, "portable uses a barrier", "imitated_bare", (PORTABLE, "    if (k < columns && r < rows)\n", "    barrier(CLK_LOCAL_MEM_FENCE);\n    if (k < columns && r < rows)\n")),
    fault(4, "portable uses local memory", "imitated_bare",
          (PORTABLE, "    if (k < columns && r < rows)\n", "    __local uint tile_lm[16];\n    tile_lm[r & 15u] = r;\n    if (k < columns && r < rows)\n")),
    fault(4, "portable uses 64-bit integers", "imitated_bare", (PORTABLE, "    if (k < columns && r < rows)\n", "    ulong k_long = k;\n    if (k_long < columns && r < rows)\n")),
    fault(4, "portable uses an atomic", "imitated_bare",
          (PORTABLE, "    if (k < columns && r < rows)\n", "    if (rows == 0u)\n        atomic_inc((volatile __global uint *)wt_gm);\n    if (k < columns && r < rows)\n")),
    fault(4, "portable uses doubles", "imitated_bare", (PORTABLE, "uint unit = (uint)get_global_id(0);", "double ahead = 0.5;\n    uint unit = (uint)get_global_id(0) + (uint)ahead;")),
    # 5: local memory
    fault(5, "CLBlast's local memory is not declared", "imitated_local_1k", (MATMUL, ".local_elements = 2 * 32 * 32,", ".local_elements = 0,")),
    fault(5, "shared sums are taken where they do not fit", "fused_settings", (SETTINGS, "if (sums > limits->local_memory_bytes)", "if (sums > 99999999)")),
    fault(5, "a whole slice's state is taken where it does not fit", "fused_settings", (SETTINGS, "const bool fits = 2 *", "const bool fits = true || 2 *")),
    fault(5, "global memory in disguise is taken for local memory", "fused_settings", (SETTINGS, "if (form == NULL && !limits->has_local_memory)", "if (form == NULL && limits->local_memory_bytes == 0)")),
    fault(5, "the kind of local memory is not asked for", "device_list", (QUERY, "local_type == CL_LOCAL", "local_type == CL_GLOBAL")),
    # 6: OpenCL 1.2
    fault(6, "calls of 1.2 on a device of 1.1", "imitated_opencl_1_1", (QUERY, "opencl_1_2 = device >= 102 && platform >= 102;", "opencl_1_2 = true;")),
    fault(6, "a call of 2.1 is linked to", "check_symbols",
          (SPIRV, "return found != NULL ? found : find_in_loader();", "(void)find_in_loader;\n    return found != NULL ? found : clCreateProgramWithIL;"),
          (SPIRV, "#include \"device/device_private.h\"\n", "#include \"device/device_private.h\"\ncl_program CL_API_CALL clCreateProgramWithIL(cl_context, const void *, size_t, cl_int *);\n")),
    fault(6, "the queue is out of order", "device_open",
          (OPEN, "clCreateCommandQueue(device->context, device->id, 0, &code)", "clCreateCommandQueue(device->context, device->id, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code)")),
    fault(6, "a caller's queue that is out of order is taken", "device_open", (OPEN, "if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)", "if (properties & 0)")),
    fault(6, "a buffer beyond the largest allocation is asked for", "device_open", (BUFFER, "if (size_bytes > limits->max_allocation_bytes || held", "if (held")),
    fault(6, "slices are not made to fit", "cell_memory", ("src/cell/plan_capacity.c", "    if (demand_fits(&demand, cell->device, reclaimable_bytes, NULL, 0))\n        return most;", "    if (most > 0)\n        return most;")),
    fault(6, "what does not fit is not refused", "cell_memory", ("src/cell/plan_capacity.c", "    if (fits == 0) {\n        count", "    if (fits == 0)\n        return 1;\n    if (fits == 0) {\n        count")),
    # 7: arithmetic
    fault(7, "float64 is not refused", "imitated_no_float64",
          ("src/cell/cell_create.c", "if (resolved.dtype == OCLSTM_F64 && !limits->has_fp64)", "if (false && !limits->has_fp64)"),
          ("src/device/device_needs.c", "if (dtype == OCLSTM_F64 && !limits->has_fp64)", "if (false && !limits->has_fp64)")),
    fault(7, "an extension's name is looked for in part", "device_list",
          (FACTS, 'has_word(extensions, "cl_khr_fp64")', 'strstr(extensions, "cl_khr_fp64") != NULL')),
    fault(7, "float16 arithmetic without cl_khr_fp16", "cell_half", ("src/device/device_facts.c", "if (!limits->has_fp16 || device_half_products", "if (device_half_products")),
    fault(7, "float16 is loaded as arithmetic would", "cell_half", ("cl/lstm_shared.h", "#define STORED_LOAD(p, i)     vload_half(i, p)", "#define STORED_LOAD(p, i)     ((float)(p)[i])")),
    fault(7, "sums are rounded to 16 bits", "cell_half", (PORTABLE, "sum0 += part0;", "sum0 = as_float(as_uint((float)(sum0 + part0)) & 0xFFFFE000u);")),
    # 8: offline
    fault(8, "the options are not exported", "kernels_offline", ("src/device/program_export.c", '".options", options, strlen(options), error)', '".options", "", 0, error)')),
    fault(8, "the options are no part of a program's name", "kernels_offline",
          ("src/device/program_text.c", "uint64_t hash = kernel_hash(KERNEL_HASH_START, options, strlen(options) + 1);", "(void)options;\n    uint64_t hash = KERNEL_HASH_START;")),
    fault(8, "source is built where there is no compiler", "kernels_offline", (BUILD, "    else if (!device->limits.has_compiler)\n        return fail_without_compiler", "    else if (name[0] == 0)\n        return fail_without_compiler")),
    fault(8, "the error does not say how to export", "kernels_offline", (BUILD, "run \"\n        \"'oclstm kernels --export DIR', compile", "run \"\n        \"it elsewhere, compile")),
    fault(8, "a device without a compiler stays unusable with binaries", "device_list", (QUERY, " && !kernel_folder_has_kernels())", ")")),
    fault(8, "SPIR-V is given to a device that does not list it", "program", (SPIRV, "if (!device->opencl_1_2 || strstr(device->limits.il_version, \"SPIR-V\") == NULL ||", "if (strstr(\"\", \"SPIR-V\") != NULL ||")),
    # 9: the disk cache
    fault(9, "the checksum is not looked at", "kernel_entry", (ENTRY, "if (kernel_hash(KERNEL_HASH_START, bytes, (size_t)(end - bytes)) != get_number(end, CHECKSUM_BYTES))", "if (end == NULL)")),
    fault(9, "an entry of another key is trusted", "kernel_cache", (CACHE, "&& !kernel_entry_matches(entry, key))", "&& false)")),
    fault(9, "lengths in an entry are trusted", "kernel_entry", (ENTRY, "if (wanted > (uint64_t)(end - at))", "if (wanted > SIZE_MAX / 2)")),
    fault(9, "an entry that another user may write is trusted", "kernel_cache", (FILE, "(facts->st_mode & (S_IWGRP | S_IWOTH)) != 0", "facts->st_mode == 0")),
    fault(9, "entries are written in place", "kernel_cache",
          (FILE, "(file = mkstemp(temporary)) < 0", "(file = open(path, O_WRONLY | O_NONBLOCK | O_CREAT | O_TRUNC, 0600)) < 0"), (FILE, "rename(temporary, path) != 0", "path[0] == 0")),
    fault(9, "the driver is no part of the key", "kernels_kept", (BUILD, "[KEY_DRIVER] = device->limits.driver_version,", "[KEY_DRIVER] = \"\",")),
    fault(9, "the device is no part of the key", "kernels_kept", (BUILD, "[KEY_DEVICE] = device->limits.name,", "[KEY_DEVICE] = \"\",")),
    fault(9, "the platform is no part of the key", "kernels_kept", (BUILD, "[KEY_PLATFORM] = device->limits.platform_name,", "[KEY_PLATFORM] = \"\",")),
    fault(9, "the library's version is no part of the key", "kernels_kept", (BUILD, "[KEY_LIBRARY] = OCLSTM_VERSION,", "[KEY_LIBRARY] = \"\",")),
    fault(9, "the options are no part of the key", "kernels_kept", (BUILD, "[KEY_OPTIONS] = entry->options,", "[KEY_OPTIONS] = \"\",")),
    fault(9, "the source is no part of the key", "kernels_kept", (BUILD, "[KEY_SOURCE] = text}", "[KEY_SOURCE] = \"\"}")),
    fault(9, "a folder that cannot be written is an error", "kernels_kept",
          (BUILD, "    if (caches)\n        keep_in_cache(entry, device, &key);", "    if (caches)\n        keep_in_cache(entry, device, &key);\n    if (caches && device->tally.kept == 0)\n        status = OCLSTM_IO;")),
    fault(9, "used where the driver keeps its own", "kernels_kept", (BUILD, "return !device_keeps_own_kernels(&device->limits);", "return device != NULL;")),
    fault(9, "an empty OCLSTM_CACHE_DIR does not disable it", "tuned_file", ("src/device/cache_folder.c", "else if (own == NULL && home != NULL", "else if (home != NULL")),
    fault(9, "it grows without bounds", "kernel_cache", (CACHE, "i < count && total > limit; i++", "i < count && total > limit && limit == 0; i++")),
    fault(9, "the last used goes first", "kernel_cache", (CACHE, "return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;", "return x->used.tv_nsec < y->used.tv_nsec ? 1 : -1;"),
          (CACHE, "return x->used.tv_sec < y->used.tv_sec ? -1 : 1;", "return x->used.tv_sec < y->used.tv_sec ? 1 : -1;")),
    # 10: auto
    fault(10, "the best of a made-up list is not what is opened", "imitated_auto_order", (OPEN, "*chosen = entries[at];", "*chosen = entries[0];")),
    fault(10, "CPUs before GPUs", "device_select", (SELECT, "return a->kind < b->kind;", "return a->kind > b->kind;")),
    fault(10, "NPU-like devices before GPUs", "device_select",
          ("include/oclstm/device.h", "{ OCLSTM_DEVICE_GPU, OCLSTM_DEVICE_NPU, ", "{ OCLSTM_DEVICE_NPU, OCLSTM_DEVICE_GPU, ")),
    fault(10, "the smaller one of a kind", "device_select", (SELECT, "return throughput(a) > throughput(b);", "return throughput(a) < throughput(b);")),
    fault(10, "units without the clock", "device_select", (SELECT, "info->compute_units * (info->clock_mhz ? info->clock_mhz : 1);", "info->compute_units;")),
    fault(10, "an unusable device is picked", "device_select", (SELECT, "if (!list[at].usable || (kind", "if ((kind")),
]
