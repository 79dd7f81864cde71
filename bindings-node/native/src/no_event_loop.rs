//! Replaces the module `event_loop` on systems where no event loop can watch the core.

use std::convert::Infallible;

use napi::Env;
use napi::bindgen_prelude::{FunctionRef, ToNapiValue};

/// Cannot be created here.
pub(crate) struct Watched(Infallible);

/// Cannot be created here.
pub(crate) struct Poll(Infallible);

impl Watched {
    pub(crate) fn new(_env: Env, _descriptor: i32, _on_ready: impl Fn(&Poll) + 'static) -> Option<Self> {
        None
    }

    pub(crate) fn start(&self) {
        match self.0 {}
    }

    pub(crate) fn pause(&self) {
        match self.0 {}
    }

    pub(crate) fn keep_alive(&self, _keeps: bool) {
        match self.0 {}
    }
}

impl Poll {
    pub(crate) fn pause(&self) {
        match self.0 {}
    }

    pub(crate) fn keep_alive(&self, _keeps: bool) {
        match self.0 {}
    }
}

pub(crate) fn call_back(_env: Env, _function: &FunctionRef<(), ()>, _argument: impl ToNapiValue) {}
