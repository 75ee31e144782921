/*
 * Plans of convolutions kept on disk: a file FOLDER/HASH.plan for each key, with the key (one line, all that the plan
 * depends on), a name and the plan's JSON, a line each. What cannot be read or written is no error: it is measured
 * again.
 */
#ifndef DAVIDNET_KERNELS_CUDA_CONV_PLANS_H
#define DAVIDNET_KERNELS_CUDA_CONV_PLANS_H

#define CONV_PLANS_KEY_MAX 512
#define CONV_PLANS_NAME_MAX 256

/* The JSON under that key, the caller's to free, and its name. NULL: the folder's name is empty, or there is none. */
char *conv_plans_read(const char *folder, const char *key, char name[CONV_PLANS_NAME_MAX]);

/* Makes the folder, too. The file is there whole or not at all. */
void conv_plans_write(const char *folder, const char *key, const char *name, const char *json);

#endif
