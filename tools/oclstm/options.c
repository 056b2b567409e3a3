// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_values.h"
#include "report.h"
#include "shape_text.h"

typedef enum option_kind {
    KIND_FLAG,
    KIND_TEXT,
    KIND_ENGINE,
    KIND_DTYPE,
    KIND_PRECISION,
    KIND_TOLERANCE,
    KIND_SEED,
    KIND_SHAPE,
    KIND_REPEAT,
    KIND_BATCH,
    KIND_SECONDS,
    KIND_STEP_SECONDS,
    KIND_FORMAT,
    KIND_PRODUCT,
    KIND_BUDGET,
    KIND_NUMBER, // 0 or greater
    KIND_SHARE,  // 0 up to, but not, 1
    KIND_COUNT,
    KIND_EVERY,
    KIND_CLASS,
    KIND_LOSS,
    KIND_OPTIMIZER,
    KIND_SCHEDULE,
    KIND_WORDS // any text, also none
} option_kind;

typedef struct option_row {
    int key; // the short letter, or a number above 255 where there is none
    const char *name;
    const char *argument; // NULL for a flag
    unsigned commands;
    option_kind kind;
    size_t offset; // of the member of cli_options; flags, texts, numbers and counts
    const char *help;
} option_row;

#define ON_DEVICES     (IN_RUN | IN_CHECK | IN_BENCH)
#define EVERY_COMMAND  (ON_A_DEVICE | IN_DEVICES | IN_INFO | IN_CONVERT)
#define ON_A_DEVICE    (IN_RUN | IN_STREAM | IN_CHECK | IN_SELFTEST | IN_BENCH | IN_TUNE | IN_KERNELS | IN_TRAIN | IN_GENERATE)
#define WITH_JSON      (EVERY_COMMAND & ~(unsigned)(IN_RUN | IN_STREAM | IN_TUNE | IN_CONVERT | IN_GENERATE))
#define WITH_ENGINE    (ON_A_DEVICE & ~(unsigned)(IN_BENCH | IN_TUNE))
#define WITH_BINARIES  ((ON_A_DEVICE | IN_DEVICES) & ~(unsigned)IN_TUNE)
#define WITH_PRECISION (IN_RUN | IN_BENCH | IN_KERNELS)
#define PRECISIONS     "f32, f64, f16 or bf16"
#define ENGINE_NAMES   "auto, portable, fused or clblast"
#define TRAINING(name) offsetof(cli_options, training.name)

