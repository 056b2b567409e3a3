// SPDX-License-Identifier: Apache-2.0
// Tuned settings of a device: what `oclstm tune` found, or a preset that comes with the library. A plain-text file:
//
//     oclstm-tuned 1
//     library 0.1.0
//     platform Portable Computing Language
//     device pthread-skylake-avx512-AMD EPYC
//     driver 3.1
//     clblast float32 Xgemm GEMMK=0 KREG=1 ...           all parameters of one CLBlast kernel
//     fused float32 width=16 tile=6                      vector width and rows of the register tile
//     shape float32 batch=1 input=64 hidden=64 engine=fused form=units groups=2 chunk=96 ns=480000
//     tried 0123456789abcdef 17                          where the search stands, so that it can go on
//     end
//
// Lines may stand in any order between the first and the last; '#' starts a comment, except in the four lines that name what the file is for.
// A file that does not hold to this, is cut off (no `end`), or is not for this library, platform, device and driver is not used at all. Numbers are bounded: nothing in a file can make the
// library allocate more than the same call would without it, beyond the stated bounds.
#ifndef OCLSTM_DEVICE_TUNED_H
#define OCLSTM_DEVICE_TUNED_H

#include "device/device.h"

enum {
    TUNED_NAME = 24,       // bytes of a kernel's or parameter's name
    TUNED_PARAMETERS = 24, // of one CLBlast kernel
    TUNED_CLBLAST = 16,    // CLBlast kernels, of both dtypes
    TUNED_SHAPES = 128,
    TUNED_FILE_BYTES = 1 << 16
};

typedef struct tuned_clblast {
    oclstm_dtype dtype;
    char kernel[TUNED_NAME]; // "Xgemm"
    size_t count;
    char names[TUNED_PARAMETERS][TUNED_NAME];
    size_t values[TUNED_PARAMETERS]; // at most 1024; GemmRoutine's and the like at most 2^31
} tuned_clblast;

typedef struct tuned_fused {
    size_t width; // 4, 8 or 16; 0 = not tuned
    size_t tile;  // 1 to 8
} tuned_fused;

typedef struct tuned_shape {
    oclstm_dtype dtype;
    size_t batch, input, hidden;
    char engine[TUNED_NAME]; // a name of oclstm_engine_name()
    char form[TUNED_NAME];   // of the fused engine; empty for the others
    size_t groups;           // 1 to 4096
    size_t chunk;            // 0 to 4096
    uint64_t nanoseconds;    // a step took, when it was measured; for people
} tuned_shape;

typedef struct tuned_settings {
    tuned_clblast clblast[TUNED_CLBLAST];
    size_t clblast_count;
    tuned_fused fused[2]; // float32, float64
    tuned_shape shapes[TUNED_SHAPES];
    size_t shape_count;
    char tried_key[17]; // of the search that made this: what it searched; empty for none
    uint64_t tried;     // how many of its candidates it has tried
} tuned_settings;

// Reads a file's text. limits: the device it has to be for; NULL = any, also none (a preset). False, with the reason and the line in why[capacity], and
// *settings unspecified, when it may not be used.
bool tuned_parse(tuned_settings *settings, const char *text, const device_limits *limits, char *why, size_t capacity);

// Writes the text of a file for this device into text[capacity]; false when it does not fit.
bool tuned_format(const tuned_settings *settings, const device_limits *limits, char *text, size_t capacity);

// The path of the file for this device, in $OCLSTM_CACHE_DIR, $XDG_CACHE_HOME/oclstm or ~/.cache/oclstm. False when there is no such
// folder to name (OCLSTM_CACHE_DIR is empty, no HOME).
bool tuned_path(const device_limits *limits, char *path, size_t capacity);

// Writes the file to a temporary name, then renames it; makes the folder where it is missing.
oclstm_status tuned_save(const tuned_settings *settings, const device_limits *limits, const char *path, oclstm_error *error);

// The settings for a device: its file, or else the preset that fits, or else nothing (zeroed). `note` says in one sentence which, and, where a file
// was not used, begins with "warning: ". Never fails.
void tuned_load(tuned_settings *settings, const device_limits *limits, char *note, size_t capacity);

// The text of the preset for such a device, or NULL.
const char *tuned_preset(const device_limits *limits);

// What an opened device uses, loaded when it was opened. Replaced as a whole by device_set_tuned().
const tuned_settings *device_get_tuned(const oclstm_device *device);
void device_set_tuned(oclstm_device *device, const tuned_settings *settings);

// Says in oclstm_device_get_tuning() that the settings were found by this process and are kept in a file.
void device_note_tuned(oclstm_device *device, const char *path);

// The entry for a shape: the nearest one by batch, input and hidden, each within a factor of 1.5; NULL when there is none.
const tuned_shape *tuned_find_shape(const tuned_settings *settings, oclstm_dtype dtype, size_t batch, size_t input, size_t hidden);

#endif
