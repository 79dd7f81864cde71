-- The limit of a workspace that several hosts share, as a script that Redis runs. One run serves one process: it notes
-- how requests of that process have ended, grants new requests that may go now, and returns when the process should ask
-- again.
--
-- The script has three parts, which are joined: `state.lua`, `rule.lua` and `run.lua`.
--
-- The script follows the rule of `limit::state` (`limit/window.rs`, `limit/backoff`, `limit/recovery.rs`). A test
-- compares the script with that rule. Times are microseconds of the server's clock. Numbers are exact: none exceeds
-- 2^53.

local NEVER = math.huge
local key = KEYS[1]
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]

local given, position = ARGV, 0
local function text()
  position = position + 1
  return given[position]
end
local function number()
  return tonumber(text())
end

local operation, server, unlost, member, call = text(), text(), number(), text(), number()
local quota = { requests = number(), span = number() }
local pause, window, longest_pause, hopeless_after = number(), number(), number(), number()
local lease, brief, longest_unanswered = number(), number(), number()
local look, grace, silent_after, forget_after, kept_free = number(), number(), number(), number(), number()

-- The state -----------------------------------------------------------------------------------------------------------

-- `FIELDS` names the numbers of the state, and `LISTS` its lists: `lingering` (when abandoned requests count as ended),
-- `leases`, `ends_at` and `totals` (together the log of ends), `members`, `expected` (other places whose limits are on
-- the move to this one) and `absorbed` (the moves whose states were absorbed).
local FIELDS = {
  'requests', 'span', 'last', 'changes', 'next_id', 'granted', 'refused', 'cuts', 'flying', 'forgotten',
  'allowed', 'epoch', 'epoch_flying', 'successes', 'in_a_row', 'closed_until', 'refusing_since',
  'burst_used', 'burst_refused', 'burst_succeeded', 'recovering', 'base', 'ceiling', 'met', 'clean',
  'lost', 'lost_until', 'heard_again',
}
local LISTS = { 'lingering', 'leases', 'ends_at', 'totals', 'members', 'expected', 'absorbed' }

local function empty()
  local new = {}
  for _, name in ipairs(FIELDS) do new[name] = 0 end
  for _, name in ipairs(LISTS) do new[name] = {} end
  new.requests, new.span, new.allowed = quota.requests, quota.span, quota.requests
  new.refusing_since, new.next_id = -1, clock
  return new
end

-- Returns nil if the text is not a state.
local function read(kept)
  local is_packed, found = pcall(cmsgpack.unpack, kept)
  if not is_packed or type(found) ~= 'table' or found.format ~= 1 then return nil end
  for _, name in ipairs(FIELDS) do
    if type(found[name]) ~= 'number' then return nil end
  end
  for _, name in ipairs(LISTS) do
    if type(found[name]) ~= 'table' then return nil end
  end
  return #found.ends_at == #found.totals and found or nil
end

local state

local function write()
  state.format, state.server = 1, server
  return cmsgpack.pack(state)
end
