//! Hooks hear at once that the limit is no longer shared, or that it is shared again.

use std::sync::mpsc;
use std::time::Duration;

use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, LimitScope, Scope};

use super::worker::LATE;
use super::{PROGRAMS, world};
use crate::support::redis::Redis;

/// The longest wait for a hook. After this time, the test fails.
const ENDS: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_is_told_before_the_call_ends_and_without_another_call() {
    for program in PROGRAMS {
        let (world, mut redis) = (world(), Redis::start(program, &[]));
        let settings = world.settings().limit_scope(LimitScope::Fleet(redis.url().into())).share(0.5);
        let client = Client::new(&with_time_scale(settings, 20.0)).unwrap();
        let (tell, told) = mpsc::channel();
        client.on_scope(move |change| {
            let _ = tell.send((change.scope, change.fallback.clone()));
        });
        client.syncs().get(1).await.unwrap();
        let next = |told: &mpsc::Receiver<_>| tokio::task::block_in_place(|| told.recv_timeout(ENDS));
        if let Ok((scope, why)) = told.try_recv() {
            let is_late = why.is_some_and(|why| why.contains(LATE));
            assert!(
                scope == Scope::Process && is_late,
                "{program}: a change was told before the server ended"
            );
            assert_eq!(next(&told), Ok((Scope::Fleet, None)), "{program}");
        }
        redis.kill();
        client.syncs().get(1).await.unwrap();
        let (scope, why) = told.try_recv().unwrap();
        assert_eq!(scope, Scope::Process, "{program}");
        assert!(why.is_some_and(|why| why.contains("cannot be used")), "{program}");
        redis.restart();
        assert_eq!(next(&told), Ok((Scope::Fleet, None)), "{program}");
        world.delete();
    }
}

/// If the limit is not shared when a hook is added, the hook must be called at once.
#[test]
fn a_hook_that_comes_late_is_told_how_it_is() {
    let world = world();
    let settings = world.settings().limit_scope(LimitScope::Host).limit(50_000, Duration::from_secs(10));
    let client = Client::new(&settings).unwrap();
    let (tell, told) = mpsc::channel();
    client.on_scope(move |change| tell.send((change.scope, change.fallback.clone())).unwrap());
    let (scope, why) = told.try_recv().unwrap();
    assert_eq!(scope, Scope::Process);
    assert!(why.is_some_and(|why| why.contains("40000")));
    world.delete();
}
