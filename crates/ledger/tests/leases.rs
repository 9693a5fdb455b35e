//! The rules by which nodes share a budget.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_ledger::account::AccountKey;
use megarouter_ledger::lease::{Ask, LeaseBook, NotEnough, wish};
use proptest::prelude::*;

fn key(number: u8) -> AccountKey {
    let budget = BudgetId::new(Timestamp::default(), [number; 10]);
    AccountKey { budget, subject: None, window: Timestamp::default() }
}

fn ask(number: u8, limit: u64, need: u64) -> Ask {
    Ask { key: key(number), limit, carries_from: None, need }
}

#[test]
fn a_grant_covers_the_need_and_a_little_more() {
    // A quarter of an even share, at most a twentieth of the limit, at least the need.
    assert_eq!(wish(1_000, 0, 8, 1), 31);
    assert_eq!(wish(1_000, 0, 1, 1), 50);
    assert_eq!(wish(1_000, 0, 1, 400), 400);
    assert_eq!(wish(1_000, 900, 2, 1), 12);
    assert_eq!(wish(1_000, 990, 2, 20), 10);
    assert_eq!(wish(1_000, 1_200, 2, 20), 0);
    assert_eq!(wish(1_000, 0, 0, 1), 50);
}

#[test]
fn several_accounts_are_leased_all_or_none() {
    let mut book = LeaseBook::default();
    let grants = book.lease(1, 2, &[ask(1, 1_000, 100), ask(2, 500, 10)]).unwrap();
    assert_eq!((grants[0].granted, grants[0].left), (100, 900));
    assert_eq!((grants[1].granted, grants[1].left), (25, 475));
    // A need that is met takes nothing more.
    assert_eq!(book.lease(1, 2, &[ask(1, 1_000, 100)]).unwrap()[0].granted, 100);
    let refused = book.lease(2, 2, &[ask(1, 1_000, 50), ask(2, 500, 476)]);
    assert_eq!(refused, Err(NotEnough { key: key(2), left: 475 }));
    assert_eq!((book.granted(2, &key(1)), book.granted(2, &key(2))), (0, 0));
    assert!(book.lease(2, 2, &[ask(1, 1_000, 50), ask(2, 500, 475)]).is_ok());
    assert_eq!(book.lease(1, 2, &[ask(2, 500, 26)]), Err(NotEnough { key: key(2), left: 0 }));
}

#[test]
fn a_need_counts_what_was_granted_before() {
    let mut book = LeaseBook::default();
    book.lease(1, 4, &[ask(1, 1_000, 100)]).unwrap();
    let grant = &book.lease(1, 4, &[ask(1, 1_000, 700)]).unwrap()[0];
    assert_eq!((grant.granted, grant.left), (700, 300));
}

#[test]
fn what_is_given_back_is_there_for_others() {
    let mut book = LeaseBook::default();
    book.lease(1, 2, &[ask(1, 100, 100)]).unwrap();
    book.give_back(1, &key(1), 40);
    book.give_back(1, &key(1), 90);
    book.give_back(2, &key(1), 0);
    assert_eq!(book.granted(1, &key(1)), 40);
    assert_eq!(book.lease(2, 2, &[ask(1, 100, 60)]).unwrap()[0].left, 0);
}

#[test]
fn the_truth_is_noted_even_beyond_the_limit() {
    let mut book = LeaseBook::default();
    book.lease(1, 1, &[ask(1, 100, 100)]).unwrap();
    book.report(1, &key(1), 100, 130);
    book.report(1, &key(1), 100, 120);
    assert_eq!(book.granted(1, &key(1)), 130);
    assert_eq!(book.sums().collect::<Vec<_>>(), [(&key(1), 100, 130)]);
    assert_eq!(book.lease(2, 1, &[ask(1, 100, 1)]), Err(NotEnough { key: key(1), left: 0 }));
    // A release takes back to what is known, and raises nothing.
    book.release(1, |_| 70);
    assert_eq!(book.granted(1, &key(1)), 70);
    book.release(1, |_| 99);
    assert_eq!(book.granted(1, &key(1)), 70);
}

#[test]
fn the_rest_of_the_window_before_is_added() {
    let mut book = LeaseBook::default();
    book.lease(1, 1, &[ask(1, 100, 30)]).unwrap();
    let carried = |need| Ask { carries_from: Some(key(1)), ..ask(2, 100, need) };
    assert_eq!(book.lease(1, 1, &[carried(171)]), Err(NotEnough { key: key(2), left: 170 }));
    assert!(book.lease(1, 1, &[carried(170)]).is_ok());
    let unused = Ask { carries_from: Some(key(9)), ..ask(3, 100, 200) };
    assert!(book.lease(1, 1, &[unused]).is_ok());
}

proptest! {
    #[test]
    fn grants_never_exceed_the_limit(
        steps in prop::collection::vec((0..8_u8, 0..3_u8, 1..400_u64, any::<bool>()), 1..200), limit in 1..10_000_u64,
    ) {
        let mut book = LeaseBook::default();
        for (node, account, more, gives_back) in steps {
            let own = book.granted(node, &key(account));
            let granted: u64 = (0..8).map(|node| book.granted(node, &key(account))).sum();
            if gives_back {
                book.give_back(node, &key(account), own.saturating_sub(more));
                continue;
            }
            match book.lease(node, 8, &[ask(account, limit, own + more)]) {
                Ok(grants) => {
                    prop_assert!(grants[0].granted >= own + more);
                    prop_assert_eq!(book.granted(node, &key(account)), grants[0].granted);
                }
                // Nobody is refused what is there.
                Err(short) => prop_assert!(short.left == limit - granted && more > short.left),
            }
            for (_, limit, granted) in book.sums() {
                prop_assert!(granted <= limit);
            }
        }
    }
}
