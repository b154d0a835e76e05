-- Envelopes of one session each: half of them begin now, half are the ends of sessions that began up
-- to an hour ago. Arguments: the DSN's key, the project, a seed.

local key, project = "", "1"
local known, limit = {}, 50000

local function hex(digits)
  local parts = {}
  for index = 1, digits / 4 do parts[index] = string.format("%04x", math.random(0, 65535)) end
  return table.concat(parts)
end

local function time(age) return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - age) end

local function begin(age)
  return { sid = hex(32), did = "user-" .. math.random(1, 100000), started = time(age),
    release = "app@1." .. math.random(0, 9) .. ".0" }
end

function init(arguments)
  key, project = arguments[1] or key, arguments[2] or project
  math.randomseed(tonumber(arguments[3] or "1"))
  wrk.method = "POST"
  wrk.path = "/api/" .. project .. "/envelope/"
  wrk.headers["Content-Type"] = "application/x-sentry-envelope"
  wrk.headers["X-Sentry-Auth"] =
    "Sentry sentry_version=7, sentry_client=bench/1.0, sentry_key=" .. key
  for index = 1, limit do known[index] = begin(math.random(0, 3600)) end
end

function request()
  local session, status, first
  if math.random() < 0.5 then
    session = known[math.random(1, limit)]
    status, first = "exited", "false"
  else
    session = begin(0)
    status, first = "ok", "true"
    known[math.random(1, limit)] = session
  end
  local payload = '{"sid":"' .. session.sid .. '","did":"' .. session.did .. '","init":' .. first ..
    ',"started":"' .. session.started .. '","timestamp":"' .. time(0) ..
    '","status":"' .. status .. '","errors":0,"duration":12.5,"attrs":{"release":"' ..
    session.release .. '","environment":"production","user_agent":"bench","ip_address":"::1"}}'
  return wrk.format(nil, nil, nil, '{"sdk":{"name":"bench","version":"1.0"}}\n{"type":"session"}\n'
    .. payload .. "\n")
end

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "result.lua")
