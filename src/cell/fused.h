// SPDX-License-Identifier: Apache-2.0
// How the fused engine runs a shape on a device: the kernel and its parameters, by a stated rule.
#ifndef OCLSTM_CELL_FUSED_H
#define OCLSTM_CELL_FUSED_H

#include "device/device.h"
#include "device/tuned.h"

typedef enum fused_form {
    FUSED_UNITS, // all rows in one work-item, or the hidden units split over work-items that meet once a step
    FUSED_ROWS   // rows of the batch split over work-items
} fused_form;

typedef struct fused_settings {
    fused_form form;
    size_t vector_width; // hidden units in a vector (VW in cl/)
    size_t tile_rows;    // rows of the register tile (RM in cl/)
    size_t groups;       // work-items launched
    size_t chunk;        // steps whose input product is made at a time; 0 = together with the recurrent one (FUSED_ROWS)
} fused_settings;

// The settings for a shape: the tuned ones where there are, held to what the shape and the device allow, otherwise by the stated rule.
// can_meet: whether groups of one launch may be tried for running at the same time.
fused_settings fused_settings_choose(const device_limits *limits, const tuned_settings *tuned, oclstm_dtype dtype, size_t input,
                                     size_t hidden, size_t batch, bool can_meet);

// "units", "rows": the names in tuned files and words.
const char *fused_form_name(fused_form form);

// Looks at another group's counter before giving up, see cl/fused_units.cl. A variable only so that tests can provoke a lost meeting.
extern cl_int fused_patience;

#endif
