// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

typedef enum option_kind { KIND_FLAG, KIND_TEXT, KIND_ENGINE, KIND_DTYPE, KIND_TOLERANCE, KIND_SEED } option_kind;

typedef struct option_row {
    int key; // the short letter, or a number above 255 where there is none
    const char *name;
    const char *argument; // NULL for a flag
    unsigned commands;
    option_kind kind;
    size_t offset; // of the member of cli_options; flags and texts only
    const char *help;
} option_row;

#define EVERY_COMMAND (IN_DEVICES | IN_RUN | IN_INFO | IN_CHECK | IN_SELFTEST)
#define ON_A_DEVICE   (IN_RUN | IN_CHECK | IN_SELFTEST)

static const option_row rows[] = {
    {'i', "input", "X", IN_RUN, KIND_TEXT, offsetof(cli_options, input),
     "the input: FILE.npy, or FILE:TENSOR of a .safetensors file"},
    {'o', "output", "Y", IN_RUN, KIND_TEXT, offsetof(cli_options, output),
     "h of every step, as .npy; '-' or none: standard output, unless that is a terminal"},
    {256, "cell", "NAME", IN_RUN, KIND_TEXT, offsetof(cli_options, cell),
     "the cell NAME.weight_ih ...; needless where the file has one cell"},
    {257, "h0", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, h0), "initial h, [hidden] or [batch][hidden]; default zero"},
    {258, "c0", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, c0), "initial c, together with --h0"},
    {259, "hn", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, hn), "write h of the last step, as .npy"},
    {260, "cn", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, cn), "write c of the last step, as .npy"},
    {261, "batch-first", NULL, IN_RUN, KIND_FLAG, offsetof(cli_options, batch_first),
     "X and Y are [batch][steps][...] instead of [steps][batch][...]"},
    {262, "dtype", "TYPE", IN_RUN, KIND_DTYPE, 0, "compute in float32 or float64, converting weights and X; default: theirs"},
    {263, "tol", "T", IN_CHECK, KIND_TOLERANCE, 0, "largest |a-b|/(1+|b|) allowed; default: the file's own"},
    {264, "seed", "N", IN_SELFTEST, KIND_SEED, 0, "seed of the random data, as a failure prints it"},
    {'d', "device", "DEVICE", ON_A_DEVICE, KIND_TEXT, offsetof(cli_options, device),
     "auto, N, P:D, gpu, cpu, npu or part of a name; see 'oclstm devices'"},
    {'e', "engine", "ENGINE", ON_A_DEVICE, KIND_ENGINE, 0, "auto, portable or clblast"},
    {265, "json", NULL, EVERY_COMMAND & ~(unsigned)IN_RUN, KIND_FLAG, offsetof(cli_options, json), "results as JSON"},
    {'q', "quiet", NULL, ON_A_DEVICE, KIND_FLAG, offsetof(cli_options, quiet), "only results and errors"},
    {'v', "verbose", NULL, ON_A_DEVICE | IN_DEVICES, KIND_FLAG, offsetof(cli_options, verbose), "say more"},
    {'h', "help", NULL, EVERY_COMMAND, KIND_FLAG, offsetof(cli_options, help), "this text"},
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static int misuse(const cli_command *command) {
    fprintf(stderr, "Try 'oclstm %s --help'.\n", command->name);
    return EXIT_MISUSE;
}

static const option_row *find_row(const cli_command *command, int key) {
    for (int i = 0; i < ROW_COUNT; i++)
        if (rows[i].key == key && (rows[i].commands & command->bit))
            return &rows[i];
    return NULL;
}

static bool parse_tolerance(cli_options *out, const char *text) {
    char *end = NULL;
    errno = 0;
    out->tolerance = strtod(text, &end);
    out->tolerance_given = true;
    return end != text && *end == '\0' && isfinite(out->tolerance) && out->tolerance >= 0.0;
}

static bool parse_seed(cli_options *out, const char *text) {
    char *end = NULL;
    errno = 0;
    out->seed = strtoull(text, &end, 0);
    out->seed_given = true;
    return end != text && *end == '\0' && errno == 0 && !strchr(text, '-');
}

static bool parse_dtype(cli_options *out, const char *text) {
    out->dtype_given = true;
    out->dtype = strcmp(text, "float64") == 0 ? OCLSTM_F64 : OCLSTM_F32;
    return strcmp(text, oclstm_dtype_name(out->dtype)) == 0;
}

