#include "engine/version.h"

#ifndef DAVIDNET_COMMIT
#define DAVIDNET_COMMIT ""
#endif

const char *davidnet_commit(void)
{
    return *DAVIDNET_COMMIT ? DAVIDNET_COMMIT : "unknown";
}
