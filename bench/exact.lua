-- For wrk with one thread: writes a line for each answer, its status and what it tells of the API's limit.
local file

function init(args)
  wrk.headers["X-Apig-Mode"] = "debug"
  file = assert(io.open(args[1], "w"))
end

function response(status, headers)
  local told = headers["X-Apig-RateLimit-api"] or "nothing"
  file:write(status, " ", told, "\n")
  file:flush()
end