static const option_row rows[] = {
    {'i', "input", "X", IN_RUN, KIND_TEXT, offsetof(cli_options, input),
     "the input: FILE.npy, or FILE:TENSOR of a file of tensors"},
    {'o', "output", "Y", IN_RUN, KIND_TEXT, offsetof(cli_options, output),
     "the result of every step, as .npy; '-' or none: standard output, unless that is a terminal"},
    {256, "cell", "NAME", IN_RUN | IN_STREAM | IN_KERNELS, KIND_TEXT, offsetof(cli_options, cell),
     "the cell NAME.weight_ih ...; needless where the file has one cell"},
    {257, "h0", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, h0), "initial h, [hidden] or [batch][hidden]; default zero"},
    {258, "c0", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, c0), "initial c, together with --h0"},
    {259, "hn", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, hn), "write h of the last step, as .npy"},
    {260, "cn", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, cn), "write c of the last step, as .npy"},
    {261, "batch-first", NULL, IN_RUN, KIND_FLAG, offsetof(cli_options, batch_first),
     "X and Y are [batch][steps][...] instead of [steps][batch][...]"},
    {262, "dtype", "TYPE", IN_RUN, KIND_DTYPE, 0, "float32, float64, float16 or bfloat16: converts weights and X; default: theirs"},
    {278, "precision", "P", WITH_PRECISION, KIND_PRECISION, 0, "--dtype in short: " PRECISIONS},
    {278, "precision", "P", IN_CHECK | IN_SELFTEST, KIND_PRECISION, 0, PRECISIONS "; default: the file's own, or all"},
    {263, "tol", "T", IN_CHECK, KIND_TOLERANCE, 0, "largest |a-b|/(1+|b|) allowed; default: the file's own"},
    {264, "seed", "N", IN_SELFTEST, KIND_SEED, 0, "seed of the random data, as a failure prints it"},
    {276, "all", NULL, IN_SELFTEST, KIND_FLAG, offsetof(cli_options, all),
     "every device there is, or each that --device names, separated by commas; single steps, too"},
    {277, "quick", NULL, IN_SELFTEST, KIND_FLAG, offsetof(cli_options, quick), "a short list of cases"},
    {266, "shape", "B,I,H,T", IN_BENCH, KIND_SHAPE, 0, "batch, input, hidden, steps; may be repeated; default: twelve shapes"},
    {267, "single", NULL, IN_BENCH, KIND_FLAG, offsetof(cli_options, single),
     "single steps (T = 1) with the state kept on the device"},
    {340, "train", NULL, IN_BENCH, KIND_FLAG, offsetof(cli_options, train),
     "sequences forward and back, with the gradients of weights and x"},
    {268, "repeat", "N", IN_BENCH, KIND_REPEAT, 0, "calls of each shape"},
    {269, "time", "SECONDS", IN_BENCH, KIND_SECONDS, 0, "time for each shape instead; default: 0.5"},
    {270, "plot", "FILE", IN_BENCH, KIND_TEXT, offsetof(cli_options, plot),
     "draw NAME-roofline and NAME-bars for FILE = NAME.svg or NAME.png"},
    {271, "no-roofs", NULL, IN_BENCH, KIND_FLAG, offsetof(cli_options, no_roofs), "do not measure the device's own peak"},
    {272, "dtype", "TYPE", IN_BENCH | IN_KERNELS, KIND_DTYPE, 0, "float32 (default), float64, float16 or bfloat16"},
    {272, "dtype", "TYPE", IN_STREAM, KIND_DTYPE, 0,
     "float32 or float64: what is computed in, and raw frames are of; default: the model's"},
    {292, "format", "FORMAT", IN_STREAM, KIND_FORMAT, 0, "raw (default): bare numbers; or npy: one .npy array in, one out"},
    {293, "text", NULL, IN_STREAM, KIND_FLAG, offsetof(cli_options, text), "write a line of numbers for each frame"},
    {285, "batch", "N", IN_STREAM, KIND_BATCH, 0, "rows of a frame, each with a state of its own; default 1, or as .npy says"},
    {270, "plot", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, plot), "draw the outputs over time as FILE, .svg or .png"},
    {294, "step-seconds", "S", IN_RUN, KIND_STEP_SECONDS, 0, "with --plot: a step takes S seconds; default: steps are shown"},
    {272, "dtype", "TYPE", IN_TUNE, KIND_DTYPE, 0, "float32 (default), which 16 bits go by too, or float64"},
    {273, "gemm", "M,N,K", IN_BENCH, KIND_PRODUCT, 0,
     "instead of cells: a product through CLBlast, tuned and not; may be repeated"},
    {266, "shape", "B,I,H[,T]", IN_TUNE, KIND_SHAPE, 0, "batch, input, hidden, steps; may be repeated; default: twelve shapes"},
    {274, "budget", "TIME", IN_TUNE, KIND_BUDGET, 0, "how long to search: 90, 90s, 10m or 1h; default: 5m"},
    {275, "restart", NULL, IN_TUNE, KIND_FLAG, offsetof(cli_options, restart), "forget what earlier searches found and tried"},
    {280, "list", NULL, IN_KERNELS, KIND_FLAG, offsetof(cli_options, list), "list the kernels kept on disk"},
    {281, "clear", NULL, IN_KERNELS, KIND_FLAG, offsetof(cli_options, clear), "remove them"},
    {282, "warm", "MODEL", IN_KERNELS, KIND_TEXT, offsetof(cli_options, warm), "build and keep what a cell of MODEL needs"},
    {283, "export", "DIR", IN_KERNELS, KIND_TEXT, offsetof(cli_options, export),
     "write sources and options for an offline compiler; with MODEL only what it needs"},
    {284, "binaries", NULL, IN_KERNELS, KIND_FLAG, offsetof(cli_options, binaries),
     "with --export: also build them here and write what the driver made"},
    {285, "batch", "N", IN_KERNELS, KIND_BATCH, 0, "with --warm: calls of this batch, default 1; with --export: only of this one"},
    {'x', "input", "X", IN_TRAIN, KIND_TEXT, offsetof(cli_options, input),
     "the inputs, as -i of run: [steps][sequences][features], or tokens [steps][sequences]"},
    {'t', "target", "TARGET", IN_TRAIN, KIND_TEXT, TRAINING(target),
     "what is wanted: [steps][sequences][outputs], or classes [steps][sequences]"},
    {300, "text", "FILE", IN_TRAIN, KIND_TEXT, TRAINING(text), "instead of X and TARGET: learn the next character of this text"},
    {301, "new", "LAYERS", IN_TRAIN, KIND_TEXT, TRAINING(fresh),
     "instead of MODEL: start fresh, as in \"embed 65 32, lstm 32 128, linear 65\""},
    {290, "layers", "LIST", IN_TRAIN | IN_GENERATE, KIND_TEXT, offsetof(cli_options, layers),
     "the layers of MODEL in order, such as embed,lstm,head; default: as the file says"},
    {'o', "output", "OUT", IN_TRAIN, KIND_TEXT, offsetof(cli_options, output), "the trained weights: NAME.safetensors"},
    {302, "loss", "LOSS", IN_TRAIN, KIND_LOSS, 0, "mse, cross-entropy or bce; default: mse, cross-entropy for classes"},
    {303, "optimizer", "NAME", IN_TRAIN, KIND_OPTIMIZER, 0, "sgd, adam (default) or adamw, as torch.optim's, with its defaults"},
    {304, "lr", "RATE", IN_TRAIN, KIND_NUMBER, TRAINING(lr), "learning rate; default 0.001"},
    {305, "momentum", "M", IN_TRAIN, KIND_NUMBER, TRAINING(momentum), "of sgd"},
    {306, "dampening", "D", IN_TRAIN, KIND_NUMBER, TRAINING(dampening), "of sgd with momentum"},
    {307, "nesterov", NULL, IN_TRAIN, KIND_FLAG, TRAINING(nesterov), "of sgd with momentum"},
    {308, "beta1", "B", IN_TRAIN, KIND_SHARE, TRAINING(beta1), "of adam and adamw; default 0.9"},
    {309, "beta2", "B", IN_TRAIN, KIND_SHARE, TRAINING(beta2), "of adam and adamw; default 0.999"},
    {310, "eps", "E", IN_TRAIN, KIND_NUMBER, TRAINING(eps), "of adam and adamw; default 1e-8"},
    {311, "weight-decay", "D", IN_TRAIN, KIND_NUMBER, TRAINING(weight_decay), "default 0; 0.01 for adamw"},
    {312, "clip", "NORM", IN_TRAIN, KIND_NUMBER, TRAINING(clip), "largest norm of all gradients together; default: any"},
    {313, "schedule", "NAME", IN_TRAIN, KIND_SCHEDULE, 0, "of the learning rate: constant (default), step or cosine"},
    {314, "schedule-steps", "N", IN_TRAIN, KIND_COUNT, TRAINING(schedule_steps),
     "of step: steps between drops; of cosine: steps down, default all"},
    {315, "gamma", "G", IN_TRAIN, KIND_NUMBER, TRAINING(gamma), "of step: the rate is multiplied by it; default 0.1"},
    {316, "min-lr", "RATE", IN_TRAIN, KIND_NUMBER, TRAINING(min_lr), "of cosine: where the rate ends; default 0"},
    {317, "warmup", "N", IN_TRAIN, KIND_COUNT, TRAINING(warmup_steps), "steps in which the rate rises from zero, first of all"},
    {318, "epochs", "N", IN_TRAIN, KIND_COUNT, TRAINING(epochs), "how often to go through all data; default 10"},
    {319, "steps", "N", IN_TRAIN, KIND_COUNT, TRAINING(steps), "steps of the optimizer in all, instead of --epochs"},
    {285, "batch", "N", IN_TRAIN, KIND_BATCH, 0, "sequences, or rows of the text, at a time; default 32, or all where fewer"},
    {320, "bptt", "T", IN_TRAIN, KIND_COUNT, TRAINING(bptt),
     "cut sequences into chunks of T steps, the state carried on; default: whole, 64 of a text"},
    {321, "dropout", "P", IN_TRAIN, KIND_SHARE, TRAINING(dropout), "share of the outputs between recurrent layers set to zero"},
    {264, "seed", "N", IN_TRAIN, KIND_SEED, 0, "of fresh weights, dropout and the order of the data; default 0"},
    {322, "no-shuffle", NULL, IN_TRAIN, KIND_FLAG, TRAINING(no_shuffle), "take the sequences in their order in every epoch"},
    {323, "ignore-index", "N", IN_TRAIN, KIND_CLASS, 0, "of cross-entropy: targets of this class do not count"},
    {324, "validation", "SHARE", IN_TRAIN, KIND_SHARE, TRAINING(validation),
     "keep the last sequences, or the end of the text, for measuring only"},
    {325, "evaluate-every", "N", IN_TRAIN, KIND_COUNT, TRAINING(evaluate_every), "steps; default: after every epoch"},
    {326, "checkpoint", "FILE", IN_TRAIN, KIND_TEXT, TRAINING(checkpoint), "default: NAME.checkpoint.safetensors of OUT"},
    {327, "checkpoint-every", "N", IN_TRAIN, KIND_EVERY, 0, "steps, or a time: 90s, 10m, 1h; default: 5m"},
    {328, "resume", NULL, IN_TRAIN, KIND_FLAG, TRAINING(resume), "go on from the checkpoint, with the options of before"},
    {275, "restart", NULL, IN_TRAIN, KIND_FLAG, offsetof(cli_options, restart), "begin anew though the checkpoint is unfinished"},
    {329, "log", "FILE", IN_TRAIN, KIND_TEXT, TRAINING(log), "write a line of CSV for each step"},
    {270, "plot", "FILE", IN_TRAIN, KIND_TEXT, offsetof(cli_options, plot), "draw the loss over the steps as FILE, .svg or .png"},
    {330, "recompute", NULL, IN_TRAIN, KIND_FLAG, TRAINING(recompute), "less memory, more time: compute the gates twice"},
    {261, "batch-first", NULL, IN_TRAIN, KIND_FLAG, offsetof(cli_options, batch_first), "X and TARGET are [sequences][steps][...]"},
    {291, "lengths", "FILE", IN_TRAIN, KIND_TEXT, offsetof(cli_options, lengths),
     "steps of each sequence, [sequences] int64 or int32; what is behind does not count"},
    {272, "dtype", "TYPE", IN_TRAIN, KIND_DTYPE, 0, "float32 or float64: what is computed in and written; default: as X, or MODEL"},
    {278, "precision", "P", IN_TRAIN, KIND_PRECISION, 0, "--dtype in short: f32 or f64"},
    {331, "prompt", "TEXT", IN_GENERATE, KIND_WORDS, TRAINING(prompt), "what the text begins with; default: a new line"},
    {332, "length", "N", IN_GENERATE, KIND_COUNT, TRAINING(length), "characters to write behind it; default 500"},
    {333, "temperature", "T", IN_GENERATE, KIND_NUMBER, TRAINING(temperature),
     "1 (default): as the model says; less: likelier characters; 0: the likeliest"},
    {264, "seed", "N", IN_GENERATE, KIND_SEED, 0, "another seed, another text; default 0"},
    {'o', "output", "FILE", IN_GENERATE, KIND_TEXT, offsetof(cli_options, output), "where the text goes; default: standard output"},
    {334, "future", "N", IN_RUN, KIND_COUNT, offsetof(cli_options, future),
     "go on for N steps with the outputs as inputs; they follow in Y, dotted in the plot"},
    {286, "kernel-binary", "DIR", WITH_BINARIES, KIND_TEXT, offsetof(cli_options, kernel_binary),
     "take kernels compiled offline from DIR; see 'oclstm kernels --export'"},
    {290, "layers", "LIST", IN_RUN | IN_STREAM, KIND_TEXT, offsetof(cli_options, layers),
     "the layers in order, such as embed,lstm,relu,head; default: as the file says"},
    {291, "lengths", "FILE", IN_RUN, KIND_TEXT, offsetof(cli_options, lengths),
     "steps of each row, [batch] int64 or int32; Y is zero behind a row's end"},
    {290, "layers", "LIST", IN_CONVERT, KIND_TEXT, offsetof(cli_options, layers),
     "keep this order of layers in OUT, such as embed,lstm,relu,head"},
    {'d', "device", "DEVICE", ON_A_DEVICE & ~(unsigned)ON_DEVICES, KIND_TEXT, offsetof(cli_options, device),
     "auto, N, P:D, gpu, cpu, npu or part of a name; see 'oclstm devices'"},
    {'d', "device", "DEVICE", ON_DEVICES, KIND_TEXT, offsetof(cli_options, device),
     "as listed by 'oclstm devices'; N/K for a part, N,M to divide the batch"},
    {'e', "engine", "ENGINE", WITH_ENGINE, KIND_ENGINE, 0, ENGINE_NAMES},
    {'e', "engine", "ENGINE", IN_BENCH, KIND_ENGINE, 0, ENGINE_NAMES "; or all: each one that can run"},
    {265, "json", NULL, WITH_JSON, KIND_FLAG, offsetof(cli_options, json), "results as JSON"},
    {'q', "quiet", NULL, ON_A_DEVICE | IN_CONVERT, KIND_FLAG, offsetof(cli_options, quiet), "only results and errors"},
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

