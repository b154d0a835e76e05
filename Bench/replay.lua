-- Sends the requests of a file, one after the other and all made before the clock starts. Arguments:
-- the file that `hale-bench requests` wrote; milliseconds that a connection waits before each request.

local requests, count = {}, 0
local isLookedAt = false
local worker

-- Read by `done`.
sent = 0

function setup(thread) worker = thread end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  while true do
    local length = file:read(4)
    if not length then break end
    local a, b, c, d = length:byte(1, 4)
    count = count + 1
    requests[count] = file:read(((a * 256 + b) * 256 + c) * 256 + d)
  end
  file:close()
  local pause = tonumber(arguments[2] or "0")
  if pause > 0 then
    -- Spread, so that the connections do not go in step.
    function delay() return math.random(0, 2 * pause) end
  end
  -- Nothing is made from here on, so there is nothing to collect.
  collectgarbage()
  collectgarbage("stop")
end

function request()
  -- wrk looks at one request before it begins, and throws it away.
  if not isLookedAt then
    isLookedAt = true
    return requests[1]
  end
  sent = sent + 1
  return requests[(sent - 1) % count + 1]
end

-- One line for the program that began it. Latencies are in microseconds.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"answered":%d,"sent":%d,"microseconds":%d,"p50":%d,"p99":%d,"max":%d,' ..
    '"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, worker:get("sent"), summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max, errors.status, errors.connect, errors.read, errors.write,
    errors.timeout))
end
