-- Sends the requests of a file in order; they are read before the clock starts. Arguments: a file of
-- `hale-bench requests`; the mean pause of a connection before each request, in milliseconds.

local requests, count = {}, 0
local isProbed = false
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
    -- Random, so that the connections do not synchronize.
    function delay() return math.random(0, 2 * pause) end
  end
  -- Nothing is allocated from here on.
  collectgarbage()
  collectgarbage("stop")
end

function request()
  -- wrk calls this once before the run and discards the request.
  if not isProbed then
    isProbed = true
    return requests[1]
  end
  sent = sent + 1
  return requests[(sent - 1) % count + 1]
end

-- Prints one line for the calling program. Latencies are in microseconds.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"answered":%d,"sent":%d,"microseconds":%d,"p50":%d,"p99":%d,"max":%d,' ..
    '"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, worker:get("sent"), summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max, errors.status, errors.connect, errors.read, errors.write,
    errors.timeout))
end
