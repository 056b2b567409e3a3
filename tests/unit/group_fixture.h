// SPDX-License-Identifier: Apache-2.0
// What the tests of src/group share: pairs of devices, groups of a problem's cell, and the results of one device to compare with.
#ifndef OCLSTM_TESTS_GROUP_FIXTURE_H
#define OCLSTM_TESTS_GROUP_FIXTURE_H

#include "cell_fixture.h"
#include "group/group_private.h"

// The devices of a pair: the tests' device opened twice, or two parts of it.
typedef enum group_pair { PAIR_SAME, PAIR_PARTS, PAIR_COUNT } group_pair;

// False where the device cannot be split.
bool pair_open(oclstm_device *devices[2], group_pair pair);
void pair_close(oclstm_device *devices[2]);

// A group of the problem's cell, which divides rows as these speeds say; NULL: measured ones.
oclstm_group *group_of(const cell_problem *problem, oclstm_device *const *devices, size_t count, const double *speeds);

// Runs the problem; the status is the group's.
oclstm_status group_run(cell_problem *problem, oclstm_group *group, oclstm_error *error);

// The rows that a device did in the last call.
int64_t group_rows(const oclstm_group *group, size_t index);

// The results of a problem as they are, and whether others are the same, bit by bit.
typedef struct group_results {
    void *data[3];
    size_t bytes[3];
} group_results;

group_results results_keep(const cell_problem *problem);
void results_free(group_results *results);
void results_expect(const group_results *results, const cell_problem *problem, const char *what);

// Sets the results' memory back to what no result is.
void results_clear(cell_problem *problem);

#endif
