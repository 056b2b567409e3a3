// SPDX-License-Identifier: Apache-2.0
#include "device_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_output.h"
#include "report.h"

static const char *yes(bool value) { return value ? "yes" : "no"; }

void print_memory(uint64_t bytes) {
    const double kib = (double)bytes / 1024.0, mib = kib / 1024.0;
    if (mib >= 1024.0)
        printf("%.1f GiB", mib / 1024.0);
    else if (mib >= 1.0)
        printf("%.1f MiB", mib);
    else
        printf("%.1f KiB", kib);
}

// The beginning of a line: a label in a column of its own.
static void begin(const char *label) { printf("            %-14s", label); }

static void print_versions(const oclstm_device_info *info) {
    begin("vendor");
    print_text(stdout, info->vendor);
    printf(", driver ");
    print_text(stdout, info->driver_version);
    putchar('\n');
    begin("version");
    print_text(stdout, info->device_version);
    printf(", kernels in ");
    print_text(stdout, info->c_version[0] ? info->c_version : "an unknown version");
    printf(", %s profile\n", info->full_profile ? "full" : "embedded");
    begin("programs");
    printf("compiler %s, intermediate languages ", yes(info->has_compiler));
    print_text(stdout, info->il_version[0] ? info->il_version : "none");
    putchar('\n');
    begin("state");
    printf("available %s, executes kernels %s, little-endian %s\n", yes(info->available), yes(info->executes_kernels),
           yes(info->little_endian));
}

static void print_sizes(const oclstm_device_info *info) {
    begin("compute");
    printf("%u unit%s at %u MHz, native float vector %u, %u-bit addresses\n", info->compute_units,
           info->compute_units == 1 ? "" : "s", info->clock_mhz, info->vector_width_float, info->address_bits);
    begin("work-groups");
    printf("up to %zu work-items (%zu x %zu x %zu), kernel arguments up to %zu bytes\n", info->max_work_group_size,
           info->max_work_item_sizes[0], info->max_work_item_sizes[1], info->max_work_item_sizes[2], info->max_parameter_bytes);
    begin("memory");
    print_memory(info->global_memory_bytes);
    printf(" %s the host, largest buffer ", info->unified_memory ? "shared with" : "separate from");
    print_memory(info->max_allocation_bytes);
    printf(", cache ");
    print_memory(info->cache_bytes);
    printf(", aligned to %u bytes\n", info->alignment_bytes);
    begin("local memory");
    print_memory(info->local_memory_bytes);
    printf("%s\n", info->has_local_memory ? " of its own" : " in global memory");
    begin("parts");
    if (info->max_parts > 1 && (info->splits_equally || info->splits_by_counts))
        printf("up to %u, %s%s%s\n", info->max_parts, info->splits_equally ? "equal" : "",
               info->splits_equally && info->splits_by_counts ? " or " : "", info->splits_by_counts ? "of chosen sizes" : "");
    else
        printf("none\n");
}

static void print_float(const char *label, bool has, const oclstm_float_facts *facts) {
    begin(label);
    if (!has) {
        printf("none\n");
        return;
    }
    printf("%s, %s, rounds to %s%s%s\n", facts->has_inf_nan ? "infinity and NaN" : "no infinity or NaN",
           facts->has_denormals ? "denormals" : "no denormals",
           facts->rounds_to_nearest ? "nearest"
           : facts->rounds_to_zero  ? "zero"
                                    : "an unknown side",
           facts->has_fma ? ", fma" : "", facts->is_emulated ? ", emulated" : "");
}

// Lines of at most 100 characters.
static void print_extensions(const char *text) {
    size_t column = 0;
    begin("extensions");
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (length == 0) {
            text++;
            continue;
        }
        if (column > 0 && column + 1 + length > 100) {
            putchar('\n');
            begin("");
            column = 0;
        }
        printf("%s%.*s", column > 0 ? " " : "", (int)length, text);
        column += length + (column > 0);
        text += length + (text[length] == ' ');
    }
    printf(column > 0 ? "\n" : "none\n");
}

