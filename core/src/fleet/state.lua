-- The limit of a workspace that several hosts share, as a script that Redis runs. One run serves one process: it notes
-- how requests have ended, grants those that may go now, and tells when to ask again.
--
-- The script has three parts, which are joined: `state.lua`, `rule.lua` and `run.lua`.
--
-- The rule is that of `limit::state` (`limit/window.rs`, `limit/backoff`, `limit/recovery.rs`), in microseconds of the
-- server's clock. A test compares the two in the same worlds. Numbers are exact: none exceeds 2^53.

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

local FIELDS = {
  'requests', 'span', 'last', 'changes', 'next_id', 'granted', 'refused', 'cuts', 'flying', 'forgotten',
  'allowed', 'epoch', 'epoch_flying', 'successes', 'in_a_row', 'closed_until', 'refusing_since',
  'burst_used', 'burst_refused', 'burst_succeeded', 'recovering', 'base', 'ceiling', 'met', 'clean',
}
local LEASE = { 'id', 'until_', 'at', 'epoch', 'member' }
local MEMBER = { 'name', 'heard', 'call', 'want', 'due', 'served', 'share' }

local function empty()
  local new = {}
  for _, name in ipairs(FIELDS) do new[name] = 0 end
  new.requests, new.span, new.allowed = quota.requests, quota.span, quota.requests
  new.refusing_since, new.next_id = -1, clock
  new.lingering, new.leases, new.ends, new.members = {}, {}, {}, {}
  return new
end

local function write(state)
  local out = { '1', server }
  for _, name in ipairs(FIELDS) do out[#out + 1] = string.format('%.0f', state[name]) end
  local function list(items, names)
    out[#out + 1] = #items
    for _, item in ipairs(items) do
      for _, name in ipairs(names) do
        local value = item[name]
        out[#out + 1] = type(value) == 'number' and string.format('%.0f', value) or value
      end
    end
  end
  list(state.lingering, { 'due' })
  list(state.leases, LEASE)
  list(state.ends, { 'at', 'total' })
  list(state.members, MEMBER)
  return table.concat(out, ' ')
end

-- Returns nothing if the text is damaged or has another format.
local function read(kept)
  local words = string.gmatch(kept, '%S+')
  if words() ~= '1' then return nil end
  local state, whole = { server = words() }, true
  local function next_number()
    local value = tonumber(words())
    whole = whole and value ~= nil
    return value or 0
  end
  for _, name in ipairs(FIELDS) do state[name] = next_number() end
  local function list(names)
    local items = {}
    for index = 1, next_number() do
      if not whole then break end
      local item = {}
      for _, name in ipairs(names) do
        if name == 'name' or name == 'member' then
          item[name] = words()
          whole = whole and item[name] ~= nil
        else
          item[name] = next_number()
        end
      end
      items[index] = item
    end
    return items
  end
  state.lingering = list({ 'due' })
  state.leases = list(LEASE)
  state.ends = list({ 'at', 'total' })
  state.members = list(MEMBER)
  return whole and words() == nil and state or nil
end

local state
