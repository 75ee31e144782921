#include "kernels/left_out.h"
#include "kernels/program.h"

#include <stddef.h>

static int probe(const struct program_options *options, struct error *err)
{
    (void)options;
    return left_out(err, "the CPU engine needs", "oneDNN", "use --device cuda or, slowly, --device ref");
}

static struct program *compile(const struct plan *plan, const struct program_options *options, struct error *err)
{
    (void)plan;
    probe(options, err);
    return NULL;
}

static const char *library(void)
{
    return "left out: headless";
}

/* In the place of the CPU engine, kernels/cpu: one that says that it is not there. */
const struct family family_cpu = {.name = "cpu", .probe = probe, .compile = compile, .library = library};
