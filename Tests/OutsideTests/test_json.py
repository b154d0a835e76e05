"""Payloads in every spelling that JSON allows give the same session, and invalid JSON costs only
its item."""

import json

import pytest

from hale import (envelope, iso, item, now, row, session, sessions, sessions_by, total, users)


def raw(text):
    return item(text.encode() if isinstance(text, str) else text, "session")


def object_of(**members):
    """A session's payload with each value as raw JSON, without the members that are None."""
    base = {"sid": '"%032x"', "started": f'"{iso(now())}"', "status": '"exited"',
            "attrs": '{"release":"app@1.0"}'}
    base.update(members)
    object_of.count += 1
    if base["sid"] and "%" in base["sid"]:
        base["sid"] %= object_of.count
    return "{" + ",".join(f'"{name}":{text}' for name, text in base.items() if text) + "}"


object_of.count = 0


def test_blank_space_everywhere(hale):
    text = json.dumps(session(did="ada", errors=1), indent=3).replace(":", " \t:\r\n ")
    # A payload without blanks and colons in its strings, which therefore can be spaced out.
    text = text.replace("\r\n", "\n").replace(" \t:\n ", ":")
    wide = object_of().replace(",", " ,\n\t").replace('":', '"\r\n: ')
    hale.send(raw(text), raw(f" \n{wide}\n "))
    assert sessions(hale) == row(errored=1, healthy=1)


def test_escapes_are_what_they_stand_for(hale):
    sid = "c" * 32
    start = now()
    plain = session(sid=sid, did="ünï@x/y", release="app@1.0", at=start)
    text = json.dumps(plain)
    assert r"\u00fc" in text
    escaped = "".join(f"\\u{ord(mark):04x}" for mark in "app@1.0")
    spellings = [
        json.dumps(plain, ensure_ascii=False).encode(),
        text.encode(),
        text.replace('"sid"', r'"\u0073\u0069d"').encode(),
        text.replace('"app@1.0"', f'"{escaped}"').encode(),
        text.replace("x/y", r"x\/y").encode(),
        text.replace('"exited"', r'"exi\u0074ed"').encode(),
        text.replace('"attrs"', r'"a\u0074trs"').encode(),
    ]
    hale.send(*[raw(spelling) for spelling in spellings])
    assert sessions_by(hale, "release") == {("app@1.0",): row(healthy=1)}
    assert users(hale) == row(healthy=1)


def test_users_beyond_the_basic_plane(hale):
    for did in ('"\\ud83d\\ude00"', '"😀"'):
        hale.send(raw(object_of(did=did)))
    assert users(hale) == row(healthy=1)
    assert sessions(hale) == row(healthy=2)


def test_different_users_stay_different(hale):
    """Users differ by case, blanks and accents."""
    for did in ("ada", "Ada", " ada", "ada ", "é", "e\u0301", "1", "01", "x" * 5000, "x" * 5001):
        hale.send(session(did=did))
    assert sum(users(hale).values()) == 10


NUMBERS_TAKEN = {"errors": ("0", "1", "18446744073709551615"),
                 "duration": ("0", "0.0", "-1", "1e3", "1E+2", "1.5e-3", "123456789012345678"),
                 "seq": ("0", "18446744073709551615")}
NUMBERS_REFUSED = {"errors": ("-1", "01", "+1", ".5", "1.", "0x1", "NaN", "18446744073709551616",
                              "true", '"1"'),
                   "duration": ("Infinity", "1e", "--1", '"1"', "1,000"),
                   "init": ("1", '"true"', "TRUE")}


@pytest.mark.parametrize("name", NUMBERS_TAKEN)
def test_numbers_that_are_accepted(hale, name):
    texts = NUMBERS_TAKEN[name]
    hale.send(*[raw(object_of(**{name: text})) for text in texts])
    assert total(hale) == len(texts)


@pytest.mark.parametrize("name", NUMBERS_REFUSED)
def test_numbers_that_are_invalid(hale, name):
    hale.send(*[raw(object_of(**{name: text})) for text in NUMBERS_REFUSED[name]], session())
    assert total(hale) == 1


NO_JSON = [
    "", "{", "}", "{}x", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "{'a':1}", "{a:1}", "[", "nul",
    "null", "true", '"text"', "1", '{"a":1 "b":2}', '{"a":"\\x"}', '{"a":"\\u12"}',
    '{"a":"\\ud800"}', '{"a":"tab\there"}', '{"a":"new\nline"}', '{"a":[1,]}', '{"a":[1 2]}',
    '{"a":tru}', '{"a":"open', "\ufeff{}",
]


@pytest.mark.parametrize("text", NO_JSON)
def test_invalid_json(hale, text):
    """As a payload, and as the value of an unused member."""
    value = text[5:-1] if text.startswith('{"a":') else text
    inside = object_of(extra=value or " ")
    hale.send(raw(text), session())
    assert total(hale) == 1
    if text not in ("null", "true", '"text"', "1"):
        hale.send(raw(inside))
        assert total(hale) == 1, inside


@pytest.mark.parametrize("depth", (50, 100_000, 3_000_000))
def test_deep_nesting(hale, depth):
    """No depth ends the process."""
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = opening * depth + "1" + closing * depth
        item_reply = hale.post(envelope(raw(object_of(extra=deep)), session()))
        assert item_reply.status in (200, 413), item_reply
        header = b'{"trace":' + deep.encode() + b"}\n" + item(session())
        assert hale.post(header).status in (200, 400, 413)
        broken = opening * depth
        assert hale.post(broken.encode()).status in (400, 413)
    hale.send(session("crashed"))
    assert sessions(hale)["crashed"] == 1


TIMES_TAKEN = (
    "{day}T{time}Z", "{day}t{time}z", "{day}T{time}.5Z", "{day}T{time}.123456789Z",
    "{day}T{time}+00:00", "{day}T{time}-00:00", "{day}T{time}.0000000+00:00",
)
TIMES_REFUSED = (
    "", "now", "{day}", "{time}", "{day}T{time}ZZ", "{day}T25:00:00Z", "{day}T12:61:00Z",
    "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "26-01-01T00:00:00Z", "{day}T{time}.Z",
    "{day}T{time}+25:00", "0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z",
)


def filled(pattern):
    instant = now()
    return pattern.format(day=f"{instant:%Y-%m-%d}", time=f"{instant:%H:%M:%S}")


@pytest.mark.parametrize("pattern", TIMES_TAKEN)
def test_times_that_are_accepted(hale, pattern):
    hale.send(session(started=filled(pattern).replace(".5Z", ".0Z")))
    assert total(hale) == 1


@pytest.mark.parametrize("pattern", TIMES_REFUSED)
def test_times_that_are_invalid(hale, pattern):
    hale.send(session(started=filled(pattern)), session())
    assert total(hale) == 1


def test_times_far_away(hale):
    """Valid instants, rejected only for their age."""
    for start in ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z",
                  "9999-12-31T23:59:59Z"):
        hale.send(session(started=start))
    hale.send(session())
    assert total(hale) == 1


def test_control_characters_in_names(hale):
    for release in ("a\\u0000b", "a\\nb", "a\\u007fb", "a\\tb"):
        hale.send(raw(object_of(attrs=f'{{"release":"{release}"}}')))
    assert total(hale) == 0
    hale.send(session(release="日本@1.0", environment="ünï"))
    assert sessions_by(hale, "release", "environment") == {("日本@1.0", "ünï"): row(healthy=1)}