static bool parse_repeat(cli_options *out, const char *text) {
    char *end = NULL;
    errno = 0;
    out->repeat = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && out->repeat >= 1 && out->repeat <= 1000000;
}

static bool parse_batch(cli_options *out, const char *text) {
    char *end = NULL;
    errno = 0;
    out->batch = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && out->batch >= 1 && out->batch <= INT32_MAX;
}

static bool parse_seconds(double *out, const char *text) {
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out > 0.0 && *out <= 86400.0;
}

// By its name, or in short: "f16". `count` of float32, float64, float16, bfloat16 are allowed.
static bool parse_dtype(cli_options *out, const char *text, int count) {
    static const struct {
        oclstm_dtype dtype;
        const char *precision;
    } known[] = {{OCLSTM_F32, "f32"}, {OCLSTM_F64, "f64"}, {OCLSTM_F16, "f16"}, {OCLSTM_BF16, "bf16"}};
    out->dtype_given = true;
    for (int i = 0; i < count; i++) {
        out->dtype = known[i].dtype;
        if (strcmp(text, known[i].precision) == 0 || strcmp(text, oclstm_dtype_name(known[i].dtype)) == 0)
            return true;
    }
    return false;
}

// The kinds of training's options. NULL, or what would have been right.
static const char *store_training(cli_options *out, const option_row *row, const char *argument) {
    cli_training *training = &out->training;
    char *at = (char *)out + row->offset;
    switch (row->kind) {
    case KIND_NUMBER:
        return option_number((cli_number *)(void *)at, argument, INFINITY) ? NULL : "a number, 0 or greater";
    case KIND_SHARE:
        return option_number((cli_number *)(void *)at, argument, 1.0) ? NULL : "a number from 0 up to, but not, 1";
    case KIND_COUNT:
        return option_count((int64_t *)(void *)at, argument) ? NULL : "a whole number, 1 or greater";
    case KIND_EVERY:
        return option_every(&training->checkpoint_steps, &training->checkpoint_seconds, argument)
                   ? NULL
                   : "a number of steps, or a time above 0, up to 24h, such as 90s, 10m or 1h";
    case KIND_CLASS:
        training->ignore_index_given = true;
        return option_integer(&training->ignore_index, argument) ? NULL : "a whole number";
    case KIND_LOSS:
        training->loss_given = true;
        return option_loss(&training->loss, argument) ? NULL : "mse, cross-entropy or bce";
    case KIND_OPTIMIZER:
        training->optimizer_given = true;
        return option_optimizer(&training->optimizer, argument) ? NULL : "sgd, adam or adamw";
    case KIND_SCHEDULE:
        return option_schedule(&training->schedule, argument) ? NULL : "constant, step or cosine";
    default:
        return NULL;
    }
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
        out->engine_all = out->command->bit == IN_BENCH && strcmp(argument, "all") == 0;
        return out->engine_all || oclstm_engine_from_name(&out->engine, argument, NULL) == OCLSTM_OK ? NULL : ENGINE_NAMES;
    case KIND_DTYPE:
        if (out->command->bit == IN_TUNE)
            return parse_dtype(out, argument, 2) ? NULL : "float32 or float64; cells of 16 bits go by what float32 was tuned to";
        if (out->command->bit == IN_STREAM || out->command->bit == IN_TRAIN)
            return parse_dtype(out, argument, 2) ? NULL : "float32 or float64";
        return parse_dtype(out, argument, 4) ? NULL : "float32, float64, float16 or bfloat16";
    case KIND_PRECISION:
        if (out->command->bit == IN_TRAIN)
            return parse_dtype(out, argument, 2) ? NULL : "f32 or f64";
        return parse_dtype(out, argument, 4) ? NULL : PRECISIONS;
    case KIND_TOLERANCE:
        return parse_tolerance(out, argument) ? NULL : "a number, 0 or greater";
    case KIND_SEED:
        return parse_seed(out, argument) ? NULL : "a whole number, 0 or greater";
    case KIND_SHAPE:
        return shape_parse_next(out, argument);
    case KIND_REPEAT:
        return parse_repeat(out, argument) ? NULL : "a whole number from 1 to 1000000";
    case KIND_BATCH:
        return parse_batch(out, argument) ? NULL : "a whole number, 1 or greater";
    case KIND_PRODUCT:
        return product_parse_next(out, argument);
    case KIND_BUDGET:
        return option_time(&out->budget, argument) ? NULL : "a time above 0, up to 24h, such as 90, 90s, 10m or 1h";
    case KIND_FORMAT:
        out->npy = strcmp(argument, "npy") == 0;
        return out->npy || strcmp(argument, "raw") == 0 ? NULL : "raw or npy";
    case KIND_STEP_SECONDS:
        return parse_seconds(&out->step_seconds, argument) ? NULL : "a number of seconds above 0, up to 86400";
    case KIND_SECONDS:
        return parse_seconds(&out->seconds, argument) ? NULL : "a number of seconds above 0, up to 86400";
    case KIND_WORDS:
        memcpy((char *)out + row->offset, &argument, sizeof argument);
        return NULL;
    case KIND_NUMBER:
    case KIND_SHARE:
    case KIND_COUNT:
    case KIND_EVERY:
    case KIND_CLASS:
    case KIND_LOSS:
    case KIND_OPTIMIZER:
    case KIND_SCHEDULE:
        return store_training(out, row, argument);
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
    *out = (cli_options){.command = command, .word_count = argc, .words = argv};
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
