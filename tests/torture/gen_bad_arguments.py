"""Writes the test of bad arguments (row 7) from the header: gen_bad_arguments.py include/kaleidoscope.h >bad_arguments.c

Each parameter of each function, and each field of each input struct, is set to each bad value of its type while all others are
good. The tables below have the required outcomes. An unknown type, text or field is an error: additions to the header need a
line here before the tests pass.
"""

import re
import sys

OK, ARGUMENT, UTF8, HANDLE = "KAL_OK", "KAL_INVALID_ARGUMENT", "KAL_INVALID_UTF8", "KAL_INVALID_HANDLE"
NOT_UTF8, LINES, LONG = '"caf\\xe9"', '"a\\r\\nX-Evil: 1"', "long_text"
HANDLES = ["client", "result", "error", "cancel", "stream", "queue"]


def text(good, null, lines, empty, long):
    """The values of a text, the good one first, with the outcomes of NULL, line breaks, an empty text and 1 MiB."""
    return [
        ("good", good, OK),
        ("NULL", "NULL", null),
        ("not UTF-8", NOT_UTF8, UTF8),
        ("line breaks", LINES, lines),
        ("empty", '""', empty),
        ("very long", LONG, long),
    ]


# Texts that are parameters.
TEXTS = {
    "method": text('"workspace.get_workspace"', ARGUMENT, "KAL_UNKNOWN_METHOD", "KAL_UNKNOWN_METHOD", "KAL_UNKNOWN_METHOD"),
    "params_json": text('"{}"', OK, ARGUMENT, OK, ARGUMENT),
    "verb": text('"GET"', ARGUMENT, ARGUMENT, ARGUMENT, ARGUMENT),
    "path": text('"/echo"', ARGUMENT, ARGUMENT, ARGUMENT, ARGUMENT),
    "query_json": text('"{}"', OK, ARGUMENT, OK, ARGUMENT),
    # The body of a GET, which has none.
    "body_json": text("NULL", OK, ARGUMENT, ARGUMENT, ARGUMENT),
    "cursor": text("NULL", OK, ARGUMENT, ARGUMENT, ARGUMENT),
    "options_json": text("good_options_json()", "KAL_NO_CREDENTIALS", ARGUMENT, "KAL_NO_CREDENTIALS", ARGUMENT),
    ("kal_stream_open", "method"): text('"workspace.follow_events"', ARGUMENT, "KAL_UNKNOWN_METHOD", "KAL_UNKNOWN_METHOD", "KAL_UNKNOWN_METHOD"),
    ("kal_stream_open", "cursor"): text("NULL", OK, ARGUMENT, OK, ARGUMENT),
}

NUMBERS = {
    "uint32_t": ["0", "1", "UINT32_MAX"],
    "int": ["0", "1", "-1", "INT32_MIN", "INT32_MAX"],
    "int32_t": ["0", "-1", "INT32_MIN", "INT32_MAX"],
    "kal_status": ["0", "-1", "INT32_MIN", "INT32_MAX", "404", "599", "600"],
}
# Numbers that are rejected; all others are accepted.
REFUSED_NUMBERS = {
    ("kal_set_log", "level"): ["-1", "INT32_MIN", "INT32_MAX"],
    ("kal_stream_set_read_ahead", "pages"): ["-1", "INT32_MIN"],
}
# Further outcomes of a number.
NUMBERS_GIVE = {
    ("kal_shutdown", "timeout_ms"): [OK, "KAL_TIMED_OUT"],
    ("kal_stream_next", "timeout_ms"): [OK, "KAL_NOT_READY"],
    ("kal_stream_set_backoff", "min_ms"): [OK, ARGUMENT],
    ("kal_stream_set_backoff", "max_ms"): [OK, ARGUMENT],
}

SIZES = [
    ("struct_size 0", "{0}.struct_size = 0;", ARGUMENT),
    ("struct_size 7", "{0}.struct_size = 7;", ARGUMENT),
    ("struct_size 4097", "{0}.struct_size = 4097;", ARGUMENT),
    ("struct_size SIZE_MAX", "{0}.struct_size = SIZE_MAX;", ARGUMENT),
    ("struct_size 8", "{0}.struct_size = sizeof(size_t);", None),
]
# An input struct of a newer version, whose new fields are non-zero or zero.
WIDER = "wide_{0}.{0} = {0}; wide_{0}.{0}.struct_size = sizeof wide_{0}; memset(wide_{0}.more, %d, sizeof wide_{0}.more);"
LATER = [("of a later version", WIDER % 1, ARGUMENT), ("of a later version, nothing new set", WIDER % 0, OK)]


