//! Windows that end, clocks that jump (25), and brakes that count for each part.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use megarouter_tests::budget::Budget;
use megarouter_tests::client;
use megarouter_tests::clock::WallClock;
use megarouter_tests::control::Control;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider, Script};
use megarouter_tests::program::Install;
use megarouter_tests::setup::Setup;
use megarouter_tests::world::{PRICE, PROVIDER, World};
use serde_json::json;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

async fn world_by(clock: &WallClock) -> World {
    let mock = MockProvider::start().await.unwrap();
    let setup = Setup::new().provider(PROVIDER, &mock.base_url()).model(DEFAULT_MODEL, &[PROVIDER], PRICE.0, PRICE.1);
    let install = Install::new().unwrap();
    install.apply(&setup).unwrap();
    let key = install.create_key("tests").unwrap();
    let environment = clock.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let program = install.start_as(&[], &variables).unwrap();
    let control = Control::of(&install.data_folder());
    World { mock, program, key, http: client::new(), control }
}

/// How many of `asked` requests are answered.
async fn answered(world: &World, asked: usize) -> usize {
    let mut answered = 0;
    for _ in 0..asked {
        match world.chat(DEFAULT_MODEL).await.unwrap().status().as_u16() {
            200 => answered += 1,
            429 => {}
            other => panic!("status {other}"),
        }
    }
    answered
}

#[tokio::test]
async fn a_new_hour_is_a_new_budget_and_a_clock_that_jumps_is_none() {
    let clock = WallClock::new().unwrap();
    let world = world_by(&clock).await;
    Budget::requests(3, &json!({"kind": "hour"})).set(&world.control).await.unwrap();
    let mut seen = Vec::new();
    // The jumps of the fault table, and where a budget of three an hour is due for the first time.
    for (ahead, expected) in [
        (0, 3),
        (-HOUR, 0),
        (0, 0),
        (HOUR, 3),
        (0, 0),
        (HOUR, 0),
        (DAY, 3),
        (-DAY, 0),
        (DAY - HOUR, 0),
        (DAY, 0),
        (DAY + HOUR, 3),
    ] {
        clock.set(ahead).unwrap();
        let answered = answered(&world, 5).await;
        seen.push((ahead, answered));
        // The real hour may end while the test runs; then one window more is due.
        assert!(answered == expected || crosses_the_hour(), "{seen:?}");
    }
    assert_eq!(world.mock.calls().len(), seen.iter().map(|(_, answered)| answered).sum::<usize>());
    let verdict = world.program.install().run(&["ledger", "verify"]).unwrap();
    assert!(verdict.contains("0 unexplained"), "{verdict}");
}

/// Whether the real clock is so near to an hour's end that the test may see another window.
fn crosses_the_hour() -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let within = now % 3_600;
    !(30..3_540).contains(&within)
}

#[tokio::test]
async fn a_jump_of_the_clock_neither_ends_nor_prolongs_a_stream() {
    let clock = WallClock::new().unwrap();
    let world = world_by(&clock).await;
    world.mock.script(DEFAULT_MODEL, Script { chunks: 40, gap_ms: 50, ..Script::default() });
    for ahead in [DAY, -DAY] {
        let start = Instant::now();
        let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
        let mut body = answer.bytes_stream();
        body.next().await.unwrap().unwrap();
        clock.set(ahead).unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        assert!(String::from_utf8_lossy(&bytes).ends_with("data: [DONE]\n\n"));
        assert!(start.elapsed() < Duration::from_secs(6));
    }
}

#[tokio::test]
async fn a_rolling_window_gives_back_what_has_aged_out_and_no_sooner() {
    let world = World::start().await.unwrap();
    Budget::requests(4, &json!({"kind": "rolling", "seconds": 3})).set(&world.control).await.unwrap();
    let start = Instant::now();
    assert_eq!(answered(&world, 8).await, 4);
    let mut times = Vec::new();
    while times.len() < 4 {
        if answered(&world, 1).await == 1 {
            times.push(start.elapsed());
        }
        assert!(start.elapsed() < Duration::from_secs(15), "{times:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(times[0] >= Duration::from_millis(2_000), "a second budget after {:?}", times[0]);
    assert!(times[0] <= Duration::from_secs(6), "nothing had aged out after {:?}", times[0]);
}

#[tokio::test]
async fn each_session_and_each_key_has_its_own_limit() {
    let world = World::start().await.unwrap();
    Budget::requests(2, &json!({"kind": "total"})).each("session").set(&world.control).await.unwrap();
    Budget::requests(5, &json!({"kind": "total"})).each("key").set(&world.control).await.unwrap();
    let other = world.program.install().create_key("other").unwrap();
    let url = world.program.url("/v1/chat/completions");
    let ask = async |key: &str, session: &str| {
        let mut request = world.http.post(&url).bearer_auth(key).json(&client::chat_body(DEFAULT_MODEL));
        if !session.is_empty() {
            request = request.header("x-megarouter-session", session);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let mine = world.key.clone();
    assert_eq!([ask(&mine, "a").await, ask(&mine, "a").await, ask(&mine, "a").await], [200, 200, 429]);
    assert_eq!([ask(&mine, "b").await, ask(&mine, "").await], [200, 200]);
    assert_eq!(ask(&mine, "b").await, 200, "what was refused was counted");
    assert_eq!(ask(&mine, "").await, 429, "the key's own limit");
    assert_eq!([ask(&other, "c").await, ask(&other, "").await], [200, 200]);
    assert_eq!(world.mock.calls().len(), 7);
}

#[tokio::test]
async fn requests_under_way_are_limited_and_freed_however_they_end() {
    let script = Script { first_byte_ms: 400, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let limit = Budget::requests(2, &json!({"kind": "total"})).with("measure", json!("concurrent"));
    limit.set(&world.control).await.unwrap();
    for round in 0..3 {
        let asked = futures_util::future::join_all((0..6).map(|_| world.chat(DEFAULT_MODEL))).await;
        let answered = asked.iter().filter(|answer| answer.as_ref().unwrap().status() == 200).count();
        assert_eq!(answered, 2, "round {round}");
        // A client that leaves frees its place too.
        let _left = tokio::time::timeout(Duration::from_millis(50), world.chat(DEFAULT_MODEL)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
