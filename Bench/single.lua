-- Envelopes of one session each: half of them new, half updates of a session up to an hour old.
-- Arguments: the DSN's key, the project.

local key, project = "", "1"
local known, count, limit = {}, 0, 50000
local head = {}

local function hex(digits)
  local parts = {}
  for index = 1, digits / 4 do parts[index] = string.format("%04x", math.random(0, 65535)) end
  return table.concat(parts)
end

function init(arguments)
  key, project = arguments[1] or key, arguments[2] or project
  math.randomseed(tonumber(arguments[3] or "1"))
  wrk.method = "POST"
  wrk.path = "/api/" .. project .. "/envelope/"
  wrk.headers["Content-Type"] = "application/x-sentry-envelope"
  wrk.headers["X-Sentry-Auth"] =
    "Sentry sentry_version=7, sentry_client=bench/1.0, sentry_key=" .. key
end

function request()
  local session, status, first
  if count > 0 and math.random() < 0.5 then
    session = known[math.random(1, count)]
    status, first = "exited", "false"
  else
    local started = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - math.random(0, 3600))
    session = { sid = hex(32), did = "user-" .. math.random(1, 100000), started = started,
      release = "app@1." .. math.random(0, 9) .. ".0" }
    status, first = "ok", "true"
    if count < limit then count = count + 1; known[count] = session
    else known[math.random(1, limit)] = session end
  end
  local payload = '{"sid":"' .. session.sid .. '","did":"' .. session.did .. '","init":' .. first ..
    ',"started":"' .. session.started .. '","timestamp":"' .. os.date("!%Y-%m-%dT%H:%M:%SZ") ..
    '","status":"' .. status .. '","errors":0,"duration":12.5,"attrs":{"release":"' ..
    session.release .. '","environment":"production","user_agent":"bench","ip_address":"::1"}}'
  return wrk.format(nil, nil, nil, '{"sdk":{"name":"bench","version":"1.0"}}\n{"type":"session"}\n'
    .. payload .. "\n")
end

function done(summary, latency)
  io.write(string.format(
    "RESULT {\"requests\":%d,\"microseconds\":%d,\"p50\":%d,\"p99\":%d,\"errors\":%d}\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.timeout))
end
