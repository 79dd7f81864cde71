//! The effect of refusals on the limit, step by step.

use super::*;

const SECOND: Nanos = 1_000_000_000;

fn backoff() -> Backoff {
    Backoff::new(&Quota::default())
}

fn refuse(backoff: &mut Backoff, now: Nanos, epoch: u64, retry_after: Option<u64>) -> Refusal {
    backoff.refused(now, epoch, retry_after.map(Duration::from_secs), 0, 200, &Quota::default())
}

#[test]
fn many_refusals_of_one_epoch_cut_once() {
    let mut backoff = backoff();
    let cut = Cut { allowed: 140, closed_for: Duration::from_secs(1) };
    assert_eq!(refuse(&mut backoff, SECOND, 0, None).cut, Some(cut));
    for _ in 0..100 {
        assert_eq!(refuse(&mut backoff, SECOND, 0, None).cut, None);
    }
    assert_eq!((backoff.allowed(), backoff.epoch), (140, 1));
    let _ = refuse(&mut backoff, 2 * SECOND, 1, None);
    assert_eq!((backoff.allowed(), backoff.epoch), (98, 2));
}

#[test]
fn cuts_stop_at_one_request_in_a_window_and_never_close_the_gate_for_good() {
    for requests in [1, 2, 1_000_000] {
        let quota = Quota { requests, ..Quota::default() };
        let mut backoff = Backoff::new(&quota);
        for epoch in 0..50 {
            let _ = backoff.refused(SECOND, epoch, None, 0, 1, &quota);
        }
        assert_eq!(backoff.allowed(), 1);
    }
}

#[test]
fn each_further_cut_doubles_the_pause_up_to_the_window() {
    let mut backoff = backoff();
    let mut pauses = Vec::new();
    for epoch in 0..6 {
        let now = backoff.closed_until();
        let _ = refuse(&mut backoff, now, epoch, None);
        pauses.push((backoff.closed_until() - now) / 1_000_000);
    }
    assert_eq!(pauses, [1000, 2000, 4000, 8000, 10_050, 10_050]);
}

/// A server may count over 10 s although the client's window is 1 s. Pauses of at most 1 s would let the client send a
/// request every second for as long as the server refuses.
#[test]
fn pauses_grow_past_a_window_that_is_shorter_than_ten_seconds_and_never_past_a_minute() {
    for (window, longest) in [(1, 10 * SECOND), (86_400, 60 * SECOND)] {
        let quota = Quota { window: Duration::from_secs(window), ..Quota::default() };
        let mut backoff = Backoff::new(&quota);
        for epoch in 0..9 {
            let _ = backoff.refused(0, epoch, None, 0, 1, &quota);
        }
        assert_eq!(backoff.closed_until(), longest);
    }
}

#[test]
fn the_first_pause_lies_between_one_and_two_seconds() {
    for jitter in [0, 1, u32::MAX / 2, u32::MAX] {
        let mut backoff = backoff();
        let _ = backoff.refused(0, 0, None, jitter, 200, &Quota::default());
        let until = backoff.closed_until();
        assert!((SECOND..2 * SECOND).contains(&until), "{jitter}: {until}");
    }
}

#[test]
fn after_a_pause_one_goes_ahead_and_each_success_lets_two_more() {
    let mut backoff = backoff();
    assert_eq!(backoff.opens(0), 0, "nothing was refused");
    let _ = refuse(&mut backoff, 0, 0, None);
    assert_eq!(backoff.opens(0), SECOND);
    for under_way in [1, 2, 4, 8] {
        for _ in 0..under_way {
            assert_eq!(backoff.opens(SECOND), SECOND);
            backoff.leaves();
        }
        assert_eq!(backoff.opens(SECOND), 2 * SECOND, "{under_way} are under way");
        for _ in 0..under_way {
            backoff.succeeded(SECOND, 1);
        }
    }
}

#[test]
fn a_trial_that_is_not_answered_holds_the_others_up_for_seconds_only() {
    let mut backoff = backoff();
    let _ = refuse(&mut backoff, 0, 0, None);
    let mut opened = Vec::new();
    for _ in 0..8 {
        let now = backoff.opens(SECOND);
        opened.push(now / SECOND);
        backoff.leaves();
    }
    assert_eq!(opened, [1, 2, 3, 3, 4, 4, 4, 4]);
}

#[test]
fn a_trial_that_was_given_up_or_never_sent_makes_room_for_the_next() {
    let mut backoff = backoff();
    let _ = refuse(&mut backoff, 0, 0, None);
    let epoch = backoff.leaves();
    assert_eq!(backoff.opens(SECOND), 2 * SECOND);
    backoff.ends(epoch);
    assert_eq!(backoff.opens(SECOND), SECOND);
}

#[test]
fn a_burst_of_which_half_is_refused_tells_how_much_the_server_lets_through() {
    for refusals_first in [true, false] {
        let mut backoff = backoff();
        let _ = refuse(&mut backoff, 0, 0, None);
        if !refusals_first {
            backoff.succeeded(0, 0);
        }
        (0..99).for_each(|_| assert_eq!(refuse(&mut backoff, 0, 0, None).cut, None));
        backoff.succeeded(0, 0);
        assert_eq!(backoff.allowed(), 70, "seven tenths of a hundred");
    }
}

#[test]
fn a_server_that_refuses_everything_is_hopeless_after_three_minutes() {
    let mut backoff = backoff();
    let mut now = 0;
    for epoch in 0.. {
        let Refusal { next, .. } = refuse(&mut backoff, now, epoch, None);
        if let RefusedBy429::Hopeless(refusing) = next {
            assert_eq!(refusing, Duration::from_nanos(now));
            break;
        }
        assert!(now < 180 * SECOND, "{next:?}");
        now = backoff.closed_until();
    }
    assert!((180 * SECOND..191 * SECOND).contains(&now), "{now}");
    backoff.succeeded(now, 0);
    let epoch = backoff.epoch;
    let next = refuse(&mut backoff, now, epoch, None).next;
    assert!(matches!(next, RefusedBy429::Closed(_)), "one success is enough: {next:?}");
}

#[test]
fn two_refusals_with_nothing_sent_for_an_hour_between_them_are_not_hopeless() {
    let mut backoff = backoff();
    let _ = refuse(&mut backoff, 0, 0, None);
    let next = refuse(&mut backoff, 3600 * SECOND, 1, None).next;
    assert!(matches!(next, RefusedBy429::Closed(_)), "{next:?}");
}

#[test]
fn a_retry_after_of_up_to_a_minute_is_waited_for() {
    let mut backoff = backoff();
    let closed = RefusedBy429::Closed(LONGEST_RETRY_AFTER);
    assert_eq!(refuse(&mut backoff, 0, 0, Some(60)).next, closed, "in place of the pause of our own");
    assert_eq!(refuse(&mut backoff, 0, 0, Some(5)).next, closed);
}

#[test]
fn a_longer_retry_after_is_told_at_once_and_closes_no_longer_than_none() {
    let mut backoff = backoff();
    let told = refuse(&mut backoff, 0, 0, Some(61)).next;
    assert_eq!(told, RefusedBy429::TooLong(Duration::from_secs(61)));
    assert_eq!(backoff.closed_until(), SECOND);
}

#[test]
fn a_retry_after_of_nothing_does_not_replace_the_pause() {
    let mut backoff = backoff();
    assert_eq!(refuse(&mut backoff, 0, 0, Some(0)).next, RefusedBy429::Closed(Duration::from_secs(1)));
}
