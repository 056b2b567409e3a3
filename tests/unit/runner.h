// SPDX-License-Identifier: Apache-2.0
// Runs one Check suite and reports it as TAP, which meson and tools/count-results read. A test binary's main() is one line:
//
//     int main(void) { return run_suite(make_suite(), true); }
#ifndef OCLSTM_TESTS_RUNNER_H
#define OCLSTM_TESTS_RUNNER_H

#include <stdbool.h>

#include <check.h>

// Runs and frees the suite; TAP goes to standard output, each failure with a diagnostic "# file:line: message".
//
// needs_device: the tests open OpenCL devices. They then run in this process, because a device that was opened before Check
// forks hangs in the child. Without a usable device the whole binary is skipped, or fails when the environment has CI set.
//
// Returns main()'s exit code: 0 when every test passed, 1 otherwise.
int run_suite(Suite *suite, bool needs_device);

// Adds a test that runs `count` times, with _i from 0 on, as a case of its own without a time limit.
void suite_add_loop(Suite *suite, const char *name, const TTest *test, int count);

// The device that tests open: OCLSTM_DEVICE, or NULL for "auto".
const char *test_device(void);

// The path of a file of tests/data ("cells/torch_cell_odd.safetensors"): "$OCLSTM_TEST_DATA/name". Two results are valid at a time.
const char *test_data(const char *name);

#endif
