"""Whole answers: other values in place of a list, and records with unusual content."""

from known import DIGITS, nested

# The last is too deep for both.
DEPTHS = (10, 100, 120, 125, 126, 127, 128, 200, 500, 100_000)
ROOTS = [
    "[]", "{}", " [ ] ", "[\n]", "null", " null ", "", " ", "\n\t\r ", "true", "false", "0", "1", "1.5", '""', '"x"', '"[]"',
    "[null]", "[1]", '["x"]', "[[]]", "[{}]", "[[],[]]", '{"items":[]}', '{"items":[{"id":"x"}]}', '[{"id":"x"},null]',
    '[{"id":"x"},{}]', '[{"id":"x"},{"id":null}]', '[{"id":"x"},{"id":"x"}]',
    "nul", "NaN", "Infinity", "-Infinity", "[NaN]", "undefined", "<html></html>",
    "[", "]", "[[", "{", "}", '"', "[1", "[}", '{"id"}', '{"id":}', '{"id":"x"', '[{"id":"x"}', '[{"id":"x"},', '[{"id":"x"},]',
    '[{"id":"x"}]x', '[{"id":"x"}][]', '[{"id":"x"}],', "[,]", '[{"id":"x"} {"id":"y"}]',
    "\ufeff[]", '\ufeff[{"id":"x"}]', "\u00a0[]", "[]\u00a0", "\f[]", "[]\x00", "\x00", "[]\x0c", "\u2028[]", "\x0b", "\x0c ", "\x1f",
    "// c\n[]", "[] // c", "/* c */[]",
]
RECORDS = [
    # keys
    '{"id":"x"}', '{"Id":"x"}', '{"ID":"x"}', '{"id ":"x"}', '{"x":1}', '{"id":"x","unknown":1}',
    '{"unknown":{"id":1},"id":"x"}', '{"id":"a","id":"b"}', '{"id":"a","id":null}', '{"id":null,"id":"b"}', '{"id":1,"id":"b"}',
    '{"id":"a","id":1}', r'{"i\u0064":"x"}', r'{"\u0069\u0064":"x","id":"y"}', r'{"id":"y","\u0069\u0064":"x"}',
    '{"id":"x","a":{"a":1,"a":2}}', '{"id":"x","a":{"":{}},"":""}', '{"id":"x","_client":1,"__class__":"y"}',
    '{"id":"x","model_config":1,"model_fields":2}', '{"id":"x",' + '"k":1,' * 3000 + '"z":0}',
    # invalid JSON
    '{"id":"x",}', "{'id':'x'}", '{id:"x"}', '{"id":"x";}', '{"id"="x"}', '{"id":"x" "a":1}', '{"id":"x",,"a":1}',
    '{"id":"x","a":01}', '{"id":"x","a":+1}', '{"id":"x","a":.5}', '{"id":"x","a":1.}', '{"id":"x","a":1e}', '{"id":"x","a":1e+}',
    '{"id":"x","a":-}', '{"id":"x","a":--1}', '{"id":"x","a":0x1}', '{"id":"x","a":1_0}', '{"id":"x","a":True}',
    '{"id":"x","a":None}', '{"id":"x","a":nulL}', '{"id":"x","a":nan}', '{"id":"x","a":-NaN}', '{"id":"x","a":+Infinity}',
    '{"id":"x","a":NaN}', '{"id":"x","a":Infinity}', '{"id":"x","a":-Infinity}', '{"id":"x","a":[NaN]}', '{"id":"x","a":"NaN"}',
    # numbers out of range for some parsers
    '{"id":"x","a":1e400}', '{"id":"x","a":-1e400}', '{"id":"x","a":1e-400}', '{"id":"x","a":1e99999999999999999999}',
    '{"id":"x","a":' + "1" * 4000 + "}", DIGITS, '{"id":"x","a":1.' + "1" * 5000 + "}",
    # strings
    '{"id":"\t"}', '{"id":"\n"}', '{"id":"\x01"}', '{"id":"\x7f"}', '{"id":"\x00"}', r'{"id":"\x41"}', r'{"id":"\u41"}',
    r'{"id":"\u00zz"}', r'{"id":"\u+041"}', r'{"id":"\U00000041"}', r'{"id":"\'"}', '{"id":"\\"}', '{"id":"x\\\\"}',
    r'{"id":"\u0000"}', r'{"id":"a\u0000b"}', r'{"id":"x","a":"\u0000"}', r'{"\u0000":1,"id":"x"}',
    r'{"id":"\ud83d\ude00"}', r'{"id":"\uD83D\uDE00"}', '{"id":"é","email":"日本語😀"}', '{"id":"\u2028\u2029\u0085\u200b\ufeff"}',
    '{"id":"' + "x" * 70000 + '"}', ' { "id" : "x" } ', '{"id":"x"}' + " " * 70000,
    # lone surrogates
    r'{"id":"\ud800"}', r'{"id":"\udc00"}', r'{"id":"\ud800x"}', r'{"id":"\ud800\u0041"}', r'{"id":"\udc00\ud800"}',
    r'{"id":"\ud83d\ud83d\ude00"}', r'{"id":"x","a":"\ud800"}', r'{"id":"x","a":["\udfff"]}', r'{"id":"x","\ud800":1}',
    # depth
    *(nested("[", "", "]", depth) for depth in DEPTHS),
    *(nested('{"a":', "1", "}", depth) for depth in DEPTHS),
]
