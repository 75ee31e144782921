#include "kernels/isa.h"

#include <string.h>

static const char *const names[ISA_COUNT] = {"plain", "avx2", "avx512", "avx512_bf16", "amx"};
static int forced = -1;

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Tile data is a large register state that Linux gives on request only (arch_prctl(2)). */
static bool amx_permitted(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static enum isa detect(void)
{
    unsigned a, b, c, d;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return ISA_PLAIN;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return ISA_AVX2;
    bool amx = false, bf16 = false;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        amx = (d >> 24 & 1) && (d >> 22 & 1); /* AMX-TILE, AMX-BF16 */
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d))
        bf16 = a >> 5 & 1;
    if (amx && bf16 && amx_permitted())
        return ISA_AMX;
    return bf16 ? ISA_AVX512_BF16 : ISA_AVX512;
}

#else

static enum isa detect(void)
{
    return ISA_PLAIN;
}

#endif

enum isa isa_best(void)
{
    static int best = -1;
    if (best < 0)
        best = (int)detect();
    return (enum isa)best;
}

enum isa isa_current(void)
{
    return forced >= 0 ? (enum isa)forced : isa_best();
}

int isa_find(const char *name)
{
    for (int i = 0; i <= (int)isa_best(); i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

int isa_force(const char *name)
{
    if (!name || strcmp(name, "auto") == 0) {
        forced = -1;
        return 0;
    }
    int level = isa_find(name);
    if (level < 0)
        return -1;
    forced = level;
    return 0;
}

const char *isa_name(enum isa isa)
{
    return (unsigned)isa < ISA_COUNT ? names[isa] : "unknown";
}
