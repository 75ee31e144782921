/* What a run's images are called where two recipes differ in nothing else. */
#ifndef DAVIDNET_ENGINE_IMAGES_NAME_H
#define DAVIDNET_ENGINE_IMAGES_NAME_H

#include <stddef.h>

/*
 * Makes "quick" into "quick on synthetic:1:2000", in place; of a folder its last name. source: where the images were
 * from, digest: theirs; either may be empty. same_source: others of that name are told apart by the digest's beginning;
 * so are those whose source is not known.
 */
void images_name_add(char *name, size_t size, const char *source, const char *digest, int same_source);

/* 1: two sources would be called the same. */
int images_name_same(const char *source, const char *other);

#endif
