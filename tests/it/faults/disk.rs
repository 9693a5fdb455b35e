//! Disks that are full or fail (18, 19).

use std::time::Duration;

use megarouter_tests::client;
use megarouter_tests::control::Control;
use megarouter_tests::faults::{FailingSync, SmallDisk, verify_settled};
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider, Script};
use megarouter_tests::program::Install;
use megarouter_tests::setup::Setup;
use megarouter_tests::sse::Stream;
use megarouter_tests::world::{PRICE, PROVIDER, World, request_id};

use crate::{check_refused_before_dialing, until_status};

const SLOW: &str = "slow";
const DISK_BYTES: u64 = 24 * 1024 * 1024;
/// The promise: so soon after there is room again, requests are served again.
const HEAL_LIMIT: Duration = Duration::from_secs(5);

fn slow() -> Script {
    Script { chunks: 60, gap_ms: 50, ..Script::default() }
}

/// A world whose program has a small disk.
async fn on_small_disk() -> (World, SmallDisk) {
    let mock = MockProvider::start().await.unwrap();
    mock.script(SLOW, slow());
    let setup = [DEFAULT_MODEL, SLOW].iter().fold(Setup::new().provider(PROVIDER, &mock.base_url()), |setup, model| {
        setup.model(model, &[PROVIDER], PRICE.0, PRICE.1)
    });
    let install = Install::new().unwrap();
    install.apply(&setup).unwrap();
    let key = install.create_key("tests").unwrap();
    let (program, disk) = SmallDisk::start(&install, DISK_BYTES).unwrap();
    let control = Control::of(&disk.install.data_folder());
    (World { mock, program, key, http: client::new(), control }, disk)
}

/// Opens a stream, breaks the disk while it runs, and mends it before it ends.
async fn break_and_mend(world: &World, is_broken: impl FnOnce(), mend: impl FnOnce()) {
    assert_eq!(world.chat(DEFAULT_MODEL).await.unwrap().status(), 200);
    let open = world.stream(SLOW, true).await.unwrap();
    let id = request_id(open.headers()).to_owned();
    is_broken();
    until_status(world, 503).await;
    check_refused_before_dialing(world).await;
    assert!(Stream::read(open).await.is_done, "an open stream was cut since the disk is broken");
    mend();
    let healed = until_status(world, 200).await;
    assert!(healed <= HEAL_LIMIT, "healed after {healed:?}");
    let record = world.control.request(&id).await.unwrap();
    assert_eq!((record["outcome"].as_str(), record["usage_source"].as_str()), (Some("completed"), Some("reported")));
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_dialed_and_nothing_lost_and_it_heals_by_itself() {
    let (world, disk) = on_small_disk().await;
    break_and_mend(&world, || disk.fill().unwrap(), || disk.free().unwrap()).await;
    verify_settled(&disk.install).await.unwrap();
}

#[tokio::test]
async fn when_a_sync_fails_nothing_is_called_durable_that_may_not_be_and_it_heals_by_itself() {
    let world = World::with([(DEFAULT_MODEL, Script::default()), (SLOW, slow())]).await.unwrap();
    let failing = std::cell::RefCell::new(None);
    let fail = || *failing.borrow_mut() = Some(FailingSync::of(&world.program).unwrap());
    break_and_mend(&world, fail, || drop(failing.take())).await;
    verify_settled(world.program.install()).await.unwrap();
}
