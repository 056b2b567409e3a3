// SPDX-License-Identifier: Apache-2.0
// How the fused engine runs a shape on a device: the kernel and its parameters, by a stated rule.
#ifndef OCLSTM_CELL_FUSED_H
#define OCLSTM_CELL_FUSED_H

#include "device/device.h"
#include "device/tuned.h"

typedef enum fused_form {
    FUSED_UNITS, // all rows in one work-item, or the hidden units split over work-items that meet once a step
    FUSED_ROWS,  // rows of the batch split over work-items
    FUSED_STEP,  // one launch a step, work-items along the units
    FUSED_GROUP  // the whole slice in one launch, rows of the batch split over work-groups, work-items along the units
} fused_form;

typedef struct fused_settings {
    fused_form form;
    size_t vector_width; // hidden units in a vector (VW in cl/; UNITS, ROWS)
    bool few_registers;  // 16 vector registers, not 32 (UNITS, ROWS)
    int stored;          // STORED_REAL, STORED_HALF or STORED_BFLOAT of cl/lstm_shared.h (UNITS, ROWS)
    size_t tile_rows;    // rows of the register tile (RM in cl/; UNITS, ROWS)
    size_t groups;       // work-items launched (UNITS, ROWS)
    bool split;          // one or two rows a work-item: two sets of sums, see cl/fused_tile.cl (UNITS, ROWS)
    bool early;          // while work-items wait for each other, they multiply with their own part of h (UNITS)
    size_t lanes_k;      // work-items that share a unit's sums (LK in cl/; STEP, GROUP)
    size_t lanes_rows;   // rows of a work-group (ROWS in cl/; STEP, GROUP)
    size_t chunk;        // steps whose input product is made at a time; 0 = together with the recurrent one (FUSED_ROWS)
} fused_settings;

// The settings for a shape: the tuned ones where there are, held to what the shape and the device allow, otherwise by the stated rule.
// can_meet: whether groups of one launch may be tried for running at the same time.
fused_settings fused_settings_choose(const device_limits *limits, const tuned_settings *tuned, oclstm_dtype dtype, size_t input,
                                     size_t hidden, size_t batch, bool can_meet);

// A call that may be a share of the rows of a larger one, see cell/cell_share.h: batch rows of `whole`, which by itself would run on `whole_units`
// compute units. Sums are added in the order in which the whole call adds them on a device that does what it may: also where `can_meet` is
// false only because work-groups were seen not to meet. A call that is no share is the whole of itself.
fused_settings fused_settings_choose_share(const device_limits *limits, const tuned_settings *tuned, oclstm_dtype dtype,
                                           size_t input, size_t hidden, size_t batch, size_t whole, unsigned whole_units,
                                           bool can_meet);

// Units of a work-group of STEP and GROUP (LU in cl/). One for all, so that a cell has one packed copy.
#define FUSED_LANES 32

// Whether a device can run STEP, which needs least.
bool fused_lanes_fit(const device_limits *limits);

// Steps back to the kernel that needs least of STEP and GROUP: groups of FUSED_LANES, no local memory, no barrier. False where that is what it is.
bool fused_settings_retreat(fused_settings *settings);

// "units", "rows", "step", "group": the names in tuned files and words.
const char *fused_form_name(fused_form form);

// Weights, counted as float32, from which on float16 and bfloat16 weights are kept in their 16 bits. A variable only so that tests can do it with
// small cells.
extern size_t fused_short_weights_bytes;

// Looks at another group's counter before giving up, see cl/fused_units.cl. A variable only so that tests can provoke a lost meeting.
extern cl_int fused_patience;

#endif