void print_limits(const oclstm_device_info *info) {
    print_versions(info);
    print_sizes(info);
    print_float("float32", true, &info->float32);
    print_float("float64", info->has_fp64, &info->float64);
    print_float("float16", info->has_fp16, &info->float16);
    begin("int64");
    printf("%s\n", yes(info->has_int64));
    print_extensions(info->extensions);
    const oclstm_device_quirk *quirk = oclstm_device_get_quirk(info, 0);
    if (quirk == NULL) {
        begin("quirks");
        printf("none\n");
    }
    for (size_t at = 0; (quirk = oclstm_device_get_quirk(info, at)) != NULL; at++) {
        begin(at == 0 ? "quirks" : "");
        printf("%s: %s (%s)\n", quirk->name, quirk->effect, quirk->seen_on);
    }
}

static json_t *float_to_json(bool has, const oclstm_float_facts *facts) {
    if (!has)
        return json_null();
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b}", "inf_nan", facts->has_inf_nan, "denormals", facts->has_denormals,
                     "rounds_to_nearest", facts->rounds_to_nearest, "rounds_to_zero", facts->rounds_to_zero, "fma", facts->has_fma,
                     "emulated", facts->is_emulated);
}

static json_t *words_to_json(const char *text) {
    json_t *words = json_array();
    while (*text != '\0') {
        char word[128];
        const size_t length = strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        if (length > 0)
            json_array_append_new(words, json_text(word));
        text += length + (text[length] == ' ');
    }
    return words;
}

json_t *limits_to_json(const oclstm_device_info *info) {
    json_t *limits =
        json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "available", info->available, "executes_kernels",
                  info->executes_kernels, "little_endian", info->little_endian, "full_profile", info->full_profile, "compiler",
                  info->has_compiler, "float64", info->has_fp64, "float16_arithmetic", info->has_fp16, "int64", info->has_int64,
                  "dedicated_local_memory", info->has_local_memory, "unified_memory", info->unified_memory);
    json_t *sizes = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:[I,I,I], s:I, s:I, s:I, s:I, s:I, s:I}", "compute_units", (json_int_t)info->compute_units,
        "clock_mhz", (json_int_t)info->clock_mhz, "address_bits", (json_int_t)info->address_bits, "vector_width_float",
        (json_int_t)info->vector_width_float, "max_work_group_size", (json_int_t)info->max_work_group_size, "max_work_item_sizes",
        (json_int_t)info->max_work_item_sizes[0], (json_int_t)info->max_work_item_sizes[1],
        (json_int_t)info->max_work_item_sizes[2], "global_memory_bytes", (json_int_t)info->global_memory_bytes,
        "max_allocation_bytes", (json_int_t)info->max_allocation_bytes, "local_memory_bytes", (json_int_t)info->local_memory_bytes,
        "max_parameter_bytes", (json_int_t)info->max_parameter_bytes, "cache_bytes", (json_int_t)info->cache_bytes,
        "alignment_bytes", (json_int_t)info->alignment_bytes);
    json_t *others =
        json_pack("{s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "max_parts", (json_int_t)info->max_parts, "splits_equally",
                  info->splits_equally, "splits_by_counts", info->splits_by_counts, "float16_facts",
                  float_to_json(info->has_fp16, &info->float16), "float32_facts", float_to_json(true, &info->float32),
                  "float64_facts", float_to_json(info->has_fp64, &info->float64), "c_version", json_text(info->c_version),
                  "il_version", json_text(info->il_version), "extensions", words_to_json(info->extensions));
    json_object_update(limits, sizes);
    json_object_update(limits, others);
    json_decref(sizes);
    json_decref(others);
    return limits;
}

json_t *quirks_to_json(const oclstm_device_info *info) {
    json_t *quirks = json_array();
    const oclstm_device_quirk *quirk;
    for (size_t at = 0; (quirk = oclstm_device_get_quirk(info, at)) != NULL; at++)
        json_array_append_new(quirks, json_pack("{s:s, s:s, s:s, s:s}", "name", quirk->name, "effect", quirk->effect, "reason",
                                                quirk->reason, "seen_on", quirk->seen_on));
    return quirks;
}
