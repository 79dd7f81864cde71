//! Tests that a gate calls its listeners at once when the process begins to keep the limit alone, and when the process
//! shares the limit again.

use std::sync::{Arc, Mutex};

use limit_proofs::limit::pool::{Answer, Question};
use limit_proofs::limit::{Courier, Errand, Errands, Gate, Quota, ScopeChange, ScopeListener};

/// A courier normally carries the gate's questions to a server. This courier does nothing: the test itself answers.
#[derive(Debug)]
struct Played;

impl Courier for Played {
    fn wake(&self) -> Result<(), String> {
        Ok(())
    }
}

fn fleet() -> (Arc<Gate>, Errands) {
    let mut errands = None;
    let gate = Gate::fleet(Quota::default(), |given| {
        errands = Some(given);
        Box::new(Played)
    });
    (gate, errands.unwrap())
}

/// Returns the question that the gate wants to ask the server. Reading the statistics makes the gate ask.
fn question(gate: &Gate, errands: &Errands) -> Question {
    let _ = gate.stats();
    match errands.next() {
        Errand::Ask(question) => question,
        other => panic!("{other:?}"),
    }
}

type Heard = Arc<Mutex<Vec<ScopeChange>>>;

fn listener() -> (Arc<ScopeListener>, Heard) {
    let heard = Heard::default();
    let to = Arc::clone(&heard);
    (Arc::new(move |change: &ScopeChange| to.lock().unwrap().push(change.clone())), heard)
}

#[tokio::test(start_paused = true)]
async fn listeners_are_told_by_whoever_notices_and_not_by_the_next_request() {
    let (gate, errands) = fleet();
    let (told, heard) = listener();
    // One listener uses the gate, one panics, and one is dropped. All other listeners must still hear of the change.
    let to = Arc::downgrade(&gate);
    let uses: Arc<ScopeListener> = Arc::new(move |_| {
        let _ = to.upgrade().unwrap().stats();
    });
    let panics: Arc<ScopeListener> = Arc::new(|_| panic!("a defect of a user"));
    let (gone, never) = listener();
    for listener in [&uses, &panics, &gone, &told, &told] {
        gate.on_change_of_scope(listener);
    }
    drop(gone);
    errands.unanswered(question(&gate, &errands), "it sleeps");
    let alone = vec![ScopeChange::Alone("the server that keeps the limit cannot be used: it sleeps".into())];
    assert_eq!(*heard.lock().unwrap(), alone);

    let (later, heard_later) = listener();
    gate.on_change_of_scope(&later);
    assert_eq!(*heard_later.lock().unwrap(), alone, "who comes later is told how it is");

    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    let question = question(&gate, &errands);
    errands.answered(&question, Answer { declared: 200, allowed: 200, members: 1, ..Answer::default() });
    assert_eq!(heard.lock().unwrap().last(), Some(&ScopeChange::Shared));
    assert_eq!((heard.lock().unwrap().len(), heard_later.lock().unwrap().len()), (2, 2));
    assert!(never.lock().unwrap().is_empty());
    assert_eq!(gate.changes_of_scope().len(), 2, "calls are told too");
}

#[tokio::test(start_paused = true)]
async fn listeners_of_a_gate_that_was_absorbed_listen_to_the_other() {
    let ((gate, errands), (other, _others)) = (fleet(), fleet());
    let (told, heard) = listener();
    other.on_change_of_scope(&told);
    gate.absorb(&other);
    errands.unanswered(question(&gate, &errands), "it sleeps");
    assert_eq!(heard.lock().unwrap().len(), 1);
}