def field_text(name, lines=OK, null=OK, empty=OK, long=OK):
    values = [("NULL", "NULL", null), ("not UTF-8", NOT_UTF8, UTF8), ("line breaks", LINES, lines), ("empty", '""', empty), ("very long", LONG, long)]
    return [(f"{name} {label}", f"{{0}}.{name} = {value};", status) for label, value, status in values]


def field_texts(name, good, null_element):
    """A list of texts and its length."""
    length = f"{name}_len"
    set_list = f"static const char *const list_{name}[] = {{{{ {good}, %s }}}}; {{0}}.{name} = list_{name}; {{0}}.{length} = 2;"
    return [
        (f"{name} NULL", f"{{0}}.{name} = NULL; {{0}}.{length} = 2;", ARGUMENT),
        (f"{name} with NULL in it", set_list % "NULL", null_element),
        (f"{name} not UTF-8", set_list % NOT_UTF8, UTF8),
        (f"{name} with line breaks", set_list % LINES, OK),
    ], [
        (f"{length} 0", f"{{0}}.{length} = 0;", OK),
        (f"{length} SIZE_MAX", f"static const char *const one_{name}[] = {{{{ {good} }}}}; {{0}}.{name} = one_{name}; {{0}}.{length} = SIZE_MAX;", ARGUMENT),
    ]


def field_number(name, **statuses):
    return [(f"{name} {value}", f"{{0}}.{name} = {value};", status) for value, status in statuses.items()]


TYPES_LIST, TYPES_LENGTH = field_texts("event_types", '"create"', ARGUMENT)
USERS_LIST, USERS_LENGTH = field_texts("event_user_ids", '"u"', ARGUMENT)
HEADER = "static kal_header one_header; one_header = (kal_header){{ %s, %s }}; {0}.headers = &one_header; {0}.headers_len = 1;"
ANY_NUMBER = {"0": OK, "1": OK, "UINT32_MAX": OK}

