// SPDX-License-Identifier: Apache-2.0
#include "forms_fixture.h"

#include <stdio.h>

#include "base/error.h"
#include "device/tuned.h"

void forms_force(const cell_case *shape, fused_form form, size_t groups, size_t chunk) {
    tuned_settings settings = {.shape_count = 1};
    tuned_shape *entry = &settings.shapes[0];
    *entry = (tuned_shape){// 16 bits go by the settings of float32
                           .dtype = shape->dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32,
                           .batch = shape->batch > 0 ? (size_t)shape->batch : 1,
                           .input = (size_t)shape->input,
                           .hidden = (size_t)shape->hidden,
                           .groups = groups,
                           .chunk = chunk};
    base_copy_string(entry->engine, sizeof entry->engine, "fused");
    base_copy_string(entry->form, sizeof entry->form, fused_form_name(form));
    device_set_tuned(fixture_device(), &settings);
}

static const int64_t inputs[] = {1, 5, 33}, hiddens[] = {1, 15, 16, 17, 31, 32, 33, 64, 100}, batches[] = {0, 1, 2, 3, 4, 5, 9},
                     lengths[] = {1, 2, 7};

// Work-items along the units need groups, and a whole slice in one launch local memory for the widest cell here.
static bool device_has_form(fused_form form) {
    const device_limits *limits = device_get_limits(fixture_device());
    if (form != FUSED_STEP && form != FUSED_GROUP)
        return true;
    return fused_lanes_fit(limits) && (form == FUSED_STEP || limits->local_memory_bytes >= 2 * 4 * 100 * sizeof(double));
}

void forms_check(fused_form form, oclstm_dtype dtype, size_t stride) {
    if (!device_has_form(form)) {
        printf("# no %s on this device\n", fused_form_name(form));
        return;
    }
    for (size_t i = 0; i < 9 * 7; i += stride) {
        const cell_case shape = {.input = inputs[i % 3],
                                 .hidden = hiddens[i % 9],
                                 .batch = batches[i / 9],
                                 .steps = lengths[(i / 3 + i) % 3],
                                 .dtype = dtype,
                                 .engine = OCLSTM_ENGINE_FUSED,
                                 .batch_first = i % 2 == 1,
                                 .no_bias = i % 5 == 0,
                                 .in_place = i % 4 == 0};
        forms_force(&shape, form, 1 + i % 3, i % 4 * 3);
        const fused_settings got =
            fused_settings_choose(oclstm_device_get_info(fixture_device()), device_get_tuned(fixture_device()), dtype,
                                  (size_t)shape.input, (size_t)shape.hidden, shape.batch > 0 ? (size_t)shape.batch : 1, true);
        ck_assert_str_eq(fused_form_name(got.form), fused_form_name(form));
        check_case(&shape);
    }
}
