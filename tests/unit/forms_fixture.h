// SPDX-License-Identifier: Apache-2.0
// The forms of the fused engine, forced through tuned settings, against the reference.
#ifndef OCLSTM_TESTS_FORMS_FIXTURE_H
#define OCLSTM_TESTS_FORMS_FIXTURE_H

#include "cell/fused.h"
#include "cell_fixture.h"

// Gives the tests' device settings with one entry, for this shape.
void forms_force(const cell_case *shape, fused_form form, size_t groups, size_t chunk);

// Cells around the edges of vectors, tiles and groups; every stride-th of 63 of them.
void forms_check(fused_form form, oclstm_dtype dtype, size_t stride);

#endif