# Input structs: each field with its bad values. Statements, `{0}` is the variable.
FIELDS = {
    "kal_client_options": {
        "client_id": field_text("client_id", null="KAL_NO_CREDENTIALS", empty="KAL_NO_CREDENTIALS"),
        "client_secret": field_text("client_secret", null="KAL_NO_CREDENTIALS", empty="KAL_NO_CREDENTIALS", long=ARGUMENT),
        "base_url": field_text("base_url", lines=ARGUMENT, empty=ARGUMENT, long=ARGUMENT)
        + [("base_url with line breaks", '{0}.base_url = "http://127.0.0.1\\r\\nX-Evil: 1";', ARGUMENT)],
        "headers": [
            ("headers NULL", "{0}.headers = NULL; {0}.headers_len = 2;", ARGUMENT),
            ("a header's name NULL", HEADER % ("NULL", '"v"'), ARGUMENT),
            ("a header's value NULL", HEADER % ('"x"', "NULL"), ARGUMENT),
            ("a header's name not UTF-8", HEADER % (NOT_UTF8, '"v"'), UTF8),
            ("a header's value not UTF-8", HEADER % ('"x"', NOT_UTF8), UTF8),
            ("a header's name with line breaks", HEADER % (LINES, '"v"'), ARGUMENT),
            ("a header's value with line breaks", HEADER % ('"x"', LINES), ARGUMENT),
            ("a header's name empty", HEADER % ('""', '"v"'), ARGUMENT),
            ("a header's value very long", HEADER % ('"x"', LONG), ARGUMENT),
        ],
        "headers_len": [
            ("headers_len 0", "{0}.headers_len = 0;", OK),
            ("headers_len SIZE_MAX", HEADER % ('"x"', '"v"') + " {0}.headers_len = SIZE_MAX;", ARGUMENT),
        ],
        # Opening does no I/O: a missing file fails the first call.
        "ca_bundle_path": field_text("ca_bundle_path"),
        "proxy_url": field_text("proxy_url", lines=None, empty=ARGUMENT, long=None),
        "user_agent": field_text("user_agent", lines=ARGUMENT),
        "connect_timeout_ms": field_number("connect_timeout_ms", **ANY_NUMBER),
        "timeout_ms": field_number("timeout_ms", **ANY_NUMBER),
        "max_attempts": field_number("max_attempts", **ANY_NUMBER),
        "flags": field_number("flags", UINT32_MAX=ARGUMENT, **{"8": ARGUMENT}),
        "max_response_bytes": field_number("max_response_bytes", **{"0": OK, "1": OK, "UINT32_MAX": OK, "UINT64_MAX": ARGUMENT}),
        "cache_ttl_ms": field_number("cache_ttl_ms", **{"0": OK, "1": OK, "UINT64_MAX": OK}),
        "iap_token_provider": [("iap_token_provider NULL", "{0}.iap_token_provider = NULL;", OK)],
        "iap_user_data": [("iap_user_data garbage", "{0}.iap_user_data = (void *)1;", OK)],
        "max_in_flight": field_number("max_in_flight", **ANY_NUMBER),
        "reserved": field_number("reserved", **{"1": ARGUMENT}),
        "ca_bundle_pem": field_text("ca_bundle_pem"),
        "client_certificate_path": field_text("client_certificate_path"),
        "client_certificate_pem": field_text("client_certificate_pem"),
        # A key without a certificate.
        "client_key_path": field_text("client_key_path", lines=ARGUMENT, empty=ARGUMENT, long=ARGUMENT),
        "client_key_pem": field_text("client_key_pem", lines=ARGUMENT, empty=ARGUMENT, long=ARGUMENT),
        "retry_wait_ms": field_number("retry_wait_ms", **{"0": OK, "1": OK, "UINT64_MAX": OK}),
        "name": field_text("name", lines=ARGUMENT, empty=ARGUMENT, long=ARGUMENT),
        "log_callback": [("log_callback NULL", "{0}.log_callback = NULL;", OK)],
        "log_user_data": [("log_user_data garbage", "{0}.log_user_data = (void *)1;", OK)],
        "log_level": field_number("log_level", **{"-1": ARGUMENT, "5": ARGUMENT, "INT32_MIN": ARGUMENT, "INT32_MAX": ARGUMENT}),
        "reserved_2": field_number("reserved_2", **{"1": ARGUMENT}),
    },
    "kal_call_options": {
        "timeout_ms": field_number("timeout_ms", **{"0": OK, "UINT32_MAX": OK}),
        "cache": field_number("cache", **{"-1": ARGUMENT, "3": ARGUMENT, "INT32_MIN": ARGUMENT}),
        "cancel": [
            ("cancel stale", "{0}.cancel = stale_cancel();", HANDLE),
            ("cancel forged", "{0}.cancel.id = FORGED;", HANDLE),
            ("cancel of another kind", "{0}.cancel.id = good_client().id;", HANDLE),
        ],
    },
    "kal_events_query": {
        "page": field_number("page", **{"-1": ARGUMENT, "INT32_MIN": ARGUMENT}),
        "page_size": field_number("page_size", **{"-1": ARGUMENT, "INT32_MIN": ARGUMENT}),
        "event_types": TYPES_LIST,
        "event_types_len": TYPES_LENGTH,
        "resource_type": field_text("resource_type", long=None),
        "event_user_ids": USERS_LIST,
        "event_user_ids_len": USERS_LENGTH,
        "after_date": field_text("after_date", lines=ARGUMENT, empty=ARGUMENT, long=ARGUMENT),
        "before_date": field_text("before_date", lines=ARGUMENT, empty=ARGUMENT, long=ARGUMENT),
    },
    # Output structs: only their size is an input.
    "kal_stats": {},
    "kal_completion": {},
}
INITIALISERS = {name: name.upper() + "_INIT" for name in FIELDS}
# Output fields.
FILLED = {"kal_stats", "kal_completion"}
# Required fields that the initialiser does not set.
GOOD = {"kal_client_options": "{0} = good_options();"}

# Parameters that may be NULL.
NULL_GIVES = {
    ("kal_client_open", "options"): "KAL_NO_CREDENTIALS",
    "query": OK,
    "options": OK,
    "error": OK,
    "len": OK,
}
# Exceptions from the tables: (function, label).
GIVES = {
    ("kal_submit", "cancel stale"): HANDLE,
}


def fail(message):
    sys.exit(f"gen_bad_arguments.py: {message}; add it to the tables")


def parse(header):
    """Functions as (name, return type, [(type, name)]), and structs as name: [fields]."""
    body = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    body = "\n".join(line.split("//")[0] for line in body.splitlines() if not line.lstrip().startswith("#"))
    structs = {}
    for name, fields in re.findall(r"typedef struct (kal_\w+) \{(.*?)\}", body, flags=re.S):
        structs[name] = [re.search(r"(\w+)$", field.strip())[1] for field in fields.split(";") if field.strip()]
    functions = []
    body = re.sub(r"typedef\b[^;{]*\{.*?\}[^;]*;|typedef\b[^;]*;", "", body, flags=re.S)
    for result, name, parameters in re.findall(r"KAL_API\s+([\w\s*]+?)\s*\b(kal_\w+)\(([^)]*)\);", body):
        declared = []
        for parameter in parameters.split(","):
            parameter = " ".join(parameter.split())
            if parameter != "void":
                kind, parameter_name = re.match(r"(.*?)(\w+)$", parameter).groups()
                declared.append((kind.strip().replace("struct ", ""), parameter_name))
        functions.append((name, " ".join(result.split()), declared))
    missed = set(re.findall(r"\b(kal_\w+)\s*\(", body)) - {name for name, _, _ in functions}
    if missed or not functions:
        sys.exit(f"gen_bad_arguments.py: these declarations are not understood: {sorted(missed)}")
    return functions, structs


