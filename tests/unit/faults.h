// SPDX-License-Identifier: Apache-2.0
// Failures on demand: every host allocation that the library makes, and every call of CLBlast, goes through a linker wrap (-Wl,--wrap), which can
// let the n-th of them fail. OpenCL's own calls fail in tests/faults.
//
// A test binary links faults.c with fault_link_args of meson.build. Wraps reach the objects of the binary only: CLBlast fails at its C
// interface, Jansson at its own hook for memory; what these and drivers do inside stays as it is.
#ifndef OCLSTM_TESTS_FAULTS_H
#define OCLSTM_TESTS_FAULTS_H

#include <stdbool.h>

// Lets the n-th wrapped call from now fail, 1 being the next. Calls after that one succeed.
void faults_arm(int n);

// Back to no failures. Returns the name of the call that failed since faults_arm(), NULL when there were fewer than n.
const char *faults_disarm(void);

// True for calls whose failure the library may survive.
bool faults_may_be_survived(const char *name);

// OpenCL objects created or retained and not yet released, of all types: counted by the fault layer where it is loaded, otherwise 0.
int faults_live_objects(void);

#endif