// Stores one option. NULL, or what would have been right.
static const char *store(cli_options *out, const option_row *row, const char *argument) {
    const bool yes = true;
    switch (row->kind) {
    case KIND_FLAG:
        memcpy((char *)out + row->offset, &yes, sizeof yes);
        return NULL;
    case KIND_TEXT:
        memcpy((char *)out + row->offset, &argument, sizeof argument);
        return *argument || row->key == 'd' || row->key == 256 ? NULL : "a file";
    case KIND_ENGINE:
        return oclstm_engine_from_name(&out->engine, argument, NULL) == OCLSTM_OK ? NULL : "auto, portable or clblast";
    case KIND_DTYPE:
        return parse_dtype(out, argument) ? NULL : "float32 or float64";
    case KIND_TOLERANCE:
        return parse_tolerance(out, argument) ? NULL : "a number, 0 or greater";
    case KIND_SEED:
        return parse_seed(out, argument) ? NULL : "a whole number, 0 or greater";
    }
    return NULL;
}

// getopt_long's two descriptions of the rows that this command has.
static void describe(const cli_command *command, char *letters, struct option *words) {
    *letters++ = ':';
    for (int i = 0; i < ROW_COUNT; i++) {
        if (!(rows[i].commands & command->bit))
            continue;
        if (rows[i].key < 256) {
            *letters++ = (char)rows[i].key;
            if (rows[i].argument)
                *letters++ = ':';
        }
        *words++ = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, rows[i].key};
    }
    *letters = '\0';
    *words = (struct option){NULL, 0, NULL, 0};
}

static int parse_fault(const cli_command *command, int result, const char *word) {
    const option_row *row = find_row(command, optopt);
    if (result == ':' && row)
        report("%s: --%s needs an argument, %s", command->name, row->name, row->argument);
    else if (row)
        report("%s: --%s takes no argument", command->name, row->name);
    else if (optopt)
        report("%s: unknown option '-%c'", command->name, optopt);
    else
        report("%s: unknown or ambiguous option '%s'", command->name, word);
    return misuse(command);
}

static int check_operands(const cli_options *out) {
    const cli_command *command = out->command;
    if (out->operand_count < command->operands_min) {
        report("%s: %s is missing", command->name, command->operands);
        return misuse(command);
    }
    if (command->operands_max >= 0 && out->operand_count > command->operands_max) {
        report("%s: unexpected argument '%s'", command->name, out->operands[command->operands_max]);
        return misuse(command);
    }
    return EXIT_DONE;
}

int options_parse(cli_options *out, const cli_command *command, int argc, char **argv) {
    char letters[2 * ROW_COUNT + 2];
    struct option words[ROW_COUNT + 1];
    describe(command, letters, words);
    *out = (cli_options){.command = command};
    opterr = 0;
    optind = 1;
    int result;
    while ((result = getopt_long(argc, argv, letters, words, NULL)) != -1) {
        if (result == '?' || result == ':')
            return parse_fault(command, result, argv[optind - 1]);
        const option_row *row = find_row(command, result);
        if (!row)
            continue;
        const char *expected = store(out, row, optarg);
        if (expected) {
            report("%s: --%s '%s' is not valid: expected %s", command->name, row->name, optarg, expected);
            return misuse(command);
        }
    }
    out->operand_count = argc - optind;
    out->operands = argv + optind;
    if (!out->device)
        out->device = getenv("OCLSTM_DEVICE");
    return out->help ? EXIT_DONE : check_operands(out);
}

void options_print_help(const cli_command *command) {
    printf("Usage: oclstm %s [options]%s%s\n\n%s\nOptions:\n", command->name, *command->operands ? " " : "", command->operands,
           command->description);
    for (int i = 0; i < ROW_COUNT; i++) {
        if (!(rows[i].commands & command->bit))
            continue;
        char left[64];
        const char letter[] = {'-', rows[i].key < 256 ? (char)rows[i].key : ' ', ',', ' ', '\0'};
        snprintf(left, sizeof left, "%s--%s%s%s", rows[i].key < 256 ? letter : "    ", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        printf("  %-22s %s\n", left, rows[i].help);
    }
    printf("\nExample:\n  %s\n", command->example);
}
