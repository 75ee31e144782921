# Turns recipe files into the table that engine/recipes.h declares: awk -f engine/recipes.awk a.ini b.ini /dev/null
BEGIN {
    print "/* Made from engine/recipes/ by engine/recipes.awk. */"
    print "#include \"engine/recipes.h\"\n\n#include <stddef.h>"
}
FNR == 1 {
    if (files) print ";"
    files++
    name[files] = FILENAME
    sub(/^.*\//, "", name[files])
    sub(/\.ini$/, "", name[files])
    print "\nstatic const char recipe_text_" files "[] ="
}
{
    gsub(/["\\?]/, "\\\\&") # the ? so that no trigraph appears
    gsub(/\t/, "\\t")
    gsub(/\r/, "\\r")
    print "    \"" $0 "\\n\""
}
END {
    if (files) print ";"
    print "\nconst struct recipe_builtin recipe_builtins[] = {"
    for (i = 1; i <= files; i++) print "    {\"" name[i] "\", recipe_text_" i "},"
    print "    {NULL, NULL},\n};"
    print "const int recipe_builtin_count = " files + 0 ";"
}
