//! A server inside the test. It runs the script with Redis's version of Lua and a clock that the test sets.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use limit_proofs::limit::Nanos;
use limit_proofs::limit::pool::{Answer, Question};
use limit_proofs::script::{Caller, Reply, SCRIPT, read};
use mlua::{Function, Lua, MultiValue, Table, Value};

/// Replaces Redis's library `cmsgpack`. Its texts only name copies of the tables, because converting a state to text and
/// back takes longer than the rest of the script. The last 2,000 copies are kept. If the script asks for an older one,
/// `dropped` becomes true: the script itself would only find that its state was lost.
const PACK: &str = r"
local function copy(value)
  if type(value) ~= 'table' then return value end
  -- Most of a state is lists of numbers, so a whole list is copied by one call.
  if type(value[1]) == 'number' then return { unpack(value) } end
  local new = {}
  for name, part in pairs(value) do new[name] = copy(part) end
  return new
end
local copies, count = {}, 0
cmsgpack = {
  pack = function(value)
    count = count + 1
    copies[count], copies[count - 2000] = copy(value), nil
    return 'state ' .. count
  end,
  unpack = function(text)
    local number = tonumber(string.match(text, '^state (%d+)$'))
    dropped = dropped or number <= count - 2000
    return copy(copies[number])
  end,
}
";
/// The Redis key under which the script keeps the limit.
pub(crate) const KEY: &str = "limit";

pub(crate) struct Server {
    lua: Lua,
    script: Function,
    pub(crate) kept: Rc<RefCell<HashMap<String, String>>>,
    clock: Rc<Cell<Nanos>>,
    /// The `run_id` of the server, which changes whenever the server starts.
    pub(crate) start: Cell<u64>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// Creates a server with a changed script: in each pair, the first text is replaced by the second.
    pub(crate) fn with(changes: &[(&str, &str)]) -> Self {
        let mut text = SCRIPT.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "the script has no {from}");
            text = text.replace(from, to);
        }
        let lua = Lua::new();
        let kept = Rc::new(RefCell::new(HashMap::new()));
        let clock = Rc::new(Cell::new(0));
        let (store, time) = (Rc::clone(&kept), Rc::clone(&clock));
        let call = lua
            .create_function(move |lua, arguments: MultiValue| {
                let words: Vec<String> = arguments.iter().map(|value| value.to_string().unwrap()).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                match words[..] {
                    ["TIME"] => {
                        let now = time.get();
                        let parts = [(now / 1_000_000).to_string(), (now % 1_000_000).to_string()];
                        Ok(Value::Table(lua.create_sequence_from(parts)?))
                    }
                    ["GET", key] => match store.borrow().get(key) {
                        Some(text) => Ok(Value::String(lua.create_string(text)?)),
                        None => Ok(Value::Boolean(false)),
                    },
                    ["SET", key, text] => {
                        store.borrow_mut().insert(key.to_owned(), text.to_owned());
                        Ok(Value::Boolean(true))
                    }
                    _ => panic!("the script called {words:?}"),
                }
            })
            .unwrap();
        let redis = lua.create_table().unwrap();
        redis.set("call", call).unwrap();
        lua.globals().set("redis", redis).unwrap();
        lua.load(PACK).exec().unwrap();
        let script = lua.load(text).into_function().unwrap();
        Self { lua, script, kept, clock, start: Cell::new(1) }
    }

    /// Sets the clock, in microseconds.
    pub(crate) fn set_clock(&self, now: Nanos) {
        self.clock.set(now);
    }

    pub(crate) fn run(&self, key: &str, arguments: Vec<String>) -> Reply {
        self.try_run(key, arguments).unwrap_or_else(|why| panic!("{why}"))
    }

    pub(crate) fn try_run(&self, key: &str, arguments: Vec<String>) -> Result<Reply, &'static str> {
        let globals = self.lua.globals();
        globals.set("KEYS", self.lua.create_sequence_from([key]).unwrap()).unwrap();
        globals.set("ARGV", self.lua.create_sequence_from(arguments).unwrap()).unwrap();
        let reply: Table = self.script.call(()).unwrap();
        assert!(!globals.get::<bool>("dropped").unwrap(), "a state that was dropped is needed");
        let words: Vec<String> = reply.sequence_values().map(Result::unwrap).collect();
        read(&words)
    }
}

/// A process that asks the server.
pub(crate) struct Member {
    pub(crate) caller: Caller,
}

impl Member {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            caller: Caller {
                server: "1".to_owned(),
                unlost: 0,
                changes: 0,
                member: name.to_owned(),
                call: 0,
            },
        }
    }

    pub(crate) fn ask(&mut self, server: &Server, question: &Question) -> Answer {
        self.caller.server = server.start.get().to_string();
        match server.run(KEY, self.caller.asks(question)) {
            Reply::Answer(answer) => answer,
            other => panic!("{other:?}"),
        }
    }
}