def values_of(function, kind, name, structs):
    """A parameter's declaration, and its values as (label, statement, statuses)."""
    handle = kind.removeprefix("kal_")
    if handle in HANDLES:
        other = "result" if handle == "client" else "client"
        return f"{kind} {name}", [
            ("good", f"{name} = good_{handle}();", [OK]),
            ("none", f"{name}.id = 0;", [HANDLE]),
            ("stale", f"{name} = stale_{handle}();", [HANDLE]),
            ("forged", f"{name}.id = FORGED;", [HANDLE]),
            ("of another kind", f"{name}.id = good_{other}().id;", [HANDLE]),
        ]
    pointed = kind.removesuffix(" *")
    if kind.endswith(" *") and pointed.removeprefix("kal_") in HANDLES:
        null = NULL_GIVES.get(name, ARGUMENT)
        return f"{pointed} out_{name} = {{ SENTINEL }}, *{name}", [
            ("good", f"{name} = &out_{name};", [OK]),
            ("NULL", f"{name} = NULL;", [null]),
        ]
    struct = pointed.removeprefix("const ")
    if kind.endswith(" *") and struct in FIELDS:
        known, declared = set(FIELDS[struct]), set(structs[struct]) - {"struct_size"}
        if struct not in FILLED and known != declared:
            fail(f"{struct} has fields without a case, or cases without a field: {sorted(known ^ declared)}")
        variable = f"in_{name}"
        good = GOOD.get(struct, "").format(variable)
        null = NULL_GIVES.get((function, name), NULL_GIVES.get(name, ARGUMENT))
        values = [("good", f"{good} {name} = &{variable};", [OK]), ("NULL", f"{name} = NULL;", [null])]
        changes = SIZES + [change for changes in FIELDS[struct].values() for change in changes]
        for label, statement, status in changes:
            status = GIVES.get((function, label), status)
            values.append((label, f"{good} {statement.format(variable)} {name} = &{variable};", status and [status]))
        declaration = f"{struct} {variable} = {INITIALISERS[struct]}; {'const ' if kind.startswith('const') else ''}{struct} *{name}"
        if struct not in FILLED:
            declaration += f"; struct {{ {struct} {variable}; char more[8]; }} wide_{variable}"
            for label, statement, status in LATER:
                values.append((label, f"{good} {statement.format(variable)} {name} = &wide_{variable}.{variable};", [status]))
        return declaration, values
    if kind == "const char *":
        values = TEXTS.get((function, name)) or TEXTS.get(name) or fail(f"the text {function}({name}) is unknown")
        return f"const char *{name}", [(label, f"{name} = {value};", [status]) for label, value, status in values]
    if kind == "const char *const *":
        lists = {"good": ('"a", "b"', OK), "with NULL in it": ('"a", NULL', ARGUMENT), "not UTF-8": (f'"a", {NOT_UTF8}', UTF8), "with line breaks": (f'"a", {LINES}', OK)}
        values = [
            (label, f"static const char *const list_{i}_{name}[] = {{ {items} }}; {name} = list_{i}_{name};", [status])
            for i, (label, (items, status)) in enumerate(lists.items())
        ]
        return f"const char *const *{name}", values + [("NULL", f"{name} = NULL;", [ARGUMENT])]
    if kind == "size_t":
        return f"size_t {name}", [("good", f"{name} = 2;", [OK]), ("0", f"{name} = 0;", [OK]), ("SIZE_MAX", f"{name} = SIZE_MAX;", [ARGUMENT])]
    if kind == "size_t *":
        return f"size_t out_{name} = 7, *{name}", [("good", f"{name} = &out_{name};", [OK]), ("NULL", f"{name} = NULL;", [OK])]
    if kind == "void **":
        return f"void *out_{name} = (void *)1, **{name}", [("good", f"{name} = &out_{name};", [OK]), ("NULL", f"{name} = NULL;", [OK])]
    if kind == "kal_status *":
        return f"kal_status out_{name} = 7, *{name}", [("good", f"{name} = &out_{name};", [OK]), ("NULL", f"{name} = NULL;", [ARGUMENT])]
    if kind == "void *":
        return f"void *{name}", [("good", f"{name} = NULL;", [OK]), ("garbage", f"{name} = (void *)1;", [OK])]
    if kind == "kal_log_callback":
        return f"kal_log_callback {name}", [("good", f"{name} = log_line;", [OK]), ("NULL", f"{name} = NULL;", [OK])]
    if kind in NUMBERS:
        good = "KAL_LOG_ERROR" if name == "level" else "100"
        refused, gives = REFUSED_NUMBERS.get((function, name), []), NUMBERS_GIVE.get((function, name), [OK])
        return f"{kind} {name}", [("good", f"{name} = {good};", gives)] + [
            (value, f"{name} = {value};", [ARGUMENT] if value in refused else gives) for value in NUMBERS[kind]
        ]
    return fail(f"the type {kind!r} of {function}({name}) is unknown")


