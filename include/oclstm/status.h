// SPDX-License-Identifier: Apache-2.0
/**
 * @file status.h
 * What every call returns, and the record that says why it failed.
 *
 * Every function that can fail returns an oclstm_status and takes, as its last argument, an `oclstm_error *` that may
 * be NULL. On failure the record is filled; on success it is left untouched. The library never prints, exits or
 * aborts, and an object under construction is released before a failing call returns: its out-pointer is then NULL.
 */
#ifndef OCLSTM_STATUS_H
#define OCLSTM_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/** Marks what the shared library exports; everything else is hidden. */
#if defined(_WIN32)
#define OCLSTM_API
#elif defined(__GNUC__)
#define OCLSTM_API __attribute__((visibility("default")))
#else
#define OCLSTM_API
#endif

/** Each status: its name, then the sentence that oclstm_status_string() gives. A status exists only where a caller would
 * act on it differently; the message of the error record has the details. */
#define OCLSTM_STATUS_MAP(X)                                                                                                       \
    X(OK, "success")                                                                                                               \
    X(INVALID_ARGUMENT, "an argument is not valid, or arguments do not fit each other")                                            \
    X(OUT_OF_MEMORY, "host memory is exhausted")                                                                                   \
    X(IO, "a file could not be opened, read or written")                                                                           \
    X(FORMAT, "a file is not of its format, is damaged, or is of a kind that this version does not read")                          \
    X(NOT_FOUND, "the named thing is not in the file")                                                                             \
    X(NO_DEVICE, "there is no usable OpenCL device")                                                                               \
    X(UNSUPPORTED, "the device or the engine cannot do this")                                                                      \
    X(OUT_OF_DEVICE_MEMORY, "device memory is exhausted, or the device does not allow an allocation of that size")                 \
    X(BUILD_FAILED, "a kernel does not compile on this device")                                                                    \
    X(OPENCL, "an OpenCL or CLBlast call failed")

/** OCLSTM_OK is zero; every other status is a failure. */
typedef enum oclstm_status {
#define OCLSTM_STATUS_ENUM(name, sentence) OCLSTM_##name,
    OCLSTM_STATUS_MAP(OCLSTM_STATUS_ENUM)
#undef OCLSTM_STATUS_ENUM
} oclstm_status;

/**
 * Why a call failed. Owned by the caller, may live on the stack, holds no pointers that need freeing, and stays valid for
 * as long as the caller keeps it. All strings end with a zero byte; what does not fit is cut.
 */
typedef struct oclstm_error {
    oclstm_status status;
    int opencl_code;      /**< raw OpenCL or CLBlast code, 0 where none is involved */
    char opencl_name[64]; /**< its name, such as "CL_OUT_OF_RESOURCES"; empty where none is involved */
    char call[64];        /**< the OpenCL, CLBlast or system call that failed; empty for a rejected argument */
    char device[128];     /**< the device's name; empty where no device is involved */
    char message[1024];   /**< one sentence or more for a person: what, expected, found, what to do */
    char build_log[8192]; /**< the compiler's log when status is BUILD_FAILED, else empty */
} oclstm_error;

/** The name of a status without its prefix ("OUT_OF_MEMORY"); never NULL, also for a number that is no status. */
OCLSTM_API const char *oclstm_status_name(oclstm_status status);

/** The sentence for a status; never NULL, also for a number that is no status. */
OCLSTM_API const char *oclstm_status_string(oclstm_status status);

/** The library's version, "MAJOR.MINOR.PATCH". Compare with OCLSTM_VERSION of the headers. */
OCLSTM_API const char *oclstm_version(void);

/** The version of these headers. */
#define OCLSTM_VERSION_MAJOR 0
#define OCLSTM_VERSION_MINOR 1
#define OCLSTM_VERSION_PATCH 0
#define OCLSTM_VERSION       "0.1.0"

#ifdef __cplusplus
}
#endif
#endif
