//! Stands in until the gate has these itself.
#![allow(missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Class, Gate, Permit, RefusedBy429};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    #[default]
    Usual,
    Changed,
    Ended,
}

#[derive(Debug, Default)]
pub struct Look(std::sync::Mutex<Urgency>);

impl Look {
    pub fn urgency(&self) -> Urgency {
        *self.0.lock().unwrap()
    }
    pub fn looked(&self, _: i64) {}
    pub fn seen(&self) {
        *self.0.lock().unwrap() = Urgency::Usual;
    }
}

pub struct Ask {
    pub class: Class,
    pub max_wait: Option<Duration>,
    pub rejoin: bool,
    pub look: Option<Arc<Look>>,
}

pub enum NoLeave {
    Refused { at_least: Duration },
    Moved,
}

pub enum Linger {
    Brief,
    Window,
}

pub struct CutHere {
    pub allowed: u64,
    pub closed_for: Duration,
}

impl RefusedBy429 {
    pub fn cut(&self) -> Option<CutHere> {
        None
    }
}

impl Gate {
    pub async fn acquire(self: &Arc<Self>, ask: Ask) -> Result<Permit, NoLeave> {
        self.with_share(1.0)
            .acquire(ask.class, ask.max_wait, ask.rejoin)
            .await
            .map_err(|refused| NoLeave::Refused { at_least: refused.at_least })
    }
    pub fn set_share(&self, _: f64) {}
    pub fn absorb(&self, _: &Arc<Gate>) {}
    pub fn hint(&self, look: &Arc<Look>, urgency: Urgency) {
        *look.0.lock().unwrap() = urgency;
    }
    pub fn is_forgotten(&self, _: Instant, _: Duration) -> bool {
        false
    }
    pub fn looks_a_window(&self) -> usize {
        20
    }
}
