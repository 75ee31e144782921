#include "tui/version.h"

#include "engine/version.h"

#ifndef DAVIDNET_DATE
#define DAVIDNET_DATE ""
#define DAVIDNET_FLAGS ""
#define DAVIDNET_PARALLEL "gomp"
#define DAVIDNET_HEADLESS 0
#endif

static const char *or_unknown(const char *text)
{
    return *text ? text : "unknown";
}

const char *version_number(void)
{
    return DAVIDNET_VERSION;
}

const char *version_commit(void)
{
    return davidnet_commit();
}

const char *version_date(void)
{
    return or_unknown(DAVIDNET_DATE);
}

const char *version_compiler(void)
{
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *version_target(void)
{
#if defined(__x86_64__)
    return "x86_64";
#elif defined(__aarch64__)
    return "aarch64";
#else
    return "other";
#endif
}

const char *version_flags(void)
{
    return or_unknown(DAVIDNET_FLAGS);
}

const char *version_parallel(void)
{
    return DAVIDNET_PARALLEL;
}

int version_headless(void)
{
    return DAVIDNET_HEADLESS;
}
