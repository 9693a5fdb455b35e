//! Faults of the machine below the ledger: kills, stops, full and failing disks, locks, damaged files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod disk;
mod ends;
mod locks;

use std::time::{Duration, Instant};

use megarouter_tests::mock_provider::DEFAULT_MODEL;
use megarouter_tests::world::World;

/// After how long without progress a test gives up.
const LIMIT: Duration = Duration::from_secs(15);

/// Asks again and again until an answer has this status, and says how long that took.
async fn until_status(world: &World, status: u16) -> Duration {
    let start = Instant::now();
    loop {
        let answer = world.chat(DEFAULT_MODEL).await.unwrap();
        let found = answer.status().as_u16();
        if found == status {
            return start.elapsed();
        }
        let text = answer.text().await.unwrap();
        assert!(start.elapsed() < LIMIT, "still {found} after {LIMIT:?}: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks while the ledger cannot be written: every answer is a refusal, and no provider is called.
async fn check_refused_before_dialing(world: &World) {
    let before = world.mock.calls().len();
    for _ in 0..5 {
        let answer = world.chat(DEFAULT_MODEL).await.unwrap();
        assert_eq!(answer.status(), 503);
        let text = answer.text().await.unwrap();
        assert!(text.contains("ledger") && text.contains("unavailable"), "{text}");
    }
    assert_eq!(world.mock.calls().len(), before, "a provider was called without a ledger to write to");
}
