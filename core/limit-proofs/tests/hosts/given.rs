//! The input and the result of a simulation of several machines.

use std::ops::Range;

use limit_proofs::limit::Nanos;

/// A fault of the server or of the network, and when it occurs, in time since the start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The server is stopped, or the network to it hangs. Messages that are sent meanwhile arrive when the fault ends.
    Hangs(Range<Nanos>),
    /// The server restarts without any state.
    ForgetsAll(Nanos),
    /// The server restarts with the state that it had a second before.
    ForgetsLastSecond(Nanos),
    /// The first half of the processes cannot reach the server.
    CutOff(Range<Nanos>),
}

#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    pub(crate) processes: usize,
    /// How long a message to the server takes, and how long an answer takes.
    pub(crate) delay: Range<Nanos>,
    /// After this long without an answer, a process keeps the limit alone.
    pub(crate) patience: Nanos,
    /// The part of the limit that each process may use, from 0 to 1. `None` if processes have no shares.
    pub(crate) share: Option<f64>,
    pub(crate) faults: Vec<Fault>,
    /// On average, one in this many grants is followed by the crash of a random process. A new process replaces it.
    pub(crate) crash_in: Option<u32>,
    /// Whether a process is stopped now and then, for up to 20 s.
    pub(crate) stops: bool,
    /// Changes of the server's script, each a text and its replacement. They make the script wrong on purpose.
    pub(crate) broken: &'static [(&'static str, &'static str)],
    /// Whether the server's script uses the clock of each process instead of the server's clock. The clocks of the
    /// processes run up to a tenth too fast.
    pub(crate) own_clocks: bool,
    pub(crate) duration: Nanos,
    pub(crate) seed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) refusals: u64,
    /// When requests were granted, and to which process.
    pub(crate) granted: Vec<(Nanos, usize)>,
    /// How many questions reached the server.
    pub(crate) asked: u64,
    /// The times at which a process began to keep the limit alone, with the index of the process. `back` has the times
    /// at which a process shared the limit on the server again.
    pub(crate) alone: Vec<(Nanos, usize)>,
    pub(crate) back: Vec<(Nanos, usize)>,
}

impl Outcome {
    /// Returns the requests per second that were granted in this time.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn rate(&self, within: &Range<Nanos>) -> f64 {
        let count = self.granted.iter().filter(|(at, _)| within.contains(at)).count();
        count as f64 / ((within.end - within.start) as f64 / 1e9)
    }

    /// Returns the smallest number of requests that any process was granted in this time, divided by the average of all
    /// processes.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn fairness(&self, processes: usize, within: &Range<Nanos>) -> f64 {
        let mut each = vec![0_u64; processes];
        self.granted.iter().filter(|(at, _)| within.contains(at)).for_each(|(_, who)| each[*who] += 1);
        let average = each.iter().sum::<u64>() as f64 / processes as f64;
        *each.iter().min().unwrap() as f64 / average
    }
}
