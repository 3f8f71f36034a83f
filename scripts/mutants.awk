# Reads mutants (their form is in tests/mutants/README.md). What it does goes by `mode`:
#   check    makes sure that each one can be applied to the files below `root`
#   list     prints one line per mutant: number, id, title, and `suite:test` words
#   apply    applies the one with the number `pick`, and prints the names of the changed files
# A text that is not found exactly once is an error.

BEGIN { number = 0; failures = 0 }
FNR == 1 { finish() }

/^#/ || /^[ \t]*$/ { next }

$1 == "mutant" {
    finish()
    number++
    id = $2
    title = rest($0, 2)
    if ((id, title) in seen) problem("is listed twice")
    seen[id, title] = 1
    next
}
$1 == "file" {
    edits++
    file[edits] = $2
    old[edits] = ""
    new[edits] = ""
    next
}
$1 == "-" { old[edits] = old[edits] rest($0, 1) "\n"; next }
$1 == "+" { new[edits] = new[edits] rest($0, 1) "\n"; next }
$1 == "fails" {
    for (i = 3; i <= NF; i++) tests = tests " " $2 ":" $i
    next
}
{ problem("has a line that is no part of a mutant: " $0) }

END {
    finish()
    if (failures > 0) exit 1
}

# What follows the first `n` words of a line.
function rest(line, n) {
    while (n-- > 0) sub(/^[ \t]*[^ \t]+[ \t]?/, "", line)
    return line
}

# Whatever the layout: words are the same, and the space between them does not count.
function pattern(text,    out, c, i, n) {
    gsub(/^[ \t\n]+|[ \t\n]+$/, "", text)
    n = length(text)
    out = ""
    for (i = 1; i <= n; i++) {
        c = substr(text, i, 1)
        if (c ~ /[ \t\n]/) {
            if (substr(out, length(out)) != "+") out = out "[ \t\n]+"
        } else if (c == "\\" || c == "^") {
            out = out "\\" c
        } else if (c ~ /[A-Za-z0-9_]/) {
            out = out c
        } else {
            out = out "[" c "]"
        }
    }
    return out
}

function problem(text) {
    printf "mutants: %s %s: %s\n", id, title, text > "/dev/stderr"
    failures++
}

# A file as it is after the edits made so far.
function text_of(name,    all, line) {
    if (name in text) return text[name]
    all = ""
    while ((getline line < (root "/" name)) > 0) all = all line "\n"
    close(root "/" name)
    return text[name] = all
}

function edit(i,    all, re, at, len, after) {
    all = text_of(file[i])
    re = pattern(old[i])
    if (re == "" || !match(all, re)) return problem("its text is not in " file[i])
    at = RSTART
    len = RLENGTH
    after = substr(all, at + len)
    if (match(after, re)) return problem("its text is more than once in " file[i])
    sub(/\n$/, "", new[i])
    text[file[i]] = substr(all, 1, at - 1) new[i] after
}

function finish(    i, before, name) {
    if (id == "") return
    before = failures
    if (edits == 0) problem("changes nothing")
    if (tests == "") problem("names no test")
    if (mode == "list") printf "%d\t%s\t%s\t%s\n", number, id, title, substr(tests, 2)
    if (mode == "check" || (mode == "apply" && number == pick)) {
        for (i = 1; i <= edits; i++) edit(i)
        if (mode == "apply" && failures == before) {
            for (name in text) {
                printf "%s", text[name] > (root "/" name)
                close(root "/" name)
                print name
            }
        }
    }
    for (name in text) delete text[name]
    id = ""
    edits = 0
    tests = ""
}
