//! Kept texts, on a real file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::RequestId;
use megarouter_domain::record::Operation;
use megarouter_store::bodies::{Bodies, Holding, Kept, Side};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// Half a kilobyte that does not compress.
fn noise(seed: u8) -> String {
    let mut state = u32::from(seed) + 1;
    let mut sign = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'!' + u8::try_from(state >> 25).unwrap() % 90)
    };
    (0..512).map(|_| sign()).collect()
}

fn kept(seed: u8) -> Kept {
    let text = noise(seed);
    Kept {
        request_id: RequestId::new(NOW, [seed; 10]),
        at: at(seed.into()),
        operation: Operation::Messages,
        status: 200,
        request: Side::of(text.as_bytes(), text.len() as u64),
        response: Side { redactions: 2, ..Side::of("{\"a\":\"ü\"}".as_bytes(), 4_000) },
    }
}

fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("bodies.db")
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn nothing_is_made_before_something_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::in_folder(dir.path());
    assert_eq!(bodies.get(kept(1).request_id, NOW).await.unwrap(), None);
    assert_eq!(bodies.trim(NOW, 0, NOW).await.unwrap(), 0);
    assert_eq!(bodies.holding(NOW).await.unwrap(), Holding::default());
    assert_eq!(names(dir.path()), [""; 0]);
}

#[tokio::test]
async fn what_was_kept_comes_back_until_it_is_purged() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::in_folder(dir.path());
    let sound = Kept { response: Side::of(&[0, 159, 146, 150], 4), ..kept(2) };
    assert_eq!(sound.response.text, None);
    bodies.put(&[kept(1), sound.clone()], NOW).await.unwrap();
    bodies.put(&[kept(1)], NOW).await.unwrap();
    bodies.close().await;
    let bodies = Bodies::in_folder(dir.path());
    assert_eq!(bodies.get(kept(1).request_id, NOW).await.unwrap(), Some(kept(1)));
    assert_eq!(bodies.get(sound.request_id, NOW).await.unwrap(), Some(sound));
    assert_eq!(bodies.get(kept(3).request_id, NOW).await.unwrap(), None);
    let holding = bodies.holding(NOW).await.unwrap();
    assert_eq!((holding.requests, holding.oldest), (2, Some(at(1))));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(file(&dir)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    bodies.purge().await.unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
    bodies.put(&[kept(1)], NOW).await.unwrap();
    assert_eq!(bodies.holding(NOW).await.unwrap().requests, 1);
}

#[tokio::test]
async fn what_is_old_goes_and_so_does_the_oldest_of_what_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::in_folder(dir.path());
    let all: Vec<Kept> = (1..=10).map(kept).collect();
    bodies.put(&all, NOW).await.unwrap();
    let each = bodies.holding(NOW).await.unwrap().bytes / 10;
    assert_eq!(bodies.trim(at(4), u64::MAX, NOW).await.unwrap(), 3);
    assert_eq!(bodies.trim(at(4), 5 * each, NOW).await.unwrap(), 2);
    let holding = bodies.holding(NOW).await.unwrap();
    assert!(holding.bytes <= 5 * each, "{holding:?}");
    assert_eq!((holding.requests, holding.oldest), (5, Some(at(6))));
    assert_eq!(bodies.get(kept(5).request_id, NOW).await.unwrap(), None);
    assert_eq!(bodies.get(kept(6).request_id, NOW).await.unwrap(), Some(kept(6)));
    assert_eq!(bodies.trim(at(4), 0, NOW).await.unwrap(), 5);
}

#[tokio::test]
async fn what_is_removed_is_gone_from_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::in_folder(dir.path());
    let all: Vec<Kept> = (1..=10).map(kept).collect();
    bodies.put(&all, NOW).await.unwrap();
    bodies.trim(at(100), 0, NOW).await.unwrap();
    bodies.close().await;
    let bytes = fs::read(file(&dir)).unwrap();
    let part = &noise(3).into_bytes()[100..140];
    assert!(!bytes.windows(part.len()).any(|window| window == part));
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_and_another_begun() {
    for damage in [b"no database at all".to_vec(), vec![7; 40_000]] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(file(&dir), &damage).unwrap();
        let bodies = Bodies::in_folder(dir.path());
        bodies.put(&[kept(1)], NOW).await.unwrap();
        assert_eq!(bodies.get(kept(1).request_id, NOW).await.unwrap(), Some(kept(1)));
        let aside = dir.path().join(format!("bodies.damaged-{}.db", NOW.as_micros()));
        assert_eq!(fs::read(aside).unwrap(), damage);
        bodies.purge().await.unwrap();
        assert_eq!(names(dir.path()), [""; 0], "what was put aside held texts, too");
    }
}

#[tokio::test]
async fn damage_that_shows_only_later_is_put_aside_then() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::in_folder(dir.path());
    let all: Vec<Kept> = (1..=40).map(kept).collect();
    bodies.put(&all, NOW).await.unwrap();
    bodies.close().await;
    let mut bytes = fs::read(file(&dir)).unwrap();
    // What is compressed begins with a mark; without it, it is nothing.
    let marks: Vec<usize> =
        (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd])).collect();
    bytes[marks[20]] = 0;
    fs::write(file(&dir), &bytes).unwrap();
    let bodies = Bodies::in_folder(dir.path());
    let mut refused = None;
    for body in &all {
        match bodies.get(body.request_id, NOW).await {
            Ok(found) => assert_eq!(found.as_ref(), refused.is_none().then_some(body)),
            Err(error) => refused = Some(error),
        }
    }
    assert!(refused.is_some_and(|error| error.is_damage()));
    bodies.put(&[kept(50)], NOW).await.unwrap();
    assert_eq!(bodies.holding(NOW).await.unwrap().requests, 1);
    assert_eq!(names(dir.path()).iter().filter(|name| name.contains("damaged")).count(), 1);
}
