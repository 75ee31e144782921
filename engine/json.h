/* What every JSON that the program writes does the same way. */
#ifndef DAVIDNET_ENGINE_JSON_H
#define DAVIDNET_ENGINE_JSON_H

#include <cjson/cJSON.h>

/* A number; null where it is not known (NaN or infinite), since JSON has no such numbers. */
void json_add_number(cJSON *object, const char *key, double value);

#endif
