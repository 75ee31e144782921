/* What a user of the workbench does and sees, for tests of its screens. */
#ifndef DAVIDNET_TESTS_APP_HANDS_H
#define DAVIDNET_TESTS_APP_HANDS_H

#include "tui/app.h"

void app_press(struct app *app, const char *key); /* by its name, then updates the app */
void app_type(struct app *app, const char *text); /* ASCII */
int app_shows(const struct app *app, const char *text);

#endif
