//! Eight nodes on one budget, at the same time.

use megarouter_store::hub::HubError;

use crate::postgres::Postgres;
use crate::world::{ask, granted, hub_at, key, node};

const NODES: u8 = 8;
const LIMIT: u64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_grants_of_eight_nodes_never_exceed_the_limit() {
    let url = Postgres::shared().database();
    let mut running = Vec::new();
    for seed in 1..=NODES {
        let hub = hub_at(&url);
        running.push(tokio::spawn(async move {
            let node = node(&hub, seed).await;
            let mut granted = [0_u64; 2];
            let mut waits = 0;
            loop {
                // The two accounts in changing order: nodes must not wait for one another in a circle.
                let first = usize::from(granted[0] % 2 == u64::from(seed) % 2);
                let order = [first, 1 - first];
                let asks = order.map(|place| ask(&key(u8::try_from(place).unwrap()), LIMIT, granted[place] + 7));
                match hub.lease(node, &asks).await {
                    Ok(grants) => {
                        for (place, grant) in order.into_iter().zip(grants) {
                            assert!(grant.granted >= granted[place] + 7);
                            granted[place] = grant.granted;
                        }
                    }
                    Err(HubError::NotEnough(_)) => return granted,
                    // A lease that came too late may have been made: what counts is that it is not lost.
                    Err(error) => {
                        waits += 1;
                        assert!(waits < 100, "{error}");
                    }
                }
            }
        }));
    }
    let mut spent = [0; 2];
    for node in running {
        let granted = node.await.unwrap();
        spent[0] += granted[0];
        spent[1] += granted[1];
    }
    let hub = hub_at(&url);
    for (place, spent) in spent.into_iter().enumerate() {
        let (sum, by_node) = granted(&hub, &key(u8::try_from(place).unwrap())).await;
        assert_eq!(sum, by_node);
        assert!(spent <= sum && sum <= LIMIT, "spent {spent}, granted {sum}");
        assert!(sum + 8 * 7 > LIMIT, "{sum}: no node is refused before the budget is nearly used");
    }
}