def write_function(name, result, parameters, structs):
    spec = [(parameter, *values_of(name, kind, parameter, structs)) for kind, parameter in parameters]
    print(f"static outcome call_{name}(const int *pick)\n{{")
    print("    (void)pick;\n    outcome outcome = { .status = KAL_OK, .gives_error = false };")
    for index, (parameter, declaration, values) in enumerate(spec):
        print(f"    {declaration};")
        print(f"    switch (pick[{index}]) {{")
        for number, (_, statement, _) in enumerate(values):
            print(f"    {'default' if number == 0 else f'case {number}'}: {{ {statement} break; }}")
        print("    }")
    arguments = ", ".join(parameter for parameter, _, _ in spec)
    if result == "kal_status":
        print(f"    outcome.status = {name}({arguments});")
    elif result == "void":
        print(f"    {name}({arguments});\n    outcome.is_void = true;")
    elif result.endswith("*"):
        print(f"    outcome.is_view = true;\n    outcome.view = {name}({arguments});")
    else:
        print(f"    outcome.is_number = true;\n    outcome.number = (int64_t){name}({arguments});")
    for kind, parameter in parameters:
        pointed = kind.removesuffix(" *")
        if (kind, parameter) == ("kal_error *", "error"):
            print(f"    if ({parameter} != NULL) {{ outcome.gives_error = true; outcome.error = out_{parameter}; }}")
        elif kind.endswith(" *") and pointed.removeprefix("kal_") in HANDLES:
            print(f"    if ({parameter} != NULL) {{ note_out(&outcome, out_{parameter}.id); free_{pointed.removeprefix('kal_')}(out_{parameter}); }}")
        elif kind == "kal_completion *":
            print(f"    if (outcome.status == KAL_OK && {parameter} != NULL) {{ kal_result_free({parameter}->result); kal_error_free({parameter}->error); }}")
        elif kind == "size_t *":
            print(f"    if ({parameter} != NULL) {{ outcome.gives_length = true; outcome.length = out_{parameter}; }}")
    for kind, parameter in parameters:
        if kind == "kal_stream":
            print(f"    kal_stream_free({parameter});")
    print("    return outcome;\n}\n")
    for parameter, _, values in spec:
        print(f"static const value values_{name}_{parameter}[] = {{")
        for label, _, statuses in values:
            listed = ", ".join(statuses) if statuses else "ANYTHING"
            print(f"    {{ \"{label}\", {{ {listed}, NO_MORE }} }},")
        print("};")
    print(f"static const parameter parameters_{name}[] = {{")
    for parameter, _, values in spec:
        print(f"    {{ \"{parameter}\", values_{name}_{parameter}, {len(values)} }},")
    print("    { NULL, NULL, 0 },\n};\n")
    return f"    {{ \"{name}\", call_{name}, parameters_{name}, {len(spec)} }},"


def exports(header):
    """The number of functions that the header exports, counted more simply than in `parse`."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#.*?(?<!\\)$", "", header, flags=re.S | re.M)
    return len(set(re.findall(r"\bKAL_API\b[^;]*?\b(kal_\w+)\s*\(", code)))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        header = file.read()
    functions, structs = parse(header)
    print("/* Generated by gen_bad_arguments.py. */\n#include \"bad_arguments.h\"\n")
    table = [write_function(*function, structs) for function in functions]
    print("static const function functions[] = {")
    print("\n".join(table))
    print("};\n")
    arguments = f"argc, argv, functions, sizeof functions / sizeof *functions, {exports(header)}"
    print(f"int main(int argc, char **argv)\n{{\n    return bad_arguments_main({arguments});\n}}")


main()
