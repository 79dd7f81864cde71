//! What a simulation of hosts is given, and what comes of it.

use std::ops::Range;

use limit_proofs::limit::Nanos;

/// What goes wrong with the server, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The server is stopped, or the network to it hangs. It hears later what was sent to it meanwhile.
    Hangs(Range<Nanos>),
    /// The server restarts without any state.
    ForgetsAll(Nanos),
    /// The server restarts with the state of a second before.
    ForgetsLastSecond(Nanos),
    /// The first half of the processes does not reach the server.
    CutOff(Range<Nanos>),
}

#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    pub(crate) processes: usize,
    /// How long a message to the server takes, and its answer.
    pub(crate) delay: Range<Nanos>,
    /// After this long without an answer, a process goes on alone.
    pub(crate) patience: Nanos,
    /// The share that each process names.
    pub(crate) share: Option<f64>,
    pub(crate) faults: Vec<Fault>,
    /// One grant in so many is followed by the crash of a process, which starts again.
    pub(crate) crash_in: Option<u32>,
    /// Now and then a process is stopped for up to 20 s.
    pub(crate) stops: bool,
    /// Changes of the script, each a text and its replacement. They break the rule on purpose.
    pub(crate) broken: &'static [(&'static str, &'static str)],
    /// The script uses the clock of each process in place of the server's. These clocks run up to a tenth too fast.
    pub(crate) own_clocks: bool,
    pub(crate) duration: Nanos,
    pub(crate) seed: u64,
}

/// The result of a simulation.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) refusals: u64,
    /// When requests were granted, and to which process.
    pub(crate) granted: Vec<(Nanos, usize)>,
    /// How often the server was asked.
    pub(crate) asked: u64,
    /// When each process went on alone, and when it came back.
    pub(crate) alone: Vec<(Nanos, usize)>,
    pub(crate) back: Vec<(Nanos, usize)>,
}

impl Outcome {
    /// Requests a second in this time.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn rate(&self, within: &Range<Nanos>) -> f64 {
        let count = self.granted.iter().filter(|(at, _)| within.contains(at)).count();
        count as f64 / ((within.end - within.start) as f64 / 1e9)
    }

    /// The fewest requests that a process had in this time, as a part of the average.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn fairness(&self, processes: usize, within: &Range<Nanos>) -> f64 {
        let mut each = vec![0_u64; processes];
        self.granted.iter().filter(|(at, _)| within.contains(at)).for_each(|(_, who)| each[*who] += 1);
        let average = each.iter().sum::<u64>() as f64 / processes as f64;
        *each.iter().min().unwrap() as f64 / average
    }
}
