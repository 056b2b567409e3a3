// SPDX-License-Identifier: Apache-2.0
// The command line: one table of options, from which parsing and --help both come.
#ifndef OCLSTM_TOOL_OPTIONS_H
#define OCLSTM_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <oclstm/oclstm.h>

typedef struct cli_options cli_options;

// A command: what it is called, what it says of itself, what it does.
typedef struct cli_command {
    const char *name;
    unsigned bit;            // its place in the option table's masks
    const char *operands;    // as the usage line shows them
    const char *summary;     // one line of `oclstm --help`
    const char *description; // paragraphs of `oclstm COMMAND --help`
    const char *example;
    int operands_min;
    int operands_max; // -1 = any number
    int (*run)(const cli_options *options);
} cli_command;

enum {
    IN_DEVICES = 1,
    IN_RUN = 2,
    IN_INFO = 4,
    IN_CHECK = 8,
    IN_SELFTEST = 16,
    IN_BENCH = 32,
    IN_TUNE = 64,
    IN_KERNELS = 128,
    IN_CONVERT = 1024,
    IN_STREAM = 2048,
    IN_TRAIN = 4096,
    IN_GENERATE = 8192
};

// The sizes of a sequence call, each at least 1.
typedef struct cli_shape {
    int64_t batch;
    int64_t input;
    int64_t hidden;
    int64_t steps;
} cli_shape;

enum { MAX_SHAPES = 64 };

// A matrix product, C += A B^T with A [m][k] and B [n][k]; each at least 1.
typedef struct cli_product {
    int64_t m;
    int64_t n;
    int64_t k;
} cli_product;

enum { MAX_PRODUCTS = 16 };

// A number that may be left out, where zero says something.
typedef struct cli_number {
    bool given;
    double value;
} cli_number;

// What only `train` and `generate` take. NULL or zero = not given.
typedef struct cli_training {
    const char *fresh; // --new
    const char *text;
    const char *target;
    const char *checkpoint;
    const char *log;
    bool loss_given;
    oclstm_loss loss;
    bool optimizer_given;
    oclstm_optimizer optimizer;
    oclstm_schedule schedule;
    cli_number lr, momentum, dampening, beta1, beta2, eps, weight_decay, clip, gamma, min_lr, dropout, validation;
    bool nesterov;
    bool recompute;
    bool no_shuffle;
    bool resume;
    int64_t schedule_steps;
    int64_t warmup_steps;
    int64_t epochs;
    int64_t steps;
    int64_t bptt;
    int64_t evaluate_every;
    int64_t checkpoint_steps;
    double checkpoint_seconds;
    bool ignore_index_given;
    int64_t ignore_index;
    const char *prompt;
    int64_t length;
    cli_number temperature;
} cli_training;

// Everything a command line can say. NULL or zero = not given.
struct cli_options {
    const cli_command *command;
    const char *device; // -d, else OCLSTM_DEVICE, else NULL
    const char *input;
    const char *output;
    const char *cell;
    const char *h0;
    const char *c0;
    const char *hn;
    const char *cn;
    const char *plot;
    double step_seconds;       // run --plot; 0 = not given
    const char *kernel_binary; // else OCLSTM_KERNEL_BINARY, which the library reads
    const char *warm;
    const char *export;
    const char *layers;
    const char *lengths;
    oclstm_engine engine;
    bool engine_all; // bench: each engine that can run
    bool dtype_given;
    oclstm_dtype dtype;
    bool tolerance_given;
    double tolerance;
    bool seed_given;
    uint64_t seed;
    cli_shape shapes[MAX_SHAPES];
    int shape_count;
    cli_product products[MAX_PRODUCTS];
    int product_count;
    int64_t repeat; // 0 = not given
    double seconds; // 0 = not given
    double budget;  // seconds; 0 = not given
    bool all;       // selftest: every device
    bool quick;     // selftest: fewer cases
    bool restart;
    bool list;
    bool clear;
    bool binaries;
    int64_t batch; // 0 = not given
    bool npy;      // stream: --format npy
    bool text;     // stream
    bool single;
    bool train; // bench: forward and back
    bool no_roofs;
    bool batch_first;
    bool json;
    bool quiet;
    bool verbose;
    bool help;
    int64_t future; // run; 0 = not given
    cli_training training;
    int operand_count;
    char **operands;
    int word_count; // the whole command line but the program's name; the command first, operands last
    char **words;
};

// Reads argv after the command's name. EXIT_DONE, or EXIT_MISUSE with the fault already said on standard error.
int options_parse(cli_options *out, const cli_command *command, int argc, char **argv);

// The text of `oclstm COMMAND --help`, on standard output.
void options_print_help(const cli_command *command);

#endif
