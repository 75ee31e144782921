/* Texts against files (GOLDEN=update rewrites them; look at the difference before committing it). */
#ifndef DAVIDNET_TESTS_GOLDEN_TEXT_H
#define DAVIDNET_TESTS_GOLDEN_TEXT_H

/* Fails the test unless the file at path, from the repository's root, holds exactly text. */
void golden_text(const char *path, const char *text);

#endif
